"""Intervals over customers: how far a figure could be off had other customers been drawn, and two predictors on the same draw."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from riskscore.evaluation.metrics import METRICS, Floats, Integers, measure

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Measured:
    """A figure and its 95 % interval. NaN where it cannot be computed."""

    value: float
    low: float
    high: float

    def told(self, digits: int, to: str = " to ") -> str:
        """The figure and its interval as text, a dash where it cannot be computed.

        >>> Measured(0.8239, 0.79, 0.8567).told(2), Measured(float("nan"), float("nan"), float("nan")).told(2)
        ('0.82 (0.79 to 0.86)', '–')
        """
        if np.isnan(self.value):
            return "–"
        interval = "" if np.isnan(self.low) else f" ({self.low:.{digits}f}{to}{self.high:.{digits}f})"
        return f"{self.value:.{digits}f}{interval}"


@dataclass(frozen=True)
class Resamples:
    """Draws of the customers with replacement: a customer's rows stay together, because they are not independent.

    customers: a number per row, 0 to n_customers - 1. Two predictors judged on one `Resamples` are judged on the same draws.
    """

    customers: Integers
    n_resamples: int
    seed: int

    @cached_property
    def weights(self) -> Floats:
        """How often each customer is drawn: the first row is the sample itself, the others are resamples of it."""
        n = int(self.customers.max()) + 1
        there = np.bincount(self.customers, minlength=n) > 0
        drawn = np.random.default_rng(self.seed).multinomial(there.sum(), there / there.sum(), size=self.n_resamples)
        return np.vstack([there[None, :], drawn]).astype(np.float64)

    def judge(self, pd: Floats, outcome: Floats) -> "Replicates":
        """Every metric of a predictor on the sample and on every resample."""
        return Replicates(measure(pd, outcome, self.customers, self.weights))


@dataclass(frozen=True)
class Replicates:
    """Metric to its value on the sample (first) and on every resample."""

    figures: dict[str, Floats]

    def measured(self) -> dict[str, Measured]:
        """Each metric with its interval."""
        return {name: interval(self.figures[name]) for name in METRICS}


def paired_difference(one: Replicates, other: Replicates, metric: str) -> Measured:
    """`one` less `other` in a metric, on the same draws of the customers: an interval that leaves out 0 is a real difference."""
    return interval(one.figures[metric] - other.figures[metric])


def interval(replicates: Floats) -> Measured:
    """The first value with the percentile interval of the others: of those that could be computed, NaN where none could."""
    known = replicates[1:][~np.isnan(replicates[1:])]
    if len(known) == 0:
        return Measured(float(replicates[0]), float("nan"), float("nan"))
    low, high = np.quantile(known, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Measured(float(replicates[0]), float(low), float(high))
