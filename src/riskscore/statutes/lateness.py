"""What lateness costs by statute: simple interest at dated rates, and the lump sum."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from riskscore.errors import UsageRefused
from riskscore.statutes.text import Buyer, Interest, Statutes, Supplier

CENT = Decimal("0.01")
DAYS_A_YEAR = 365  # simple interest on actual days over 365, leap year or not: neither act names a convention


@dataclass(frozen=True)
class Debt:
    """One overdue amount, in its currency. `agreed_rate` is the yearly rate the contract sets for lateness, if any."""

    amount: Decimal
    currency: str
    due_on: date
    signed_on: date
    buyer_type: Buyer
    supplier_size: Supplier
    country: str
    agreed_rate: Decimal | None = None


@dataclass(frozen=True)
class DatedRate:
    """A yearly reference rate and the day it came into force."""

    from_on: date
    rate: Decimal


@dataclass(frozen=True)
class Stretch:
    """Days at one yearly rate, from the first to the last inclusive."""

    first_on: date
    last_on: date
    rate: Decimal

    @property
    def n_days(self) -> int:
        """How many days the stretch has."""
        return (self.last_on - self.first_on).days + 1


@dataclass(frozen=True)
class Penalty:
    """What lateness costs: simple interest in the debt's currency, rounded to the cent once, and the lump sum in its own."""

    interest: Decimal
    lump_sum: Decimal
    lump_sum_currency: str | None
    n_days: int
    stretches: tuple[Stretch, ...]
    rule: str
    article: str
    source: str
    disclaimer: str


def penalty(statutes: Statutes, debt: Debt, *, until: date, reference_rates: Sequence[DatedRate]) -> Penalty | None:
    """The statutory interest on a debt from the day after it fell due to `until` inclusive; None where no line covers it.

    reference_rates: the rate the rule names (ECB main refinancing, one-year LPR), by the day each came into force. Simple
    interest on actual days over 365. The lump sum is due once the first day has passed. Raises UsageRefused where no rate is
    known for a day that needs one, where a rate was agreed although the act knows no floor for it, and for an amount below 0.
    """
    if not debt.amount.is_finite() or debt.amount < 0:
        raise UsageRefused(f"interest: an overdue amount is not below 0, not {debt.amount}. Credits bear no interest.")
    rule = statutes.rule_for(statutes.interests, debt, debt.due_on)
    if rule is None:
        return None
    stretches = tuple(_stretches(rule, debt, until, reference_rates))
    exact = sum((debt.amount * stretch.rate * stretch.n_days / DAYS_A_YEAR for stretch in stretches), Decimal(0))
    return Penalty(
        interest=exact.quantize(CENT, rounding=ROUND_HALF_UP),
        lump_sum=rule.lump_sum if stretches and debt.amount > 0 else Decimal(0),
        lump_sum_currency=rule.lump_sum_currency,
        n_days=sum(stretch.n_days for stretch in stretches),
        stretches=stretches,
        rule=rule.id,
        article=rule.article,
        source=statutes.act_of(rule).source,
        disclaimer=statutes.disclaimer,
    )


def _stretches(rule: Interest, debt: Debt, until: date, rates: Sequence[DatedRate]) -> Iterator[Stretch]:
    """The days of lateness, cut where the rate changes."""
    start = debt.due_on + timedelta(days=1)
    if until < start:
        return
    if rule.kind == "daily":
        agreed = debt.agreed_rate
        floor = None if agreed is None else _in_force(rates, debt.signed_on, rule)
        yield Stretch(start, until, rule.rate * DAYS_A_YEAR if agreed is None or floor is None else max(agreed, floor))
        return
    if debt.agreed_rate is not None:
        raise UsageRefused(
            f"{rule.id}: the act has no floor for an agreed rate, so only the statutory interest is reckoned here."
        )
    while start <= until:
        half = date(start.year, 1 if start.month <= 6 else 7, 1)
        last = date(start.year, 6, 30) if half.month == 1 else date(start.year, 12, 31)
        yield Stretch(start, min(last, until), _in_force(rates, half, rule) + rule.rate)
        start = last + timedelta(days=1)


def _in_force(rates: Sequence[DatedRate], on: date, rule: Interest) -> Decimal:
    known = [rate for rate in rates if rate.from_on <= on]
    if not known:
        raise UsageRefused(f"{rule.id}: no {rule.reference} is known for {on}. Add the rate in force on that day.")
    return max(known, key=lambda rate: rate.from_on).rate
