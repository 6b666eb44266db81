"""Ledgers as text, so that a specification test shows the page it speaks of; and the same ledger on a second engine.

    customers
        customer_id | country
        acme        | DE
    invoices
        customer_id | invoice_id | issued_on  | due_on     | amount
        acme        | 1          | 2025-01-01 | 2025-01-31 | 100

A line without a bar names a table, the next one its columns; an empty cell is null. What a page leaves out is filled in the
plainest way: amounts in EUR, everything known on its own date, settlements are payments of the whole invoice's customer.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import narwhals.stable.v2 as nw
import polars as pl
import pyarrow as pa

from riskscore.stores.engines import as_canonical, ledger_of
from riskscore.tables import ARROW_TYPES, TABLES, Ledger

CASTS = {"date": date.fromisoformat, "money": Decimal, "decimal": float, "flag": lambda text: {"yes": True, "no": False}[text]}


def tables_of(page: str) -> dict[str, pa.Table]:
    """The canonical Arrow tables of a page of text."""
    tables: dict[str, list[dict[str, object]]] = {}
    name, header = "", None
    for line in filter(None, (line.strip() for line in page.splitlines())):
        if "|" not in line:
            name, header = line, None
            tables[name] = []
        elif header is None:
            header = [cell.strip() for cell in line.split("|")]
        else:
            cells = dict(zip(header, (cell.strip() for cell in line.split("|")), strict=True))
            tables[name].append({column: _typed(name, column, cell) for column, cell in cells.items()})
    return {name: arrow(name, rows) for name, rows in _filled(tables).items()}


def arrow(name: str, rows: list[dict[str, object]]) -> pa.Table:
    """Rows as one canonical Arrow table; absent columns are null."""
    schema = TABLES[name].arrow_schema
    return pa.table({field.name: pa.array([row.get(field.name) for row in rows], field.type) for field in schema}, schema=schema)


def ledger(page: str, currency: str = "EUR") -> Ledger:
    """The ledger of a page of text, on DuckDB."""
    return ledger_of(tables_of(page), currency)


def polars_ledger(tables: Mapping[str, pa.Table], currency: str = "EUR") -> Ledger:
    """The same kind of ledger on Polars: what a second engine must give the same bits on."""

    def lift(rows: pa.Table) -> nw.LazyFrame:
        return nw.from_native(pl.from_arrow(rows).lazy())

    def frame(name: str) -> nw.LazyFrame:
        table = TABLES[name]
        rows = as_canonical(table, tables[name]) if name in tables else table.arrow_schema.empty_table()
        dates = [column.name for column in table.columns if column.kind == "date"]
        return nw.from_native(pl.from_arrow(rows).lazy().with_columns(pl.col(dates).to_physical()))

    return Ledger(
        frames={name: frame(name) for name in TABLES},
        stage=lambda rows: nw.from_native(rows.to_native().collect().lazy()),
        lift=lift,
        reporting_currency=currency,
    )


def observations(*pairs: tuple[str, str | date]) -> pa.Table:
    """Observations of (customer, date) pairs; a date may be ISO text."""
    days = [date.fromisoformat(day) if isinstance(day, str) else day for _, day in pairs]
    return pa.table({"customer_id": pa.array([who for who, _ in pairs], pa.string()), "as_of": pa.array(days, pa.date32())})


def _typed(table: str, column: str, cell: str) -> object:
    if cell == "":
        return None
    kind = TABLES[table].column(column).kind
    assert kind in ARROW_TYPES
    return CASTS.get(kind, str)(cell)


def _filled(tables: dict[str, list[dict[str, object]]]) -> dict[str, list[dict[str, object]]]:
    owners = {row["invoice_id"]: row["customer_id"] for row in tables.get("invoices", [])}
    for name, rows in tables.items():
        columns = {column.name for column in TABLES[name].columns}
        for number, row in enumerate(rows, start=1):
            if name == "settlements":
                row.setdefault("settlement_id", f"S{number}")
                row.setdefault("kind", "payment")
            if name in {"settlements", "disputes"}:
                row.setdefault("customer_id", owners.get(row["invoice_id"]))
            if name == "ratings":
                row.setdefault("agency", "S&P")
            if name == "customers":
                row.setdefault("known_on", row.get("onboarded_on") or date(2000, 1, 1))
            if "currency" in columns and name != "rates":
                row.setdefault("currency", "EUR")
            if "known_on" in columns:
                row.setdefault("known_on", row.get(TABLES[name].event_on))
    return tables
