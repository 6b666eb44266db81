"""Age bins: days from the business-day due date, and how the chance of being still unpaid is read between and beyond their edges.

S(e) is the chance that an invoice is still unpaid e days after its due date; by construction it never rises with e.
"""

from collections.abc import Sequence

import numpy as np

from riskscore.model.formula import Floats

EDGES = np.array([-20, -12, -7, -4, -2, 0, 2, 4, 7, 10, 15, 20, 30, 45, 60, 90, 120])
"""The last day of each bin, in days past due; the first bin has no first day; beyond the last one the invoice is still open."""

N_BINS = len(EDGES)
OPENS = -60
"""Where the first bin is taken to begin when days in it are counted: few invoices are paid earlier."""

SMALLEST = 1e-12
FARTHEST = 3650


def book_pace(mean_hazard: Sequence[float]) -> float:
    """How log S of the whole book changes a day over the last two bins, from its mean chance of payment in each bin."""
    return float(np.log1p(-np.asarray(mean_hazard[-2:])).sum() / (EDGES[-1] - EDGES[-3]))


def starts(age: Floats) -> Floats:
    """The age from which each invoice is exposed in each bin: (n, N_BINS). age: (n,), the last age it is known to be unpaid at.

    Where the start is not before the edge the bin lies in the past.
    """
    before = np.concatenate([[OPENS], EDGES[:-1]]).astype(np.float64)
    result: Floats = np.maximum(before[None, :], age[:, None])
    return result


def survival(hazard: Floats, age: Floats) -> Floats:
    """S at every edge: (n, N_BINS), 1 at edges not after the age. hazard: the chance to be paid in what is left of a bin."""
    ahead = age[:, None] < EDGES[None, :]
    return np.asarray(np.cumprod(np.where(ahead, 1.0 - hazard, 1.0), axis=1), dtype=np.float64)


def unpaid_at(survived: Floats, age: Floats, k: Floats, pace: float) -> Floats:
    """The chance to be unpaid k days past due: (n,). k: (n,) or a number. 1 where k is not after the age.

    Between edges the chance to be paid on a day is taken as constant (log S is linear in the days). Beyond the last edge log S
    changes by `pace` a day, below zero: how the whole book goes on.
    """
    n = len(age)
    asked = np.broadcast_to(np.asarray(k, dtype=np.float64), (n,))
    knots, logs = _curve(survived, age)
    place = np.clip((knots < asked[:, None]).sum(axis=1), 1, N_BINS)
    rows = np.arange(n)
    x0, x1, y0, y1 = knots[rows, place - 1], knots[rows, place], logs[rows, place - 1], logs[rows, place]
    share = np.divide(asked - x0, x1 - x0, out=np.zeros(n), where=x1 > x0)
    inside = y0 + np.clip(share, 0.0, 1.0) * (y1 - y0)
    beyond = logs[:, -1] + pace * np.maximum(asked - knots[:, -1], 0.0)
    result: Floats = np.where(asked <= age, 1.0, np.exp(np.where(asked > knots[:, -1], beyond, inside)))
    return result


def age_when(survived: Floats, age: Floats, share: float, pace: float) -> Floats:
    """The first whole day past due by which the invoice is paid with a chance of at least `share`: (n,).

    Infinite where that is more than ten years away. pace: as in `unpaid_at`.
    """
    knots, logs = _curve(survived, age)
    target = np.log1p(-share)
    n, rows = len(age), np.arange(len(age))
    reached = logs <= target
    place = np.clip(np.where(reached.any(axis=1), reached.argmax(axis=1), N_BINS), 1, N_BINS)
    x0, x1, y0, y1 = knots[rows, place - 1], knots[rows, place], logs[rows, place - 1], logs[rows, place]
    inside = x0 + np.divide(target - y0, y1 - y0, out=np.ones(n), where=y1 < y0) * (x1 - x0)
    beyond = knots[:, -1] + (target - logs[:, -1]) / pace
    days = np.ceil(np.where(reached.any(axis=1), inside, beyond) - 1e-9)
    return np.asarray(np.where(days - age > FARTHEST, np.inf, days), dtype=np.float64)


def expected_days(survived: Floats, age: Floats, pace: float) -> Floats:
    """Expected days from the age to payment: (n,). pace: as in `unpaid_at`.

    The days to payment are more than j with the chance S(age + j), so their mean is the sum of S over the age and all days after
    it: day by day to the last edge; beyond it S falls by the same factor every day, and the rest is the geometric series
    S(last) / (1 - exp(pace)). To stop that sum somewhere would let an invoice be expected the sooner the longer it is overdue.
    """
    total = np.zeros(len(age))
    for day in range(int(age.min(initial=EDGES[-1])), int(EDGES[-1])):
        total += np.where(day >= age, unpaid_at(survived, age, np.asarray(float(day)), pace), 0.0)
    _, logs = _curve(survived, age)
    result: Floats = total + np.exp(logs[:, -1]) / -np.expm1(pace)
    return result


def _curve(survived: Floats, age: Floats) -> tuple[Floats, Floats]:
    """The knots (n, N_BINS + 1) of each invoice's curve, its age first, and log S there. Knots before the age lie on it."""
    knots = np.column_stack([age, np.maximum(EDGES[None, :], age[:, None])])
    logs = np.column_stack([np.zeros(len(age)), np.log(np.maximum(survived, SMALLEST))])
    return knots, logs
