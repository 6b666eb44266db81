"""Lateness: how late, how often late, getting worse or better. Days run from the due date rolled to the next business day."""

import narwhals.stable.v2 as nw

from riskscore.features.feature import feature
from riskscore.features.measured import ITEMS
from riskscore.snapshot.measures import Expr, integer, per, real

WINDOWS = (30, 90, 180, 365)
age, days_late, when_concluded, sale = nw.col("age"), nw.col("days_late"), nw.col("concluded"), nw.col("sale")

PAYMENT_INDEX = (
    (-30.0, 100.0),
    (0.0, 80.0),
    (15.0, 70.0),
    (22.0, 60.0),
    (30.0, 50.0),
    (60.0, 40.0),
    (90.0, 30.0),
    (120.0, 20.0),
    (180.0, 0.0),
)
"""The trade's weighted payment index: days beyond terms to points, linear between. Prompt is 80, thirty days early is 100."""

PRIOR_LATE_0 = (0.30, 5)
PRIOR_LATE_30 = (0.05, 10)
"""Share and weight (in invoices) a customer without history is assumed to have; a recipe may fit its own beside these."""


def fell_due(window: int) -> Expr:
    """Sales whose business-day due date lies in the last `window` days, the date itself included."""
    return sale & (age >= 0) & (age < window)


def concluded(window: int) -> Expr:
    """Sales settled or written off in the last `window` days, and those overdue today however old they are."""
    return when_concluded < window


def matured(days: int, window: int) -> Expr:
    """Sales of which it became certain in the last `window` days whether they were paid more than `days` late."""
    return sale & (age > days) & (age <= days + window) & ~days_late.is_null()


# Money that fell due in each window, and the same times the days it came late; what is still unpaid runs on to the date.
DUE = {w: ITEMS.total(f"due_{w}", nw.col("paid") + nw.col("unpaid"), fell_due(w)) for w in WINDOWS}
DUE_DAYS = {
    w: ITEMS.total(f"due_days_{w}", nw.col("late_cent_days") + nw.col("unpaid") * integer(age), fell_due(w)) for w in WINDOWS
}
N_MATURED = {
    (k, w): ITEMS.count(f"n_matured_{k}_{w}", matured(k, w))
    for k, w in ((0, 365), (7, 365), (15, 365), (30, 365), (60, 365), (90, 365), (0, 90), (30, 90))
}
N_LATE = {(k, w): ITEMS.count(f"n_late_{k}_{w}", matured(k, w) & (days_late > k)) for k, w in N_MATURED}


@feature(unit="days", risk="rises", window_days=30, group="payment_history", reason="P01")
def days_beyond_terms_30d() -> Expr:
    """How late was the money that fell due in the last 30 days?

    Amount-weighted days beyond terms: each payment's days after the due date (early counts 0), what is still unpaid with the
    days run so far. Null when nothing fell due: silence is not punctuality.
    """
    return per(DUE_DAYS[30], DUE[30])


@feature(unit="days", risk="rises", window_days=90, group="payment_history", reason="P01")
def days_beyond_terms_90d() -> Expr:
    """How late was the money that fell due in the last 90 days? Amount-weighted as over 30 days; null when nothing fell due."""
    return per(DUE_DAYS[90], DUE[90])


@feature(unit="days", risk="rises", window_days=365, group="payment_history", reason="P01")
def days_beyond_terms_365d() -> Expr:
    """How late was the money that fell due in the last year? Amount-weighted as over 30 days; null when nothing fell due."""
    return per(DUE_DAYS[365], DUE[365])


@feature(unit="share", risk="rises", window_days=365, group="payment_history", reason="P02")
def late_share_0_365d() -> Expr:
    """How many of the invoices that fell due in a year were not paid by their due date? Null when none fell due."""
    return per(N_LATE[0, 365], N_MATURED[0, 365])


@feature(unit="share", risk="rises", window_days=365, group="payment_history", reason="P02")
def late_share_30_365d() -> Expr:
    """How many invoices were not paid 30 days after their due date, of those for which a year has answered it? Null for none."""
    return per(N_LATE[30, 365], N_MATURED[30, 365])


@feature(unit="count", risk="none", window_days=365, group="payment_history", reason="P02")
def n_matured_30d() -> Expr:
    """For how many invoices did the last year answer whether they would be more than 30 days late? 0 for none."""
    return real(N_MATURED[30, 365])


@feature(unit="count", risk="none", window_days=365, group="payment_history", reason="P02")
def n_late_30d() -> Expr:
    """How many of those invoices were more than 30 days late? 0 for none; read beside n_matured_30d."""
    return real(N_LATE[30, 365])


CATALOGUE = (
    days_beyond_terms_30d,
    days_beyond_terms_90d,
    days_beyond_terms_365d,
    late_share_0_365d,
    late_share_30_365d,
    n_matured_30d,
    n_late_30d,
)
