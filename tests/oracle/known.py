"""What was known of one customer on one date, found by reading every row of the ledger and asking: was this known by then?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import holidays
import pyarrow as pa

from oracle.scales import NOTCHES
from riskscore.tables import STATEMENT_ITEMS

Row = dict[str, Any]
PARTS = 10_000


class Books:
    """The rows of a ledger as dictionaries."""

    def __init__(self, tables: Mapping[str, pa.Table], currency: str = "EUR") -> None:
        self.rows: dict[str, list[Row]] = {name: table.to_pylist() for name, table in tables.items()}
        self.currency = currency
        self.by: dict[tuple[str, str, str], list[Row]] = {}
        for name, rows in self.rows.items():
            for row in rows:
                for key in ("customer_id", "invoice_id"):
                    if key in row:
                        self.by.setdefault((name, key, row[key]), []).append(row)

    def of(self, table: str, customer: str) -> list[Row]:
        return self.by.get((table, "customer_id", customer), [])

    def about(self, table: str, invoice: str) -> list[Row]:
        return self.by.get((table, "invoice_id", invoice), [])

    def rate(self, currency: str, as_of: date) -> float | None:
        if currency == self.currency:
            return 1.0
        fixings = []
        for row in self.rows.get("rates", []):
            if row["rated_on"] <= as_of and (row["currency"], row["to_currency"]) == (currency, self.currency):
                fixings.append((row["rated_on"], 1, row["rate"]))
            if row["rated_on"] <= as_of and (row["currency"], row["to_currency"]) == (self.currency, currency):
                fixings.append((row["rated_on"], 0, 1.0 / row["rate"]))
        return max(fixings)[2] if fixings else None

    def cents(self, amount: Any, currency: str, as_of: date) -> int | None:
        rate = self.rate(currency, as_of)
        return None if amount is None or rate is None else cents_of(int(amount * PARTS), rate)

    def master(self, customer: str, as_of: date) -> Row:
        versions = [row for row in self.of("customers", customer) if row["known_on"] <= as_of]
        return max(versions, key=lambda row: row["known_on"], default={})

    def family(self, customer: str, as_of: date) -> str:
        while (parent := self.master(customer, as_of).get("parent_id")) not in {None, customer}:
            customer = parent
        return customer


def cents_of(parts: int, rate: float) -> int:
    return (math.floor(parts * rate + 0.5) + 50) // 100


@lru_cache(maxsize=4096)
def rolled(day: date, country: str | None) -> date:
    try:
        calendar = holidays.country_holidays(country) if country else None
    except NotImplementedError:
        calendar = None
    while not (calendar.is_working_day(day) if calendar is not None else day.weekday() < 5):
        day += timedelta(days=1)
    return day


@dataclass
class Item:
    """One invoice as it stood, in cents of the reporting currency."""

    age: int
    issued: int
    terms: int
    bills: bool
    sale: bool
    settled: bool
    n_payments: int
    n_disputes: int
    billed: int
    paid: int
    credited: int
    discounted: int
    written_off: int
    open: int
    contested: int
    collectable: int
    unpaid: int
    late_cent_days: int
    cent_days: int
    days_late: int | None
    concluded: int | None
    paid_age: int | None
    written_off_age: int | None


@dataclass
class Known:
    """Everything known of one customer on one date."""

    as_of: date
    master: Row
    family: str
    items: list[Item] = field(default_factory=list)
    receipts: list[Row] = field(default_factory=list)
    statement: Row | None = None
    prior: Row | None = None
    statement_rate: float | None = None
    rating: Row | None = None
    earlier_rating: Row | None = None
    limit: Row | None = None
    limit_cents: int | None = None
    securities: dict[str, int] = field(default_factory=dict)
    covered: int = 0
    covered_terms: list[tuple[int, str | None]] = field(default_factory=list)


def known(books: Books, customer: str, as_of: date) -> Known:
    """What was known of a customer on a date."""
    view = Known(as_of, books.master(customer, as_of), books.family(customer, as_of))
    country = view.master.get("country")
    for invoice in books.of("invoices", customer):
        issued_from = max(invoice["issued_on"], invoice["known_on"])
        if issued_from > as_of:
            continue
        due = rolled(invoice["due_on"], country)
        met = [
            (max(row["known_on"], row["settled_on"], issued_from), row["settled_on"], row["settlement_id"], row)
            for row in books.about("settlements", invoice["invoice_id"])
        ]
        met = [entry[3] for entry in sorted(met, key=lambda entry: entry[:3]) if entry[0] <= as_of]
        disputes = [
            row
            for row in books.about("disputes", invoice["invoice_id"])
            if max(row["known_on"], row["opened_on"], issued_from) <= as_of
        ]
        rate = books.rate(invoice["currency"], as_of)
        assert rate is not None
        view.items.append(_item(invoice, due, met, disputes, rate, as_of))
        for row in met:
            if row["kind"] == "payment" and row["amount"] > 0 and (as_of - row["settled_on"]).days < 1095:
                view.receipts.append(
                    {
                        "on": row["settled_on"],
                        "age": (as_of - row["settled_on"]).days,
                        "days": (row["settled_on"] - due).days,
                        "paid": cents_of(int(row["amount"] * PARTS), rate),
                    }
                )
    _add_statements(view, books, customer)
    _add_ratings(view, books, customer)
    _add_limit(view, books, customer)
    _add_securities(view, books, customer)
    return view


def _item(invoice: Row, due: date, met: list[Row], disputes: list[Row], rate: float, as_of: date) -> Item:
    billed = int(invoice["amount"] * PARTS)
    sums = {"payment": 0, "credit_note": 0, "discount": 0, "write_off": 0}
    n_payments, late_days, days, paid_on, lost_on, left = 0, 0, 0, None, None, billed
    for row in met:
        amount = int(row["amount"] * PARTS)
        was_open = left * 100 > billed
        sums[row["kind"]] += amount
        left -= amount
        if row["kind"] == "payment":
            beyond = (row["settled_on"] - due).days
            late_days += (amount + 50) // 100 * max(beyond, 0)
            days += (amount + 50) // 100 * beyond
            if amount > 0:
                n_payments += 1
                if was_open:
                    paid_on = max(paid_on or row["settled_on"], row["settled_on"])
        if row["kind"] == "write_off" and amount > 0:
            lost_on = max(lost_on or row["settled_on"], row["settled_on"])
    live = [
        row for row in disputes if row["closed_on"] is None or max(row["closed_on"], row["known_on"], row["opened_on"]) > as_of
    ]
    owing = max(left, 0)
    contested = (
        owing if any(row["amount"] is None for row in live) else min(owing, sum(int(row["amount"] * PARTS) for row in live))
    )
    sale = billed > 0 and (billed - sums["credit_note"]) * 100 > billed
    short = owing + sums["write_off"]
    settled = sale and short * 100 <= billed and paid_on is not None
    unpaid = max(short - contested, 0) if sale and short * 100 > billed else 0
    lost = sums["write_off"] * 100 > billed and left * 100 <= billed
    age = (as_of - due).days
    overdue = unpaid > 0 and age > 0
    days_late = (paid_on - due).days if settled else age if overdue else None
    concluded = (as_of - paid_on).days if settled else ((as_of - lost_on).days if lost else 0) if overdue else None
    return Item(
        age=age,
        issued=(as_of - invoice["issued_on"]).days,
        terms=(invoice["due_on"] - invoice["issued_on"]).days,
        bills=billed > 0,
        sale=sale,
        settled=settled,
        n_payments=n_payments,
        n_disputes=len(disputes),
        billed=cents_of(billed, rate),
        paid=cents_of(sums["payment"], rate),
        credited=cents_of(sums["credit_note"], rate),
        discounted=cents_of(sums["discount"], rate),
        written_off=cents_of(sums["write_off"], rate),
        open=cents_of(left, rate),
        contested=cents_of(contested, rate),
        collectable=cents_of(owing - contested, rate),
        unpaid=cents_of(unpaid, rate),
        late_cent_days=math.floor(late_days * rate + 0.5),
        cent_days=math.floor(days * rate + 0.5),
        days_late=days_late,
        concluded=concluded,
        paid_age=(as_of - paid_on).days if settled else None,
        written_off_age=(as_of - lost_on).days if sums["write_off"] > 0 else None,
    )


def _add_statements(view: Known, books: Books, customer: str) -> None:
    public = [row for row in books.of("statements", customer) if max(row["published_on"], row["known_on"]) <= view.as_of]

    def newest(rows: list[Row]) -> Row | None:
        return max(
            rows,
            key=lambda row: (row["period_end"], max(row["published_on"], row["known_on"]), row["published_on"]),
            default=None,
        )

    view.statement = newest(public)
    if view.statement is not None:
        end, currency = view.statement["period_end"], view.statement["currency"]
        before = [row for row in public if 300 <= (end - row["period_end"]).days <= 430]
        view.prior = newest([row for row in before if row["currency"] == currency])
        view.statement_rate = books.rate(view.statement["currency"], view.as_of)


def line(statement: Row | None, name: str) -> int | None:
    """A line item in whole ten-thousandths, or None."""
    assert name in STATEMENT_ITEMS
    return None if statement is None or statement[name] is None else int(statement[name] * PARTS)


def _add_ratings(view: Known, books: Books, customer: str) -> None:
    given = [row for row in books.of("ratings", customer) if max(row["known_on"], row["rated_on"]) <= view.as_of]

    def rank(row: Row) -> tuple[Any, ...]:
        return (row["rated_on"], max(row["known_on"], row["rated_on"]), NOTCHES.get(row["rating"], 0))

    view.rating = max(
        (row for row in given if row["valid_until"] is None or row["valid_until"] >= view.as_of), key=rank, default=None
    )
    old = [row for row in given if (view.as_of - row["rated_on"]).days >= 365 and row["rating"] in NOTCHES]
    view.earlier_rating = max(old, key=rank, default=None)


def _add_limit(view: Known, books: Books, customer: str) -> None:
    granted = [row for row in books.of("limits", customer) if max(row["known_on"], row["granted_on"]) <= view.as_of]
    view.limit = max(granted, key=lambda row: (max(row["known_on"], row["granted_on"]), row["granted_on"]), default=None)
    if view.limit is not None:
        view.limit_cents = books.cents(view.limit["amount"], view.limit["currency"], view.as_of)


def _add_securities(view: Known, books: Books, customer: str) -> None:
    for row in books.of("securities", customer):
        if max(row["known_on"], row["valid_from"]) <= view.as_of and (
            row["valid_until"] is None or row["valid_until"] >= view.as_of
        ):
            worth = books.cents(row["amount"], row["currency"], view.as_of)
            if worth is None:
                continue
            view.securities[row["kind"]] = view.securities.get(row["kind"], 0) + worth
            if row["kind"] == "insurance":
                share = 0.9 if row["cover_share"] is None else row["cover_share"]
                view.covered += math.floor(worth * share + 0.5)
                if row.get("longest_terms_days") is not None and worth > 0:
                    view.covered_terms.append((math.floor(row["longest_terms_days"]), row.get("provider")))
