"""Cases: an open invoice on a date, with what was known of it and of its customer then. What the payment hazard is asked about.

Everything comes out of the snapshot's own frames, so a case cannot hold what was not known on its date.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa

from riskscore import features
from riskscore.hazard import two_years
from riskscore.hazard.bins import EDGES
from riskscore.hazard.issued import Invoices, open_invoices
from riskscore.hazard.records import take_records
from riskscore.model.formula import Floats
from riskscore.snapshot import OpenItems, Snapshot, snapshot_of, take_open_items
from riskscore.snapshot.measures import ZERO, integer, when
from riskscore.tables import Frame, Ledger

WEEKDAYS, MONTH_DAYS = 7, 31
HABIT_DAYS = 1095
"""How far back payments in time, and payment days, speak for a customer's habits: as far as the snapshot's items go."""

LATE_DAYS = 365
"""How far back payments after the due date do: who was in trouble two years ago is another customer today."""

LATELY = (30, 60, 120)
"""Days over which it is counted how a customer has paid lately: fortunes change within months, habits within years."""

OF_PAYMENTS = (
    "weekdays", "month_days", "mondays", "paid_in", "exposed_in", "lately_paid_in", "lately_exposed_in", "ended",
)  # fmt: skip
"""What `Cases` hold of payments, in their order: an entry for each row of `who`."""


@dataclass(frozen=True)
class Cases(Invoices):
    """Open invoices on dates, with the whole record of their customers; see `Invoices`.

    who: the features of `riskscore.features.CATALOGUE` by customer and date, then those of `riskscore.hazard.two_years`.
    weekdays: on how many days of the last three years money came, by weekday (Monday first).
    month_days, mondays: the same by day of the month, Mondays apart: what is due on a weekend is paid on one.
    paid_in, exposed_in: how many invoices were paid in each age bin, and how many were exposed in it: of three years up to the
    due date, of one after it.
    lately_paid_in, lately_exposed_in: the same of what happened in each of the windows `LATELY`: (n, windows, N_BINS).
    ended: how many invoices of the customer were settled or written off by the date, of all that the snapshot holds.
    """

    weekdays: Floats
    month_days: Floats
    mondays: Floats
    paid_in: Floats
    exposed_in: Floats
    lately_paid_in: Floats
    lately_exposed_in: Floats
    ended: Floats

    @property
    def newcomer(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which cases are of a customer that has shown nothing yet: none settled or written off, none open and overdue.

        Unpaid invoices are a record too; who is asked only about settled ones forgets the worst payers.
        """
        overdue = self.exposed_in[:, EDGES > 0].any(axis=1)
        result: np.ndarray[tuple[int], np.dtype[np.bool_]] = ((self.ended == 0) & ~overdue)[self.observation]
        return result

    def beside_who(self) -> Mapping[str, Floats]:
        """What is held of payments, with an entry for each row of `who`."""
        return {name: getattr(self, name) for name in OF_PAYMENTS}


def take_cases(ledger: Ledger, observations: pa.Table, *, whole_on: Collection[date] | None = None) -> Cases:
    """Every invoice that is open and not wholly disputed on the observed dates of its customer.

    observations: columns customer_id and as_of (date32). whole_on: where given, on other dates only invoices that were issued
    (or first known) on the very date.
    """
    return cases_of(ledger, take_open_items(ledger, observations), whole_on=whole_on)


def cases_of(ledger: Ledger, known: OpenItems, *, whole_on: Collection[date] | None = None) -> Cases:
    """The cases of open items that were taken already."""
    snapshot = snapshot_of(ledger, known)
    invoices, observation = open_invoices(known, whole_on)
    n = known.observations.num_rows
    records = take_records(known, HABIT_DAYS, LATE_DAYS, LATELY)
    days = _payment_days(snapshot.receipts).collect("pyarrow").to_native()
    return Cases(
        invoices=invoices,
        observation=observation,
        who=_facts(snapshot),
        weekdays=_spread(days, n, [f"weekday_{day}" for day in range(WEEKDAYS)]),
        month_days=_spread(days, n, [f"day_{day}" for day in range(1, MONTH_DAYS + 1)]),
        mondays=_spread(days, n, [f"monday_{day}" for day in range(1, MONTH_DAYS + 1)]),
        paid_in=records.paid_in,
        exposed_in=records.exposed_in,
        lately_paid_in=records.lately_paid_in,
        lately_exposed_in=records.lately_exposed_in,
        ended=records.ended,
    )


def _facts(snapshot: Snapshot) -> pa.Table:
    who, means = features.compute(snapshot), two_years.compute(snapshot.spine, snapshot.statements)
    for name in means.column_names:
        who = who.append_column(name, means[name])
    return who


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
