"""Rows of a result as Parquet, CSV or XLSX: there whole or not at all, equal bytes for equal rows, safe in a spreadsheet."""

import csv
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from riskscore.errors import UsageRefused
from riskscore.stores.files import appearing_at

UNSAFE_STARTS = tuple("=+-@\t\r\n\0＝＋－＠")
"""A spreadsheet takes a text that begins so for a formula; it gets a leading apostrophe (CWE-1236)."""

MOST_XLSX_ROWS = 1_048_575
UNWRITABLE_IN_XLSX = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def refuse_unwritable(path: Path) -> None:
    """Raises UsageRefused where the ending is no format we write or the folder is not there: asked before the work."""
    if path.suffix.lower() not in WRITERS:
        raise UsageRefused(f"{path}: results are written as {', '.join(sorted(WRITERS))}. Give --out one of these endings.")
    if not path.absolute().parent.is_dir():
        raise UsageRefused(f"{path}: there is no folder {path.parent}. Make it first; nothing was done.")


def write_rows(tables: Mapping[str, pa.Table], path: Path) -> None:
    """Write the tables in the format the path's ending names: XLSX has a sheet for each by its name, other formats the first one.

    Equal rows give equal bytes. Raises UsageRefused for another ending or too many rows for XLSX, StorageFailed where the disk
    does not take them.
    """
    refuse_unwritable(path)
    with appearing_at(path) as draft:
        WRITERS[path.suffix.lower()](tables, draft)


def _write_parquet(tables: Mapping[str, pa.Table], path: Path) -> None:
    rows = next(iter(tables.values()))
    pq.write_table(rows, path, compression="zstd", write_page_checksum=True, store_decimal_as_integer=True)


def _write_csv(tables: Mapping[str, pa.Table], path: Path) -> None:
    rows = next(iter(tables.values()))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer, quoting = csv.writer(file, lineterminator="\n"), csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow(rows.column_names)
        for row in _values(rows):
            # A carriage return alone is a line end to readers, but no reason for the writer to quote.
            returns = any(isinstance(value, str) and "\r" in value for value in row)
            (quoting if returns else writer).writerow([_as_csv(value) for value in row])


def _write_xlsx(tables: Mapping[str, pa.Table], path: Path) -> None:
    from openpyxl import Workbook

    most = max(rows.num_rows for rows in tables.values())
    if most > MOST_XLSX_ROWS:
        raise UsageRefused(f"XLSX holds {MOST_XLSX_ROWS:,} rows at most, here are {most:,}. Write .parquet or .csv.")
    book = Workbook(write_only=True)
    for name, rows in tables.items():
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "B2"
        sheet.append(rows.column_names)
        for row in _values(rows):
            sheet.append([_as_cell(value) for value in row])
    book.save(path)
    _without_clock(path)


WRITERS: Mapping[str, Callable[[Mapping[str, pa.Table], Path], None]] = {
    ".parquet": _write_parquet,
    ".csv": _write_csv,
    ".xlsx": _write_xlsx,
}


def _values(rows: pa.Table) -> Iterator[tuple[Any, ...]]:
    for batch in rows.to_batches(max_chunksize=10_000):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _as_csv(value: Any) -> Any:
    if isinstance(value, str):
        return _safe(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    return value


def _as_cell(value: Any) -> Any:
    if isinstance(value, str):
        return UNWRITABLE_IN_XLSX.sub("\ufffd", _safe(value))
    return float(value) if isinstance(value, Decimal) else value


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(UNSAFE_STARTS) else text


def _without_clock(path: Path) -> None:
    """Takes the time of writing out of the workbook: equal rows must be equal bytes."""
    with zipfile.ZipFile(path) as written:
        parts = [(info.filename, written.read(info)) for info in written.infolist()]
    stamp = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(</dcterms)")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as rewritten:
        for name, content in parts:
            plain = stamp.sub(rb"\g<1>1980-01-01T00:00:00Z\3", content) if name == "docProps/core.xml" else content
            rewritten.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), plain, zipfile.ZIP_DEFLATED)
