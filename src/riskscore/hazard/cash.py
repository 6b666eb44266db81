"""Cash: what open invoices will bring week by week, with the range in which four weeks in five should fall.

Invoices of one customer share its fortune and all share the economy's: drawn one by one they would cancel out, and the range
would promise too much. So each draw shifts the log-odds to be paid in a week of everybody, and of every customer, by a shock of
known spread. A shift for all weeks alike moves little cash between weeks; so each week has one of its own as well: runs of many
customers fall on one side of a Sunday or the other together.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from riskscore.hazard.formula import Curves
from riskscore.model.formula import Floats

WEEK = 7
N_DRAWS = 1000
COMMON_SHOCK, OWN_SHOCK, WEEK_SHOCK = 0.15, 0.8, 0.3
"""Spread, in log-odds of being paid in a week, of what all invoices share, those of one customer, and all in one week.

Chosen on simulated books that no benchmark reports.
"""

QUANTILES = (0.1, 0.5, 0.9)
SMALLEST = 1e-9


@dataclass(frozen=True)
class Weeks:
    """The cash of each week ahead, in the unit of the amounts: its mean and, over the draws, its 10th, 50th, 90th percentile."""

    mean: Floats
    p10: Floats
    p50: Floats
    p90: Floats


def paid_by_week(curves: Curves, n_weeks: int) -> Floats:
    """The chance of each invoice to be paid by the end of each week ahead: (n, n_weeks); rises with the weeks."""
    return np.column_stack([1 - curves.late(curves.age + WEEK * week) for week in range(1, n_weeks + 1)])


def cash_in(amounts: Floats, customers: np.ndarray[tuple[int], np.dtype[np.int64]], paid_by: Floats, *, seed: int) -> Weeks:
    """The weeks of some invoices in one currency.

    amounts: (n,), open amounts. customers: (n,), a number per customer. paid_by: as `paid_by_week`. The mean is exact; the
    percentiles come from seeded draws: equal invoices give equal figures.
    """
    n_weeks = paid_by.shape[1]
    chance = np.diff(paid_by, axis=1, prepend=0.0)
    mean = amounts @ chance if len(amounts) else np.zeros(n_weeks)
    random = np.random.default_rng(seed)
    drawn = np.zeros((N_DRAWS, n_weeks))
    names, owner = np.unique(customers, return_inverse=True)
    unpaid_before = np.column_stack([np.ones(len(paid_by)), 1 - paid_by[:, :-1]])
    pace = logit(np.clip(chance / np.maximum(unpaid_before, SMALLEST), SMALLEST, 1 - SMALLEST))
    for draw in range(N_DRAWS if len(amounts) else 0):
        shock = COMMON_SHOCK * random.standard_normal() + OWN_SHOCK * random.standard_normal(len(names))
        weekly = WEEK_SHOCK * random.standard_normal(n_weeks)
        still = np.cumprod(expit(-(pace + shock[owner, None] + weekly)), axis=1)
        week = (random.random(len(amounts))[:, None] < still).sum(axis=1)  # weeks survived; n_weeks means later
        drawn[draw] = np.bincount(week, amounts, minlength=n_weeks + 1)[:n_weeks]
    p10, p50, p90 = np.quantile(drawn, QUANTILES, axis=0)
    return Weeks(mean, p10, p50, p90)


def plus_mean_delay(amounts: Floats, age: Floats, delay: Floats, n_weeks: int) -> Floats:
    """The rule of thumb: every invoice is paid at its due date plus the customer's mean delay, or at once where that is past."""
    days = np.maximum(delay - age, 1)
    week = np.minimum((days - 1) // WEEK, n_weeks).astype(np.int64)
    result: Floats = np.bincount(week, amounts, minlength=n_weeks + 1)[:n_weeks].astype(np.float64)
    return result
