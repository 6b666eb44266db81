"""The rows two models are compared on: both probabilities, what happened, what either would have earned, and in which segment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from riskscore.evaluation import Resamples, paired_difference
from riskscore.evaluation.metrics import SMALLEST_PD, Floats, Integers
from riskscore.promotion.earning import Earned

SEED = 20_261_125
LARGEST_DRAW = 20_000_000
"""Customers times draws that are held in memory at once."""
FEWEST_RESAMPLES = 300
SMALLEST_SEGMENT = 30  # customers; below it an interval says nothing
FEWEST_EVENTS = 5  # customers with an event in a segment, for the same reason
CONFIDENCE = 0.95


@dataclass(frozen=True, eq=False)
class Evidence:
    """Matured rows, one entry a row, in the same order everywhere.

    customers: a number per customer, from 0. days: date of the row since 1970-01-01. outcome: 1.0 where the customer paid
    materially late within the horizon. champion, challenger: probabilities, none of them by a model that had seen the row's
    outcome. earned: what the limits of either would have earned. segments: dimension to the row's segment.
    """

    customers: Integers
    days: Integers
    outcome: Floats
    champion: Floats
    challenger: Floats
    earned_by_champion: Earned
    earned_by_challenger: Earned
    segments: Mapping[str, Sequence[str]]

    def __len__(self) -> int:
        return len(self.outcome)

    @property
    def n_customers(self) -> int:
        """How many customers there are."""
        return len(np.unique(self.customers))

    @property
    def n_customers_with_event(self) -> int:
        """How many of them paid materially late on any row."""
        return len(np.unique(self.customers[self.outcome == 1]))

    def resamples(self, wanted: int) -> Resamples:
        """Draws of the customers: as many as wanted, fewer where so many customers would not fit into memory."""
        return draws_of(self.customers, wanted)

    @cached_property
    def gain(self) -> Floats:
        """Log loss of the champion less that of the challenger, row by row: above 0 the challenger was closer."""
        return loss_of(self.champion, self.outcome) - loss_of(self.challenger, self.outcome)


@dataclass(frozen=True)
class Row:
    """One segment: how many, what happened, what either model said, and the gain in log loss with its interval.

    worse: the challenger's loss is higher beyond chance, allowing for the number of segments looked at.
    """

    dimension: str
    segment: str
    n_rows: int
    n_customers: int
    observed: float
    champion: float
    challenger: float
    gain: float
    low: float
    high: float
    worse: bool


def judge_segments(evidence: Evidence, resamples: Resamples) -> list[Row]:
    """Every segment with enough customers to say something, dimension by dimension.

    The interval holds for all of them together (Bonferroni): the more segments, the wider.
    """
    found: list[tuple[str, str, Any]] = []
    for dimension, values in evidence.segments.items():
        column = np.asarray(values, dtype=object)
        for segment in sorted(set(values)):
            there = column == segment
            with_event = np.unique(evidence.customers[there & (evidence.outcome == 1)])
            if len(np.unique(evidence.customers[there])) >= SMALLEST_SEGMENT and len(with_event) >= FEWEST_EVENTS:
                found.append((dimension, segment, there))
    tail = (1 - CONFIDENCE) / 2 / max(len(found), 1)
    return [_row(evidence, resamples.weights, dimension, segment, there, tail) for dimension, segment, there in found]


def _row(evidence: Evidence, weights: Floats, dimension: str, segment: str, there: Any, tail: float) -> Row:
    owners, n = evidence.customers[there], weights.shape[1]
    mass = weights @ np.bincount(owners, minlength=n)
    with np.errstate(invalid="ignore", divide="ignore"):
        gains = weights @ np.bincount(owners, evidence.gain[there], minlength=n) / mass
    spread = float(np.nanstd(gains[1:], ddof=1))
    low, high = spread_around(float(gains[0]), spread, tail, len(np.unique(owners)) - 1)
    return Row(
        dimension=dimension,
        segment=segment,
        n_rows=int(there.sum()),
        n_customers=len(np.unique(owners)),
        observed=float(evidence.outcome[there].mean()),
        champion=float(evidence.champion[there].mean()),
        challenger=float(evidence.challenger[there].mean()),
        gain=float(gains[0]),
        low=low,
        high=high,
        worse=high < 0,
    )


def draws_of(customers: Integers, wanted: int) -> Resamples:
    """Draws of the customers: as many as wanted, fewer where so many customers would not fit into memory."""
    fitting = LARGEST_DRAW // max(int(customers.max()) + 1, 1)
    return Resamples(customers, max(min(wanted, fitting), FEWEST_RESAMPLES), SEED)


def spread_around(value: float, deviation: float, tail: float, degrees: int) -> tuple[float, float]:
    """The interval that leaves out `tail` on either side, by Student's law: far tails need no million draws."""
    from scipy.stats import t

    reach = float(t.ppf(1 - tail, max(degrees, 1))) * deviation
    return value - reach, value + reach


def loss_of(pd: Floats, outcome: Floats) -> Floats:
    """Minus the log of the probability given to what happened, one a row."""
    kept = np.clip(pd, SMALLEST_PD, 1 - SMALLEST_PD)
    return np.asarray(-np.where(outcome == 1, np.log(kept), np.log1p(-kept)), dtype=np.float64)


__all__ = ["Evidence", "Row", "draws_of", "judge_segments", "loss_of", "paired_difference", "spread_around"]
