"""A recorded decision made again from its own record: why this limit on that day, to the last byte."""

from dataclasses import replace

import pyarrow as pa

from riskscore.decisions import Decision
from riskscore.features import CATALOGUE
from riskscore.grades import Grades
from riskscore.model import Model
from riskscore.policy import Params
from riskscore.scoring.answers import Answers
from riskscore.scoring.concluding import Standing, conclude


def replay(decision: Decision, model: Model | None, grades: Grades, params: Params) -> Decision:
    """The decision that the recorded features and facts lead to with this model, these grades and this policy.

    With those it was made with it is the recorded one, byte for byte. A decision that was not scored has nothing to replay and is
    returned as it is. Raises ValueError where model, grades or policy are not those of its provenance.
    """
    made = decision.provenance
    given = {"model": None if model is None else model.digest, "grades": grades.digest, "policy": params.digest}
    for name, digest in given.items():
        if digest != getattr(made, name):
            raise ValueError(f"decision {decision.decision_id} was made with {name} {getattr(made, name)}, not {digest}")
    if decision.case is None:
        return decision
    answers = Answers({}, {}, frozenset())
    if decision.chain is not None:
        who = decision.customer_id
        answers = Answers.of(_frame(decision), model, [who], frozenset() if decision.case.n_paid_invoices else frozenset([who]))
    again = conclude(
        Standing(**{name: getattr(decision, name) for name in Standing.__dataclass_fields__}),
        decision.case,
        answers.chains.get(decision.customer_id),
        answers.unfamiliar.get(decision.customer_id, ()),
        model,
        grades,
        params,
        made,
        decision.before,
    )
    return replace(again, asked=decision.asked)


def _frame(decision: Decision) -> pa.Table:
    values = decision.chain.features if decision.chain is not None else {}
    columns = {
        name: pa.array([value], pa.string() if CATALOGUE[name].kind == "category" else pa.float64())
        for name, value in values.items()
    }
    return pa.table({"customer_id": pa.array([decision.customer_id], pa.string()), **columns})
