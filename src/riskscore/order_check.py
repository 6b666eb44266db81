"""Whether an order may be taken on credit: what the customer would owe with it, against the limit.

Exposure is what is open, what is delivered and not billed yet, and the open orders that fall due within the horizon. Only the
order is ever stopped, never the invoice for goods that have left.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from riskscore.errors import UsageRefused
from riskscore.review_calendar import WORST_GRADE, Cut, limit_for_order

Outcome = Literal["allow", "warn", "block", "prepay"]
Doubt = Literal["unknown_customer", "stale_book", "exposure_unknown", "no_decision", "limit_lapsed", "person_decides"]
"""Why nothing is allowed on credit before a person has looked, most basic first.

Nobody of that name in the book; a book too old to say what is owed; data that break the computation; no decision given out;
a review too long overdue; a decision that is a referral.
"""

Reason = (
    Literal[
        "shipped",
        "stopped",
        "prepaid",
        "de_minimis",
        "prepayment_terms",
        "no_limit",
        "over_limit",
        "nearly_used",
        "within_limit",
    ]
    | Doubt
)
Credit = Literal["open", "prepayment", "stop"]
"""What the terms come to for an order: credit of some days; none, paid before or on delivery; no further delivery at all."""

ZERO = Decimal(0)


@dataclass(frozen=True)
class Rules:
    """The seller's numbers. horizon_days: open orders due later do not count; null: every one counts. warn_share: share of the
    limit from which an order is allowed with a warning; null: no warning. de_minimis: what may be owed beyond the limit in small
    orders, all of them together. grace_days: how long a cut spares older orders. no_grace_from_grade: the grade from which it
    spares none.

    Raises UsageRefused for a negative number and for a warning share outside 0 to 1.
    """

    horizon_days: int | None
    warn_share: Decimal | None
    de_minimis: Decimal
    grace_days: int
    no_grace_from_grade: int = WORST_GRADE

    def __post_init__(self) -> None:
        if (self.horizon_days or 0) < 0 or self.grace_days < 0:
            raise UsageRefused("order check: the horizon and the grace are days, 0 or more. Correct the policy.")
        if self.warn_share is not None and not 0 <= self.warn_share <= 1:
            raise UsageRefused(f"order check: the warning share {self.warn_share} is not between 0 and 1. Correct the policy.")
        _not_negative("the de-minimis amount", self.de_minimis)


@dataclass(frozen=True)
class Order:
    """One order, in the reporting currency.

    due_on: the day of delivery. prepaid: paid before or on that day. shipped: the goods have left.

    Raises UsageRefused for an amount that is not above zero.
    """

    order_id: str
    amount: Decimal
    ordered_on: date
    due_on: date
    prepaid: bool = False
    shipped: bool = False

    def __post_init__(self) -> None:
        if not self.amount.is_finite() or self.amount <= 0:
            raise UsageRefused(f"order {self.order_id}: the amount {self.amount} is not above zero. Correct it.")


@dataclass(frozen=True)
class Standing:
    """What a customer may owe and owes, in the reporting currency.

    limit: null where nothing is recommended and a person decides. credit: what the terms come to. receivables: net of credits, so
    it may be negative; null where it is not known. open_orders: taken and not delivered. cut: the last cut of the limit, if any.
    doubt: why a person has to look first, whatever the limit.

    Raises UsageRefused for a negative limit or unbilled amount, and for a cut to another limit than this one.
    """

    limit: Decimal | None
    credit: Credit
    receivables: Decimal | None
    unbilled: Decimal
    open_orders: Sequence[Order] = ()
    cut: Cut | None = None
    doubt: Doubt | None = None

    def __post_init__(self) -> None:
        if self.receivables is not None and not self.receivables.is_finite():
            raise UsageRefused(f"order check: the receivables {self.receivables} are not an amount. Correct them.")
        _not_negative("what is not billed yet", self.unbilled)
        if self.limit is not None:
            _not_negative("the limit", self.limit)
        if self.cut is not None and self.cut.new_limit != self.limit:
            raise UsageRefused(f"order check: the cut is to {self.cut.new_limit}, the limit is {self.limit}. Give the last cut.")

    @property
    def why_a_person(self) -> Doubt | None:
        """Why nothing is allowed on credit before a person has looked; null where the limit may be asked."""
        if self.doubt is not None:
            return self.doubt
        if self.receivables is None:
            return "exposure_unknown"
        return "person_decides" if self.limit is None else None


@dataclass(frozen=True)
class Answer:
    """What becomes of the order and why. before, after: exposure without and with it; equal where it is prepaid, null where what
    is owed is not known.

    limit: the one this order is checked against. room: what of it is left without the order, never below zero. Both null where
    there is none to check against.
    """

    outcome: Outcome
    reason: Reason
    before: Decimal | None
    after: Decimal | None
    limit: Decimal | None
    room: Decimal | None

    @property
    def takes_it(self) -> bool:
        """May the order be taken?"""
        return self.outcome in {"allow", "warn"}


def check_order(order: Order, standing: Standing, rules: Rules, *, on: date) -> Answer:
    """The answer to that order on that day.

    The order itself always counts, however late it is due; it never counts twice, and a prepaid one adds nothing.
    """
    before = exposure(standing, rules, on=on, without=order.order_id)
    after = before if order.prepaid or before is None else before + order.amount
    limit = None if standing.why_a_person else _limit(order, standing, rules, on)
    outcome, reason = _verdict(order, standing, rules, after, limit)
    return Answer(outcome, reason, before, after, limit, None if limit is None or before is None else max(limit - before, ZERO))


def exposure(standing: Standing, rules: Rules, *, on: date, without: str | None = None) -> Decimal | None:
    """Receivables, unbilled deliveries and the open orders due by the horizon that are not prepaid, but for the one named.

    An order whose day has passed still counts: it may be delivered any day. Null where the receivables are not known.
    """
    if standing.receivables is None:
        return None
    last = date.max if rules.horizon_days is None else on + timedelta(days=rules.horizon_days)
    counted = (
        order.amount for order in standing.open_orders if order.due_on <= last and not order.prepaid and order.order_id != without
    )
    return sum(counted, standing.receivables + standing.unbilled)


def told_once(orders: Iterable[Order]) -> tuple[Order, ...]:
    """The orders, each once: of one that is told twice, the account that leaves less room.

    It is the one that is not prepaid, then the one of more money, then the one due earlier.
    """
    found: dict[str, Order] = {}
    for order in orders:
        other = found.get(order.order_id)
        found[order.order_id] = order if other is None else max(other, order, key=_weight)
    return tuple(found.values())


def _weight(order: Order) -> tuple[bool, Decimal, int]:
    return not order.prepaid, order.amount, -order.due_on.toordinal()


def _limit(order: Order, standing: Standing, rules: Rules, on: date) -> Decimal | None:
    if standing.cut is None:
        return standing.limit
    return limit_for_order(
        standing.cut,
        ordered_on=order.ordered_on,
        on=on,
        grace_days=rules.grace_days,
        no_grace_from_grade=rules.no_grace_from_grade,
    )


def _verdict(
    order: Order, standing: Standing, rules: Rules, after: Decimal | None, limit: Decimal | None
) -> tuple[Outcome, Reason]:
    decided = _without_the_limit(order, standing)
    if decided is not None:
        return decided
    assert after is not None  # what is owed is known where nothing stands against asking the limit
    granted = limit if limit is not None and standing.credit == "open" else ZERO
    if order.amount <= rules.de_minimis and after <= granted + rules.de_minimis:
        return "allow", "de_minimis"
    if limit is None:
        return "block", "person_decides"
    if granted == 0:
        return "prepay", "prepayment_terms" if standing.credit == "prepayment" else "no_limit"
    if after > limit:
        return "block", "over_limit"
    is_nearly_used = rules.warn_share is not None and after >= rules.warn_share * limit
    return ("warn", "nearly_used") if is_nearly_used else ("allow", "within_limit")


def _without_the_limit(order: Order, standing: Standing) -> tuple[Outcome, Reason] | None:
    """What is answered whatever the limit; None where it has to be asked."""
    if order.shipped:
        return "allow", "shipped"
    if standing.credit == "stop":  # before prepayment: what the policy means by it is that nothing more is delivered
        return "block", "stopped"
    if order.prepaid:
        return "allow", "prepaid"
    if standing.doubt is not None or standing.receivables is None:
        return "block", standing.doubt or "exposure_unknown"
    return None


def _not_negative(what: str, amount: Decimal) -> None:
    if not amount.is_finite() or amount < 0:
        raise UsageRefused(f"order check: {what}, {amount}, is not zero or more. Correct it.")
