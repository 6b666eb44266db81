"""Does each grade pay as late as its probability says? Jeffreys intervals grade by grade."""

from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, betaincinv

from riskscore.evaluation.metrics import Floats, Integers

LEVEL = 0.05


@dataclass(frozen=True)
class GradeRow:
    """One grade: what was predicted, what was observed, and whether the two can be squared.

    mean_pd: mean probability of its rows. observed: share with the event; low, high: its 95 % interval (`jeffreys_interval`).
    p_value: of the mean probability, below 5 % exactly where it lies outside that interval. holds: not
    rejected at 5 % by Holm's rule over all grades.
    """

    grade: int
    n: int
    n_events: int
    mean_pd: float
    observed: float
    low: float
    high: float
    p_value: float
    holds: bool


def judge_grades(grades: Integers, pd: Floats, outcome: Floats) -> list[GradeRow]:
    """Every grade that has rows, from the best on.

    The rows must be independent enough to be counted: one per customer and horizon, no outcome windows that overlap. The interval
    is that of `jeffreys_interval`; Holm's step-down rule keeps the chance of rejecting any right grade at 5 %.
    """
    used = [int(grade) for grade in np.unique(grades)]
    counted = [(grade, pd[grades == grade], outcome[grades == grade]) for grade in used]
    tails = [_p_value(int(happened.sum()), len(happened), float(predicted.mean())) for _, predicted, happened in counted]
    rejected = _holm(tails)
    rows = []
    for (grade, predicted, happened), p_value, out in zip(counted, tails, rejected, strict=True):
        n, events = len(happened), int(happened.sum())
        low, high = jeffreys_interval(events, n)
        rows.append(GradeRow(grade, n, events, float(predicted.mean()), events / n, low, high, p_value, holds=not out))
    return rows


def jeffreys_interval(n_events: int, n: int) -> tuple[float, float]:
    """The share that so many events of n rows may stand for, 95 %: quantiles of Beta(D + 1/2, N - D + 1/2) (Jeffreys' prior).

    From 0 where no row had the event and to 1 where all had: no probability is so small that none of forty would speak against.

    >>> [tuple(round(end, 4) for end in jeffreys_interval(events, 10)) for events in (0, 1, 10)]
    [(0.0, 0.2172), (0.011, 0.3813), (0.7828, 1.0)]
    """
    low, high = betaincinv(n_events + 0.5, n - n_events + 0.5, [LEVEL / 2, 1 - LEVEL / 2])
    return (0.0 if n_events == 0 else float(low), 1.0 if n_events == n else float(high))


def _p_value(n_events: int, n: int, pd: float) -> float:
    """Twice the smaller tail beyond the probability: of both, or of the one that the interval leaves out at a closed end."""
    below = float(betainc(n_events + 0.5, n - n_events + 0.5, pd))
    tails = [below] * (n_events > 0) + [1 - below] * (n_events < n)
    return min(1.0, 2 * min(tails))


def _holm(p_values: list[float]) -> list[bool]:
    """Which hypotheses are rejected at `LEVEL` over the family."""
    rejected = [False] * len(p_values)
    for rank, place in enumerate(np.argsort(p_values, kind="stable")):
        if p_values[place] > LEVEL / (len(p_values) - rank):
            break
        rejected[place] = True
    return rejected
