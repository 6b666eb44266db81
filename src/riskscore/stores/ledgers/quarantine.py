"""The quarantine of a book: every row that was set aside, with where it came from, its text, and the reason."""

# ruff: noqa: S608 - the names in these statements are our own tables' and columns', and values are quoted or bound.

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from riskscore.stores.engines import connect
from riskscore.stores.ledgers.book import Book
from riskscore.stores.ledgers.sql import parquet
from riskscore.stores.ledgers.tablefiles import FileDigest, TableWriter, verify_file
from riskscore.stores.ledgers.understanding import JOINED
from riskscore.tables import ARROW_TYPES, TABLES

EXAMPLES = 3
"""Rows shown of each reason."""

RULE_VERSION = 1
"""Raised whenever a rule that sets rows aside changes, so that old rejects can be told from new ones."""

SCHEMA = pa.schema(
    [
        ("run", pa.string()),
        ("source", pa.string()),
        ("sha256", pa.string()),
        ("table", pa.string()),
        ("line", pa.int64()),
        ("raw", pa.string()),
        ("column", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("rule_version", pa.int32()),
        ("amount", ARROW_TYPES["money"]),
        ("currency", pa.string()),
        ("waits", pa.bool_()),
        ("_reading", pa.int32()),
    ]
)
"""`waits`: the row itself is sound and is judged again with every delivery (an orphan, a contradiction, a missing rate)."""


def write_quarantine(
    connection: duckdb.DuckDBPyConnection, version: Path, rejects: Path | None, readings: list[dict[str, Any]], book: Book | None
) -> dict[str, Any]:
    """Write the quarantine of the next version: old and new rejects, and all held rows; the entry of the file."""
    columns = [(name, [reading[name] for reading in readings]) for name in ("run", "name", "sha256", "table")]
    numbers = pa.array(range(len(readings)), pa.int32())
    connection.register("readings_arrow", pa.table({"number": numbers, **dict(columns)}))
    connection.execute("create table readings as select * from readings_arrow")
    parts = [] if rejects is None else [_new(rejects)]
    if book is not None:
        parts.append(_old(_file(book)))
    parts += [_held(table) for table in TABLES]
    query = f'{" union all ".join(parts)} order by _reading, line, "table", reason, "column", raw'
    writer = TableWriter(version, "quarantine.parquet", SCHEMA)
    for batch in connection.sql(query).to_arrow_reader(65_536):
        writer.write(pa.Table.from_batches([batch]))
    return {"part": "quarantine", "table": "quarantine", "bucket": None, **writer.close()}


def _file(book: Book) -> Path:
    entry = next(entry for entry in book.manifest["files"] if entry["part"] == "quarantine")
    return verify_file(book.folder, FileDigest(entry["path"], entry["rows"], entry["sha256"]))


def _new(rejects: Path) -> str:
    return f"""
        select g.run, g.name as source, g.sha256, g."table", r.line, r.raw, r."column", r.reason, r.detail,
            cast({RULE_VERSION} as integer) as rule_version, r.amount, r.currency, false as waits, g.number as _reading
        from {parquet(rejects)} as r join new_readings as m on m.here = r._reading join readings as g on g.number = m.there"""


def _old(path: Path) -> str:
    return f"""
        select q.* exclude (_reading), m.there as _reading
        from {parquet(path)} as q join old_readings as m on m.here = q._reading where not q.waits"""


def _held(table: str) -> str:
    """What waits; a derived row is not shown beside the row it was derived from."""
    names = TABLES[table].names
    row = ", ".join(f"{name} := cast(h.{name} as varchar)" for name in names)
    amount = "h.amount" if "amount" in names else "cast(null as decimal(18, 4))"
    currency = "h.currency" if "currency" in names else "''"
    shown = ", ".join(
        f"case when not contains(h._raw, h.{name}) then '{name} is ' || h.{name} end" for name in JOINED if name in names
    )
    detail = f"nullif(concat_ws('; ', {shown}), '')" if shown else "cast(null as varchar)"
    return f"""
        select g.run, g.name as source, g.sha256, '{table}' as "table", h._line as line,
            coalesce(h._raw, cast(to_json(struct_pack({row})) as varchar)) as raw, h._column as "column", h._reason as reason,
            {detail} as detail, cast({RULE_VERSION} as integer) as rule_version, {amount} as amount,
            {currency} as currency, true as waits, h._reading
        from held_{table} as h join readings as g on g.number = h._reading where h._reason is not null
        and not (h._derived and (h._reading, h._line) in (select _reading, _line from held_invoices where not _derived))"""


def rejects_of(connection: duckdb.DuckDBPyConnection, version: Path, readings: set[int]) -> Mapping[str, dict[str, Any]]:
    """The rejects of some readings in a version as written, by reason, with examples."""
    among = ", ".join(map(str, sorted(readings))) or "null"
    return _by_reason(connection, f"{parquet(version / 'quarantine.parquet')}", f"where _reading in ({among})")


def _by_reason(connection: duckdb.DuckDBPyConnection, rows: str, where: str) -> Mapping[str, dict[str, Any]]:
    counted = connection.sql(f"select reason, count(*) from {rows} {where} group by reason order by reason").fetchall()
    shown = connection.sql(
        f"""
        select reason, source, "table", line, "column", detail, left(raw, 200) as raw from {rows} {where}
        qualify row_number() over (partition by reason order by _reading, line, "table") <= {EXAMPLES}
        order by reason, _reading, line, "table"
        """
    ).to_arrow_table()
    examples: dict[str, list[dict[str, Any]]] = {}
    for row in shown.to_pylist():
        examples.setdefault(row.pop("reason"), []).append(row)
    return {reason: {"rows": n, "examples": examples[reason]} for reason, n in counted}


def read_quarantine(book: Book) -> pa.Table:
    """Every row set aside, as the quarantine of this version holds it. Raises StorageFailed where the file is damaged."""
    return pq.ParquetFile(_file(book), page_checksum_verification=True).read().drop_columns(["_reading"])


def rejects_in(book: Book) -> Mapping[str, dict[str, Any]]:
    """The rejects of the whole book, by reason, with examples."""
    with connect() as connection:
        return _by_reason(connection, f"{parquet(_file(book))}", "")
