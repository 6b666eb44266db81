"""One customer: from a row of positions and what the model said to a decision."""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from riskscore.decisions import Decision, GradeBefore, Provenance
from riskscore.errors import RiskscoreError
from riskscore.grades import Grades
from riskscore.model import Model
from riskscore.policy import Case, Params
from riskscore.scoring.answers import Answers
from riskscore.scoring.concluding import Standing, conclude
from riskscore.scoring.conduct import UNSEEN, Conduct
from riskscore.scoring.lawful import lawful_terms
from riskscore.scoring.receivables import Receivables

ZERO = Decimal(0)


def decide_one(
    row: Mapping[str, Any],
    answers: Answers,
    model: Model | None,
    grades: Grades,
    params: Params,
    receivables: Receivables,
    provenance: Provenance,
    conduct: Conduct,
    before: GradeBefore | None = None,
) -> Decision:
    """The decision about one row of positions; conduct: what its features show; before: what the run before graded it.

    What breaks on it alone makes it not scored; a refusal of ours is passed on.
    """
    customer, currency = row["customer_id"], row["currency"]
    if customer in answers.broken and not row["in_default"]:
        return not_scored(customer, "non_finite_feature", provenance, currency)
    chain = answers.chains.get(customer)
    try:
        standing = Standing(**{name: row[name] for name in Standing.__dataclass_fields__})
        case = case_of(row, grades, params, receivables, conduct)
        unfamiliar = answers.unfamiliar.get(customer, ())
        return conclude(standing, case, chain, unfamiliar, model, grades, params, provenance, before)
    except RiskscoreError:
        raise
    except Exception:  # noqa: BLE001  one damaged record must not stop the book; the caller counts these
        return not_scored(customer, "internal_error", provenance, currency)


def case_of(row: Mapping[str, Any], grades: Grades, params: Params, receivables: Receivables, conduct: Conduct = UNSEEN) -> Case:
    """What the policy looks at, from a row of positions and what the features show; the probabilities are not in it yet."""
    customer = row["customer_id"]
    manual = params.manual_caps.get(customer)
    late, terms, insured = row["days_late_p80"], row["typical_terms_days"], row["insured_share"]
    exposure = row["exposure"] or ZERO
    return Case(
        customer_id=customer,
        currency=row["currency"],
        pd=None,
        pd_high=None,
        grade=None,
        grade_high=None,
        horizon_days=grades.horizon_days,
        in_default=row["in_default"],
        tenure_days=row["tenure_days"],
        n_paid_invoices=row["n_paid_invoices"],
        monthly_purchases=max(row["monthly_purchases"] or ZERO, ZERO),
        peak_monthly_purchases=row["peak_monthly_purchases"],
        days_late_p80=_whole_days(late),
        typical_terms_days=_whole_days(terms),
        tangible_net_worth=row["tangible_net_worth"],
        insured_amount=row["insured_amount"] or ZERO,
        insured_share=ZERO if insured is None else min(max(Decimal(repr(insured)), ZERO), Decimal(1)),
        insurer_days=row["insurer_days"],
        insurer=row["insurer"],
        guarantee_amount=row["guarantee_amount"] or ZERO,
        collateral_amount=row["collateral_amount"] or ZERO,
        deposit_amount=row["deposit_amount"] or ZERO,
        receivables_others=receivables.of_others(customer),
        family_exposure=receivables.of_family(customer, exposure),
        annual_sales=receivables.annual_sales,
        manual_cap=None if manual is None else manual.value,
        signs=conduct.signs,
        **lawful_terms(row["legal_form"], row["country"], conduct.annual_revenue, params, row["as_of"]),
    )


def not_scored(customer_id: str, reason: str, provenance: Provenance, currency: str) -> Decision:
    """The record that a customer has no answer, and why."""
    return Decision(
        customer_id=customer_id, status="not_scored", currency=currency, provenance=provenance, not_scored_reason=reason
    )


def _whole_days(days: float | None) -> int | None:
    # Engines interpolate a percentile to within a last digit of each other: 9.000000000000002 days are 9, not 10.
    return None if days is None else math.ceil(round(days, 6))
