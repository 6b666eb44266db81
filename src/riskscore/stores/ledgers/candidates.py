"""Everything that could be in the book's next version: what stands in it, what was held, and what is new."""

# ruff: noqa: S608 - the names in these statements are our own tables' and columns', and values are quoted or bound.

from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from riskscore.stores.ledgers.book import Book
from riskscore.stores.ledgers.crosschecks import BOOK, HELD, NEW, SQL_TYPES
from riskscore.stores.ledgers.sql import beside, parquet
from riskscore.stores.ledgers.tablefiles import FileDigest, verify_file
from riskscore.tables import ARROW_TYPES, TABLES


def open_candidates(
    connection: duckdb.DuckDBPyConnection,
    staged: Mapping[str, Path],
    new: Mapping[int, int],
    book: Book | None,
    old: Mapping[int, int],
) -> set[str]:
    """Make the views `candidate_<table>` over staged files and the book's own; the tables there is anything of.

    new, old: number in the next version's list of readings for each reading of this run, and for each of the book's. Rows of a
    reading that is not among them are left out.
    Raises StorageFailed where a file of the book is damaged: nothing is built on it.
    """
    for name, numbers in (("new_readings", new), ("old_readings", old)):
        rows = pa.table({"here": pa.array(list(numbers), pa.int32()), "there": pa.array(list(numbers.values()), pa.int32())})
        connection.register(f"{name}_arrow", rows)
        connection.execute(f"create table {name} as select * from {name}_arrow")
        connection.unregister(f"{name}_arrow")
    there = set()
    for name in TABLES:
        parts = [_staged(name, staged[name])] if name in staged else []
        if book is not None:
            parts += [_published(name, *pair) for pair in book_pairs(book, name)]
            parts += [_held(name, path) for path in _verified(book, "held", name)]
        if parts:
            connection.execute(f"create view candidate_{name} as {' union all '.join(parts)}")
            there.add(name)
    return there


def book_pairs(book: Book, table: str) -> list[tuple[Path, Path]]:
    """The files of a table and, row for row, those that say where the rows came from."""
    return list(zip(_verified(book, "tables", table), _verified(book, "origins", table), strict=True))


def _verified(book: Book, part: str, table: str) -> list[Path]:
    entries = [entry for entry in book.manifest["files"] if entry["part"] == part and entry["table"] == table]
    return [verify_file(book.folder, FileDigest(entry["path"], entry["rows"], entry["sha256"])) for entry in entries]


def _columns(table: str, prefix: str, file: Path) -> str:
    """The columns of a table out of that file; a book of an older program lacks newer ones, which are null."""
    there = set(pq.read_schema(file).names)
    return ", ".join(
        f'{prefix}."{column.name}"'
        if column.name in there
        else f'cast(null as {SQL_TYPES[ARROW_TYPES[column.kind]]}) as "{column.name}"'
        for column in TABLES[table].columns
    )


def _staged(table: str, path: Path) -> str:
    return (
        f"select {_columns(table, 's', path)}, m.there as _reading, s._line, s._from_event, s._derived, {NEW} as _came, s._raw "
        f"from {parquet(path)} as s join new_readings as m on m.here = s._reading"
    )


def _published(table: str, rows: Path, origins: Path) -> str:
    return (
        f"select {_columns(table, 'b', rows)}, m.there as _reading, b._line, b._from_event, b._derived, {BOOK} as _came, "
        f"cast(null as varchar) as _raw "
        f"from {beside(rows, origins)} as b "
        f"join old_readings as m on m.here = b._reading"
    )


def _held(table: str, path: Path) -> str:
    return (
        f"select {_columns(table, 'h', path)}, m.there as _reading, h._line, h._from_event, h._derived, {HELD} as _came, h._raw "
        f"from {parquet(path)} as h join old_readings as m on m.here = h._reading"
    )
