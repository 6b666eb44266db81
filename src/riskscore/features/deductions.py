"""Deductions: what customers pay in pieces, contest, get credited, deduct, or never pay at all."""

import narwhals.stable.v2 as nw

from riskscore.features.feature import feature
from riskscore.features.measured import (
    BILLED,
    ITEMS,
    N_BILLED,
    QUARTER,
    YEAR,
    collectable,
    fell_due_within,
    issued_within,
    unpaid,
)
from riskscore.snapshot.measures import Expr, per

n_payments, contested = nw.col("n_payments"), nw.col("contested")
in_pieces = (n_payments > 1) | ((n_payments == 1) & (unpaid > 0))

N_PAYING = ITEMS.count("n_paying", fell_due_within(YEAR) & (n_payments > 0))
N_IN_PIECES = ITEMS.count("n_in_pieces", fell_due_within(YEAR) & in_pieces)
DUE_BILLED = {w: ITEMS.total(f"due_billed_{w}", nw.col("billed"), fell_due_within(w)) for w in (QUARTER, YEAR)}
DISCOUNTED = {w: ITEMS.total(f"discounted_{w}", nw.col("discounted"), fell_due_within(w)) for w in (QUARTER, YEAR)}
WRITTEN_OFF = ITEMS.total("written_off_365", nw.col("written_off"), nw.col("written_off_age") < YEAR)
CREDITED = ITEMS.total("credited_365", nw.col("credited"), issued_within(YEAR))
CONTESTED = ITEMS.total("contested_now", contested)
COLLECTABLE = ITEMS.total("collectable_now", collectable)
N_CONTESTED = {w: ITEMS.count(f"n_contested_{w}", issued_within(w) & (nw.col("n_disputes") > 0)) for w in (QUARTER, YEAR)}


@feature(unit="share", risk="rises", window_days=365, group="payment_history", reason="P06")
def partial_payment_share_365d() -> Expr:
    """How often does the customer pay an invoice in pieces?

    Share by count of invoices due within a year and paid at least in part that took more than one payment or are still short.
    Null when none was paid.
    """
    return per(N_IN_PIECES, N_PAYING)


@feature(unit="share", risk="falls", window_days=365, group="payment_history", reason="W01")
def discount_share_365d() -> Expr:
    """How much discount for early payment does the customer take?

    Discounts per amount billed, over invoices that fell due within a year: cash-rich customers take them. Null when none fell
    due.
    """
    return per(DISCOUNTED[YEAR], DUE_BILLED[YEAR])


@feature(unit="share", risk="falls", window_days=365, group="payment_history", reason="W01")
def discount_change_90d() -> Expr:
    """Has the customer stopped taking discounts?

    Discount share of the last 90 days less that of the year; below zero it takes less than it used to. Null when nothing fell
    due in 90 days.
    """
    return per(DISCOUNTED[QUARTER], DUE_BILLED[QUARTER]) - per(DISCOUNTED[YEAR], DUE_BILLED[YEAR])


@feature(unit="share", risk="rises", window_days=365, group="payment_history", reason="W01")
def write_off_share_365d() -> Expr:
    """How much had to be written off in a year, against what was billed?

    Amount of invoices with a write-off in the year per amount billed in it; above 1 possible. Null when nothing was billed.
    """
    return per(WRITTEN_OFF, BILLED[YEAR])


@feature(unit="share", risk="rises", window_days=365, group="payment_history", reason="D02")
def credit_note_share_365d() -> Expr:
    """How much of what was billed had to be credited?

    Credit notes per amount billed, over invoices issued within a year. Null when none was issued.
    """
    return per(CREDITED, BILLED[YEAR])


@feature(unit="share", risk="rises", group="exposure", reason="D01")
def disputed_share() -> Expr:
    """How much of the open invoices is contested now?

    Contested part per open amount, credits left out. Null when nothing is open.
    """
    return per(CONTESTED, CONTESTED + COLLECTABLE)


@feature(unit="share", risk="rises", window_days=90, group="payment_history", reason="D01")
def dispute_rate_90d() -> Expr:
    """How many of the invoices of the last 90 days were contested, then or later?

    Share by count of those issued in the window. Null when none was issued.
    """
    return per(N_CONTESTED[QUARTER], N_BILLED[QUARTER])


@feature(unit="share", risk="rises", window_days=365, group="payment_history", reason="D01")
def dispute_rate_365d() -> Expr:
    """How many of the invoices of the last year were contested, then or later?

    Share by count of those issued in the window. Null when none was issued.
    """
    return per(N_CONTESTED[YEAR], N_BILLED[YEAR])


CATALOGUE = (
    partial_payment_share_365d,
    discount_share_365d,
    discount_change_90d,
    write_off_share_365d,
    credit_note_share_365d,
    disputed_share,
    dispute_rate_90d,
    dispute_rate_365d,
)
