"""Run days: on which days a customer's money usually comes, learned from the days on which it came before.

Many companies pay only on certain days: every Friday, or on the 10th and the 25th. When such a day comes next moves the day of
payment more than anything the balance sheet says. A run that falls on a day of rest takes place on the next business day: where
the 10th is a Saturday the money comes on Monday, the 12th, and says nothing about twelfths.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
from scipy.special import gammaln, softmax

from riskscore.hazard.bins import EDGES, OPENS, starts
from riskscore.hazard.cases import MONTH_DAYS, WEEKDAYS, Cases
from riskscore.model.formula import Floats, weighed
from riskscore.model.logistic import significant
from riskscore.snapshot.calendar import EPOCH, SATURDAY, day_number, days_off

LOOSE = 1.0
"""Strength of the prior of a habit, in payment days: little, so that a strict one is believed after a few of them."""

LAST = int(EDGES[-1])
CHUNK = 20_000
LONGEST_REST = 14
"""Days of rest in a row, at most: before a window that begins within them their runs are still to come."""

RESTS = 0.02
"""A weekday on which less than this share of a book's payments come is a day of rest where the country's calendar says so."""

N_SPLITS = 3
DAYS_A_MONTH = 365.25 / 12


def fit_base(weekdays: Floats, month_days: Floats, mondays: Floats) -> dict[str, list[float]]:
    """How payment days of the whole book lie over weekdays and the days of the month they were meant for; no cell is empty."""
    meant = meant_days(month_days, mondays)
    return {
        "weekday": significant((weekdays.sum(axis=0) + 0.5) / (weekdays.sum() + 0.5 * WEEKDAYS)).tolist(),
        "month_day": significant((meant.sum(axis=0) + 0.5) / (meant.sum() + 0.5 * MONTH_DAYS)).tolist(),
    }


def meant_days(month_days: Floats, mondays: Floats) -> Floats:
    """The days of the month that payments were meant for: (n, 31). month_days: those of Tuesdays and later; mondays: of Mondays.

    A Monday's payment was meant for the Monday or for the Sunday or Saturday before it, each as likely as the customer's other
    payments make it: an expectation-maximisation of a few steps.
    """
    meant = month_days + mondays / 3 + np.roll(mondays, -1, axis=1) / 3 + np.roll(mondays, -2, axis=1) / 3
    for _ in range(N_SPLITS):
        weight = meant + LOOSE / MONTH_DAYS
        each = mondays / (weight + np.roll(weight, 1, axis=1) + np.roll(weight, 2, axis=1))
        meant = month_days + weight * (each + np.roll(each, -1, axis=1) + np.roll(each, -2, axis=1))
    return np.asarray(meant, dtype=np.float64)


def habit(weekdays: Floats, meant: Floats, base: Mapping[str, Sequence[float]]) -> tuple[Floats, Floats, Floats]:
    """How many payment days fall on a day meant for it: on any day by weekday (n, 7), and by weekday (n, 7) and day of the month
    (n, 31) where the customer keeps to those. Their sum is 1 a day on average.

    Three explanations of a customer's payment days compete: the book's days, certain weekdays, certain days of the month. Each is
    believed as its Dirichlet-multinomial evidence says, and foretells accordingly.
    """
    by_weekday, by_month_day = np.asarray(base["weekday"]), np.asarray(base["month_day"])
    evidence = np.column_stack([np.zeros(len(weekdays)), _evidence(weekdays, by_weekday), _evidence(meant, by_month_day)])
    belief = softmax(evidence, axis=1)
    n = weekdays.sum(axis=1, keepdims=True)
    own_weekday = (weekdays + LOOSE * by_weekday) / (n + LOOSE) * WEEKDAYS
    own_month_day = (meant + LOOSE * by_month_day) / (n + LOOSE) * DAYS_A_MONTH
    return belief[:, [0]] * by_weekday * WEEKDAYS, belief[:, [1]] * own_weekday, belief[:, [2]] * own_month_day


def _evidence(counts: Floats, base: Floats) -> Floats:
    """Log of how much better a habit of its own explains the counts than the book's days do."""
    prior = LOOSE * base
    n = counts.sum(axis=1)
    own = gammaln(counts + prior).sum(axis=1) - gammaln(prior).sum() + gammaln(LOOSE) - gammaln(n + LOOSE)
    result: Floats = own - weighed(counts, np.log(base))
    return result


def run_mass(cases: Cases, base: Mapping[str, Sequence[float]]) -> Floats:
    """Usual payment days ahead, summed by day: (n, LAST - OPENS + 1).

    Column j is the number of usual payment days, in days of an average customer's, after the case's date and up to
    `OPENS + j` days past due. Days on which the country rests have none; runs meant for them come on the next business day.
    """
    any_day, by_weekday, by_month_day = habit(cases.weekdays, meant_days(cases.month_days, cases.mondays), base)
    due, today = cases.column("due").astype(np.int64), cases.column("as_of").astype(np.int64)
    if not len(cases):
        return np.zeros((0, LAST - OPENS + 1))
    opens = OPENS - 1 - LONGEST_REST
    first = int(due.min()) + opens
    weekday, month_day, business = _calendar(cases, base, first, int(due.max()) + LAST)
    countries = cases.invoices["country"].to_numpy(zero_copy_only=False)
    window = np.arange(opens, LAST + 1)[None, :]
    mass = np.empty((len(cases), LAST - OPENS + 1))
    for start in range(0, len(cases), CHUNK):
        rows = slice(start, start + CHUNK)
        who = cases.observation[rows, None]
        at = due[rows, None] + window - first
        open_day = np.empty(at.shape, dtype=bool)
        for country, days in business.items():
            there = np.flatnonzero(countries[rows] == country)
            open_day[there] = days[at[there]]
        meant = any_day[who, weekday[at]] * open_day + by_weekday[who, weekday[at]] + by_month_day[who, month_day[at]]
        newest_open = np.maximum.accumulate(np.where(open_day, np.arange(at.shape[1]), 0), axis=1)
        come = np.take_along_axis(np.cumsum(meant, axis=1), newest_open, axis=1)
        now = np.clip(today[rows] - due[rows], OPENS - 1, LAST) - opens
        mass[rows] = np.maximum(come - np.take_along_axis(come, now[:, None], axis=1), 0.0)[:, OPENS - opens :]
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


def _calendar(cases: Cases, base: Mapping[str, Sequence[float]], first: int, last: int) -> tuple[Any, Any, dict[str, Any]]:
    """Weekday and day of the month (from 0) of every day; by country whether it is a business day.

    On holidays nobody pays. On a weekend some books are paid all the same: it counts as rest only where hardly any payment came.
    """
    days = [EPOCH + timedelta(days=each) for each in range(first, last + 1)]
    weekday = np.array([day.weekday() for day in days])
    month_day = np.array([day.day - 1 for day in days])
    quiet = np.asarray(base["weekday"]) < RESTS
    business = {}
    for country in cases.invoices["country"].unique().to_pylist():
        off: set[int] = set().union(*(days_off(country, year) for year in range(days[0].year, days[-1].year + 1)))
        rests = [day_number(day) in off and (day.weekday() < SATURDAY or quiet[day.weekday()]) for day in days]
        business[country] = ~np.array(rests)
    return weekday, month_day, business
