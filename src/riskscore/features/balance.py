"""Balance: what is open on the date, how much of it is overdue and how old, against the limit and against what is bought."""

import narwhals.stable.v2 as nw

from riskscore.features.feature import feature
from riskscore.features.measured import (
    BALANCE,
    BILLED,
    ITEMS,
    MONTH,
    N_EVER_BILLED,
    OVERDUE_BALANCE,
    QUARTER,
    YEAR,
    age,
    collectable,
    unpaid,
)
from riskscore.features.relationship import TENURE
from riskscore.snapshot.measures import Expr, integer, per, real, when

owes = (unpaid > 0) & (collectable > 0)
overdue = owes & (age > 0)

OWED = ITEMS.total("owed", collectable, owes)
OVERDUE = {k: ITEMS.total(f"overdue_{k}", collectable, owes & (age > k)) for k in (0, 30, 60, 90)}
OVERDUE_DAYS = ITEMS.total("overdue_days", collectable * integer(age), overdue)
OLDEST = ITEMS.largest("oldest", age, overdue)
N_OPEN = ITEMS.count("n_open", owes)
N_OVERDUE = ITEMS.count("n_overdue", overdue)


@feature(unit="money", risk="none", group="exposure", reason="E04")
def open_balance() -> Expr:
    """How much does the customer owe?

    Open invoices less unapplied credits, in the reporting currency. Null when no invoice was ever known.
    """
    return when(N_EVER_BILLED > 0, real(BALANCE))


@feature(unit="share", risk="rises", group="exposure", reason="E01")
def overdue_share() -> Expr:
    """How much of the balance is past its business-day due date?

    Share of the undisputed open invoices. Null when none is open.
    """
    return per(OVERDUE[0], OWED)


@feature(unit="share", risk="rises", group="exposure", reason="E02")
def overdue_share_30() -> Expr:
    """How much of the balance is more than 30 days overdue?

    Share of the undisputed open invoices. Null when none is open.
    """
    return per(OVERDUE[30], OWED)


@feature(unit="share", risk="rises", group="exposure", reason="E02")
def overdue_share_60() -> Expr:
    """How much of the balance is more than 60 days overdue?

    Share of the undisputed open invoices. Null when none is open.
    """
    return per(OVERDUE[60], OWED)


@feature(unit="share", risk="rises", group="exposure", reason="E02")
def overdue_share_90() -> Expr:
    """How much of the balance is more than 90 days overdue?

    Share of the undisputed open invoices. Null when none is open.
    """
    return per(OVERDUE[90], OWED)


@feature(unit="days", risk="rises", group="exposure", reason="E02")
def oldest_days_past_due() -> Expr:
    """For how long has the oldest undisputed invoice been overdue?

    0 when none is. Null when no invoice was ever known.
    """
    return when(N_EVER_BILLED > 0, real(OLDEST.fill_null(0)))


@feature(unit="days", risk="rises", group="exposure", reason="E02")
def balance_days_past_due() -> Expr:
    """How old is the overdue part of the balance, weighed by amount?

    Days past due over the undisputed open invoices, those not yet due counting 0. Null when none is open.
    """
    return per(OVERDUE_DAYS, OWED)


@feature(unit="count", risk="none", group="exposure", reason="E04")
def n_open_invoices() -> Expr:
    """How many undisputed invoices are open?

    0 when none is. Null when no invoice was ever known.
    """
    return when(N_EVER_BILLED > 0, real(N_OPEN))


@feature(unit="count", risk="rises", group="exposure", reason="E01")
def n_overdue_invoices() -> Expr:
    """How many undisputed invoices are overdue?

    0 when none is. Null when no invoice was ever known.
    """
    return when(N_EVER_BILLED > 0, real(N_OVERDUE))


@feature(unit="share", risk="rises", group="exposure", reason="E01")
def overdue_invoice_share() -> Expr:
    """How many of the open invoices are overdue?

    Share by count of the undisputed ones. Null when none is open.
    """
    return per(N_OVERDUE, N_OPEN)


@feature(unit="months", risk="rises", window_days=365, group="exposure", reason="E01")
def overdue_months() -> Expr:
    """How many months of purchases are overdue?

    Undisputed overdue amount per mean monthly billing of the last year (of the time known, at least a month). Null when nothing
    was billed in a year.
    """
    days = nw.max_horizontal(nw.min_horizontal(TENURE, nw.lit(YEAR)), nw.lit(MONTH))
    return per(OVERDUE[0] * days, BILLED[YEAR] * MONTH)


@feature(unit="days", risk="rises", window_days=90, group="exposure", reason="E04")
def dso_90d() -> Expr:
    """How many days of its purchases does the customer owe (days sales outstanding)?

    Open balance per amount billed in 90 days, times 90. Null when nothing was billed.
    """
    return per(BALANCE * QUARTER, BILLED[QUARTER])


@feature(unit="days", risk="none", window_days=90, group="exposure", reason="E04")
def best_possible_dso_90d() -> Expr:
    """How many days would it owe if nothing were overdue?

    Balance not overdue per amount billed in 90 days, times 90: what the terms alone explain. Null when nothing was billed.
    """
    return per((BALANCE - OVERDUE_BALANCE) * QUARTER, BILLED[QUARTER])


@feature(unit="days", risk="rises", window_days=90, group="exposure", reason="E01")
def average_days_delinquent_90d() -> Expr:
    """How many days of its purchases does the customer owe beyond the terms?

    DSO less best-possible DSO. Null when nothing was billed in 90 days.
    """
    return per(OVERDUE_BALANCE * QUARTER, BILLED[QUARTER])


@feature(unit="ratio", risk="rises", group="exposure", reason="E03")
def limit_utilisation() -> Expr:
    """How much of the granted limit does the open balance fill?

    Above 1 the limit is exceeded. Null without a limit above zero.
    """
    return per(BALANCE, nw.col("limit_cents"))


CATALOGUE = (
    open_balance,
    overdue_share,
    overdue_share_30,
    overdue_share_60,
    overdue_share_90,
    oldest_days_past_due,
    balance_days_past_due,
    n_open_invoices,
    n_overdue_invoices,
    overdue_invoice_share,
    overdue_months,
    dso_90d,
    best_possible_dso_90d,
    average_days_delinquent_90d,
    limit_utilisation,
)
