"""Are the probabilities true as a whole? Spiegelhalter's test, and predicted against observed year by year.

Both count every row as independent of the others given its probability: one row a customer and date, outcome windows that do not
overlap. Customers of one date share an economy all the same, which no row knows of. So right probabilities are rejected more
often than the level says where the economy moves, and a year may be off although nothing is wrong with the model: figures to
look at, and nothing to refuse a model by.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from riskscore.evaluation.grading import LEVEL, jeffreys_interval
from riskscore.evaluation.metrics import SMALLEST_PD, Floats, Integers

WITHIN = 0.10
"""How far the mean probability of a year may lie from the observed share, as a share of it."""


@dataclass(frozen=True)
class Spiegelhalter:
    """The test of the probabilities of n rows. z: standard normal if they are true, above 0 where outcomes fit worse than that.

    p_value: two-sided. z and p_value are NaN where no probability can be told from 1/2 or there is no row.
    """

    n: int
    z: float
    p_value: float

    @property
    def rejected(self) -> bool:
        """Whether true probabilities would so seldom look like this: in 5 % of cases; false where there is no test."""
        return self.p_value < LEVEL


@dataclass(frozen=True)
class YearRow:
    """Calibration in the large of one calendar year.

    predicted: mean probability. observed: share with the event. ratio: predicted / observed, NaN without an event; low, high: its
    95 % interval, as far as chance among the rows goes (Jeffreys), its upper end infinite without an event. within: the ratio
    is at most 10 % off.
    """

    year: int
    n: int
    n_events: int
    predicted: float
    observed: float
    ratio: float
    low: float
    high: float

    @property
    def within(self) -> bool:
        """Whether predicted and observed differ by at most a tenth of the observed."""
        return abs(self.ratio - 1) <= WITHIN


@dataclass(frozen=True)
class Trueness:
    """Both answers, on the same rows."""

    spiegelhalter: Spiegelhalter
    years: Sequence[YearRow]


def judge_trueness(pd: Floats, outcome: Floats, years: Integers) -> Trueness:
    """Both on rows whose outcome windows do not overlap. pd, outcome (1.0 where the event followed), calendar year: (n,) each."""
    return Trueness(spiegelhalter(pd, outcome), by_year(pd, outcome, years))


def spiegelhalter(pd: Floats, outcome: Floats) -> Spiegelhalter:
    """Do the outcomes fit the probabilities? z = sum((o - p)(1 - 2p)) / sqrt(sum((1 - 2p)^2 p (1 - p))) (Spiegelhalter 1986).

    The Brier score less what it would be on average if the probabilities were true, over its standard deviation then. It finds
    probabilities too near 0 and 1. A level that is off it finds where nearly all lie below 1/2, as with few late payers; above
    1/2 the same error counts the other way, and the two can cancel out. For the level there is `by_year`.

    >>> import numpy as np
    >>> round(spiegelhalter(np.array([0.1, 0.2]), np.array([0.0, 1.0])).z, 4)
    1.1785
    """
    kept = np.clip(pd, SMALLEST_PD, 1 - SMALLEST_PD)
    variance = float(np.sum((1 - 2 * kept) ** 2 * kept * (1 - kept)))
    if variance == 0:
        return Spiegelhalter(len(pd), float("nan"), float("nan"))
    z = float(np.sum((outcome - kept) * (1 - 2 * kept))) / variance**0.5
    return Spiegelhalter(len(pd), z, float(2 * ndtr(-abs(z))))


def by_year(pd: Floats, outcome: Floats, years: Integers) -> list[YearRow]:
    """Predicted over observed in each calendar year that has rows, the oldest first."""
    found = []
    for year in np.unique(years).tolist():
        there = years == year
        n, events, predicted = int(there.sum()), int(outcome[there].sum()), float(pd[there].mean())
        least, most = jeffreys_interval(events, n)
        ratio, high = (predicted * n / events, predicted / least) if events else (float("nan"), float("inf"))
        found.append(YearRow(year, n, events, predicted, events / n, ratio, predicted / most, high))
    return found
