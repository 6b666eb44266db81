"""One customer: from what stands and what the model says to a decision."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from riskscore import reasons
from riskscore.decisions import Chain, Decision, Provenance, Referral
from riskscore.errors import RiskscoreError
from riskscore.features import CATALOGUE
from riskscore.grades import IN_DEFAULT, Grades, score_of
from riskscore.model import Model
from riskscore.policy import Case, Params, Recommendation, recommend
from riskscore.scoring.answers import Answers
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
) -> Decision:
    """The decision about one row of positions. What breaks on it alone makes it not scored; a refusal of ours is passed on."""
    customer, currency = row["customer_id"], row["currency"]
    try:
        if customer in answers.broken and not row["in_default"]:
            return not_scored(customer, "non_finite_feature", provenance, currency)
        chain = answers.chains.get(customer) if row["n_paid_invoices"] else None
        if chain is not None and not 0.0 <= chain.pd_low <= chain.pd <= chain.pd_high <= 1.0:  # NaN fails as well
            chain = None
        verdict = _verdict(row, chain, grades)
        case = _case(row, verdict, grades, params, receivables)
        recommendation = recommend(case, params)
        referred = _referral_reasons(row, chain, model, verdict, params, recommendation)
        return Decision(
            customer_id=customer,
            status="referred" if referred else "scored",
            currency=currency,
            provenance=provenance,
            data_depth=row["data_depth"],
            exposure=row["exposure"],
            overdue=row["overdue"],
            limit_now=row["limit_now"],
            terms_now=row["terms_now"],
            case=case,
            chain=chain,
            pd=verdict.pd,
            pd_low=verdict.low,
            pd_high=verdict.high,
            score=None if verdict.pd is None else score_of(verdict.pd),
            grade=None if verdict.withheld else verdict.grade,
            reasons=_reasons(chain, model, params),
            recommendation=recommendation,
            referral=Referral(referred) if referred else None,
            unfamiliar=answers.unfamiliar.get(customer, ()) if chain is not None else (),
        )
    except RiskscoreError:
        raise
    except Exception:  # noqa: BLE001  one damaged record must not stop the book; the caller counts these
        return not_scored(customer, "internal_error", provenance, currency)


@dataclass(frozen=True)
class _Verdict:
    """The probability that holds, observed default before prediction, and its grades; null where nobody knows."""

    pd: float | None = None
    low: float | None = None
    high: float | None = None
    grade: int | None = None
    grade_high: int | None = None
    withheld: bool = False


def _verdict(row: Mapping[str, Any], chain: Chain | None, grades: Grades) -> _Verdict:
    if row["in_default"]:
        return _Verdict(1.0, 1.0, 1.0, IN_DEFAULT, IN_DEFAULT)
    if chain is None:
        return _Verdict()
    withheld = grades.is_withheld(chain.pd_low, chain.pd_high)
    high = grades.grade(chain.pd_high)
    # Where the grade is too unsure to be named, limit and terms are proposed as for the worst it may be.
    return _Verdict(chain.pd, chain.pd_low, chain.pd_high, high if withheld else grades.grade(chain.pd), high, withheld)


def _case(row: Mapping[str, Any], verdict: _Verdict, grades: Grades, params: Params, receivables: Receivables) -> Case:
    customer = row["customer_id"]
    manual = params.manual_caps.get(customer)
    late, terms, insured = row["days_late_p80"], row["typical_terms_days"], row["insured_share"]
    exposure = row["exposure"] or ZERO
    return Case(
        customer_id=customer,
        currency=row["currency"],
        pd=_exactly(verdict.pd),
        pd_high=_exactly(verdict.high),
        grade=verdict.grade,
        grade_high=verdict.grade_high,
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
        guarantee_amount=row["guarantee_amount"] or ZERO,
        collateral_amount=row["collateral_amount"] or ZERO,
        deposit_amount=row["deposit_amount"] or ZERO,
        receivables_others=receivables.of_others(customer),
        family_exposure=receivables.of_family(customer, exposure),
        annual_sales=receivables.annual_sales,
        manual_cap=None if manual is None else manual.value,
    )


def _referral_reasons(
    row: Mapping[str, Any],
    chain: Chain | None,
    model: Model | None,
    verdict: _Verdict,
    params: Params,
    recommendation: Recommendation,
) -> tuple[str, ...]:
    """Why a person has to look, in the order of `REFERRAL_REASONS`; none for a customer that may be decided by itself."""
    found = []
    if not row["in_default"]:
        if not row["n_paid_invoices"]:
            found.append("no_payment_history")
        elif model is None:
            found.append("no_model")
        elif chain is None:
            found.append("no_probability")
        if verdict.withheld:
            found.append("wide_interval")
        if chain is not None and missing_share(chain.features) > params.referral_missing_share:
            found.append("thin_history")
    # A decision about a person that denies credit is never taken by a machine alone.
    denied = recommendation.limit == 0 and recommendation.binding_cap != "need"
    if row["is_natural_person"] and (denied or row["in_default"]):
        found.append("natural_person")
    return tuple(found)


def missing_share(values: Mapping[str, reasons.Value]) -> Decimal:
    """The share of payment features of which nothing is known; 0 where the model reads none."""
    payment = [value for name, value in values.items() if CATALOGUE[name].group == "payment_history"]
    return Decimal(sum(value is None for value in payment)) / len(payment) if payment else ZERO


def _reasons(chain: Chain | None, model: Model | None, params: Params) -> reasons.Reasons | None:
    if chain is None or model is None:
        return None
    return reasons.rank(
        list(chain.contributions), list(chain.contributions.values()), chain.features, model.typical, CATALOGUE,
        max_adverse=params.reasons_adverse,
    )  # fmt: skip


def not_scored(customer_id: str, reason: str, provenance: Provenance, currency: str) -> Decision:
    """The record that a customer has no answer, and why."""
    return Decision(
        customer_id=customer_id, status="not_scored", currency=currency, provenance=provenance, not_scored_reason=reason
    )


def _whole_days(days: float | None) -> int | None:
    # Engines interpolate a percentile to within a last digit of each other: 9.000000000000002 days are 9, not 10.
    return None if days is None else math.ceil(round(days, 6))


def _exactly(probability: float | None) -> Decimal | None:
    # Through the shortest text: 0.04 is meant as 4 %, not as 0.040000000000000000832.
    return None if probability is None else Decimal(repr(probability))
