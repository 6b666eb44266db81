"""The scores file: one row a customer, as Parquet, CSV or XLSX, there whole or not at all."""

import csv
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from riskscore.errors import UsageRefused
from riskscore.stores.files import appearing_at

MONEY = pa.decimal128(18, 2)
N_REASONS = 4


@dataclass(frozen=True)
class Column:
    """One column of the scores file: its Arrow type and what it means."""

    name: str
    kind: pa.DataType
    meaning: str


TEXT, SHARE, WHOLE, FLAG = pa.string(), pa.float64(), pa.int32(), pa.bool_()

COLUMNS = (
    Column("customer_id", TEXT, "the customer's id in the ERP, byte for byte"),
    Column("as_of", pa.date32(), "the date decided for: only what was known by then counts"),
    Column("status", TEXT, "scored; referred: a person has to look, what is recommended is a proposal; not_scored: no answer"),
    Column("pd", SHARE, "calibrated probability of paying materially late within the recipe's horizon, 0 to 1; 1 in default"),
    Column("pd_low", SHARE, "lower end of the interval of that probability"),
    Column("pd_high", SHARE, "upper end of the interval of that probability"),
    Column("score", WHOLE, "300 (worst) to 900 (best); 40 points halve or double the odds"),
    Column("grade", WHOLE, "1 (best) to 9; 10 in default; empty where the interval is too wide to name one"),
    Column("data_depth", TEXT, "what the answer rests on, from A (accounts and a year of payments) to G (master data)"),
    Column("exposure", MONEY, "open balance including credits, in `currency`"),
    Column("overdue", MONEY, "the part of it past its due date"),
    Column("currency", TEXT, "reporting currency of every amount in the row"),
    Column("limit_now", MONEY, "the limit granted today; empty where none is"),
    Column("limit_recommended", MONEY, "what the policy recommends"),
    Column("limit_conservative", MONEY, "the limit at the upper end of the probability's interval"),
    Column("limit_aggressive", MONEY, "the limit at the mean probability"),
    Column("binding_cap", TEXT, "the rule of the policy that makes the recommended limit"),
    Column("terms_now", TEXT, "days of credit today, or prepayment"),
    Column("terms_recommended", TEXT, "longest days of credit to grant, or prepayment, or stop"),
    Column("security_required", FLAG, "credit only against a guarantee, collateral or a deposit"),
    *(Column(f"reason_{n}", TEXT, f"code of adverse reason {n}, strongest first") for n in range(1, N_REASONS + 1)),
    *(Column(f"reason_{n}_text", TEXT, f"adverse reason {n} in words, with the customer's and the typical value")
      for n in range(1, N_REASONS + 1)),
    Column("favourable_1", TEXT, "code of the strongest favourable reason"),
    Column("model_digest", TEXT, "SHA-256 of the model"),
    Column("policy_digest", TEXT, "SHA-256 of the policy's text"),
    Column("book_digest", TEXT, "SHA-256 of the book's content"),
    Column("decision_id", TEXT, "the id under which the decision is recorded"),
    Column("name", TEXT, "the customer's name as known at the date"),
    Column("favourable_1_text", TEXT, "the favourable reason in words"),
    Column("referral_reasons", TEXT, "why a person has to look: codes, separated by blanks"),
    Column("referral_text", TEXT, "the same in words, or why there is no score"),
    Column("need", MONEY, "the credit that the customer's purchases call for"),
    Column("expected_profit", MONEY, "margin less funding and expected loss of a year at the recommended limit"),
    Column("unfamiliar", TEXT, "features on which training never saw the like, separated by blanks"),
)  # fmt: skip
"""The columns in order. The first thirty-three are a public contract; what follows them is whatever is useful."""

SCHEMA = pa.schema([(column.name, column.kind) for column in COLUMNS])

UNSAFE_STARTS = tuple("=+-@\t\r\n\0＝＋－＠")
"""A spreadsheet takes a text that begins so for a formula; it gets a leading apostrophe (CWE-1236)."""

MOST_XLSX_ROWS = 1_048_575
UNWRITABLE_IN_XLSX = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def refuse_unwritable(path: Path) -> None:
    """Raises UsageRefused where the ending is no format we write or the folder is not there: asked before the work."""
    if path.suffix.lower() not in WRITERS:
        raise UsageRefused(f"{path}: scores are written as {', '.join(sorted(WRITERS))}. Give --out one of these endings.")
    if not path.absolute().parent.is_dir():
        raise UsageRefused(f"{path}: there is no folder {path.parent}. Make it first; nothing was done.")


def write_scores(rows: pa.Table, path: Path) -> None:
    """Write the rows, sorted by customer id, in the format the path's ending names. Equal rows give equal bytes.

    Raises UsageRefused for another ending or too many rows for XLSX, StorageFailed where the disk does not take them.
    """
    refuse_unwritable(path)
    with appearing_at(path) as draft:
        WRITERS[path.suffix.lower()](rows.sort_by("customer_id"), draft)


def _write_parquet(rows: pa.Table, path: Path) -> None:
    pq.write_table(rows, path, compression="zstd", write_page_checksum=True, store_decimal_as_integer=True)


def _write_csv(rows: pa.Table, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer, quoting = csv.writer(file, lineterminator="\n"), csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow(rows.column_names)
        for row in _values(rows):
            # A carriage return alone is a line end to readers, but no reason for the writer to quote.
            returns = any(isinstance(value, str) and "\r" in value for value in row)
            (quoting if returns else writer).writerow([_as_csv(value) for value in row])


def _write_xlsx(rows: pa.Table, path: Path) -> None:
    from openpyxl import Workbook

    if rows.num_rows > MOST_XLSX_ROWS:
        raise UsageRefused(f"XLSX holds {MOST_XLSX_ROWS:,} rows at most, here are {rows.num_rows:,}. Write .parquet or .csv.")
    book = Workbook(write_only=True)
    sheet = book.create_sheet("scores")
    sheet.freeze_panes = "B2"
    sheet.append(rows.column_names)
    for row in _values(rows):
        sheet.append([_as_cell(value) for value in row])
    book.save(path)
    _without_clock(path)


WRITERS: Mapping[str, Callable[[pa.Table, Path], None]] = {".parquet": _write_parquet, ".csv": _write_csv, ".xlsx": _write_xlsx}


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
