"""Lateness: how late money and invoices come, getting worse or better. Days run from the due date rolled to a business day.

Source of the amount-weighted measure and of the 0-100 index: the trade's days beyond terms and weighted payment index.
"""

from itertools import pairwise

import narwhals.stable.v2 as nw

from riskscore.features.feature import feature
from riskscore.features.measured import (
    ITEMS,
    MONTH,
    QUARTER,
    THREE_YEARS,
    YEAR,
    age,
    concluded,
    concluded_within,
    days_late,
    fell_due_within,
    once,
    paid,
    unpaid,
)
from riskscore.snapshot.measures import Expr, integer, per, real, when

WINDOWS = (MONTH, QUARTER, 180, YEAR, THREE_YEARS)
ENOUGH = 3
"""Invoices it takes before a spread or a trend says anything."""

PAYMENT_INDEX = ((-30, 100), (0, 80), (15, 70), (22, 60), (30, 50), (60, 40), (90, 30), (120, 20), (180, 0))
"""Knots of the trade's payment index: days beyond terms, points. Prompt is 80. Thirty days early is 100, and beyond 120 days
the last slope goes on to 0: the trade names neither end."""

# Money that fell due in each window, and the same times the days it came late; what is still unpaid runs on to the date.
DUE = {w: ITEMS.total(f"due_{w}", paid + unpaid, fell_due_within(w)) for w in WINDOWS}
LATE_DAYS = {
    w: ITEMS.total(f"late_days_{w}", nw.col("late_cent_days") + unpaid * integer(age), fell_due_within(w)) for w in WINDOWS
}
SIGNED_DAYS = {
    w: ITEMS.total(f"signed_days_{w}", nw.col("cent_days") + unpaid * integer(age), fell_due_within(w)) for w in (QUARTER, YEAR)
}
SIGNED = {w: once(f"signed_{w}", per(SIGNED_DAYS[w], DUE[w])) for w in SIGNED_DAYS}

# Moments of days late against time, for the spread and the trend.
LATE = integer(days_late)
WHEN = -integer(concluded)
N = ITEMS.count("n_concluded", concluded_within(YEAR))
SUM_LATE = ITEMS.total("sum_late", LATE, concluded_within(YEAR))
SUM_LATE_SQUARED = ITEMS.total("sum_late_squared", LATE * LATE, concluded_within(YEAR))
SUM_WHEN = ITEMS.total("sum_when", WHEN, concluded_within(YEAR))
SUM_WHEN_SQUARED = ITEMS.total("sum_when_squared", WHEN * WHEN, concluded_within(YEAR))
SUM_WHEN_LATE = ITEMS.total("sum_when_late", WHEN * LATE, concluded_within(YEAR))

N_LONG = ITEMS.count("n_concluded_long", concluded_within(THREE_YEARS))
SUM_LATE_LONG = ITEMS.total("sum_late_long", LATE, concluded_within(THREE_YEARS))
SUM_LATE_SQUARED_LONG = ITEMS.total("sum_late_squared_long", LATE * LATE, concluded_within(THREE_YEARS))

MEDIAN_180 = ITEMS.median("median_late_180", days_late, concluded_within(180))
P80_365 = ITEMS.p80("p80_late_365", days_late, concluded_within(YEAR))
MAX_90 = ITEMS.largest("max_late_90", days_late, concluded_within(QUARTER))
MAX_365 = ITEMS.largest("max_late_365", days_late, concluded_within(YEAR))


def payment_index(days: Expr) -> Expr:
    """The trade's 0-100 payment index of some average days beyond terms, linear between its knots; null stays null."""
    (first, best), *_, (last, worst) = PAYMENT_INDEX
    index = when(days >= last, nw.lit(float(worst)))
    for (x0, y0), (x1, y1) in pairwise(PAYMENT_INDEX):
        slope = (y1 - y0) / (x1 - x0)
        index = when((days >= x0) & (days < x1), y0 + (days - x0) * slope, index)
    return when(days < first, nw.lit(float(best)), index)


@feature(unit="days", risk="rises", window_days=30, group="payment_history", reason="P01")
def days_beyond_terms_30d() -> Expr:
    """How late was the money that fell due in the last 30 days?

    Amount-weighted days beyond terms: each payment with its days after the due date (early counts 0), what is still unpaid
    with the days run so far; disputed parts left out while the dispute is open. Null when nothing fell due: silence is not
    punctuality.
    """
    return per(LATE_DAYS[MONTH], DUE[MONTH])


@feature(unit="days", risk="rises", window_days=90, group="payment_history", reason="P01")
def days_beyond_terms_90d() -> Expr:
    """How late was the money that fell due in the last 90 days?

    Amount-weighted as over 30 days. Null when nothing fell due.
    """
    return per(LATE_DAYS[QUARTER], DUE[QUARTER])


@feature(unit="days", risk="rises", window_days=180, group="payment_history", reason="P01")
def days_beyond_terms_180d() -> Expr:
    """How late was the money that fell due in the last 180 days?

    Amount-weighted as over 30 days. Null when nothing fell due.
    """
    return per(LATE_DAYS[180], DUE[180])


@feature(unit="days", risk="rises", window_days=365, group="payment_history", reason="P01")
def days_beyond_terms_365d() -> Expr:
    """How late was the money that fell due in the last year?

    Amount-weighted as over 30 days. Null when nothing fell due.
    """
    return per(LATE_DAYS[YEAR], DUE[YEAR])


@feature(unit="days", risk="rises", window_days=1095, group="payment_history", reason="P01")
def days_beyond_terms_1095d() -> Expr:
    """How late was the money that fell due in the last three years?

    Amount-weighted as over 30 days. Null when nothing fell due.
    """
    return per(LATE_DAYS[THREE_YEARS], DUE[THREE_YEARS])


@feature(unit="index", risk="falls", window_days=90, group="payment_history", reason="P01")
def payment_index_90d() -> Expr:
    """What is the customer's payment index over the last 90 days?

    The trade's 0-100 index: 80 prompt, 50 thirty days late, 20 four months late; early payment lifts it above 80. Taken at the
    amount-weighted days, early ones below zero. Null when nothing fell due.
    """
    return payment_index(SIGNED[QUARTER])


@feature(unit="index", risk="falls", window_days=365, group="payment_history", reason="P01")
def payment_index_365d() -> Expr:
    """What is the customer's payment index over the last year?

    The 0-100 index as over 90 days. Null when nothing fell due.
    """
    return payment_index(SIGNED[YEAR])


@feature(unit="days", risk="rises", window_days=180, group="payment_history", reason="P01")
def median_days_late_180d() -> Expr:
    """How late does this customer usually pay?

    Median days from due date to the payment that settled, over invoices settled in 180 days and those overdue now (with the
    days run so far); early counts below zero. Null when there are none.
    """
    return real(MEDIAN_180)


@feature(unit="days", risk="rises", window_days=1095, group="payment_history", reason="P01")
def mean_days_late_1095d() -> Expr:
    """How late have this customer's invoices been, one like another, for three years?

    Mean days from due date to the payment that settled, over invoices settled in three years and those overdue now (with the
    days run so far); early counts below zero. Null when there are none.
    """
    return per(SUM_LATE_LONG, N_LONG)


@feature(unit="days", risk="rises", window_days=365, group="payment_history", reason="P01")
def days_late_p80_365d() -> Expr:
    """Within how many days of the due date are four in five invoices paid?

    80th percentile, rounded up to a whole day, over invoices settled in a year and those overdue now. Null when there are none.
    """
    return real(P80_365)


@feature(unit="days", risk="rises", window_days=90, group="payment_history", reason="P03")
def max_days_late_90d() -> Expr:
    """How late was the worst invoice settled in 90 days, or overdue now?

    Early counts below zero. Null when there are none.
    """
    return real(MAX_90)


@feature(unit="days", risk="rises", window_days=365, group="payment_history", reason="P03")
def max_days_late_365d() -> Expr:
    """How late was the worst invoice settled in a year, or overdue now?

    Early counts below zero. Null when there are none.
    """
    return real(MAX_365)


@feature(unit="days", risk="rises", window_days=365, group="payment_history", reason="P05")
def days_late_sd_365d() -> Expr:
    """How irregular is payment?

    Sample standard deviation of days late over invoices settled in a year and those overdue now. Null below three of them.
    """
    return _spread(N, SUM_LATE, SUM_LATE_SQUARED)


@feature(unit="days", risk="rises", window_days=1095, group="payment_history", reason="P05")
def days_late_sd_1095d() -> Expr:
    """How irregular has payment been for three years?

    Sample standard deviation as over a year, of invoices settled in three years and those overdue now. Null below three.
    """
    return _spread(N_LONG, SUM_LATE_LONG, SUM_LATE_SQUARED_LONG)


def _spread(n: Expr, total: Expr, total_of_squares: Expr) -> Expr:
    return when(n >= ENOUGH, per(n * total_of_squares - total * total, n * (n - 1)).sqrt())


@feature(unit="days", risk="rises", window_days=365, group="payment_history", reason="P04")
def days_beyond_terms_change_90d() -> Expr:
    """Is money coming later than it used to?

    Days beyond terms of the last 90 days less those of the year. Above zero: later. Null when nothing fell due in 90 days.
    """
    return per(LATE_DAYS[QUARTER], DUE[QUARTER]) - per(LATE_DAYS[YEAR], DUE[YEAR])


@feature(unit="days per 30 days", risk="rises", window_days=365, group="payment_history", reason="P04")
def lateness_slope_365d() -> Expr:
    """By how many days does lateness grow in a month?

    Least-squares slope of days late on the day of settlement (today for overdue ones), times 30. Null below three invoices,
    or when all were settled on one day.
    """
    rise = N * SUM_WHEN_LATE - SUM_WHEN * SUM_LATE
    run = N * SUM_WHEN_SQUARED - SUM_WHEN * SUM_WHEN
    return when(N >= ENOUGH, per(MONTH * rise, run))


CATALOGUE = (
    days_beyond_terms_30d,
    days_beyond_terms_90d,
    days_beyond_terms_180d,
    days_beyond_terms_365d,
    days_beyond_terms_1095d,
    payment_index_90d,
    payment_index_365d,
    median_days_late_180d,
    mean_days_late_1095d,
    days_late_p80_365d,
    max_days_late_90d,
    max_days_late_365d,
    days_late_sd_365d,
    days_late_sd_1095d,
    days_beyond_terms_change_90d,
    lateness_slope_365d,
)
