"""Taking a snapshot: the ledger cut to what was known of each customer on each date, staged for features."""

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date

import narwhals.stable.v2 as nw
import pyarrow as pa

from riskscore.errors import InputRefused
from riskscore.snapshot.calendar import date_of, day_number
from riskscore.snapshot.items import take_history, take_items, take_receipts
from riskscore.snapshot.money import rates_at
from riskscore.snapshot.spine import numbered, take_spine
from riskscore.snapshot.standing import take_standing, take_statements
from riskscore.snapshot.states import issued_items, item_states, settled_parts
from riskscore.tables import Frame, Ledger, Prepare, drawn


@dataclass(frozen=True)
class Snapshot:
    """Facts known at each (customer, date) asked about, and nothing else. Only `take_snapshot` makes one.

    observations: customer_id, as_of (date32) and their number, sorted by both; one row per row of every result.
    spine: the observations with master data as known then, and family_id.
    items: every invoice as it stood (see `riskscore.snapshot.items.take_items`).
    history: how many invoices were ever billed and paid, and since when.
    receipts: every payment of the last 1095 days.
    statements: the newest published accounts and those of the year before.
    standing: rating, granted limit, securities.
    reporting_currency: every amount is whole cents of it, at the rate of the date itself.
    stage, prepare, rows: as those of the ledger.
    """

    observations: pa.Table
    spine: Frame
    items: Frame
    history: Frame
    receipts: Frame
    statements: Frame
    standing: Frame
    reporting_currency: str
    stage: Callable[[Frame], Frame]
    prepare: Prepare
    rows: Callable[[Frame], pa.Table]


@dataclass(frozen=True)
class Histories:
    """Who was asked about, and the invoices of those customers over all time, still to be cut to the dates.

    observations, spine: as in a `Snapshot`. rates: the reporting currency per unit of each currency, on each date asked about.
    issued, settled, states: invoices, what settled them, and how each stood from one day to another.
    """

    observations: pa.Table
    spine: Frame
    rates: Frame
    issued: Frame
    settled: Frame
    states: Frame


@dataclass(frozen=True)
class OpenItems(Histories):
    """The part of a snapshot that a look at the receivables needs. items: as in a `Snapshot`."""

    items: Frame


def take_histories(ledger: Ledger, observations: pa.Table) -> Histories:
    """The invoices of each observed customer, not yet met with the dates: what is needed where only a few of them are asked for.

    observations: columns customer_id (string) and as_of (date32), in any order, duplicates ignored.
    """
    pairs = numbered(observations)
    spine = take_spine(ledger, pairs)
    issued = issued_items(ledger, spine)
    settled = settled_parts(ledger, issued)
    return Histories(
        observations=pairs.set_column(1, "as_of", pairs["as_of"].cast(pa.date32())),
        spine=spine,
        rates=ledger.stage(rates_at(ledger, spine)),
        issued=issued,
        settled=settled,
        states=item_states(ledger, issued, settled),
    )


def take_open_items(ledger: Ledger, observations: pa.Table) -> OpenItems:
    """The invoices of each observed customer as known on the observed date.

    observations: columns customer_id (string) and as_of (date32), in any order, duplicates ignored.
    Raises InputRefused where an invoice is in a currency that has no rate by the date: a sum without it would be wrong.
    """
    known = take_histories(ledger, observations)
    items = take_items(ledger, known.spine, known.states, known.rates)
    _refuse_without_rate(ledger.rows(ledger.prepare(_without_rate, items)), ledger.reporting_currency)
    of_histories = {each.name: getattr(known, each.name) for each in fields(known)}
    return OpenItems(**of_histories, items=ledger.stage(ledger.prepare(_in_one_currency, items)))


@drawn
def _in_one_currency(items: Frame) -> Frame:
    return items.drop("currency", "rate")


@drawn
def _without_rate(items: Frame) -> Frame:
    return items.filter(nw.col("rate").is_null()).select("currency", "as_of").unique()


def take_snapshot(ledger: Ledger, observations: pa.Table) -> Snapshot:
    """What the ledger knew of each observed customer on the observed date.

    observations: columns customer_id (string) and as_of (date32), in any order, duplicates ignored.
    Raises InputRefused where an invoice is in a currency that has no rate by the date: a sum without it would be wrong.
    """
    return snapshot_of(ledger, take_open_items(ledger, observations))


def snapshot_of(ledger: Ledger, known: OpenItems) -> Snapshot:
    """The rest of a snapshot, for invoices that were taken already; of the same ledger."""
    return Snapshot(
        observations=known.observations,
        spine=known.spine,
        items=known.items,
        history=take_history(ledger, known.spine, known.issued, known.states),
        receipts=take_receipts(ledger, known.spine, known.settled, known.rates),
        statements=take_statements(ledger, known.spine, known.rates),
        standing=take_standing(ledger, known.spine, known.rates),
        reporting_currency=ledger.reporting_currency,
        stage=ledger.stage,
        prepare=ledger.prepare,
        rows=ledger.rows,
    )


def month_ends(first: date, last: date) -> list[date]:
    """The last days of the months from `first` to `last`, both included.

    >>> month_ends(date(2024, 1, 31), date(2024, 3, 30))
    [datetime.date(2024, 1, 31), datetime.date(2024, 2, 29)]
    """
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    ends = [date(month // 12, month % 12 + 1, monthrange(month // 12, month % 12 + 1)[1]) for month in months]
    return [end for end in ends if first <= end <= last]


def customers_known_at(ledger: Ledger, as_of: date) -> pa.Table:
    """An observation at `as_of` for every customer of whom a row or an invoice was known by then, sorted by id."""
    today = day_number(as_of)
    customers = ledger.frames["customers"].filter(nw.col("known_on") <= today).select("customer_id")
    buyers = ledger.frames["invoices"].filter(nw.col("known_on") <= today, nw.col("issued_on") <= today).select("customer_id")
    known = nw.concat([customers, buyers]).unique().collect("pyarrow")["customer_id"].to_list()
    return pa.table(
        {"customer_id": pa.array(sorted(known), pa.string()), "as_of": pa.array([as_of] * len(known), pa.date32())},
    )


def _refuse_without_rate(missing: pa.Table, home: str) -> None:
    if missing.num_rows:
        currency, as_of = min(zip(missing["currency"].to_pylist(), missing["as_of"].to_pylist(), strict=True))
        raise InputRefused(
            f"there is no rate from {currency} to {home} by {date_of(as_of)}, and invoices in {currency} are known by then. "
            "A sum without them would be wrong. Deliver the rate (table rates) and ingest again."
        )
