"""From what stands and what the model said to the decision: default before prediction, grade, limit, terms, referral."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from riskscore import reasons
from riskscore.decisions import Chain, Decision, GradeBefore, Provenance, Referral
from riskscore.features import CATALOGUE
from riskscore.grades import IN_DEFAULT, Grades, score_of
from riskscore.model import Model, Speaker
from riskscore.policy import Case, Params, Recommendation, grace_until, recommend, review_of

ZERO = Decimal(0)


@dataclass(frozen=True)
class Standing:
    """What a decision shows of a customer beside its case. `is_natural_person` decides who may refuse; the rest is to read."""

    is_natural_person: bool | None
    data_depth: str | None
    exposure: Decimal | None
    overdue: Decimal | None
    limit_now: Decimal | None
    terms_now: int | None


def conclude(
    standing: Standing,
    case: Case,
    chain: Chain | None,
    unfamiliar: tuple[str, ...],
    model: Model | None,
    grades: Grades,
    params: Params,
    provenance: Provenance,
    before: GradeBefore | None = None,
) -> Decision:
    """The decision about one customer. case: without probabilities; they come from the chain, or from default, here.

    chain: null where the model was not asked or has no answer; a chain without a probability counts as none. before: what the run
    before graded it.
    """
    if chain is not None and not 0.0 <= chain.pd_low <= chain.pd <= chain.pd_high <= 1.0:  # NaN fails as well
        chain = None
    verdict = _verdict(case, chain, _Scale(grades, float(params.grade_upgrade_margin or 0), before))
    case = replace(
        case,
        pd=_exactly(verdict.pd),
        pd_high=_exactly(verdict.high if case.n_paid_invoices else verdict.pd),
        grade=verdict.grade,
        grade_high=verdict.grade_high,
    )
    recommendation = recommend(case, params)
    as_of = provenance.as_of
    referred = _referral_reasons(standing, case, chain, model, verdict, params, recommendation)
    if provenance.doubt is not None:
        referred = (provenance.doubt, *(reason for reason in referred if reason != "no_model"))
    return Decision(
        customer_id=case.customer_id,
        status="referred" if referred else "scored",
        currency=case.currency,
        provenance=provenance,
        **{name: getattr(standing, name) for name in Standing.__dataclass_fields__},
        case=case,
        chain=chain,
        pd=verdict.pd,
        pd_low=verdict.low,
        pd_high=verdict.high,
        score=None if verdict.pd is None else score_of(verdict.pd),
        grade=None if verdict.withheld else verdict.grade,
        reasons=_reasons(chain, model if model is None or case.n_paid_invoices else model.newcomer, params),
        recommendation=recommendation,
        review=review_of(case, params, as_of=as_of),
        grace_until=grace_until(case, params, limit=recommendation.limit, limit_now=standing.limit_now, as_of=as_of),
        referral=Referral(referred) if referred else None,
        unfamiliar=unfamiliar if chain is not None else (),
        before=None if before is None else replace(before, says=verdict.says),
    )


@dataclass(frozen=True)
class _Verdict:
    """The probability that holds, observed default before prediction, and its grades; null where nobody knows."""

    pd: float | None = None
    low: float | None = None
    high: float | None = None
    grade: int | None = None
    grade_high: int | None = None
    withheld: bool = False
    says: int | None = None


@dataclass(frozen=True)
class _Scale:
    """The grades of one customer: those of its probability, kept against what it had before."""

    grades: Grades
    margin: float
    before: GradeBefore | None

    def mean(self, pd: float) -> int:
        return self.grades.kept(pd, None if self.before is None else self.before.grade, self.margin)

    def high(self, pd: float) -> int:
        # A worse probability kept against a worse grade: never better than the one at the mean.
        return self.grades.kept(pd, None if self.before is None else self.before.grade_high, self.margin)


def _verdict(case: Case, chain: Chain | None, scale: _Scale) -> _Verdict:
    grades = scale.grades
    if case.in_default:
        return _Verdict(1.0, 1.0, 1.0, IN_DEFAULT, IN_DEFAULT)
    if chain is None:
        return _Verdict()
    withheld = grades.is_withheld(chain.pd_low, chain.pd_high)
    if not case.n_paid_invoices:
        # What a newcomer may owe while nothing is known of its payments is the policy's own rule; its probability only tightens
        # that. Its interval is as wide as ignorance, and would forbid what the rule is there to allow.
        grade = scale.mean(chain.pd)
        return _Verdict(chain.pd, chain.pd_low, chain.pd_high, grade, grade, withheld, grades.grade(chain.pd))
    high = scale.high(chain.pd_high)
    # Where the grade is too unsure to be named, limit and terms are proposed as for the worst it may be.
    says = grades.grade(chain.pd_high if withheld else chain.pd)
    return _Verdict(chain.pd, chain.pd_low, chain.pd_high, high if withheld else scale.mean(chain.pd), high, withheld, says)


def _referral_reasons(
    standing: Standing,
    case: Case,
    chain: Chain | None,
    model: Model | None,
    verdict: _Verdict,
    params: Params,
    recommendation: Recommendation,
) -> tuple[str, ...]:
    """Why a person has to look, in the order of `REFERRAL_REASONS`; none for a customer that may be decided by itself."""
    found = []
    if not case.in_default:
        if not case.n_paid_invoices:
            found.append("no_payment_history")
        elif model is None:
            found.append("no_model")
        elif chain is None:
            found.append("no_probability")
        if verdict.withheld:
            found.append("wide_interval")
        if case.n_paid_invoices and chain is not None and missing_share(chain.features) > params.referral_missing_share:
            found.append("thin_history")
    # A decision about a person that denies credit is never taken by a machine alone.
    denied = recommendation.limit == 0 and recommendation.binding_cap != "need"
    if standing.is_natural_person and (denied or case.in_default):
        found.append("natural_person")
    return tuple(found)


def missing_share(values: Mapping[str, reasons.Value]) -> Decimal:
    """The share of payment features of which nothing is known; 0 where the model reads none."""
    payment = [value for name, value in values.items() if CATALOGUE[name].group == "payment_history"]
    return Decimal(sum(value is None for value in payment)) / len(payment) if payment else ZERO


def _reasons(chain: Chain | None, speaker: Speaker | None, params: Params) -> reasons.Reasons | None:
    if chain is None or speaker is None:
        return None
    return reasons.rank(
        list(chain.contributions), list(chain.contributions.values()), chain.features, speaker.typical, CATALOGUE,
        max_adverse=params.reasons_adverse,
    )  # fmt: skip


def _exactly(probability: float | None) -> Decimal | None:
    # Through the shortest text: 0.04 is meant as 4 %, not as 0.040000000000000000832.
    return None if probability is None else Decimal(repr(probability))
