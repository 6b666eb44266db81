"""What follows from a decision: when the customer is looked at next and why, and how long an old limit holds for old orders."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from riskscore.policy.case import Case
from riskscore.policy.params import Params
from riskscore.policy.signs import signs_of
from riskscore.review_calendar import Cadence, Risk, Standing, Trigger, next_review_on


@dataclass(frozen=True)
class Review:
    """The next review: on which day, as which risk, why. triggers: the events that bring it forward to the decision's day."""

    next_on: date
    risk: Risk
    why: Literal["scheduled", "first_review", "event"]
    triggers: tuple[Trigger, ...] = ()


def review_of(case: Case, params: Params, *, as_of: date) -> Review:
    """When is the customer looked at next, if this decision was the last look? (Policy, review and new_customer.review_after)

    By the cadence of its grade's risk, no grade being high risk; a new customer at the first review at the latest. A sign of
    abnormal operation makes it due at once.
    """
    cadence = cadence_of(params)
    since = None if case.tenure_days is None else as_of - timedelta(days=case.tenure_days)
    risk = cadence.risk(case.grade)
    scheduled = next_review_on(Standing(case.customer_id, case.grade, as_of), cadence)
    assert scheduled is not None  # it was reviewed today
    if triggers := signs_of(case, params):
        return Review(as_of, risk, "event", triggers)
    first = None if since is None else since + timedelta(days=cadence.first_review_days)
    if first is not None and as_of < first <= scheduled:
        return Review(first, risk, "first_review")
    return Review(scheduled, risk, "scheduled")


def cadence_of(params: Params) -> Cadence:
    """How often each risk is looked at (Policy, review)."""
    return _cadence(
        params.review_high_months, params.review_medium_months, params.review_low_months,
        params.review_low_up_to, params.review_medium_up_to, params.new_customer_review_after,
    )  # fmt: skip


def grace_until(case: Case, params: Params, *, limit: Decimal, limit_now: Decimal | None, as_of: date) -> date | None:
    """The last day on which orders placed before the cut are honoured against the limit of now (Policy, cut).

    Null where nothing is cut, and for the worst grades, whose cut holds at once. `review_calendar.limit_for_order` says which
    limit an order meets.
    """
    worst = case.in_default or (case.grade is not None and case.grade >= params.cut_no_grace_from_grade)
    if limit_now is None or limit >= limit_now or worst:
        return None
    return as_of + timedelta(days=params.cut_grace)


_cadence = lru_cache(maxsize=8)(Cadence)
