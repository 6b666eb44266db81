"""Relationship: how long the customer is known, what it orders and how that changes, on which terms."""

import narwhals.stable.v2 as nw

from riskscore.features.feature import feature
from riskscore.features.measured import (
    BILLED,
    FIRST_BILLED,
    ITEMS,
    LAST_BILLED,
    MONTH,
    N_BILLED,
    QUARTER,
    YEAR,
    billed,
    bills,
    issued,
    issued_within,
    terms,
)
from riskscore.snapshot.measures import ZERO, Expr, integer, per, real, when

SLICES = 12
HALF = 180

LARGEST_INVOICE = ITEMS.largest("largest_invoice", billed, issued_within(YEAR))
# Twelve slices of 30 days counted back from the date: calendar months would make the figure jump with the day of the month.
BILLED_SLICES = [
    ITEMS.total(f"slice_{n}", billed, bills & (issued >= n * MONTH) & (issued < (n + 1) * MONTH)) for n in range(SLICES)
]
BILLED_HALF = ITEMS.total("billed_half", billed, issued_within(HALF))
BILLED_EARLIER_HALF = ITEMS.total("billed_earlier_half", billed, bills & (issued >= HALF) & (issued < 2 * HALF))
BILLED_AHEAD = ITEMS.total("billed_ahead", billed, bills & (issued >= YEAR - QUARTER) & (issued < YEAR))
TERMS_BILLED = {w: ITEMS.total(f"terms_billed_{w}", billed * integer(terms), issued_within(w)) for w in (QUARTER, YEAR)}
LONGEST_TERMS = ITEMS.largest("longest_terms", terms, issued_within(YEAR))
SHORTEST_TERMS = ITEMS.smallest("shortest_terms", terms, issued_within(YEAR))

TENURE = nw.max_horizontal(FIRST_BILLED, nw.col("as_of") - nw.col("onboarded_on"))
"""Days since the account was opened or first billed, whichever is longer ago; null when neither is known."""


def _known_for(days: int, value: Expr) -> Expr:
    # A young customer's empty past is not a quiet one: growth against it would always look like a jump.
    return when(FIRST_BILLED - days >= 0, value)


def _pace(window: int) -> Expr:
    before = nw.min_horizontal(FIRST_BILLED, nw.lit(YEAR)) - window
    return per(BILLED[window] * before, (BILLED[YEAR] - BILLED[window]) * window)


@feature(unit="days", risk="falls", group="payment_history", reason="B01")
def tenure_days() -> Expr:
    """For how long is the customer known?

    Days since the account was opened or first billed, whichever is longer ago. Null when neither is known.
    """
    return real(TENURE)


@feature(unit="days", risk="none", group="payment_history", reason="B03")
def days_since_last_invoice() -> Expr:
    """How long ago did the customer last buy?

    Null when no invoice was ever known.
    """
    return real(LAST_BILLED)


@feature(unit="count", risk="none", window_days=365, group="payment_history", reason="B03")
def n_invoices_365d() -> Expr:
    """How many invoices did the customer get in a year?

    0 when none.
    """
    return real(N_BILLED[YEAR])


@feature(unit="money", risk="none", window_days=365, group="payment_history", reason="B02")
def billed_365d() -> Expr:
    """How much was billed in a year?

    In the reporting currency, credit notes not taken off. 0 when nothing was.
    """
    return real(BILLED[YEAR])


@feature(unit="ratio", risk="none", window_days=360, group="payment_history", reason="B02")
def order_growth_180d() -> Expr:
    """Does the customer buy more than half a year ago?

    Billed in the last 180 days per billed in the 180 days before, less 1. Null before the first invoice is 360 days old, or
    when nothing was billed in the earlier half.
    """
    return _known_for(2 * HALF, per(BILLED_HALF, BILLED_EARLIER_HALF) - 1.0)


@feature(unit="ratio", risk="none", window_days=365, group="payment_history", reason="B02")
def order_growth_90d() -> Expr:
    """Does the customer buy faster than over the year?

    Billed per day of the last 90 days against that of the year before them (of the time since the first invoice), less 1. Null
    before the first invoice is 180 days old, or when nothing was billed before.
    """
    return _known_for(2 * QUARTER, _pace(QUARTER) - 1.0)


@feature(unit="ratio", risk="rises", window_days=365, group="payment_history", reason="B02")
def order_jump_30d() -> Expr:
    """Did orders jump in the last month? Customers in trouble stock up on credit.

    Billed per day of the last 30 days per that of the year before them (of the time since the first invoice); 1 is the usual
    pace. Null before the first invoice is 60 days old, or when nothing was billed before.
    """
    return _known_for(2 * MONTH, _pace(MONTH))


@feature(unit="money", risk="none", window_days=365, group="payment_history", reason="B03")
def mean_invoice_365d() -> Expr:
    """How large is an invoice?

    Mean over a year's invoices in the reporting currency. Null when none was issued.
    """
    return per(BILLED[YEAR], N_BILLED[YEAR])


@feature(unit="share", risk="none", window_days=365, group="payment_history", reason="B03")
def largest_invoice_share_365d() -> Expr:
    """How much of a year's billing is one single invoice?

    The largest one's share. Null when none was issued.
    """
    return per(LARGEST_INVOICE, BILLED[YEAR])


@feature(unit="count", risk="none", window_days=365, group="payment_history", reason="B03")
def active_months_365d() -> Expr:
    """In how many months of the last twelve did the customer buy?

    Slices of 30 days counted back from the date. 0 when in none.
    """
    flags = [when(slice_ > 0, nw.lit(1), ZERO) for slice_ in BILLED_SLICES]
    return real(nw.sum_horizontal(*flags))


@feature(unit="share", risk="none", window_days=365, group="payment_history", reason="B03")
def peak_month_share_365d() -> Expr:
    """How seasonal is buying?

    The strongest 30-day slice's share of what the last twelve held: a twelfth when even, 1 for a single order. Null when nothing
    was billed in them.
    """
    return per(nw.max_horizontal(*BILLED_SLICES), nw.sum_horizontal(*BILLED_SLICES))


@feature(unit="ratio", risk="none", window_days=365, group="payment_history", reason="B03")
def season_ahead_365d() -> Expr:
    """Is the customer's season about to begin?

    Billed in the 90 days that followed this date a year ago, per the year's average of 90 days. Null before the first invoice
    is a year old, or when nothing was billed in the year.
    """
    return _known_for(YEAR, per(BILLED_AHEAD * YEAR, BILLED[YEAR] * QUARTER))


@feature(unit="days", risk="none", window_days=365, group="terms_and_calendar", reason="T01")
def mean_terms_365d() -> Expr:
    """On which terms does the customer buy?

    Amount-weighted days from invoice to contractual due date over a year. Null when none was issued.
    """
    return per(TERMS_BILLED[YEAR], BILLED[YEAR])


@feature(unit="days", risk="none", window_days=365, group="terms_and_calendar", reason="T01")
def longest_terms_365d() -> Expr:
    """What are the longest terms of a year's invoices?

    Days from invoice to contractual due date. Null when none was issued.
    """
    return real(LONGEST_TERMS)


@feature(unit="days", risk="none", window_days=365, group="terms_and_calendar", reason="T01")
def terms_spread_365d() -> Expr:
    """How far apart are the terms of a year's invoices?

    Longest less shortest; 0 when all are alike. Null when none was issued.
    """
    return real(LONGEST_TERMS - SHORTEST_TERMS)


@feature(unit="days", risk="none", window_days=365, group="terms_and_calendar", reason="T01")
def terms_change_90d() -> Expr:
    """Were terms lengthened lately?

    Amount-weighted terms of the last 90 days less those of the year. Null when none was issued in 90 days.
    """
    return per(TERMS_BILLED[QUARTER], BILLED[QUARTER]) - per(TERMS_BILLED[YEAR], BILLED[YEAR])


CATALOGUE = (
    tenure_days,
    days_since_last_invoice,
    n_invoices_365d,
    billed_365d,
    order_growth_180d,
    order_growth_90d,
    order_jump_30d,
    mean_invoice_365d,
    largest_invoice_share_365d,
    active_months_365d,
    peak_month_share_365d,
    season_ahead_365d,
    mean_terms_365d,
    longest_terms_365d,
    terms_spread_365d,
    terms_change_90d,
)
