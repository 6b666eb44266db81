"""Does each grade pay as late as its probability says? Jeffreys intervals grade by grade."""

from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, betaincinv

from riskscore.evaluation.metrics import Floats, Integers

LEVEL = 0.05


@dataclass(frozen=True)
class GradeRow:
    """One grade: what was predicted, what was observed, and whether the two can be squared.

    mean_pd: mean probability of its rows. observed: share with the event; low, high: its 95 % Jeffreys interval.
    p_value: of the mean probability under that interval. holds: not rejected at 5 % by Holm's rule over all grades.
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
    is Beta(D + 1/2, N - D + 1/2) (Jeffreys; the supervisors' calibration test); Holm's step-down rule keeps the chance of
    rejecting any right grade at 5 %.
    """
    used = [int(grade) for grade in np.unique(grades)]
    counted = [(grade, pd[grades == grade], outcome[grades == grade]) for grade in used]
    tails = []
    for _, predicted, happened in counted:
        below = float(betainc(happened.sum() + 0.5, len(happened) - happened.sum() + 0.5, predicted.mean()))
        tails.append(min(1.0, 2 * min(below, 1 - below)))
    rejected = _holm(tails)
    rows = []
    for (grade, predicted, happened), p_value, out in zip(counted, tails, rejected, strict=True):
        n, events = len(happened), int(happened.sum())
        low, high = betaincinv(events + 0.5, n - events + 0.5, [LEVEL / 2, 1 - LEVEL / 2])
        rows.append(
            GradeRow(grade, n, events, float(predicted.mean()), events / n, float(low), float(high), p_value, holds=not out)
        )
    return rows


def _holm(p_values: list[float]) -> list[bool]:
    """Which hypotheses are rejected at `LEVEL` over the family."""
    rejected = [False] * len(p_values)
    for rank, place in enumerate(np.argsort(p_values, kind="stable")):
        if p_values[place] > LEVEL / (len(p_values) - rank):
            break
        rejected[place] = True
    return rejected
