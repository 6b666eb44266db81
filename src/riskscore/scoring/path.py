"""The one path from a snapshot to decisions, for a whole book, a page and a single customer alike."""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType
from typing import Any, TypeVar

import pyarrow as pa

from riskscore import features, positions
from riskscore.decisions import Decision, GradeBefore, Provenance
from riskscore.errors import RiskscoreError, UsageRefused
from riskscore.grades import Grades
from riskscore.model import Model
from riskscore.policy import Params
from riskscore.scoring.answers import Answers
from riskscore.scoring.conduct import conduct_of
from riskscore.scoring.customer import decide_one
from riskscore.scoring.receivables import Receivables
from riskscore.snapshot import Snapshot

Part = TypeVar("Part")

Watch = Callable[[str, int], AbstractContextManager[object]]
"""Called with a stage's name and its number of customers around each stage, so that a caller may time it."""


def unwatched(_stage: str, _n_customers: int) -> AbstractContextManager[object]:
    """Nobody looks at the clock."""
    return nullcontext()


def decide(
    snapshot: Snapshot,
    model: Model | None,
    grades: Grades,
    params: Params,
    *,
    receivables: Receivables,
    provenance: Provenance,
    watch: Watch = unwatched,
) -> list[Decision]:
    """A decision for every observation of the snapshot, sorted by customer id.

    model: null where there is none to ask; then everybody with a history is referred. receivables: of the whole book, also where
    the snapshot holds one customer. Raises ValueError where the snapshot is not at the date of the provenance, UsageRefused where
    the policy's amounts are in another currency than the book reports in or the grades are for another horizon than the model.
    """
    n = snapshot.observations.num_rows
    with watch("features", n):
        frame = features.compute(snapshot)
    with watch("positions", n):
        standing = positions.compute(snapshot)
    return decide_rows(frame, standing, model, grades, params, receivables=receivables, provenance=provenance, watch=watch)


def decide_rows(
    frame: pa.Table,
    standing: pa.Table,
    model: Model | None,
    grades: Grades,
    params: Params,
    *,
    receivables: Receivables,
    provenance: Provenance,
    before: Mapping[str, GradeBefore] = MappingProxyType({}),
    watch: Watch = unwatched,
) -> list[Decision]:
    """As `decide`, from features and positions already computed: one row a customer, in any order, columns found by name.

    before: customer to its grades in the run that the provenance names as the one before; those not in it had none.
    """
    rows = sorted(standing.to_pylist(), key=lambda row: row["customer_id"])
    _check(rows, model, grades, params, provenance)
    with watch("model", len(rows)):
        newcomers = frozenset(row["customer_id"] for row in rows if not row["n_paid_invoices"])
        answers = Answers.of(frame, model, [row["customer_id"] for row in rows], newcomers)
    with watch("policy", len(rows)):
        conduct = conduct_of(frame, [row["customer_id"] for row in rows])
        return [
            decide_one(
                row, answers, model, grades, params, receivables, provenance, conduct[who := row["customer_id"]], before.get(who)
            )
            for row in rows
        ]


def isolating(customers: Sequence[str], work: Callable[[Sequence[str]], Part]) -> tuple[list[Part], list[str]]:
    """The parts of some work on these customers, and those customers whose data break it: one must not stop the others.

    A failing group is halved until the customer that fails stands alone. A refusal of ours (`RiskscoreError`) is about all of
    them and is passed on.
    """
    try:
        return [work(customers)], []
    except RiskscoreError:
        raise
    except Exception:  # noqa: BLE001  whatever it is, it is about one customer once it stands alone
        if len(customers) == 1:
            return [], list(customers)
    middle = len(customers) // 2
    parts, broken = isolating(customers[:middle], work)
    more, also_broken = isolating(customers[middle:], work)
    return parts + more, broken + also_broken


def too_many_not_scored(n_not_scored: int, n_customers: int, params: Params) -> bool:
    """Is this a fault of the run rather than of a record? One customer may always fail (Policy, run.not_scored_share)."""
    return n_not_scored > max(1, math.floor(n_customers * params.run_not_scored_share))


def _check(
    rows: Sequence[Mapping[str, Any]], model: Model | None, grades: Grades, params: Params, provenance: Provenance
) -> None:
    if strangers := {row["as_of"] for row in rows} - {provenance.as_of}:
        raise ValueError(f"the snapshot is at {sorted(strangers)}, the provenance at {provenance.as_of}")
    currencies = {row["currency"] for row in rows}
    if rows and not params.currencies <= currencies:
        raise UsageRefused(
            f"policy: its amounts are in {', '.join(sorted(params.currencies))}, the book reports in {min(currencies)}. "
            "Write the amounts in the book's currency or as a share of annual sales; nothing was decided."
        )
    if model is not None and model.horizon_days != grades.horizon_days:
        raise UsageRefused(
            f"grades: read at {grades.horizon_days} days, but the model predicts {model.horizon_days}. "
            "Use the grades that belong to the recipe; nothing was decided."
        )
