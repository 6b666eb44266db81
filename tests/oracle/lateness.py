"""Features of lateness and of shares paid late, each as its docstring defines it."""

import math
import statistics
from fractions import Fraction
from itertools import pairwise

from oracle.known import Known
from oracle.words import (
    Answer,
    answered,
    concluded,
    fell_due,
    four_in_five,
    less,
    number,
    oracle,
    ratio,
    total,
    windows,
)


def beyond_terms(known: Known, window: int) -> float | None:
    due = fell_due(known, window)
    return ratio(total(i.late_cent_days + i.unpaid * i.age for i in due), total(i.paid + i.unpaid for i in due))


def index(known: Known, window: int) -> float | None:
    due = fell_due(known, window)
    days = ratio(total(i.cent_days + i.unpaid * i.age for i in due), total(i.paid + i.unpaid for i in due))
    if days is None:
        return None
    knots = [(-30, 100), (0, 80), (15, 70), (22, 60), (30, 50), (60, 40), (90, 30), (120, 20), (180, 0)]
    if days < -30:
        return 100.0
    for (x0, y0), (x1, y1) in pairwise(knots):
        if x0 <= days < x1:
            return y0 + (days - x0) * (y1 - y0) / (x1 - x0)
    return 0.0


windows("days_beyond_terms_{}d", (30, 90, 180, 365, 1095), beyond_terms)
windows("payment_index_{}d", (90, 365), index)
windows("max_days_late_{}d", (90, 365), lambda k, w: number(max((i.days_late for i in concluded(k, w)), default=None)))


@oracle
def median_days_late_180d(known: Known) -> Answer:
    return number(statistics.median(late) if (late := [i.days_late for i in concluded(known, 180)]) else None)


@oracle
def mean_days_late_1095d(known: Known) -> Answer:
    late = [i.days_late for i in concluded(known, 1095)]
    return ratio(sum(late), len(late))


@oracle
def days_late_p80_365d(known: Known) -> Answer:
    return number(four_in_five([i.days_late for i in concluded(known, 365)]))


def spread(known: Known, window: int) -> float | None:
    days = [i.days_late for i in concluded(known, window)]
    if len(days) < 3:
        return None
    mean = Fraction(sum(days), len(days))
    return math.sqrt(sum((day - mean) ** 2 for day in days) / (len(days) - 1))


windows("days_late_sd_{}d", (365, 1095), spread)


@oracle
def days_beyond_terms_change_90d(known: Known) -> Answer:
    return less(beyond_terms(known, 90), beyond_terms(known, 365))


@oracle
def lateness_slope_365d(known: Known) -> Answer:
    points = [(-i.concluded, i.days_late) for i in concluded(known, 365)]
    if len(points) < 3:
        return None
    mean_x, mean_y = (Fraction(sum(column), len(points)) for column in zip(*points, strict=True))
    run = sum((x - mean_x) ** 2 for x, _ in points)
    return None if run == 0 else float(30 * sum((x - mean_x) * (y - mean_y) for x, y in points) / run)


def late_share(known: Known, days: int, window: int = 365) -> float | None:
    asked = answered(known, days, window)
    return ratio(sum(1 for i in asked if i.days_late > days), len(asked))


windows("late_share_{}_365d", (0, 7, 15, 30, 60, 90), late_share)
windows("late_share_{}_1095d", (0, 30, 60), lambda k, days: late_share(k, days, 1095))


@oracle
def late_share_0_90d(known: Known) -> Answer:
    return late_share(known, 0, 90)


@oracle
def late_amount_share_30_365d(known: Known) -> Answer:
    asked = answered(known, 30, 365)
    return ratio(total(i.billed for i in asked if i.days_late > 30), total(i.billed for i in asked))


@oracle
def late_share_change_90d(known: Known) -> Answer:
    return less(late_share(known, 0, 90), late_share(known, 0))


windows("n_matured_{}d", (0, 30), lambda k, days: float(len(answered(k, days, 365))))
windows("n_late_{}d", (0, 30), lambda k, days: float(sum(1 for i in answered(k, days, 365) if i.days_late > days)))


@oracle
def shrunken_late_rate_0d(known: Known) -> Answer:
    asked = answered(known, 0, 365)
    return ratio(sum(1 for i in asked if i.days_late > 0) + Fraction(30, 100) * 5, len(asked) + 5)


@oracle
def shrunken_late_rate_30d(known: Known) -> Answer:
    asked = answered(known, 30, 365)
    return ratio(sum(1 for i in asked if i.days_late > 30) + Fraction(5, 100) * 10, len(asked) + 10)
