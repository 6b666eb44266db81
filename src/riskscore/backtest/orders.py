"""Orders and what became of them, and the limits that stood on file: what a replay gates, read from the canonical tables.

An order is an invoice of a positive amount. All money is in the reporting currency, at the rate of the day of issue. Days are
numbers since 1970-01-01. Amounts are floats: they feed estimates, and no decision is taken from them.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc

NEVER = 10**7
"""A day that does not come: still open at the end of the book."""

EPOCH = date(1970, 1, 1)
CENT = 0.01
MATERIAL_LOSS = 0.1
"""A write-off of less than this share of its invoice is a settled difference, not a customer that failed."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an order that went out of the books on one day: paid, credited, or lost. closed: `NEVER` while it is open."""

    closed: int
    amount: float
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """One order on credit. name: the invoice; empty for one that nobody has seen.

    after: of an order that nobody has seen, how many seen ones of its customer came before it on its day.
    """

    name: str
    issued: int
    amount: float
    pieces: tuple[Piece, ...]
    after: int = 0

    @property
    def concluded(self) -> int:
        """The day its last piece went out of the books."""
        return max(piece.closed for piece in self.pieces)

    def open_on(self, day: int) -> float:
        """What was owed of it at the end of the day; 0 before it was issued."""
        return sum(piece.amount for piece in self.pieces if piece.closed > day) if self.issued <= day else 0.0


@dataclass(frozen=True)
class Customer:
    """A customer's life with the seller: its orders by day, the limits on file as (day, amount), first and last day.

    since: the first day it was known or bought. until: the day it failed (the first material write-off); `NEVER` where not.
    """

    customer_id: str
    orders: tuple[Order, ...]
    limits: tuple[tuple[int, float], ...]
    since: int
    until: int

    def limit_on(self, day: int) -> float | None:
        """The limit on file on that day; null where none was granted by then."""
        place = bisect_right(self.limits, day, key=lambda each: each[0])
        return self.limits[place - 1][1] if place else None


class Rates:
    """Reporting currency for one unit of a currency on a day: the last fixing by then, the first one before any."""

    def __init__(self, table: pa.Table, reporting: str) -> None:
        self.reporting = reporting
        rows = table.filter(pc.equal(table["to_currency"], reporting)).sort_by("rated_on")
        self._days: dict[str, list[int]] = {}
        self._rates: dict[str, list[float]] = {}
        for currency, rate, on in zip(
            rows["currency"].to_pylist(), rows["rate"].cast(pa.float64()).to_pylist(), _days(rows["rated_on"]), strict=True
        ):
            self._days.setdefault(currency, []).append(on)
            self._rates.setdefault(currency, []).append(rate)

    def of(self, currency: str, day: int) -> float:
        """Raises KeyError for a currency without any fixing; ingestion sets such rows aside."""
        if currency == self.reporting:
            return 1.0
        return self._rates[currency][max(bisect_right(self._days[currency], day) - 1, 0)]


def customers_of(tables: Mapping[str, pa.Table], reporting_currency: str) -> list[Customer]:
    """Every customer of the tables with its orders, sorted by id. Facts count by the day they happened: it is what came to pass.

    An overpayment closes no more than the invoice. What is paid after a write-off was not lost, and a booking below zero takes
    the last one of its kind back: both are as if that part had been open until then. Who failed and paid later has failed.
    """
    rates = Rates(tables["rates"], reporting_currency)
    booked = _booked(tables["settlements"])
    orders: dict[str, list[Order]] = {}
    failed: dict[str, int] = {}
    rows = tables["invoices"]
    columns = (rows[name].to_pylist() for name in ("invoice_id", "customer_id", "currency"))
    amounts = rows["amount"].cast(pa.float64()).to_pylist()
    for name, customer, currency, amount, issued in zip(*columns, amounts, _days(rows["issued_on"]), strict=True):
        if amount <= 0:
            continue
        rate = rates.of(currency, issued)
        pieces, failed_on = _pieces(amount, booked.get(name, ()), rate)
        orders.setdefault(customer, []).append(Order(name, issued, amount * rate, pieces))
        failed[customer] = min(failed.get(customer, NEVER), failed_on)
    limits = _limits(tables["limits"], rates)
    known: dict[str, int] = {}
    for name, day in zip(tables["customers"]["customer_id"].to_pylist(), _days(tables["customers"]["known_on"]), strict=True):
        known[name] = min(known.get(name, NEVER), day)
    found = []
    for customer in sorted({*known, *orders}):
        mine = sorted(orders.get(customer, ()), key=lambda order: (order.issued, order.name))
        since = min(known.get(customer, NEVER), mine[0].issued if mine else NEVER)
        held = tuple(sorted(limits.get(customer, {}).items()))
        found.append(Customer(customer, tuple(mine), held, since, failed.get(customer, NEVER)))
    return found


def day_of(day: date) -> int:
    """The day as a number."""
    return (day - EPOCH).days


def date_of(day: int) -> date:
    """The number as a day."""
    return EPOCH + timedelta(days=day)


def _days(column: pa.ChunkedArray) -> list[int]:
    days: list[int] = column.cast(pa.int32()).to_pylist()
    return days


def _booked(rows: pa.Table) -> dict[str, list[tuple[int, float, bool]]]:
    found: dict[str, list[tuple[int, float, bool]]] = {}
    amounts = rows["amount"].cast(pa.float64()).to_pylist()
    for name, kind, day, amount in zip(
        rows["invoice_id"].to_pylist(), rows["kind"].to_pylist(), _days(rows["settled_on"]), amounts, strict=True
    ):
        found.setdefault(name, []).append((day, amount, kind == "write_off"))
    return found


def _pieces(amount: float, booked: Sequence[tuple[int, float, bool]], rate: float) -> tuple[tuple[Piece, ...], int]:
    """What closed the invoice, and the day its customer failed by it: the first material write-off that was not taken back."""
    left = amount
    pieces: list[Piece] = []
    written_off: list[Piece] = []
    for day, booking, lost in sorted(booked):
        if booking < 0:
            left += _taken_back(pieces, -booking, lost=lost)
            if lost:
                _taken_back(written_off, -booking, lost=True)
            continue
        closing = min(booking, left)
        left -= closing
        pieces.append(Piece(day, closing, lost))
        if lost:
            written_off.append(pieces[-1])
        else:
            pieces.append(Piece(day, _taken_back(pieces, booking - closing, lost=True)))
    if left > CENT / 2 or not pieces:
        pieces.append(Piece(NEVER, left))
    failed_on = min((piece.closed for piece in written_off if piece.amount >= MATERIAL_LOSS * amount), default=NEVER)
    return tuple(Piece(each.closed, each.amount * rate, each.lost) for each in pieces if each.amount > 0), failed_on


def _taken_back(pieces: list[Piece], amount: float, *, lost: bool) -> float:
    """Take so much back from the last pieces of that kind; how much there was to take."""
    taken = 0.0
    for place in range(len(pieces) - 1, -1, -1):
        piece = pieces[place]
        if piece.lost == lost and amount > taken:
            part = min(piece.amount, amount - taken)
            pieces[place] = Piece(piece.closed, piece.amount - part, lost)
            taken += part
    return taken


def _limits(rows: pa.Table, rates: Rates) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {}
    amounts = rows["amount"].cast(pa.float64()).to_pylist()
    for customer, currency, day, amount in zip(
        rows["customer_id"].to_pylist(), rows["currency"].to_pylist(), _days(rows["granted_on"]), amounts, strict=True
    ):
        found.setdefault(customer, {})[day] = amount * rates.of(currency, day)
    return found
