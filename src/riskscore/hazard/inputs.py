"""What the members of the hazard read: cases as numbers, and every case once for each age bin that lies ahead of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logit

from riskscore.hazard.bins import EDGES, N_BINS, starts, survival
from riskscore.hazard.cases import LATELY, Cases
from riskscore.hazard.rundays import fit_base, mass_in_bins, mass_until, run_mass
from riskscore.model.formula import Floats
from riskscore.model.inputs import beta_prior
from riskscore.model.value import read_column

Integers = np.ndarray[Any, np.dtype[np.int64]]

SMALLEST_CHANCE = 1e-4  # a habit is never certain
AT_ONCE = 4096
OLDEST = 200  # days past due beyond which one more day says nothing
RUNS = ((-10, 0), (-3, 0), (0, 1), (0, 2), (0, 4), (0, 7), (0, 15), (0, 30))
"""Windows past due in which the customer's usual payment days are counted."""

OWN = (3, 5, 10, 12)
"""Bins at whose edges (-4, 0, 15 and 30 days) the chance by the customer's own habit is an input of its own."""

OF_RECORD = (
    *(f"habit_unpaid_{EDGES[bin_]}" for bin_ in OWN), "habit_n",
    *(f"paid_lately_{days}" for days in LATELY), *(f"paid_late_lately_{days}" for days in LATELY),
)  # fmt: skip
"""How the customer has paid, by age and lately."""

OF_CASE = (
    "terms", "age", "log_amount", "log_amount_of_usual", "due_weekday", "is_electronic",
    *(f"runs_{low}_{high}" for low, high in RUNS), *OF_RECORD,
)  # fmt: skip
OF_BIN = ("edge", "days", "runs", "log_runs", "habit", "habit_exposed")


@dataclass(frozen=True)
class Described:
    """Cases as numbers. matrix: (n, features + OF_CASE). runs, habit, exposed: (n, N_BINS), what only the bin tells.

    habit: the shrunken chance, by the customer's own record, to be paid in the bin when reached. age: days past due.
    """

    matrix: Floats
    age: Floats
    runs: Floats
    habit: Floats
    exposed: Floats

    def periods(self) -> tuple[Integers, Integers]:
        """Case and bin of every period that lies ahead, in order."""
        case, place = np.nonzero(self.age[:, None] < EDGES[None, :])
        return case.astype(np.int64), place.astype(np.int64)

    def period_matrix(self, case: Integers, place: Integers, beside: Floats | None = None) -> Floats:
        """The inputs of periods: those of the case, what stands beside them (n rows), then `OF_BIN`."""
        begun = np.minimum(starts(self.age)[case, place], EDGES[place])
        runs, habit = self.runs[case, place], self.habit[case, place]
        own = [EDGES[place], EDGES[place] - begun, runs, np.log(runs + 0.02), logit(habit), self.exposed[case, place]]
        known = self.matrix if beside is None else np.column_stack([self.matrix, beside])
        periods = np.empty((len(case), known.shape[1] + len(own)))
        for start in range(0, len(case), AT_ONCE):  # a few at a time: no second copy of what is the largest matrix of a training
            rows = slice(start, start + AT_ONCE)
            periods[rows, : known.shape[1]] = known[case[rows]]
        for column, values in enumerate(own, start=known.shape[1]):
            periods[:, column] = values
        return periods


def fit_habits(cases: Cases) -> dict[str, Any]:
    """What habits are shrunken toward: the book's payment days, and by bin the beta prior of the customers' own chances.

    Of every customer the newest date counts, so that nobody speaks twice.
    """
    ids = np.asarray(cases.who["customer_id"].to_pylist(), dtype=object)
    newest = np.append(ids[1:] != ids[:-1], True) if len(ids) else np.zeros(0, dtype=bool)
    priors = [beta_prior(cases.paid_in[newest, place], cases.exposed_in[newest, place]) for place in range(N_BINS)]
    return {
        "base": fit_base(cases.weekdays[newest], cases.month_days[newest], cases.mondays[newest]),
        "mean": [mean for mean, _ in priors],
        "strength": [strength for _, strength in priors],
    }


def describe(cases: Cases, catalogue: tuple[str, ...], habits: Mapping[str, Any]) -> Described:
    """The cases as numbers. catalogue: the features of the customer that are read; habits: as `fit_habits` made them."""
    who = cases.observation
    mean, habit = np.asarray(habits["mean"]), own_habit(cases, habits)
    mass = run_mass(cases, habits["base"])
    age = cases.age
    unpaid = np.clip(survival(habit, age)[:, OWN], SMALLEST_CHANCE, 1 - SMALLEST_CHANCE)
    amount = np.log(np.maximum(cases.column("cents"), 1.0))
    usual = np.log(100 * np.maximum(_feature(cases, "mean_invoice_365d"), 0.01))
    of_case = [
        cases.column("terms"),
        np.minimum(age, OLDEST),
        amount,
        amount - usual,
        (cases.column("due") + 3) % 7,  # 1970-01-01 was a Thursday; Monday is 0
        cases.column("is_electronic"),
        *(mass_until(mass, float(high)) - mass_until(mass, float(low)) for low, high in RUNS),
        *logit(unpaid).T,
        cases.exposed_in[who, OWN[1]],
        *paid_lately(cases, mean)[who].T,
    ]
    features = [_feature(cases, name) for name in catalogue]
    return Described(np.column_stack([*features, *of_case]), age, mass_in_bins(mass, age), habit, cases.exposed_in[who])


def own_habit(cases: Cases, habits: Mapping[str, Any]) -> Floats:
    """The shrunken chance of each case, by its customer's own record, to be paid in each bin when it is reached: (n, N_BINS)."""
    mean, strength = np.asarray(habits["mean"]), np.asarray(habits["strength"])
    own = (cases.paid_in + mean * strength) / (cases.exposed_in + strength)
    result: Floats = np.clip(own, SMALLEST_CHANCE, 1 - SMALLEST_CHANCE)[cases.observation]
    return result


def paid_lately(cases: Cases, mean: Floats) -> Floats:
    """How much oftener than the book's customers each one was paid by lately, as logarithms: (n, 2 windows); zero says as often.

    Per window the invoices it paid, over those the book's mean chances foretell for what it had open in each bin; then the same
    of bins after the due date. One is added on either side, so that little history says little. A customer in trouble shows
    here long before the year's record does.
    """
    paid, foretold = cases.lately_paid_in, cases.lately_exposed_in * mean
    every, after_due = np.ones(N_BINS, dtype=bool), EDGES > 0
    ratios = [(paid[:, :, bins].sum(axis=2) + 1) / (foretold[:, :, bins].sum(axis=2) + 1) for bins in (every, after_due)]
    result: Floats = np.log(np.concatenate(ratios, axis=1))
    return result


def _feature(cases: Cases, name: str) -> Floats:
    values = np.asarray(read_column(cases.who, name, "number"), dtype=np.float64)
    result: Floats = values[cases.observation]
    return result
