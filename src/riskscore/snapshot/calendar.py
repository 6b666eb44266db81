"""Business days: when a due date that falls on a weekend or a holiday is really due, and what kind of day a payment came on.

Both answers are small tables that the engine joins, because engines differ in date arithmetic and a function per row is slow.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache

import holidays
import pyarrow as pa

EPOCH = date(1970, 1, 1)
UNKNOWN_COUNTRY = ""
"""Stands for "country not known" in joins, where null would match nothing. Its only days off are Saturday and Sunday."""

SATURDAY = 5
MONTH_END_DAYS = 3
"""A payment on one of the last three calendar days of a month belongs to a month-end run."""


def day_number(day: date) -> int:
    """Whole days since 1970-01-01."""
    return (day - EPOCH).days


def date_of(day: int) -> date:
    """The date of a day number."""
    return EPOCH + timedelta(days=day)


@lru_cache(maxsize=4096)
def days_off(country: str, year: int) -> frozenset[int]:
    """Day numbers of a year on which business rests in a country: its own weekend and public holidays, less make-up workdays.

    A country the calendar does not know has Saturdays and Sundays off and no holidays.
    """
    days = [date(year, 1, 1) + timedelta(days=n) for n in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)]
    try:
        known = holidays.country_holidays(country, years=year)
    except NotImplementedError:
        return frozenset(day_number(day) for day in days if day.weekday() >= SATURDAY)
    return frozenset(day_number(day) for day in days if not known.is_working_day(day))


def next_business_day(country: str, day: int) -> int:
    """The day itself where business is done in that country, else the first later day on which it is.

    >>> date_of(next_business_day("DE", day_number(date(2025, 5, 1))))  # Labour Day, a Thursday
    datetime.date(2025, 5, 2)
    """
    while day in days_off(country, date_of(day).year):
        day += 1
    return day


def business_days(countries: Iterable[str], days: Iterable[int]) -> pa.Table:
    """Every (calendar_country, due_on) with the day it rolls to, `due`."""
    wanted = sorted(set(days))
    rows = [(country, day, next_business_day(country, day)) for country in sorted(set(countries)) for day in wanted]
    return pa.table(
        {
            "calendar_country": pa.array([row[0] for row in rows], pa.string()),
            "due_on": pa.array([row[1] for row in rows], pa.int32()),
            "due": pa.array([row[2] for row in rows], pa.int32()),
        }
    )


def day_kinds(days: Iterable[int]) -> pa.Table:
    """Every `settled_on` with its weekday (Monday is 0), day of the month, and whether that is one of the last three."""
    wanted = sorted(set(days))
    dates = [date_of(day) for day in wanted]
    return pa.table(
        {
            "settled_on": pa.array(wanted, pa.int32()),
            "weekday": pa.array([day.weekday() for day in dates], pa.int32()),
            "month_day": pa.array([day.day for day in dates], pa.int32()),
            "at_month_end": pa.array([(day + timedelta(days=MONTH_END_DAYS)).month != day.month for day in dates], pa.bool_()),
        }
    )
