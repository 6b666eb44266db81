"""Whether an order may be taken on credit: what the customer would owe with it, against the limit.

Exposure is what is open, what is delivered and not billed yet, and the open orders that fall due within the horizon. Only the
order is ever stopped, never the invoice for goods that have left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from riskscore.errors import UsageRefused
from riskscore.review_calendar import Cut, limit_for_order

Outcome = Literal["allow", "warn", "block", "prepay"]
Reason = Literal[
    "shipped",
    "prepaid",
    "de_minimis",
    "person_decides",
    "prepayment_terms",
    "no_limit",
    "over_limit",
    "nearly_used",
    "within_limit",
]


@dataclass(frozen=True)
class Rules:
    """The seller's numbers. horizon_days: open orders due later do not count. warn_share: share of the limit from which an order
    is allowed with a warning. de_minimis: orders up to this amount pass. grace_days: how long a cut spares older orders.

    Raises UsageRefused for a negative number and for a warning share outside 0 to 1.
    """

    horizon_days: int
    warn_share: Decimal
    de_minimis: Decimal
    grace_days: int

    def __post_init__(self) -> None:
        if self.horizon_days < 0 or self.grace_days < 0:
            raise UsageRefused("order check: the horizon and the grace are days, 0 or more. Correct the policy.")
        if not 0 <= self.warn_share <= 1:
            raise UsageRefused(f"order check: the warning share {self.warn_share} is not between 0 and 1. Correct the policy.")
        _not_negative("the de-minimis amount", self.de_minimis)


@dataclass(frozen=True)
class Order:
    """One order, in the reporting currency. due_on: the day of delivery. prepaid: paid before it. shipped: the goods have left.

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

    limit: null where nothing is recommended and a person decides. prepayment: the terms say so. receivables: net of credits, so
    it may be negative. open_orders: taken and not delivered. cut: the last cut of the limit, if any.

    Raises UsageRefused for a negative limit or unbilled amount, and for a cut to another limit than this one.
    """

    limit: Decimal | None
    prepayment: bool
    receivables: Decimal
    unbilled: Decimal
    open_orders: Sequence[Order] = ()
    cut: Cut | None = None

    def __post_init__(self) -> None:
        if not self.receivables.is_finite():
            raise UsageRefused(f"order check: the receivables {self.receivables} are not an amount. Correct them.")
        _not_negative("what is not billed yet", self.unbilled)
        if self.limit is not None:
            _not_negative("the limit", self.limit)
        if self.cut is not None and self.cut.new_limit != self.limit:
            raise UsageRefused(f"order check: the cut is to {self.cut.new_limit}, the limit is {self.limit}. Give the last cut.")


@dataclass(frozen=True)
class Answer:
    """What becomes of the order and why. before, after: exposure without and with it; equal where it is prepaid.

    limit: the one this order is checked against. room: what of it is left without the order, never below zero. Both null where
    nothing is recommended.
    """

    outcome: Outcome
    reason: Reason
    before: Decimal
    after: Decimal
    limit: Decimal | None
    room: Decimal | None


def check_order(order: Order, standing: Standing, rules: Rules, *, on: date) -> Answer:
    """The answer to that order on that day.

    The order itself always counts, however late it is due; it never counts twice, and a prepaid one adds nothing.
    """
    before = exposure(standing, rules, on=on, without=order.order_id)
    after = before if order.prepaid else before + order.amount
    limit = _limit(order, standing, rules, on)
    outcome, reason = _verdict(order, standing, rules, after, limit)
    return Answer(outcome, reason, before, after, limit, None if limit is None else max(limit - before, Decimal(0)))


def exposure(standing: Standing, rules: Rules, *, on: date, without: str | None = None) -> Decimal:
    """Receivables, unbilled deliveries and the open orders due by the horizon that are not prepaid, but for the one named.

    An order whose day has passed still counts: it may be delivered any day.
    """
    last = on + timedelta(days=rules.horizon_days)
    counted = (
        order.amount for order in standing.open_orders if order.due_on <= last and not order.prepaid and order.order_id != without
    )
    return sum(counted, standing.receivables + standing.unbilled)


def _limit(order: Order, standing: Standing, rules: Rules, on: date) -> Decimal | None:
    if standing.cut is None:
        return standing.limit
    return limit_for_order(standing.cut, ordered_on=order.ordered_on, on=on, grace_days=rules.grace_days)


def _verdict(order: Order, standing: Standing, rules: Rules, after: Decimal, limit: Decimal | None) -> tuple[Outcome, Reason]:
    passed = _passes(order, rules)
    if passed is not None:
        return "allow", passed
    if limit is None:
        return "block", "person_decides"
    if standing.prepayment:
        return "prepay", "prepayment_terms"
    if limit == 0:
        return "prepay", "no_limit"
    if after > limit:
        return "block", "over_limit"
    return ("warn", "nearly_used") if after >= rules.warn_share * limit else ("allow", "within_limit")


def _passes(order: Order, rules: Rules) -> Reason | None:
    """Why the limit is not asked at all; None where it is."""
    if order.shipped:
        return "shipped"
    if order.prepaid:
        return "prepaid"
    return "de_minimis" if order.amount <= rules.de_minimis else None


def _not_negative(what: str, amount: Decimal) -> None:
    if not amount.is_finite() or amount < 0:
        raise UsageRefused(f"order check: {what}, {amount}, is not zero or more. Correct it.")
