"""Shares: how often invoices are late by more than so many days, and the counts behind that.

An invoice answers "more than k days late?" on the day k + 1 after its due date, whether it was paid or not. So the invoices
counted over a window are those whose answer fell into it; judging only the paid ones would forget the worst.
"""

from riskscore.features.feature import feature
from riskscore.features.measured import ITEMS, QUARTER, THREE_YEARS, YEAR, age, billed, days_late, sale
from riskscore.snapshot.measures import Expr, per, real

PRIOR_0 = (30, 5)
PRIOR_30 = (5, 10)
"""Per cent late, and weight in invoices, assumed of a customer before any invoice has answered. Declared, not fitted: a fitted
prior belongs to the model, which has the counts."""

ASKED = ((0, YEAR), (7, YEAR), (15, YEAR), (30, YEAR), (60, YEAR), (90, YEAR), (0, QUARTER))
ASKED_LONG = tuple((days, THREE_YEARS) for days in (0, 30, 60))


def answered(days: int, window: int) -> Expr:
    """Sales that showed in the last `window` days whether they would be more than `days` late. Disputed ones never show it."""
    return sale & (age > days) & (age <= days + window) & ~days_late.is_null()


N_ANSWERED = {(k, w): ITEMS.count(f"n_answered_{k}_{w}", answered(k, w)) for k, w in (*ASKED, *ASKED_LONG)}
N_LATE = {(k, w): ITEMS.count(f"n_late_{k}_{w}", answered(k, w) & (days_late > k)) for k, w in (*ASKED, *ASKED_LONG)}
ANSWERED_30 = ITEMS.total("answered_30", billed, answered(30, YEAR))
LATE_30 = ITEMS.total("late_30", billed, answered(30, YEAR) & (days_late > 30))


def _late_share(days: int, window: int = YEAR) -> Expr:
    return per(N_LATE[days, window], N_ANSWERED[days, window])


def _shrunken(days: int, prior: tuple[int, int]) -> Expr:
    percent, weight = prior
    return per(N_LATE[days, YEAR] * 100 + percent * weight, (N_ANSWERED[days, YEAR] + weight) * 100)


@feature(unit="share", risk="rises", window_days=365, group="payment_history", reason="P02")
def late_share_0_365d() -> Expr:
    """How many invoices of the last year were not paid by their due date?

    Share by count of those that fell due before today, a year back. Null when none did.
    """
    return _late_share(0)


@feature(unit="share", risk="rises", window_days=365, group="payment_history", reason="P02")
def late_share_7_365d() -> Expr:
    """How many invoices were paid, or are, more than 7 days late?

    Share by count of those that showed it within the last year. Null when none did.
    """
    return _late_share(7)


@feature(unit="share", risk="rises", window_days=365, group="payment_history", reason="P02")
def late_share_15_365d() -> Expr:
    """How many invoices were paid, or are, more than 15 days late?

    Share by count of those that showed it within the last year. Null when none did.
    """
    return _late_share(15)


@feature(unit="share", risk="rises", window_days=365, group="payment_history", reason="P02")
def late_share_30_365d() -> Expr:
    """How many invoices were paid, or are, more than 30 days late?

    Share by count of those that showed it within the last year. Null when none did.
    """
    return _late_share(30)


@feature(unit="share", risk="rises", window_days=365, group="payment_history", reason="P02")
def late_share_60_365d() -> Expr:
    """How many invoices were paid, or are, more than 60 days late?

    Share by count of those that showed it within the last year. Null when none did.
    """
    return _late_share(60)


@feature(unit="share", risk="rises", window_days=365, group="payment_history", reason="P02")
def late_share_90_365d() -> Expr:
    """How many invoices were paid, or are, more than 90 days late?

    Share by count of those that showed it within the last year. Null when none did.
    """
    return _late_share(90)


@feature(unit="share", risk="rises", window_days=90, group="payment_history", reason="P02")
def late_share_0_90d() -> Expr:
    """How many invoices of the last 90 days were not paid by their due date?

    Share by count of those that fell due before today. Null when none did.
    """
    return _late_share(0, QUARTER)


@feature(unit="share", risk="rises", window_days=1095, group="payment_history", reason="P02")
def late_share_0_1095d() -> Expr:
    """How many invoices of the last three years were not paid by their due date?

    Share by count of those that fell due before today, three years back. Null when none did.
    """
    return _late_share(0, THREE_YEARS)


@feature(unit="share", risk="rises", window_days=1095, group="payment_history", reason="P02")
def late_share_30_1095d() -> Expr:
    """How many invoices of the last three years were, or are, more than 30 days late?

    Share by count of those that showed it within three years. Null when none did.
    """
    return _late_share(30, THREE_YEARS)


@feature(unit="share", risk="rises", window_days=1095, group="payment_history", reason="P02")
def late_share_60_1095d() -> Expr:
    """How many invoices of the last three years were, or are, more than 60 days late?

    Share by count of those that showed it within three years. Null when none did.
    """
    return _late_share(60, THREE_YEARS)


@feature(unit="share", risk="rises", window_days=365, group="payment_history", reason="P02")
def late_amount_share_30_365d() -> Expr:
    """How much of the money billed was, or is, more than 30 days late?

    Share by amount of the invoices that showed it within the last year. Null when none did.
    """
    return per(LATE_30, ANSWERED_30)


@feature(unit="share", risk="rises", window_days=365, group="payment_history", reason="P04")
def late_share_change_90d() -> Expr:
    """Are more invoices late than used to be?

    Share not paid by the due date in the last 90 days, less that of the year. Null when none fell due in 90 days.
    """
    return _late_share(0, QUARTER) - _late_share(0)


@feature(unit="count", risk="none", window_days=365, group="payment_history", reason="P02")
def n_matured_0d() -> Expr:
    """Of how many invoices did the last year show whether they were paid by their due date?

    0 when of none; the weight of n_late_0d.
    """
    return real(N_ANSWERED[0, YEAR])


@feature(unit="count", risk="none", window_days=365, group="payment_history", reason="P02")
def n_late_0d() -> Expr:
    """How many of the invoices in n_matured_0d were not paid by their due date?

    0 when none.
    """
    return real(N_LATE[0, YEAR])


@feature(unit="count", risk="none", window_days=365, group="payment_history", reason="P02")
def n_matured_30d() -> Expr:
    """Of how many invoices did the last year show whether they would be more than 30 days late?

    0 when of none; the weight of n_late_30d.
    """
    return real(N_ANSWERED[30, YEAR])


@feature(unit="count", risk="none", window_days=365, group="payment_history", reason="P02")
def n_late_30d() -> Expr:
    """How many of the invoices in n_matured_30d were more than 30 days late?

    0 when none.
    """
    return real(N_LATE[30, YEAR])


@feature(unit="share", risk="rises", window_days=365, group="payment_history", reason="P02")
def shrunken_late_rate_0d() -> Expr:
    """How likely is an invoice of this customer to miss its due date, on the evidence of the year?

    (late + 5 x 30 %) / (matured + 5): a beta-binomial rate with a declared prior. Never null: without evidence it is 30 %.
    """
    return _shrunken(0, PRIOR_0)


@feature(unit="share", risk="rises", window_days=365, group="payment_history", reason="P02")
def shrunken_late_rate_30d() -> Expr:
    """How likely is an invoice of this customer to be more than 30 days late, on the evidence of the year?

    (late + 10 x 5 %) / (matured + 10): a beta-binomial rate with a declared prior. Never null: without evidence it is 5 %.
    """
    return _shrunken(30, PRIOR_30)


CATALOGUE = (
    late_share_0_365d,
    late_share_7_365d,
    late_share_15_365d,
    late_share_30_365d,
    late_share_60_365d,
    late_share_90_365d,
    late_share_0_90d,
    late_share_0_1095d,
    late_share_30_1095d,
    late_share_60_1095d,
    late_amount_share_30_365d,
    late_share_change_90d,
    n_matured_0d,
    n_late_0d,
    n_matured_30d,
    n_late_30d,
    shrunken_late_rate_0d,
    shrunken_late_rate_30d,
)
