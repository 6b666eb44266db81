"""Exports written by hand, and one line to ingest them: what every test of ingestion starts from."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from riskscore.stores.ledgers import Book, Delivery, check, ingest, open_book
from riskscore.stores.ledgers.mapping import Limits, Mapping, load, parse
from riskscore.stores.ledgers.pasts import Past
from riskscore.stores.ledgers.receipts import Receipt

TODAY = dt.date(2026, 6, 30)
LENIENT = "[limits]\nquarantined_rows = 1\nquarantined_amount = 1\n"
"""Limits for tests of single rows: where one of two rows is bad, half of the delivery is."""

INVOICES = "invoice_id,customer_id,issued_on,due_on,amount,currency"
SETTLEMENTS = "settlement_id,invoice_id,kind,settled_on,amount"

GOOD = [f"I{n},C{n % 3},2025-01-0{n + 1},2025-02-0{n + 1},{100 + n}.5{n},EUR" for n in range(6)]
PAID = [f"S{n},I{n},payment,2025-01-2{n},{100 + n}.5{n}" for n in range(6)]
"""Six invoices of three customers, and how they were paid."""

USD = "U1,C1,2025-01-10,2025-02-10,10.00,USD"
"""An invoice that waits for a rate."""


def lines(header: str, *rows: str) -> str:
    """A CSV text."""
    return "\n".join([header, *rows]) + "\n"


def put(folder: Path, name: str, header: str, *rows: str) -> Path:
    """A file of that table in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.csv"
    path.write_text(lines(header, *rows), encoding="utf-8")
    return path


def write_table(path: Path, header: list[str], rows: list[list[str]]) -> None:
    """The same text rows as CSV, Parquet or XLSX."""
    if path.suffix == ".csv":
        path.write_text(lines(",".join(header), *(",".join(row) for row in rows)), encoding="utf-8")
    elif path.suffix == ".parquet":
        pq.write_table(pa.table(dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))), path)
    else:
        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        for row in [header, *rows]:
            sheet.append(row)
        book.save(path)


def ingest_lines(tmp_path: Path, *rows: str, header: str = INVOICES, **options: object) -> dict[str, int]:
    """How many of these invoices were set aside, by reason."""
    (tmp_path / "invoices.csv").write_bytes(lines(header, *rows).encode())
    return reasons(deliver(tmp_path / "invoices.csv", canonical(), tmp_path / "book", **options))  # type: ignore[arg-type]


def canonical(*, limits: Any = False, currency: str = "EUR", **settings: Any) -> Mapping:
    """The shipped canonical mapping; without quarantine limits unless asked for (true: its own, or limits to use)."""
    found = load("canonical").in_currency(currency)
    if isinstance(limits, Limits):
        found = found.model_copy(update={"limits": limits})
    elif not limits:
        found = found.model_copy(update={"limits": parse_limits(1.0, 1.0)})
    return found.model_copy(update=settings)


def parse_limits(rows: float, amount: float) -> Any:
    text = f'summary = "x"\nreporting_currency = "EUR"\n[limits]\nquarantined_rows = {rows}\nquarantined_amount = {amount}\n'
    return parse(text + '[[source]]\ntable = "rates"\nfiles = ["x"]\nsame_names = true\n').limits


def flat(text: str = "", *, source: str = "", columns: str = "", head: str = "", limits: str = LENIENT) -> Mapping:
    """A mapping for one flat invoice file `flat.csv`; texts are put into its parts as they are."""
    return parse(
        dedent(
            """
            summary = "a flat invoice file"
            reporting_currency = "EUR"
            """
        )
        + head
        + limits
        + '[[source]]\ntable = "invoices"\nfiles = ["flat.*"]\n'
        + (source or 'formats = ["%Y-%m-%d"]\n')
        + "[source.columns]\n"
        + (
            columns
            or 'invoice_id = "no"\ncustomer_id = "who"\nissued_on = "issued"\ndue_on = "due"\namount = "amount"\n'
            'currency = { constant = "EUR" }\n'
        )
        + text
    )


def deliver(
    place: Path | Sequence[Path | str], mapping: Mapping, book: Path, *, today: dt.date = TODAY, **options: Any
) -> Receipt:
    """Ingest, as a person on `today` would."""
    places = [place] if isinstance(place, Path) else list(place)
    return ingest(Delivery([str(one) for one in places], mapping, today, **options), book)


def look(place: Path, mapping: Mapping, book: Path, *, today: dt.date = TODAY) -> Receipt:
    """Check, without writing anything."""
    return check(Delivery([str(place)], mapping, today), book)


def rows_of(book: Path | Book, table: str) -> list[dict[str, Any]]:
    """The rows of a table of the book."""
    opened = open_book(book) if isinstance(book, Path) else book
    return opened.tables()[table].to_pylist()


def column_of(book: Path | Book, table: str, column: str) -> list[Any]:
    """One column of a table of the book, sorted."""
    return sorted(row[column] for row in rows_of(book, table))


def reasons(receipt: Receipt) -> dict[str, int]:
    """How many rows were set aside for which reason."""
    return {reason: found["rows"] for reason, found in receipt.rejects.items()}


def text_table(columns: dict[str, Sequence[Any]]) -> pa.Table:
    """An Arrow table."""
    return pa.table(columns)


def past_of(receipt: Receipt, source: str = "invoices.csv") -> Past:
    """What the delivery told of the past of that source."""
    return next(past for past in receipt.pasts if past.source == source)
