"""What a plan is to reach: a better grade, a higher limit or longer terms; and whether a decision has reached it."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from riskscore.decisions import Decision
from riskscore.plans.events import ZERO
from riskscore.policy import Params, Recommendation
from riskscore.policy.limits import rounded_down
from riskscore.policy.recommendation import Cap, credit_days
from riskscore.policy.rules import LIFTED_BY_SECURITY

Kind = Literal["grade", "limit", "terms"]

WHY_NONE = (
    "not_scored", "in_doubt", "person_decides", "no_probability", "nothing_better", "reached_already", "out_of_reach", "spent",
)  # fmt: skip
"""Why there is no plan: no answer to start from; model or book in doubt; a natural person whom no machine denies credit, nor
tells what would change that; no grade to raise; the best there is already; the limit wanted is recommended already; no set of
events that was tried reaches it; not all could be tried within the replays allowed."""

CURABLE = LIFTED_BY_SECURITY | {"default"}
"""Rules whose cap some event can lift. The others count purchases, other customers and the seller's own numbers."""

A_QUARTER = Decimal("0.25")
UNKNOWN_GRADE = 11


@dataclass(frozen=True)
class Target:
    """What is asked for. limit: the amount wanted, in the reporting currency; null asks for a step up (see `goal_of`)."""

    kind: Kind
    limit: Decimal | None = None


@dataclass(frozen=True)
class Goal:
    """A target for one customer, made exact. grade: the worst that reaches it; limit: the least; days: the shortest terms."""

    kind: Kind
    grade: int
    limit: Decimal
    days: int


def goal_of(target: Target, base: Decision, params: Params) -> Goal | str:
    """What has to be reached from this decision, or why there is nothing to search: a code of `WHY_NONE`.

    grade: one up. limit: the amount wanted; without one the limit of now where that is higher, else a quarter more, from nothing
    a quarter of the need, and never more than the caps that no event lifts. terms: any longer ones, with no smaller a limit, and
    where there is none, one for a quarter of the need: longer terms on nothing are none.
    """
    found, case = base.recommendation, base.case
    if found is None or case is None:
        return "not_scored"
    if base.provenance.doubt is not None:
        return "in_doubt"
    if base.referral is not None and "natural_person" in base.referral.reasons:
        return "person_decides"
    grade, days = case.grade or UNKNOWN_GRADE, credit_days(found.terms)
    as_it_is = Goal(target.kind, grade, found.limit, days)
    if target.kind == "grade":
        better = replace(as_it_is, grade=grade - 1) if grade > 1 else "nothing_better"
        return "no_probability" if case.grade is None else better
    most = rounded_down(fixed_cap(found).amount, params.limit_digits)
    some = max(rounded_down(most * A_QUARTER, params.limit_digits), Decimal(1))
    if target.kind == "limit":
        return _goal_of_limit(target, as_it_is, most, some, base.limit_now or ZERO)
    longest = max(credit_days(step) for step in params.terms_ladder)
    return replace(as_it_is, limit=found.limit or some, days=days + 1) if days < longest else "nothing_better"


def _goal_of_limit(target: Target, as_it_is: Goal, most: Decimal, some: Decimal, now: Decimal) -> Goal | str:
    wanted, limit = target.limit, as_it_is.limit
    if wanted is None:
        if most <= limit:
            return "nothing_better"
        wanted = min(now if now > limit else limit * (1 + A_QUARTER) or some, most)
    if wanted <= limit:
        return "reached_already"
    return replace(as_it_is, limit=wanted) if wanted <= most else "out_of_reach"


def reaches(goal: Goal, base: Decision, after: Decision) -> bool:
    """Has the decision reached the goal, with nothing else worse than in `base` and no person asked who was not before?"""
    found, was = after.recommendation, base.recommendation
    if found is None or was is None or after.case is None or (after.referral is not None and base.referral is None):
        return False
    grade = after.grade if goal.kind == "grade" else after.case.grade  # a grade that is withheld was not raised
    return (
        (grade or UNKNOWN_GRADE) <= goal.grade
        and found.limit >= max(goal.limit, was.limit)
        and credit_days(found.terms) >= max(goal.days, credit_days(was.terms))
    )


def fixed_cap(found: Recommendation) -> Cap:
    """The smallest cap that no event lifts; the need is always one of them."""
    return min((cap for cap in found.caps if cap.rule not in CURABLE), key=lambda cap: cap.amount)
