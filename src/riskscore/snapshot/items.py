"""Items: every invoice as it stood on each date asked about, and every payment, found by meeting the states with the dates."""

import narwhals.stable.v2 as nw

from riskscore.snapshot.calendar import day_kinds
from riskscore.snapshot.measures import ZERO, integer, when
from riskscore.snapshot.money import cents, converted, holding
from riskscore.snapshot.states import distinct
from riskscore.tables import Frame, Ledger, drawn

RECEIPTS_WINDOW = 1095
"""Payments older than three years say nothing of a customer's days of payment; leaving them out keeps the frame small."""

ITEMS_WINDOW = 1186
"""Nor do invoices that have been settled, and on which nothing fell into this many days: three years, and the 90 days after which
"more than 90 days late?" is answered. A long ledger asked at many dates would not fit otherwise."""

WHO = ("observation", "customer_id", "calendar_country", "as_of")
CUSTOMER = ["customer_id", "calendar_country"]


def take_items(ledger: Ledger, spine: Frame, states: Frame, rates: Frame) -> Frame:
    """One row per observation and invoice known by then, as it stood: cents of the reporting currency, whole days.

    Invoices of which nothing is open and nothing happened for `ITEMS_WINDOW` days are left out; `take_history` counts them.
    bills, sale, settled, contested, unpaid: as in a state. open: what is owed, credits below zero; collectable: undisputed.
    age: days past the business-day due date, below zero before it. issued, paid_age, written_off_age: days since.
    days_late: of a settled sale from due date to the payment that settled it, of an overdue one to the date itself; else null.
    concluded: days since it was settled or written off; 0 while it is overdue; null while it is not due.
    """
    return ledger.stage(ledger.prepare(_as_they_stood, states, spine, rates))


@drawn
def _as_they_stood(states: Frame, spine: Frame, rates: Frame) -> Frame:
    met = holding(spine.select(*WHO).join(states, on=CUSTOMER))
    as_of = nw.col("as_of")
    met = met.with_columns(
        age=as_of - nw.col("due"),
        issued=as_of - nw.col("issued_on"),
        paid_age=as_of - nw.col("paid_on"),
        written_off_age=as_of - nw.col("written_off_on"),
    )
    happened = nw.min_horizontal("age", "issued", "paid_age", "written_off_age")
    met = met.filter((nw.col("left") != 0) | (happened < ITEMS_WINDOW)).join(rates, on=["currency", "as_of"], how="left")
    settled, overdue = nw.col("settled"), (nw.col("unpaid") > 0) & (nw.col("age") > 0)
    return met.select(
        "observation",
        "as_of",
        "currency",
        "rate",
        "age",
        "issued",
        "bills",
        "sale",
        "settled",
        "n_payments",
        "n_disputes",
        terms=nw.col("due_on") - nw.col("issued_on"),
        written_off_age=when(nw.col("written_off") > 0, nw.col("written_off_age")),
        days_late=when(settled, nw.col("paid_on") - nw.col("due"), when(overdue, nw.col("age"))),
        concluded=when(settled, nw.col("paid_age"), when(overdue, when(nw.col("lost"), nw.col("written_off_age"), ZERO))),
        billed=cents(nw.col("billed")),
        paid=cents(nw.col("paid")),
        credited=cents(nw.col("credited")),
        discounted=cents(nw.col("discounted")),
        written_off=cents(nw.col("written_off")),
        open=cents(nw.col("left")),
        contested=cents(nw.col("contested")),
        collectable=cents(nw.col("collectable")),
        unpaid=cents(nw.col("unpaid")),
        late_cent_days=converted(nw.col("late_cent_days")),
        cent_days=converted(nw.col("cent_days")),
    )


def take_history(ledger: Ledger, spine: Frame, issued: Frame, states: Frame) -> Frame:
    """One row per observation with an invoice known by then, over all of them however old.

    n_billed: invoices (not credit notes). first_billed, last_billed: days since the first and the last one.
    n_paid: invoices settled by payment. first_paid: days since the first one was; null while none is.
    """
    return ledger.stage(ledger.prepare(_history, issued, spine, states))


@drawn
def _history(issued: Frame, spine: Frame, states: Frame) -> Frame:
    bills = issued.filter(nw.col("billed") > 0).select(*CUSTOMER, "issued_from", "issued_on")
    met = spine.select(*WHO).join(bills, on=CUSTOMER).filter(nw.col("issued_from") <= nw.col("as_of"))
    met = met.with_columns(days=nw.col("as_of") - nw.col("issued_on"))
    billed = met.group_by("observation").agg(
        n_billed=integer(nw.col("days").count()), first_billed=nw.col("days").max(), last_billed=nw.col("days").min()
    )
    settled = states.filter(nw.col("settled")).select(*CUSTOMER, "known_from", "known_to", "paid_on")
    met = holding(spine.select(*WHO).join(settled, on=CUSTOMER)).with_columns(days=nw.col("as_of") - nw.col("paid_on"))
    paid = met.group_by("observation").agg(n_paid=integer(nw.col("days").count()), first_paid=nw.col("days").max())
    joined = billed.join(paid, on="observation", how="left")
    return joined.with_columns(n_paid=nw.col("n_paid").fill_null(0))


def take_receipts(ledger: Ledger, spine: Frame, settled: Frame, rates: Frame) -> Frame:
    """One row per observation and payment of the last three years: its cents, its day and its days beyond the due date."""
    payments = ledger.prepare(_payments, settled)
    kinds = ledger.lift(day_kinds(distinct(ledger, payments, "settled_on")))
    return ledger.stage(ledger.prepare(_receipts, payments, spine, kinds, rates))


@drawn
def _payments(settled: Frame) -> Frame:
    return settled.filter(nw.col("kind") == "payment", nw.col("amount") > 0)


@drawn
def _receipts(payments: Frame, spine: Frame, kinds: Frame, rates: Frame) -> Frame:
    payments = payments.join(kinds, on="settled_on")
    met = spine.select(*WHO).join(payments, on=CUSTOMER)
    age = nw.col("as_of") - nw.col("settled_on")
    met = met.filter(nw.col("known_from") <= nw.col("as_of"), age < RECEIPTS_WINDOW)
    met = met.join(rates, on=["currency", "as_of"], how="left")
    return met.select(
        "observation",
        "settled_on",
        "weekday",
        "month_day",
        "at_month_end",
        "days",
        age=age,
        paid=cents(nw.col("amount")),
    )
