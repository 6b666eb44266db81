"""Cases: an open invoice on a date, with what was known of it and of its customer then. What the payment hazard is asked about.

Everything comes out of the snapshot's own frames, so a case cannot hold what was not known on its date.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskscore import features
from riskscore.hazard import two_years
from riskscore.hazard.bins import EDGES
from riskscore.hazard.records import take_records
from riskscore.model.formula import Floats
from riskscore.snapshot import OpenItems, Snapshot, snapshot_of, take_open_items
from riskscore.snapshot.calendar import day_number
from riskscore.snapshot.items import CUSTOMER, WHO
from riskscore.snapshot.measures import ZERO, integer, when
from riskscore.snapshot.money import cents, holding
from riskscore.snapshot.states import ITEM
from riskscore.tables import Frame, Ledger

WEEKDAYS, MONTH_DAYS = 7, 31
HABIT_DAYS = 365
"""How far back a customer's settled invoices and payment days speak for its habits."""

LATELY = (30, 60, 120)
"""Days over which it is counted how a customer has paid lately: fortunes change within months, habits within years."""

OF_PAYMENTS = (
    "weekdays", "month_days", "mondays", "paid_in", "exposed_in", "lately_paid_in", "lately_exposed_in", "settled",
)  # fmt: skip
"""What `Cases` hold of payments, in their order: an entry for each row of `who`."""


@dataclass(frozen=True)
class Cases:
    """Open invoices on dates, sorted by customer, date and invoice; facts of a (customer, date) stand once in `who`.

    invoices: one row a case: customer_id, as_of (day number), invoice_id, currency, country ("" not known), issued_on, due
    (day numbers, due rolled to a business day), terms (days), open (undisputed, in ten-thousandths of its currency), cents (the
    same in cents of the reporting currency), is_electronic (null: not known), new (issued, or first known, on this very date).
    observation: the row of each case in `who` and in the arrays below.
    who: the features of `riskscore.features.CATALOGUE` by customer and date, then those of `riskscore.hazard.two_years`.
    weekdays: on how many days of the last year money came, by weekday (Monday first).
    month_days, mondays: the same by day of the month, Mondays apart: what is due on a weekend is paid on one.
    paid_in, exposed_in: how many invoices of the last year were paid in each age bin, and how many were exposed in it.
    lately_paid_in, lately_exposed_in: the same of what happened in each of the windows `LATELY`: (n, windows, N_BINS).
    settled: how many invoices the customer had settled by the date, ever.
    """

    invoices: pa.Table
    observation: np.ndarray[tuple[int], np.dtype[np.int64]]
    who: pa.Table
    weekdays: Floats
    month_days: Floats
    mondays: Floats
    paid_in: Floats
    exposed_in: Floats
    lately_paid_in: Floats
    lately_exposed_in: Floats
    settled: Floats

    def __len__(self) -> int:
        return int(self.invoices.num_rows)

    def column(self, name: str) -> Floats:
        """One numeric column of `invoices`."""
        result: Floats = self.invoices[name].cast(pa.float64()).to_numpy()
        return result

    @property
    def age(self) -> Floats:
        """Days past the business-day due date on the date of each case; below zero before it."""
        return self.column("as_of") - self.column("due")

    @property
    def newcomer(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which cases are of a customer that has shown nothing yet: no invoice settled, and none open past its due date.

        Unpaid invoices that are overdue are a record too; who is asked only about settled ones forgets the worst payers.
        """
        overdue = self.exposed_in[:, EDGES > 0].any(axis=1)
        result: np.ndarray[tuple[int], np.dtype[np.bool_]] = ((self.settled == 0) & ~overdue)[self.observation]
        return result

    def take(self, mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> "Cases":
        """The cases where the mask is true; of the customers and dates only those still spoken of."""
        kept, place = np.unique(self.observation[mask], return_inverse=True)
        return Cases(
            self.invoices.filter(pa.array(mask)),
            place.astype(np.int64),
            self.who.take(pa.array(kept)),
            self.weekdays[kept],
            self.month_days[kept],
            self.mondays[kept],
            self.paid_in[kept],
            self.exposed_in[kept],
            self.lately_paid_in[kept],
            self.lately_exposed_in[kept],
            self.settled[kept],
        )


def take_cases(ledger: Ledger, observations: pa.Table, *, whole_on: Collection[date] | None = None) -> Cases:
    """Every invoice that is open and not wholly disputed on the observed dates of its customer.

    observations: columns customer_id and as_of (date32). whole_on: where given, on other dates only invoices that were issued
    (or first known) on the very date.
    """
    return cases_of(ledger, take_open_items(ledger, observations), whole_on=whole_on)


def cases_of(ledger: Ledger, known: OpenItems, *, whole_on: Collection[date] | None = None) -> Cases:
    """The cases of open items that were taken already."""
    snapshot = snapshot_of(ledger, known)
    order = [("observation", "ascending"), ("invoice_id", "ascending")]
    invoices = _open_invoices(known, whole_on).collect("pyarrow").to_native().sort_by(order)
    n = known.observations.num_rows
    records = take_records(known, HABIT_DAYS, LATELY)
    days = _payment_days(snapshot.receipts).collect("pyarrow").to_native()
    return Cases(
        invoices=invoices.drop_columns(["observation"]),
        observation=invoices["observation"].to_numpy().astype(np.int64),
        who=_facts(snapshot),
        weekdays=_spread(days, n, [f"weekday_{day}" for day in range(WEEKDAYS)]),
        month_days=_spread(days, n, [f"day_{day}" for day in range(1, MONTH_DAYS + 1)]),
        mondays=_spread(days, n, [f"monday_{day}" for day in range(1, MONTH_DAYS + 1)]),
        paid_in=records.paid_in,
        exposed_in=records.exposed_in,
        lately_paid_in=records.lately_paid_in,
        lately_exposed_in=records.lately_exposed_in,
        settled=records.settled,
    )


def joined(pieces: Sequence[Cases]) -> tuple[Cases, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """The cases of several ledgers in one order, whatever that of the ledgers, and where each stood in all pieces together."""
    who = pa.concat_tables([piece.who for piece in pieces])
    by_who = pc.sort_indices(who, sort_keys=[("customer_id", "ascending"), ("as_of", "ascending")]).to_numpy().astype(np.int64)
    rank = np.empty(len(by_who), dtype=np.int64)
    rank[by_who] = np.arange(len(by_who))
    offsets = np.cumsum([0, *(piece.who.num_rows for piece in pieces)])
    observation = rank[np.concatenate([piece.observation + start for piece, start in zip(pieces, offsets, strict=False)])]
    invoices = pa.concat_tables([piece.invoices for piece in pieces])
    placed = invoices.select(["invoice_id"]).append_column("place", pa.array(observation))
    order = pc.sort_indices(placed, sort_keys=[("place", "ascending"), ("invoice_id", "ascending")]).to_numpy().astype(np.int64)
    stacked = (
        np.concatenate([getattr(piece, name) for piece in pieces])[by_who]
        for name in (
            "weekdays",
            "month_days",
            "mondays",
            "paid_in",
            "exposed_in",
            "lately_paid_in",
            "lately_exposed_in",
            "settled",
        )
    )
    cases = Cases(invoices.take(pa.array(order)), observation[order], who.take(pa.array(by_who)), *stacked)
    return cases, order


def customers_of(cases: Cases) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """The customer of every case."""
    return np.asarray(cases.invoices["customer_id"].to_pylist(), dtype=object)


def all_at_issue(ledger: Ledger) -> pa.Table:
    """An observation for every customer and day on which an invoice of it became known."""
    invoices = ledger.frames["invoices"].with_columns(as_of=nw.max_horizontal("known_on", "issued_on"))
    days = invoices.select("customer_id", "as_of").unique().collect("pyarrow").to_native()
    days = days.sort_by([("customer_id", "ascending"), ("as_of", "ascending")])
    return days.set_column(1, "as_of", days["as_of"].cast(pa.int32()).cast(pa.date32()))


def _facts(snapshot: Snapshot) -> pa.Table:
    who, means = features.compute(snapshot), two_years.compute(snapshot)
    for name in means.column_names:
        who = who.append_column(name, means[name])
    return who


def _open_invoices(known: OpenItems, whole_on: Collection[date] | None) -> Frame:
    live = known.states.filter(nw.col("unpaid") > 0, nw.col("left") > 0)
    live = live.join(known.issued.select(*ITEM, "issued_from", "is_electronic"), on=list(ITEM))
    met = known.spine.select(*WHO).join(live, on=CUSTOMER)
    if whole_on is not None:
        whole = nw.col("as_of").is_in([day_number(day) for day in whole_on])
        met = met.filter((nw.col("issued_from") == nw.col("as_of")) | whole)
    met = holding(met).join(known.rates, on=["currency", "as_of"], how="left")
    return met.select(
        "observation",
        "customer_id",
        "as_of",
        "invoice_id",
        "currency",
        "issued_on",
        "due",
        "collectable",
        "is_electronic",
        country="calendar_country",
        terms=nw.col("due_on") - nw.col("issued_on"),
        cents=cents(nw.col("collectable")),
        new=nw.col("issued_from") == nw.col("as_of"),
    )


def _payment_days(receipts: Frame) -> Frame:
    days = receipts.select("observation", "settled_on", "weekday", "month_day").unique()
    wanted = {f"weekday_{day}": integer(when(nw.col("weekday") == day, nw.lit(1), ZERO).sum()) for day in range(WEEKDAYS)}
    monday = nw.col("weekday") == 0
    for day in range(1, MONTH_DAYS + 1):
        there = nw.col("month_day") == day
        wanted[f"day_{day}"] = integer(when(there & ~monday, nw.lit(1), ZERO).sum())
        wanted[f"monday_{day}"] = integer(when(there & monday, nw.lit(1), ZERO).sum())
    return days.group_by("observation").agg(**wanted)


def _spread(rows: pa.Table, n: int, names: list[str]) -> Floats:
    """The named columns as a matrix with a row for every observation; zero where the frame has none."""
    matrix = np.zeros((n, len(names)))
    place = rows["observation"].to_numpy()
    for column, name in enumerate(names):
        matrix[place, column] = rows[name].to_numpy()
    return matrix
