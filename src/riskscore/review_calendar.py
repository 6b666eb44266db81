"""When each customer is looked at again, what brings that forward, and how long an old limit still holds for old orders.

High risk is reviewed monthly, medium quarterly, low yearly; a new customer first after six months, or earlier if its risk says
so. Events bring a review forward to the day they become known. A cut limit binds new orders at once; orders placed before it are
honoured for a grace period, but not for the worst grade.
"""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from riskscore.errors import UsageRefused

WORST_GRADE = 10

Risk = Literal["low", "medium", "high"]
Trigger = Literal[
    "grade_worse",
    "limit_exceeded",
    "severely_overdue",
    "lateness_jump",
    "dispute_spike",
    "order_jump",
    "discounts_stopped",
    "limit_nearly_used",
    "statement_published",
    "statement_late",
    "rating_changed",
    "insurer_cut",
    "cover_expired",
    "ownership_changed",
    "write_off",
    "insolvency_news",
]
Why = Literal["never_reviewed", "first_review", "scheduled", "event"]


@dataclass(frozen=True)
class Cadence:
    """How often each risk is reviewed, in months, and which grades are of which risk.

    low_up_to, medium_up_to: the worst grade of low and of medium risk; every worse one is high. first_review_days: days after the
    first delivery that a new customer is reviewed at the latest. Raises UsageRefused for a cadence that looks at worse risk less
    often, and for grades out of order.
    """

    high_months: int = 1
    medium_months: int = 3
    low_months: int = 12
    low_up_to: int = 3
    medium_up_to: int = 6
    first_review_days: int = 180

    def __post_init__(self) -> None:
        if not 1 <= self.high_months <= self.medium_months <= self.low_months:
            raise UsageRefused("review cadence: worse risk is not reviewed less often than better risk. Correct the months.")
        if not 0 <= self.low_up_to <= self.medium_up_to <= WORST_GRADE or self.first_review_days < 1:
            raise UsageRefused(
                "review cadence: grades of low and medium risk rise, and a first review comes after a day or more."
            )

    def risk(self, grade: int | None) -> Risk:
        """The risk of a grade, 1 (best) to 10 (in default). A grade that is withheld is high risk: not known is not safe.

        Raises ValueError for a grade outside 1 to 10.
        """
        if grade is not None and not 1 <= grade <= WORST_GRADE:
            raise ValueError(f"a grade is from 1 to {WORST_GRADE}, not {grade}")
        if grade is None or grade > self.medium_up_to:
            return "high"
        return "low" if grade <= self.low_up_to else "medium"

    def months(self, risk: Risk) -> int:
        """How many months lie between two reviews of that risk."""
        return {"low": self.low_months, "medium": self.medium_months, "high": self.high_months}[risk]


@dataclass(frozen=True)
class Standing:
    """What the calendar knows of a customer. Null means: no first delivery yet, never reviewed, grade withheld."""

    customer_id: str
    grade: int | None
    reviewed_on: date | None
    customer_since: date | None = None


@dataclass(frozen=True)
class Event:
    """Something that calls for a review. known_on: the day the company could know it."""

    customer_id: str
    trigger: Trigger
    known_on: date


@dataclass(frozen=True)
class Due:
    """A review that is due, since when, and why. triggers: the events not yet answered by a review, oldest first."""

    customer_id: str
    due_on: date
    why: Why
    risk: Risk
    triggers: tuple[Trigger, ...] = ()


@dataclass(frozen=True)
class Cut:
    """A limit that was lowered on a day, at the customer's grade of that day (None: withheld). Money in one currency.

    Raises UsageRefused where the new limit is not lower.
    """

    cut_on: date
    old_limit: Decimal
    new_limit: Decimal
    grade: int | None

    def __post_init__(self) -> None:
        if not 0 <= self.new_limit < self.old_limit:
            raise UsageRefused(f"cut: {self.new_limit} does not lower {self.old_limit}. A raise needs no grace.")


def next_review_on(standing: Standing, cadence: Cadence) -> date | None:
    """The day a customer is reviewed next, events aside; None for who was never reviewed and never delivered to.

    From the last review by the cadence of its risk; from the first delivery while there was no review. A first review never comes
    later than `first_review_days` after the first delivery, even if low risk was reviewed at onboarding.
    """
    months = cadence.months(cadence.risk(standing.grade))
    start = standing.reviewed_on or standing.customer_since
    if start is None:
        return None
    scheduled = _months_later(start, months)
    first = _first_review_on(standing, cadence)
    return scheduled if first is None else min(scheduled, first)


def due_list(standings: Sequence[Standing], events: Sequence[Event], *, on: date, cadence: Cadence) -> tuple[Due, ...]:
    """The reviews due on that day, most overdue first, then by customer.

    An event known by then and not before the last review makes a review due on the day it became known. One known on the day of
    the review may have come after it, so it counts as not seen. Raises UsageRefused where a customer stands twice.
    """
    if len({standing.customer_id for standing in standings}) < len(standings):
        raise UsageRefused("review calendar: a customer stands in it twice. Keep the newest.")
    told: dict[str, list[Event]] = {}
    for event in sorted(events, key=lambda event: event.known_on):
        if event.known_on <= on:
            told.setdefault(event.customer_id, []).append(event)
    found = (_due(standing, told.get(standing.customer_id, []), on, cadence) for standing in standings)
    return tuple(sorted((due for due in found if due is not None), key=lambda due: (due.due_on, due.customer_id)))


def limit_for_order(
    cut: Cut, *, ordered_on: date, on: date, grace_days: int = 30, no_grace_from_grade: int = WORST_GRADE
) -> Decimal:
    """The limit that an order is checked against on that day.

    An order placed before the cut is honoured against the old limit up to and including day `grace_days` after it; placed on the
    day of the cut or later, against the new one. There is no grace from grade `no_grace_from_grade` on.
    """
    has_grace = cut.grade is None or cut.grade < no_grace_from_grade
    honoured = has_grace and ordered_on < cut.cut_on and (on - cut.cut_on).days <= grace_days
    return cut.old_limit if on < cut.cut_on or honoured else cut.new_limit


def _due(standing: Standing, told: Sequence[Event], on: date, cadence: Cadence) -> Due | None:
    unseen = [event for event in told if standing.reviewed_on is None or event.known_on >= standing.reviewed_on]
    triggers = tuple(event.trigger for event in unseen)
    risk, scheduled = cadence.risk(standing.grade), next_review_on(standing, cadence)
    if unseen and (scheduled is None or unseen[0].known_on <= scheduled):
        return Due(standing.customer_id, unseen[0].known_on, "event", risk, triggers)
    if scheduled is None or scheduled > on:
        return None
    why: Why = "scheduled"
    if standing.reviewed_on is None:
        why = "never_reviewed"
    if scheduled == _first_review_on(standing, cadence):
        why = "first_review"
    return Due(standing.customer_id, scheduled, why, risk, triggers)


def _first_review_on(standing: Standing, cadence: Cadence) -> date | None:
    """The day a new customer is reviewed at the latest; None once it was, or without a delivery."""
    if standing.customer_since is None:
        return None
    first = standing.customer_since + timedelta(days=cadence.first_review_days)
    return None if standing.reviewed_on is not None and standing.reviewed_on >= first else first


def _months_later(start: date, months: int) -> date:
    """The same day so many months later, or the last day of a shorter month."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))
