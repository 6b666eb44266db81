"""Run days: on which days a customer's money usually comes, learned from the days on which it came before.

Many companies pay only on certain days: every Friday, or on the 10th and the 25th. When such a day comes next moves the day of
payment more than anything the balance sheet says.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
from scipy.special import gammaln, softmax

from riskscore.hazard.bins import EDGES, OPENS, starts
from riskscore.hazard.cases import MONTH_DAYS, WEEKDAYS, Cases
from riskscore.model.formula import Floats
from riskscore.model.logistic import significant
from riskscore.snapshot.calendar import EPOCH, SATURDAY, day_number, days_off

LOOSE = 1.0
"""Strength of the prior of a habit, in payment days: little, so that a strict one is believed after a few of them."""

LAST = int(EDGES[-1])
CHUNK = 20_000


def fit_base(weekdays: Floats, month_days: Floats) -> dict[str, list[float]]:
    """How payment days of the whole book lie over weekdays and days of the month; no cell is empty."""
    return {
        "weekday": significant((weekdays.sum(axis=0) + 0.5) / (weekdays.sum() + 0.5 * WEEKDAYS)).tolist(),
        "month_day": significant((month_days.sum(axis=0) + 0.5) / (month_days.sum() + 0.5 * MONTH_DAYS)).tolist(),
    }


def habit(weekdays: Floats, month_days: Floats, base: Mapping[str, Sequence[float]]) -> tuple[Floats, Floats, Floats]:
    """How much likelier than on the book's own days money comes: any day (n,), by weekday (n, 7), by day of the month (n, 31).

    Three explanations of a customer's payment days compete: any day, certain weekdays, certain days of the month. Each is
    believed as its Dirichlet-multinomial evidence says, and foretells accordingly; their sum on a day is 1 on average.
    """
    by_weekday, by_month_day = np.asarray(base["weekday"]), np.asarray(base["month_day"])
    evidence = np.column_stack([np.zeros(len(weekdays)), _evidence(weekdays, by_weekday), _evidence(month_days, by_month_day)])
    belief = softmax(evidence, axis=1)
    n = weekdays.sum(axis=1, keepdims=True)
    likelier_weekday = (weekdays / by_weekday + LOOSE) / (n + LOOSE)
    likelier_month_day = (month_days / by_month_day + LOOSE) / (n + LOOSE)
    return belief[:, 0], belief[:, [1]] * likelier_weekday, belief[:, [2]] * likelier_month_day


def _evidence(counts: Floats, base: Floats) -> Floats:
    """Log of how much better a habit of its own explains the counts than the book's days do."""
    prior = LOOSE * base
    n = counts.sum(axis=1)
    own = gammaln(counts + prior).sum(axis=1) - gammaln(prior).sum() + gammaln(LOOSE) - gammaln(n + LOOSE)
    result: Floats = own - counts @ np.log(base)
    return result


def run_mass(cases: Cases, base: Mapping[str, Sequence[float]]) -> Floats:
    """Usual payment days ahead, summed by day: (n, LAST - OPENS + 1).

    Column j is the number of usual payment days, in days of an average customer's, after the case's date and up to
    `OPENS + j` days past due. Weekdays on which the country rests count nothing.
    """
    any_day, by_weekday, by_month_day = habit(cases.weekdays, cases.month_days, base)
    due, today = cases.column("due").astype(np.int64), cases.column("as_of").astype(np.int64)
    if not len(cases):
        return np.zeros((0, LAST - OPENS + 1))
    first, last = int(due.min()) + OPENS, int(due.max()) + LAST
    weekday, month_day, works = _calendar(cases, first, last)
    usual = np.asarray(base["weekday"]) * WEEKDAYS
    countries = cases.invoices["country"].to_numpy(zero_copy_only=False)
    mass = np.empty((len(cases), LAST - OPENS + 1))
    for start in range(0, len(cases), CHUNK):
        rows = slice(start, start + CHUNK)
        who = cases.observation[rows]
        days = due[rows, None] + np.arange(OPENS, LAST + 1)[None, :]
        at = days - first
        weight = any_day[who, None] + by_weekday[who[:, None], weekday[at]] + by_month_day[who[:, None], month_day[at]]
        weight *= usual[weekday[at]] * (days > today[rows, None])
        for country, working in works.items():
            there = np.flatnonzero(countries[rows] == country)
            weight[there] *= working[at[there]]
        mass[rows] = np.cumsum(weight, axis=1)
    return mass


def mass_until(mass: Floats, age: Floats | float) -> Floats:
    """The usual payment days ahead up to an age: (n,); none at ages before `OPENS`."""
    column = np.clip(np.asarray(age) - OPENS, -1, LAST - OPENS).astype(np.int64)
    column = np.broadcast_to(column, (len(mass),))
    result: Floats = np.where(column >= 0, mass[np.arange(len(mass)), np.maximum(column, 0)], 0.0)
    return result


def mass_in_bins(mass: Floats, age: Floats) -> Floats:
    """The usual payment days in what is left of each bin: (n, N_BINS)."""
    begun = starts(age)
    return np.column_stack(
        [mass_until(mass, float(edge)) - mass_until(mass, np.minimum(begun[:, place], edge)) for place, edge in enumerate(EDGES)]
    )


def _calendar(cases: Cases, first: int, last: int) -> tuple[Any, Any, dict[str, Any]]:
    """Weekday and day of the month (from 0) of every day; by country whether it is no holiday. Weekends are for the counts."""
    days = [EPOCH + timedelta(days=each) for each in range(first, last + 1)]
    weekday = np.array([day.weekday() for day in days])
    month_day = np.array([day.day - 1 for day in days])
    works = {}
    for country in cases.invoices["country"].unique().to_pylist():
        off: set[int] = set().union(*(days_off(country, year) for year in range(days[0].year, days[-1].year + 1)))
        works[country] = np.array(
            [0.0 if day_number(day) in off and weekday[at] < SATURDAY else 1.0 for at, day in enumerate(days)]
        )
    return weekday, month_day, works
