"""Every open invoice on a date, one by one: what reminders are sent for, and what an insurer must be told of."""

from collections.abc import Iterable
from datetime import date

import narwhals.stable.v2 as nw
import pyarrow as pa

from riskscore.portfolio.taking import each_ledger
from riskscore.snapshot import customers_known_at, take_open_items
from riskscore.snapshot.calendar import day_number
from riskscore.snapshot.measures import integer
from riskscore.snapshot.money import MONEY, cents, money_of
from riskscore.tables import Ledger

INVOICES = pa.schema(
    [
        ("customer_id", pa.string()),
        ("invoice_id", pa.string()),
        ("issued_on", pa.date32()),
        ("due_on", pa.date32()),
        ("days_past_due", pa.int32()),
        ("opened", MONEY),
        ("contested", MONEY),
    ]
)
"""due_on: as agreed. days_past_due: past the business-day due date, 0 or below where it is not due. Money: reporting currency."""


def take_open_invoices(ledgers: Ledger | Iterable[Ledger], as_of: date) -> pa.Table:
    """The invoices of which something was open on that day, with the columns of `INVOICES`, by customer and due date."""
    found = [_open(ledger, as_of) for ledger in each_ledger(ledgers)]
    order = [("customer_id", "ascending"), ("due_on", "ascending"), ("invoice_id", "ascending")]
    return pa.concat_tables([INVOICES.empty_table(), *found]).sort_by(order)


def _open(ledger: Ledger, as_of: date) -> pa.Table:
    today = day_number(as_of)
    known = take_open_items(ledger, customers_known_at(ledger, as_of))
    states = known.states.filter(nw.col("known_from") <= today, nw.col("known_to") > today)
    states = states.filter(nw.col("bills"), nw.col("left") > 0).join(known.rates.drop("as_of"), on="currency")
    rows = states.select(
        "customer_id", "invoice_id", "issued_on", "due_on", days_past_due=today - integer(nw.col("due")),
        opened=cents(nw.col("left")), contested=cents(nw.col("contested")),
    ).collect("pyarrow").to_native()  # fmt: skip
    dates = {name: rows[name].cast(pa.int32()).cast(pa.date32()) for name in ("issued_on", "due_on")}
    money = {name: money_of(rows[name].cast(pa.int64())) for name in ("opened", "contested")}
    return pa.table({**{name: rows[name] for name in INVOICES.names}, **dates, **money}).cast(INVOICES)
