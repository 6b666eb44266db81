"""States: every invoice between two things becoming known about it: issued, part paid, settled, disputed, written off.

A state holds over [known_from, known_to), so a date can only meet what was known by then. The ledger is turned into states once,
whatever the number of dates.
"""

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

import narwhals.stable.v2 as nw

from riskscore.snapshot.calendar import business_days
from riskscore.snapshot.measures import ZERO, Expr, integer, when
from riskscore.snapshot.money import FOREVER, parts, whole_cents
from riskscore.tables import Frame, Ledger, Step, drawn

RESIDUAL = 100
"""An invoice is settled when at most one part in 100 of it is open: bank charges and rounding are not late payment."""

NEVER = -1_000_000
"""A day before all days: stands for "not yet" where a running maximum must not meet null, and can still be subtracted from."""

ITEM = ("customer_id", "calendar_country", "invoice_id")
SUMS = (
    "paid",
    "credited",
    "discounted",
    "written_off",
    "n_payments",
    "late_cent_days",
    "cent_days",
    "contested",
    "n_whole",
    "n_disputes",
)
"""Running sums of a state, in ten-thousandths of the invoice's currency, cents of it times days, or counts."""


def issued_items(ledger: Ledger, spine: Frame) -> Frame:
    """Every invoice of the spine's customers, once per country the customer is known in, with its business-day due date.

    An invoice counts from the later of its date and the day it was known.
    """
    invoices = ledger.stage(ledger.prepare(_at_home, ledger.frames["invoices"], spine))
    rolled = business_days(distinct(ledger, invoices, "calendar_country"), distinct(ledger, invoices, "due_on"))
    return ledger.stage(ledger.prepare(_rolled, invoices, ledger.lift(rolled)))


@drawn
def _at_home(invoices: Frame, spine: Frame) -> Frame:
    homes = spine.select("customer_id", "calendar_country").unique()
    return invoices.join(homes, on="customer_id").select(
        *ITEM,
        "currency",
        "issued_on",
        "due_on",
        "is_electronic",
        issued_from=nw.max_horizontal("known_on", "issued_on"),
        billed=parts("amount"),
    )


@drawn
def _rolled(invoices: Frame, rolled: Frame) -> Frame:
    return invoices.join(rolled, on=["calendar_country", "due_on"])


def settled_parts(ledger: Ledger, issued: Frame) -> Frame:
    """Every settlement with its item: the day it counts from and its days after (below zero: before) the business-day due date.

    A settlement counts from the day it was known, never before its own date nor before its invoice was known.
    """
    return ledger.stage(ledger.prepare(_settled, ledger.frames["settlements"], issued))


@drawn
def _settled(settlements: Frame, issued: Frame) -> Frame:
    rows = settlements.select("settlement_id", "invoice_id", "kind", "settled_on", "known_on", amount=parts("amount"))
    rows = rows.join(issued.select(*ITEM, "currency", "due", "issued_from"), on="invoice_id")
    return rows.with_columns(
        known_from=nw.max_horizontal("known_on", "settled_on", "issued_from"),
        days=nw.col("settled_on") - nw.col("due"),
    )


def item_states(ledger: Ledger, issued: Frame, settled: Frame) -> Frame:
    """Every item between two things becoming known about it, with what had been paid, credited, written off and contested."""
    return ledger.stage(ledger.prepare(_states, issued, settled, ledger.frames["disputes"]))


@drawn
def _states(issued: Frame, settled: Frame, disputes: Frame) -> Frame:
    events = nw.concat([_issues(issued), _settlements(settled), *_disputes(disputes, issued)])
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
    dated = dated.filter(nw.col("known_from") < nw.col("known_to"))
    return _judged(dated.drop(*order[1:], "paid_day", "written_off_day", "reduction"))


def _judged(states: Frame) -> Frame:
    """What the sums of a state mean, in ten-thousandths of the invoice's currency.

    bills: it is an invoice, not a credit note. sale: it was not cancelled by credit notes either.
    contested: of what is left, while the dispute is open. collectable: the rest of what is left.
    unpaid: what counts as not paid, written-off parts included, contested parts not; 0 once settled to within 1 %.
    settled: no longer open, and not by credit notes or discounts alone. lost: no longer open because it was written off.
    """
    billed, left, written_off = nw.col("billed"), nw.col("left"), nw.col("written_off")
    above_zero = nw.max_horizontal(left, ZERO)
    owed = above_zero + written_off
    sale = (billed > 0) & ((billed - nw.col("credited")) * RESIDUAL > billed)
    contested = when(nw.col("n_whole") > 0, above_zero, nw.min_horizontal(above_zero, nw.col("contested")))
    return states.with_columns(bills=billed > 0, sale=sale, contested=contested).with_columns(
        collectable=above_zero - nw.col("contested"),
        unpaid=when(nw.col("sale") & (owed * RESIDUAL > billed), nw.max_horizontal(owed - nw.col("contested"), ZERO), ZERO),
        settled=nw.col("sale") & (owed * RESIDUAL <= billed) & (nw.col("paid_on") > NEVER),
        lost=nw.col("sale") & (written_off * RESIDUAL > billed) & (left * RESIDUAL <= billed),
    )


def distinct(ledger: Ledger, frame: Frame, column: str) -> Sequence[Any]:
    """The different values of a column."""
    found: Sequence[Any] = ledger.rows(ledger.prepare(_different(column), frame))[column].to_pylist()
    return found


@cache
def _different(column: str) -> Step:
    return drawn(partial(_values, column))


def _values(column: str, frame: Frame) -> Frame:
    return frame.select(column).unique()


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
        late_cent_days=whole_cents(payment) * nw.max_horizontal(days, ZERO),
        cent_days=whole_cents(payment) * days,
        reduction=amount,
        paid_day=when(received, nw.col("settled_on"), nw.lit(NEVER)),
        written_off_day=when((kind == "write_off") & (amount > 0), nw.col("settled_on"), nw.lit(NEVER)),
    )


def _disputes(disputes: Frame, issued: Frame) -> tuple[Frame, Frame]:
    rows = disputes.select("invoice_id", "opened_on", "closed_on", "known_on", amount=parts("amount"))
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
