"""Calendars: which days are business days where, on which days a payment run takes place, and where months begin."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property, lru_cache

import holidays
import numpy as np
from numpy.typing import NDArray

from riskscore.simulation.randomness import Ints

EPOCH = date(1970, 1, 1)
MARGIN_DAYS = 400
"""Days kept after the window, so that due dates and horizons that end beyond it can still be named."""

N_RUN_CLASSES = 7
"""Run classes per country: any business day, Monday to Friday, and the 10th and 25th."""


@lru_cache(maxsize=512)
def _open_days(country: str, year: int) -> NDArray[np.bool_]:
    known = holidays.country_holidays(country, years=year)
    first = date(year, 1, 1)
    return np.array([known.is_working_day(first + timedelta(days=k)) for k in range((date(year + 1, 1, 1) - first).days)])


@dataclass(frozen=True)
class Calendar:
    """The days of a world: index 0 is its first day; the window is the first `n_days`, the margin follows."""

    start_on: date
    n_months: int
    countries: tuple[str, ...]

    @cached_property
    def month_starts(self) -> Ints:
        """Day index at which each month begins; one more entry is the end of the window, and so on through the margin."""
        months = self.n_months + MARGIN_DAYS // 30
        first = self.start_on.year * 12 + self.start_on.month - 1
        starts = [date((first + k) // 12, (first + k) % 12 + 1, 1) for k in range(months + 1)]
        return np.array([(day - self.start_on).days for day in starts], dtype=np.int64)

    @cached_property
    def n_days(self) -> int:
        """Days in the window."""
        return int(self.month_starts[self.n_months])

    @cached_property
    def n_all_days(self) -> int:
        """Days in window and margin."""
        return int(self.month_starts[-1])

    @cached_property
    def end_on(self) -> date:
        """The last day of the window."""
        return self.start_on + timedelta(days=self.n_days - 1)

    @cached_property
    def day_zero(self) -> int:
        """The first day as a day number since 1970-01-01."""
        return (self.start_on - EPOCH).days

    @cached_property
    def month_of(self) -> Ints:
        """Month index of each day."""
        return (np.searchsorted(self.month_starts, np.arange(self.n_all_days), side="right") - 1).astype(np.int64)

    @cached_property
    def calendar_month(self) -> Ints:
        """Month of the year, 0 to 11, of each month index."""
        return (self.start_on.month - 1 + np.arange(len(self.month_starts) - 1)) % 12

    @cached_property
    def business(self) -> NDArray[np.bool_]:
        """Whether a day is a business day, by country and day: no weekend, no public holiday; make-up workdays count."""
        first, last = self.start_on, self.start_on + timedelta(days=self.n_all_days - 1)
        skipped = (first - date(first.year, 1, 1)).days
        rows = [np.concatenate([_open_days(c, year) for year in range(first.year, last.year + 1)]) for c in self.countries]
        return np.stack(rows)[:, skipped : skipped + self.n_all_days]

    @cached_property
    def rolled(self) -> Ints:
        """The same day where it is a business day, else the next one, by country and day."""
        days = np.where(self.business, np.arange(self.n_all_days), self.n_all_days - 1)
        return np.minimum.accumulate(days[:, ::-1], axis=1)[:, ::-1]

    @cached_property
    def runs(self) -> NDArray[np.bool_]:
        """Whether a payment run takes place, by run class (country x 7 + class) and day; a run on a closed day moves on."""
        days = np.arange(self.n_all_days)
        weekday = (self.start_on.weekday() + days) % 7
        day_of_month = days - self.month_starts[self.month_of] + 1
        wanted = [weekday == k for k in range(5)] + [(day_of_month == 10) | (day_of_month == 25)]
        runs = np.zeros((len(self.countries) * N_RUN_CLASSES, self.n_all_days), dtype=np.bool_)
        for row in range(len(self.countries)):
            runs[row * N_RUN_CLASSES] = self.business[row]
            for k, those in enumerate(wanted):
                runs[row * N_RUN_CLASSES + 1 + k, self.rolled[row, days[those]]] = True
        return runs & np.repeat(self.business, N_RUN_CLASSES, axis=0)
