"""Receipts: the money that came in over the last year: how early, on which days, how regularly, how long ago.

The rhythm of payment runs explains when money comes, not whether: it is never offered as a reason.
"""

import narwhals.stable.v2 as nw

from riskscore.features.feature import feature
from riskscore.features.measured import QUARTER, RECEIPTS, YEAR
from riskscore.snapshot.measures import Expr, integer, per, real

age, days, paid, weekday = nw.col("age"), integer(nw.col("days")), nw.col("paid"), nw.col("weekday")
within_year = age < YEAR
WEEK = 7

PAID = {w: RECEIPTS.total(f"received_{w}", paid, age < w) for w in (QUARTER, YEAR)}
PAID_DAYS = {w: RECEIPTS.total(f"received_days_{w}", paid * days, age < w) for w in (QUARTER, YEAR)}
PAID_EARLY = RECEIPTS.total("received_early", paid, within_year & (days < 0))
PAID_AT_MONTH_END = RECEIPTS.total("received_month_end", paid, within_year & nw.col("at_month_end"))
PAID_ON_WEEKDAY = [RECEIPTS.total(f"received_weekday_{n}", paid, within_year & (weekday == n)) for n in range(WEEK)]
N_DAYS = RECEIPTS.distinct("n_payment_days", nw.col("settled_on"), within_year)
LAST = RECEIPTS.smallest("last_receipt", age, within_year)
FIRST = RECEIPTS.largest("first_receipt", age, within_year)


def _gap() -> Expr:
    return per(FIRST - LAST, N_DAYS - 1)


@feature(unit="days", risk="rises", window_days=90, group="payment_history", reason="P01")
def receipt_days_90d() -> Expr:
    """How far from the due date did the money of the last 90 days arrive?

    Amount-weighted days of the payments received, early below zero. Null when no money came in.
    """
    return per(PAID_DAYS[QUARTER], PAID[QUARTER])


@feature(unit="days", risk="rises", window_days=365, group="payment_history", reason="P01")
def receipt_days_365d() -> Expr:
    """How far from the due date did the money of the last year arrive?

    Amount-weighted days of the payments received, early below zero. Null when no money came in.
    """
    return per(PAID_DAYS[YEAR], PAID[YEAR])


@feature(unit="share", risk="falls", window_days=365, group="payment_history", reason="P01")
def early_receipt_share_365d() -> Expr:
    """How much of the money came before it was due?

    Share by amount of a year's payments made before the business-day due date. Null when no money came in.
    """
    return per(PAID_EARLY, PAID[YEAR])


@feature(unit="count", risk="none", window_days=365, group="payment_history", reason="P07")
def n_payment_days_365d() -> Expr:
    """On how many different days did money come in over a year?

    0 when on none.
    """
    return real(N_DAYS)


@feature(unit="share", risk="none", window_days=365, group="payment_history", reason="P07")
def weekday_concentration_365d() -> Expr:
    """How much of the money comes on one and the same weekday?

    The largest share by amount of any weekday: 1 for a strict weekly payment run, a fifth for none. Null when no money came in.
    """
    return per(nw.max_horizontal(*PAID_ON_WEEKDAY), PAID[YEAR])


@feature(unit="share", risk="none", window_days=365, group="payment_history", reason="P07")
def month_end_share_365d() -> Expr:
    """How much of the money comes on the last three days of a month?

    Share by amount of a year's payments. Null when no money came in.
    """
    return per(PAID_AT_MONTH_END, PAID[YEAR])


@feature(unit="days", risk="none", window_days=365, group="payment_history", reason="P07")
def days_between_payments_365d() -> Expr:
    """How many days lie between two payments?

    Mean gap between the different days of a year on which money came. Null below two such days.
    """
    return _gap()


@feature(unit="days", risk="rises", window_days=365, group="payment_history", reason="P08")
def days_since_last_payment() -> Expr:
    """How long ago did money last come in?

    Null when none came in a year.
    """
    return real(LAST)


@feature(unit="ratio", risk="rises", window_days=365, group="payment_history", reason="P08")
def payment_silence_365d() -> Expr:
    """Has the customer gone quiet, measured by its own rhythm?

    Days since the last payment per usual gap between payments: above 1 it is overdue by its own habit. Null below two
    payment days in a year.
    """
    return per(LAST * (N_DAYS - 1), FIRST - LAST)


CATALOGUE = (
    receipt_days_90d,
    receipt_days_365d,
    early_receipt_share_365d,
    n_payment_days_365d,
    weekday_concentration_365d,
    month_end_share_365d,
    days_between_payments_365d,
    days_since_last_payment,
    payment_silence_365d,
)
