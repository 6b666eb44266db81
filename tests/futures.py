"""Other futures: the same ledger with everything learned after a date rewritten, and what was known by then left alone."""

import hashlib
import random
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from ledger_text import arrow
from riskscore.tables import TABLES

Row = dict[str, Any]
HAPPENED = {name: table.event_on for name, table in TABLES.items()} | {"rates": "rated_on"}
AHEAD = {"due_on", "valid_until", "closed_on"}
"""Dates that may lie after the day a row is known."""


def known_day(table: str, row: Row) -> date:
    """The day a row can count from: when it was known, and not before it happened."""
    happened = row.get(HAPPENED[table]) if table != "customers" else None
    return max(day for day in (happened, row.get("known_on")) if day is not None)


def cut_to(tables: Mapping[str, pa.Table], as_of: date) -> dict[str, pa.Table]:
    """The ledger as an export of that day would have shown it: rows known later are gone, disputes closed later are open."""
    kept = {name: [row for row in rows.to_pylist() if known_day(name, row) <= as_of] for name, rows in tables.items()}
    for row in kept.get("disputes", []):
        if row["closed_on"] is not None and row["closed_on"] > as_of:
            row["closed_on"] = None
    return {name: arrow(name, rows) for name, rows in kept.items()}


def another_future(tables: Mapping[str, pa.Table], as_of: date, seed: int) -> dict[str, pa.Table]:
    """The ledger with its future after `as_of` rewritten: rows lost, changed, moved to other customers, and invented.

    Facts that span the date change too: a dispute open on it closes at another time, an invoice known by it is settled, written
    off or contested otherwise, and every kind of master data gets new versions.
    """
    chance = random.Random(seed)
    rows = {name: table.to_pylist() for name, table in tables.items()}
    customers = sorted({row["customer_id"] for name in ("customers", "invoices") for row in rows.get(name, [])}) or ["nobody"]
    invoices = [(row["invoice_id"], row["customer_id"]) for row in rows.get("invoices", [])]
    changed: dict[str, list[Row]] = {}
    for name, found in rows.items():
        past = [row for row in found if known_day(name, row) <= as_of]
        future = [row for row in found if known_day(name, row) > as_of]
        kept = [_rewritten(name, row, as_of, customers, chance) for row in future if chance.random() >= 0.3]
        patterns = past + future
        invented = [
            _rewritten(name, _invented(name, chance.choice(patterns), n, invoices, chance), as_of, customers, chance)
            for n in range(len(patterns) // 5 + 1 if patterns else 0)
        ]
        changed[name] = past + kept + invented
        chance.shuffle(changed[name])
    for row in changed.get("disputes", []):
        # A past row: only its closing lies ahead, and may come at any time or never.
        if known_day("disputes", row) <= as_of and (row["closed_on"] is None or row["closed_on"] > as_of):
            row["closed_on"] = chance.choice([None, as_of + timedelta(days=chance.randint(1, 200))])
    return {name: arrow(name, found) for name, found in changed.items()}


def _rewritten(table: str, row: Row, as_of: date, customers: list[str], chance: random.Random) -> Row:
    """A row known only after the date: other amounts, other days in the future, perhaps another customer."""
    new = dict(row)
    for column in TABLES[table].columns:
        value = new[column.name]
        if value is None:
            continue
        if column.kind == "money":
            new[column.name] = (value * Decimal(round(chance.uniform(-10, 10), 2))).quantize(Decimal("0.01")) % 10**9
        elif column.kind == "date":
            # An event may have happened before the date, as long as it becomes known only after it.
            new[column.name] = value + timedelta(days=chance.randint(-60, 60)) if column.name in AHEAD else value
        elif column.kind == "decimal":
            new[column.name] = chance.uniform(0.1, 1.0)
    learned = as_of + timedelta(days=chance.randint(1, 400))
    if table == "rates":
        new["rated_on"] = learned
    else:
        new["known_on"] = learned
        if table not in {"settlements", "disputes"} and "customer_id" in new and chance.random() < 0.3:
            new["customer_id"] = chance.choice(customers)
    return new


def _invented(table: str, pattern: Row, number: int, invoices: list[tuple[str, str]], chance: random.Random) -> Row:
    new = dict(pattern)
    if table == "invoices":
        new["invoice_id"] = f"new {number}"
    if table == "settlements":
        new["settlement_id"], new["kind"] = f"new {number}", chance.choice(["payment", "credit_note", "discount", "write_off"])
    if table in {"settlements", "disputes"} and invoices:
        new["invoice_id"], new["customer_id"] = chance.choice(invoices)
    if table == "customers":
        new["country"], new["industry"], new["name"] = chance.choice(["US", "FR", None]), "A01", "Renamed"
    if table == "ratings":
        new["rating"] = chance.choice(["AAA", "D"])
    return new


def another_past(tables: Mapping[str, pa.Table], as_of: date, seed: int) -> dict[str, pa.Table]:
    """The ledger with the amounts and due dates of what was known by the date changed: features must notice."""
    chance = random.Random(seed)
    rows = {name: table.to_pylist() for name, table in tables.items()}
    for row in rows["invoices"]:
        if known_day("invoices", row) <= as_of:
            row["amount"] *= Decimal(chance.randint(2, 5))
            row["due_on"] += timedelta(days=chance.randint(5, 20))
    return {name: arrow(name, found) for name, found in rows.items()}


def digests(table: pa.Table) -> dict[str, str]:
    """SHA-256 of every column's bytes."""
    return {name: _digest(table.select([name])) for name in table.column_names}


def _digest(table: pa.Table) -> str:
    sink = pa.BufferOutputStream()
    table = table.combine_chunks()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return hashlib.sha256(sink.getvalue()).hexdigest()
