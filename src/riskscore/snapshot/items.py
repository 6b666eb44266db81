"""Items: every invoice as it stood on each date asked about. The ledger is turned into states once; dates are then looked up.

A state is an invoice between two things becoming known about it: issued, part paid, settled, disputed, written off. It holds
over [known_from, known_to), so a date can only meet what was known by then.
"""

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw

from riskscore.snapshot.calendar import business_days, day_kinds
from riskscore.snapshot.measures import ZERO, Expr, integer, when
from riskscore.snapshot.money import FOREVER, cents, holding, parts
from riskscore.tables import Frame, Ledger

RESIDUAL = 100
"""An invoice is settled when at most one part in 100 of it is open: bank charges and rounding are not late payment."""

RECEIPTS_WINDOW = 365
"""Payments older than this many days carry no feature; leaving them out keeps the frame small."""

NEVER = -1_000_000
"""A day before all days: stands for "not yet" where a running maximum must not meet null, and can still be subtracted from."""

ITEM = ("customer_id", "calendar_country", "invoice_id")
SUMS = (
    "paid",
    "credited",
    "discounted",
    "written_off",
    "n_payments",
    "late_part_days",
    "part_days",
    "contested",
    "n_whole",
    "n_disputes",
)
"""Running sums of a state, in ten-thousandths of the invoice's currency, ten-thousandths times days, or counts."""


def issued_items(ledger: Ledger, spine: Frame) -> Frame:
    """Every invoice of the spine's customers, once per country the customer is known in, with its business-day due date.

    An invoice counts from the later of its date and the day it was known.
    """
    homes = ledger.stage(spine.select("customer_id", "calendar_country").unique())
    invoices = ledger.frames["invoices"].join(homes, on="customer_id")
    invoices = ledger.stage(
        invoices.select(
            *ITEM,
            "currency",
            "issued_on",
            "due_on",
            issued_from=nw.max_horizontal("known_on", "issued_on"),
            billed=parts("amount"),
        )
    )
    rolled = business_days(_distinct(homes, "calendar_country"), _distinct(invoices, "due_on"))
    return ledger.stage(invoices.join(ledger.lift(rolled), on=["calendar_country", "due_on"]))


def settled_parts(ledger: Ledger, issued: Frame) -> Frame:
    """Every settlement with its item: the day it counts from and its days after (below zero: before) the business-day due date.

    A settlement counts from the day it was known, never before its own date nor before its invoice was known.
    """
    rows = ledger.frames["settlements"].select(
        "settlement_id", "invoice_id", "kind", "settled_on", "known_on", amount=parts("amount")
    )
    rows = rows.join(issued.select(*ITEM, "currency", "due", "issued_from"), on="invoice_id")
    return ledger.stage(
        rows.with_columns(
            known_from=nw.max_horizontal("known_on", "settled_on", "issued_from"),
            days=nw.col("settled_on") - nw.col("due"),
        )
    )


def item_states(ledger: Ledger, issued: Frame, settled: Frame) -> Frame:
    """Every item between two things becoming known about it, with what had been paid, credited, written off and contested."""
    events = nw.concat([_issues(issued), _settlements(settled), *_disputes(ledger, issued)])
    order = ["known_from", "step", "on", "event_id"]
    running = {name: integer(nw.col(name).cum_sum().over(*ITEM, order_by=order)) for name in SUMS}
    following = nw.col("known_from").shift(-1).over(*ITEM, order_by=order).fill_null(FOREVER)
    # `reduction` is this event's own part of the sums; what was open before it says whether the invoice was settled already.
    sums = events.select(*ITEM, *order, "paid_day", "written_off_day", "reduction", known_to=following, **running)
    sums = sums.join(issued.select(*ITEM, "currency", "issued_on", "due_on", "due", "billed"), on=list(ITEM))
    sums = sums.with_columns(
        left=nw.col("billed") - nw.col("paid") - nw.col("credited") - nw.col("discounted") - nw.col("written_off")
    )
    was_open = (nw.col("left") + nw.col("reduction")) * RESIDUAL > nw.col("billed")
    dated = sums.with_columns(
        paid_on=when(was_open, nw.col("paid_day"), nw.lit(NEVER)).cum_max().over(*ITEM, order_by=order),
        written_off_on=nw.col("written_off_day").cum_max().over(*ITEM, order_by=order),
    )
    # States that end on the day they begin are steps inside one day: no date can meet them.
    return ledger.stage(
        dated.filter(nw.col("known_from") < nw.col("known_to")).drop(*order[1:], "paid_day", "written_off_day", "reduction")
    )


def take_items(ledger: Ledger, spine: Frame, states: Frame, rates: Frame) -> Frame:
    """One row per observation and invoice known by then, as it stood: cents of the reporting currency, whole days.

    sale: it bills something and was not cancelled by credit notes; only sales can be late.
    open: what is owed, credits below zero; contested: the disputed part of it, while the dispute is open; collectable: the rest.
    unpaid: what counts as not paid, written-off parts included, contested parts not; 0 once settled to within 1 %.
    settled: a sale that no longer is open, and not by credit notes or discounts alone; paid_on is the last payment that was due.
    days_late: of a settled sale from due date to paid_on, of an overdue one to the date itself; null for all others.
    concluded: days since it was settled or written off; 0 while it is overdue; null while it is not due.
    """
    met = holding(
        spine.select("observation", "customer_id", "calendar_country", "as_of").join(
            states, on=["customer_id", "calendar_country"]
        )
    )
    met = met.join(rates, on=["currency", "as_of"], how="left")
    left, billed, written_off = nw.col("left"), nw.col("billed"), nw.col("written_off")
    # Nested horizontal minima keep the arithmetic in whole numbers of the invoice's own currency until the last step.
    above_zero = nw.max_horizontal(left, ZERO)
    contested = when(nw.col("n_whole") > 0, above_zero, nw.min_horizontal(above_zero, nw.col("contested")))
    met = met.with_columns(
        age=nw.col("as_of") - nw.col("due"),
        sale=(billed > 0) & ((billed - nw.col("credited")) * RESIDUAL > billed),
        contested_parts=contested,
        owed=above_zero + written_off,
    )
    met = met.with_columns(
        unpaid_parts=when(
            nw.col("sale") & (nw.col("owed") * RESIDUAL > billed),
            nw.max_horizontal(nw.col("owed") - nw.col("contested_parts"), ZERO),
            ZERO,
        ),
        settled=nw.col("sale") & (nw.col("owed") * RESIDUAL <= billed) & (nw.col("paid_on") > NEVER),
        lost=nw.col("sale") & (written_off * RESIDUAL > billed) & (left * RESIDUAL <= billed),
    )
    overdue = (nw.col("unpaid_parts") > 0) & (nw.col("age") > 0)
    return ledger.stage(
        met.select(
            "observation",
            "as_of",
            "currency",
            "rate",
            "age",
            "sale",
            "settled",
            "n_payments",
            "n_disputes",
            issued=nw.col("as_of") - nw.col("issued_on"),
            terms=nw.col("due_on") - nw.col("issued_on"),
            paid_on=when(nw.col("settled"), nw.col("paid_on")),
            written_off_age=when(written_off > 0, nw.col("as_of") - nw.col("written_off_on")),
            days_late=when(nw.col("settled"), nw.col("paid_on") - nw.col("due"), when(overdue, nw.col("age"))),
            concluded=when(
                nw.col("settled"),
                nw.col("as_of") - nw.col("paid_on"),
                when(overdue, when(nw.col("lost"), nw.col("as_of") - nw.col("written_off_on"), ZERO)),
            ),
            billed=cents(billed),
            paid=cents(nw.col("paid")),
            credited=cents(nw.col("credited")),
            discounted=cents(nw.col("discounted")),
            written_off=cents(written_off),
            open=cents(left),
            contested=cents(nw.col("contested_parts")),
            collectable=cents(above_zero - nw.col("contested_parts")),
            unpaid=cents(nw.col("unpaid_parts")),
            late_cent_days=cents(nw.col("late_part_days")),
            cent_days=cents(nw.col("part_days")),
        )
    )


def take_receipts(ledger: Ledger, spine: Frame, settled: Frame, rates: Frame) -> Frame:
    """One row per observation and payment of the last year known by then: its cents, its day and its days beyond the due date."""
    payments = settled.filter(nw.col("kind") == "payment", nw.col("amount") > 0)
    payments = payments.join(ledger.lift(day_kinds(_distinct(payments, "settled_on"))), on="settled_on")
    met = spine.select("observation", "customer_id", "calendar_country", "as_of").join(
        payments, on=["customer_id", "calendar_country"]
    )
    age = nw.col("as_of") - nw.col("settled_on")
    met = met.filter(nw.col("known_from") <= nw.col("as_of"), age < RECEIPTS_WINDOW)
    met = met.join(rates, on=["currency", "as_of"], how="left")
    return ledger.stage(
        met.select("observation", "settled_on", "weekday", "at_month_end", "days", age=age, paid=cents(nw.col("amount")))
    )


def _distinct(frame: Frame, column: str) -> Sequence[Any]:
    return frame.select(column).unique().collect("pyarrow")[column].to_list()


def _issues(issued: Frame) -> Frame:
    return _event(issued, "issued_from", step=0, on="issued_on", event_id="invoice_id")


def _settlements(settled: Frame) -> Frame:
    kind, amount, days = nw.col("kind"), nw.col("amount"), integer(nw.col("days"))
    payment = when(kind == "payment", amount, ZERO)
    received = (kind == "payment") & (amount > 0)
    return _event(
        settled,
        "known_from",
        step=1,
        on="settled_on",
        event_id="settlement_id",
        paid=payment,
        credited=when(kind == "credit_note", amount, ZERO),
        discounted=when(kind == "discount", amount, ZERO),
        written_off=when(kind == "write_off", amount, ZERO),
        n_payments=when(received, nw.lit(1), ZERO),
        late_part_days=payment * nw.max_horizontal(days, ZERO),
        part_days=payment * days,
        reduction=amount,
        paid_day=when(received, nw.col("settled_on"), nw.lit(NEVER)),
        written_off_day=when((kind == "write_off") & (amount > 0), nw.col("settled_on"), nw.lit(NEVER)),
    )


def _disputes(ledger: Ledger, issued: Frame) -> tuple[Frame, Frame]:
    rows = ledger.frames["disputes"].select("invoice_id", "opened_on", "closed_on", "known_on", amount=parts("amount"))
    rows = rows.join(issued.select(*ITEM, "issued_from"), on="invoice_id")
    rows = rows.with_columns(opened_from=nw.max_horizontal("known_on", "opened_on", "issued_from"))
    rows = rows.with_columns(
        # A closing is known on its own day at the earliest: a row closed later was still open on the dates before.
        closed_from=nw.max_horizontal("closed_on", "opened_from"),
        part=nw.col("amount").fill_null(0),
        whole=when(nw.col("amount").is_null(), nw.lit(1), ZERO),
    )
    closed = rows.filter(~nw.col("closed_on").is_null())
    return (
        _event(
            rows,
            "opened_from",
            step=2,
            on="opened_on",
            event_id="invoice_id",
            contested="part",
            n_whole="whole",
            n_disputes=nw.lit(1),
        ),
        _event(
            closed,
            "closed_from",
            step=3,
            on="opened_on",
            event_id="invoice_id",
            contested=-nw.col("part"),
            n_whole=-nw.col("whole"),
        ),
    )


def _event(rows: Frame, known_from: str, *, step: int, on: str, event_id: str, **changes: Expr | str) -> Frame:
    # Every kind of event has every column, so that the kinds can be laid one after the other.
    zeros = dict.fromkeys((*SUMS, "reduction"), ZERO)
    numbers = {**zeros, **{name: change for name, change in changes.items() if name in zeros}}
    days = {name: changes.get(name, nw.lit(NEVER)) for name in ("paid_day", "written_off_day")}
    return rows.select(
        *ITEM,
        known_from=known_from,
        step=nw.lit(step),
        on=on,
        event_id=event_id,
        **{name: integer(nw.col(value) if isinstance(value, str) else value) for name, value in numbers.items()},
        **{name: (nw.col(value) if isinstance(value, str) else value).cast(nw.Int32) for name, value in days.items()},
    )
