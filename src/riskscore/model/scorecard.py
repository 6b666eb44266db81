"""The scorecard of weights of evidence: the classic of credit scoring, as a peer that the ensemble is judged beside.

Each characteristic is cut into a few classes, each class is worth what it says about the odds, and a logistic adds them up: a
table that can be read without knowing any machine learning. It is fitted and judged beside the members, is none of them and
travels in no bundle.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.special import logit

from riskscore.model.formula import Column, Floats
from riskscore.model.inputs import LEVEL_STRENGTH, Integers, class_rates
from riskscore.model.logistic import BOUNDS, fit_logistic

N_CLASSES = 10  # of equal size, as many as the values allow; the pull toward all customers keeps thin ones quiet
LEAST_INFORMATION = 0.02  # below it a characteristic predicts nothing (Siddiqi 2006)
RIDGE = 10.0  # on the coefficients, times the rows a customer has on average: twelve month ends are not twelve customers


@dataclass(frozen=True)
class Characteristic:
    """One input cut into classes, and what each class says.

    edges: of a number, upper ends of all its classes but the last; an edge belongs to the class below it. levels: of a category,
    the class of each level; null for a number. evidence: (classes + 2,), log-odds of the class less those of all rows, above 0 is
    riskier; the last two are of a value that is not known and of a level never seen, which says nothing (0). information: the
    information value, 0 where the classes are all alike. coefficient: how much of the evidence counts beside that of the others.
    """

    name: str
    edges: Floats
    levels: Mapping[str, int] | None
    evidence: Floats
    information: float
    coefficient: float

    def read(self, column: Column) -> Floats:
        """The evidence of each row: (n,), log-odds, not times the coefficient."""
        result: Floats = self.evidence[_classes(column, self.edges, self.levels)]
        return result


@dataclass(frozen=True)
class Scorecard:
    """An intercept and the characteristics that count, the most informative first."""

    intercept: float
    characteristics: tuple[Characteristic, ...]

    def log_odds(self, columns: Mapping[str, Column]) -> Floats:
        """What the card says of each row: (n,). columns: by name, NaN or None where not known; others are ignored."""
        total = np.full(len(next(iter(columns.values()))), self.intercept)
        for each in self.characteristics:
            total += each.coefficient * each.read(columns[each.name])
        return total


def fit_scorecard(columns: Mapping[str, Column], risks: Mapping[str, str], outcome: Floats, customer_weight: Floats) -> Scorecard:
    """The card of these rows.

    columns: name to (n,) numbers with NaN, or texts with None, where not known. risks: name to the declared direction (`rises`,
    `falls`, `none`). outcome: (n,), 1.0 where the event followed; some of either. customer_weight: (n,), one over the rows of the
    row's customer.

    The evidence of a class is ln(share of all events in it / share of all non-events in it), each customer counted once and the
    class pulled toward none as if `LEVEL_STRENGTH` average customers were in it; neighbours that contradict a declared direction
    are pooled. The information value is the sum over the classes of (share of events - share of non-events) x evidence (both:
    Siddiqi 2006). Characteristics with too little of it are left out; a ridge logistic without negative coefficients, which would
    turn a class around, adds up the others.
    """
    cut = [_cut(name, column, risks[name], outcome, customer_weight) for name, column in columns.items()]
    told = sorted(
        (each for each in cut if each.information >= LEAST_INFORMATION), key=lambda each: (-each.information, each.name)
    )
    evidence = np.column_stack([np.empty((len(outcome), 0)), *(each.read(columns[each.name]) for each in told)])
    ridge = RIDGE * len(outcome) / customer_weight.sum()
    fit = fit_logistic(evidence, outcome, ridge=ridge, bounds=[BOUNDS["rises"]] * len(told))
    counted = zip(told, fit.coefficients.tolist(), strict=True)
    return Scorecard(fit.intercept, tuple(replace(each, coefficient=share) for each, share in counted if share > 0))


def _cut(name: str, column: Column, risk: str, outcome: Floats, weight: Floats) -> Characteristic:
    """The classes of one input and their evidence; no coefficient yet."""
    edges, levels = _edges(column), _levels(column)
    n_known = len(edges) + 1 if levels is None else len(levels)
    rates, n, overall = class_rates(_classes(column, edges, levels), n_known + 2, outcome, weight)
    if levels is None and risk != "none":
        # Pooled after the pull, not before: a thin class is pulled further, which could turn two neighbours around again.
        believed = n[:n_known] + LEVEL_STRENGTH
        rates[:n_known] = isotonic_regression(rates[:n_known], weights=believed, increasing=risk == "rises").x
    evidence = logit(rates) - logit(overall)
    events, others = n * rates, n * (1 - rates)
    information = float(np.sum((events / events.sum() - others / others.sum()) * evidence))
    return Characteristic(name, edges, levels, evidence, information, 0.0)


def _edges(column: Column) -> Floats:
    """Where the classes of a number end: quantiles that are values of training, so that a count is cut between whole numbers."""
    if not isinstance(column, np.ndarray):
        return np.empty(0)
    known = np.sort(column[~np.isnan(column)])
    if not len(known):
        return np.empty(0)
    ends = np.unique(np.quantile(known, np.arange(1, N_CLASSES) / N_CLASSES, method="inverted_cdf"))
    result: Floats = ends[ends < known[-1]]
    return result


def _levels(column: Column) -> dict[str, int] | None:
    if isinstance(column, np.ndarray):
        return None
    return {level: place for place, level in enumerate(sorted({each for each in column if each is not None}))}


def _classes(column: Column, edges: Floats, levels: Mapping[str, int] | None) -> Integers:
    if levels is None:
        values = np.asarray(column, dtype=np.float64)
        result: Integers = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="left"))
        return result
    return np.array([len(levels) if each is None else levels.get(each, len(levels) + 1) for each in column], dtype=np.int64)
