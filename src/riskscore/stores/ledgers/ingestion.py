"""From exports to a published book."""

from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from riskscore.errors import InputRefused
from riskscore.stores.ledgers.book import Book
from riskscore.stores.ledgers.writing import write_book
from riskscore.tables import ARROW_TYPES, TABLES


def ingest_canonical(folder: Path, book: Path, reporting_currency: str) -> Book:
    """Read one canonical CSV per table from `folder` and publish them."""
    rows = {}
    for name, table in TABLES.items():
        path = folder / f"{name}.csv"
        if path.is_file():
            text = pacsv.read_csv(
                path,
                convert_options=pacsv.ConvertOptions(
                    column_types={column.name: ARROW_TYPES[column.kind] for column in table.columns},
                    strings_can_be_null=True,
                    null_values=[""],
                ),
            )
            rows[name] = text
    if not rows:
        raise InputRefused(f"{folder}: holds no canonical table. Expected files like invoices.csv.")
    if "settlements" in rows and "customer_id" not in rows["settlements"].column_names:
        owners = rows["invoices"].select(["invoice_id", "customer_id"])
        rows["settlements"] = rows["settlements"].join(owners, "invoice_id")
    if "disputes" in rows and "customer_id" not in rows["disputes"].column_names:
        rows["disputes"] = rows["disputes"].join(rows["invoices"].select(["invoice_id", "customer_id"]), "invoice_id")
    return write_book(book, {name: pa.table(table) for name, table in rows.items()}, reporting_currency)
