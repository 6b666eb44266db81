"""Days sales outstanding: how many days of sales the customers owe, how much of that the terms explain, and when to raise it."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Literal

DAYS = 90
"""A quarter has 90 days by convention, whatever the calendar says, so that quarters compare."""

MONTHS = 3

DsoRule = Literal["each", "cumulative"]
"""`each`: every one of the last quarters rose by more than the threshold on the one before; `cumulative`: they did together."""


@dataclass(frozen=True)
class Quarter:
    """One quarter's receivables against its credit sales. Money is in the reporting currency; all as known on the last day.

    opening, closing: receivables on the day before the first and on the last day. overdue: of closing, past the due date.
    sales: billed within the quarter.
    """

    ends_on: date
    opening: Decimal
    closing: Decimal
    overdue: Decimal
    sales: Decimal

    @property
    def dso(self) -> Decimal | None:
        """Days sales outstanding: closing receivables per credit sales, times 90; null in a quarter without sales.

        >>> Quarter(date(2025, 3, 31), Decimal(0), Decimal(3_000_000), Decimal(1_000_000), Decimal(4_500_000)).dso
        Decimal('60')
        """
        return _days(self.closing, self.sales)

    @property
    def best_possible_dso(self) -> Decimal | None:
        """What DSO would be if nothing were overdue; null in a quarter without sales."""
        return _days(self.closing - self.overdue, self.sales)

    @property
    def average_days_delinquent(self) -> Decimal | None:
        """The part of DSO that is lateness: DSO less best-possible DSO; null in a quarter without sales."""
        return _days(self.overdue, self.sales)

    @property
    def collection_effectiveness(self) -> Decimal | None:
        """Per cent of what could be collected that was: (opening + sales - closing) / (opening + sales - not overdue) x 100.

        100 when nothing is overdue at the end; null when there was nothing to collect.
        """
        collectable = self.opening + self.sales - (self.closing - self.overdue)
        return (self.opening + self.sales - self.closing) * 100 / collectable if collectable > 0 else None


def dso_alert(
    series: Sequence[Decimal | None], *, rule: DsoRule = "each", rise: Decimal = Decimal("0.15"), quarters: int = 2
) -> bool:
    """Whether DSO rose by more than `rise` in the last `quarters` quarters, in each or together.

    series: DSO by quarter, oldest first. A quarter without a figure, or too short a series, raises no alert.

    >>> series = [Decimal(50), Decimal(54), Decimal("58.5")]
    >>> dso_alert(series), dso_alert(series, rule="cumulative")
    (False, True)
    """
    last = series[-(quarters + 1) :]
    known = [value for value in last if value is not None and value > 0]
    if len(known) <= quarters:
        return False
    steps = list(pairwise(known)) if rule == "each" else [(known[0], known[-1])]
    return all(after > before * (1 + rise) for before, after in steps)


def quarter_ends(as_of: date, n_quarters: int) -> list[date]:
    """The ends of the last quarters, oldest first: the date itself and every three months before it, month end for month end."""
    return [_months_before(as_of, MONTHS * n) for n in reversed(range(n_quarters))]


def _months_before(day: date, months: int) -> date:
    month = day.year * 12 + day.month - 1 - months
    year, number = month // 12, month % 12 + 1
    is_month_end = day.day == monthrange(day.year, day.month)[1]
    last = monthrange(year, number)[1]
    return date(year, number, last if is_month_end else min(day.day, last))


def _days(amount: Decimal, sales: Decimal) -> Decimal | None:
    # Times before divided by: 3.0m / 4.5m x 90 is 60, not 59.99...
    return amount * DAYS / sales if sales > 0 else None
