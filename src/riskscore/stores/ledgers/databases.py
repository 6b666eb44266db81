"""Tables and queries of a database (DuckDB file, PostgreSQL), handed on as text row by row; the database is only read."""

# ruff: noqa: S608 - the names in these statements are our own tables' and columns', and values are quoted or bound.

import hashlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import numpy as np
import pyarrow as pa

from riskscore.errors import InputRefused, UsageRefused
from riskscore.stores.engines import connect
from riskscore.stores.ledgers.astext import row_texts
from riskscore.stores.ledgers.mapping import Source
from riskscore.stores.ledgers.reading import ROWS_PER_CHUNK, Cells, Chunk

SCHEMES = ("duckdb", "postgresql")

WRITTEN_TEXT = frozenset({25, 1043, 1042, 18, 19})
"""PostgreSQL's text, varchar, char, "char" and name: what a person typed, in the declared grammar, not a value with a type."""


def is_address(text: str) -> bool:
    """Whether this names a database and not a file."""
    return text.partition("://")[0] in SCHEMES and "://" in text


def without_secrets(address: str) -> str:
    """The address as it may be shown and stored: no user, no password, no options, of a file only its name."""
    parts = urlsplit(address)
    if parts.scheme == "duckdb":
        return f"duckdb:{Path(parts.path).name}"
    return f"{parts.scheme}://{parts.hostname or 'localhost'}{parts.path}"


class DatabaseRows:
    """The rows of one relation or query. Raises InputRefused where the database cannot be reached or does not know it."""

    def __init__(self, address: str, source: Source) -> None:
        self.name = f"{without_secrets(address)} {source.relation or 'query'}"
        self.size: int | None = None
        self._digest = hashlib.sha256()
        self._done = 0
        self._query = source.query or f"select * from {_quoted(source.relation or '')}"
        self._empty_allowed = source.header_only
        scheme = urlsplit(address).scheme
        if scheme not in SCHEMES:
            raise UsageRefused(f"{self.name}: only {' and '.join(SCHEMES)} addresses can be read.")
        self._rows: Iterator[tuple[Any, ...]]
        self.header, self._typed, self._rows = (_duckdb if scheme == "duckdb" else _postgresql)(address, self._query, self.name)

    @property
    def sha256(self) -> str:
        """Digest of the rows handed on so far, in the order they came: a query has no bytes of its own."""
        return self._digest.hexdigest()

    def position(self) -> int:
        """Rows read so far."""
        return self._done

    def chunks(self) -> Iterator[Chunk]:
        """The rows, numbered from 1."""
        while rows := list(islice(self._rows, ROWS_PER_CHUNK)):
            lines = self._done + 1 + np.arange(len(rows), dtype=np.int64)
            self._done += len(rows)
            columns: list[Cells | None] = [
                Cells(pa.array(column, pa.string()), np.full(len(rows), typed))
                for column, typed in zip(zip(*rows, strict=True), self._typed, strict=True)
            ]
            raw = row_texts(self.header, columns)
            for text in raw.to_pylist():
                self._digest.update(text.encode() + b"\n")
            yield Chunk(lines, {name: cell for name, cell in zip(self.header, columns, strict=True) if cell is not None}, raw)
        if not self._done and not self._empty_allowed:
            raise InputRefused(
                f"{self.name}: holds no rows. Nothing was written. Where that is right, declare header_only = true."
            )


def _duckdb(address: str, query: str, name: str) -> tuple[list[str], list[bool], Iterator[tuple[Any, ...]]]:
    path = urlsplit(address).path[1:]  # duckdb:///here.db and duckdb:////srv/there.db

    def connected() -> duckdb.DuckDBPyConnection:
        return connect(path, read_only=True, config={"enable_external_access": "false"})

    def rows() -> Iterator[tuple[Any, ...]]:
        with connected() as connection:
            answer = connection.execute(f"select cast(columns(*) as varchar) from ({query})")
            while batch := answer.fetchmany(ROWS_PER_CHUNK):
                yield from batch

    try:
        with connected() as connection:
            described = connection.sql(query)
            header, kinds = list(described.columns), [str(kind) for kind in described.types]
    except duckdb.Error as error:
        raise InputRefused(_unreadable(name, error)) from error
    return header, [kind != "VARCHAR" for kind in kinds], rows()


def _postgresql(address: str, query: str, name: str) -> tuple[list[str], list[bool], Iterator[tuple[Any, ...]]]:
    try:
        import psycopg
    except ImportError as error:
        raise UsageRefused(f"{name}: reading PostgreSQL needs the extra: pip install 'riskscore[postgres]'.") from error
    options = "-c default_transaction_read_only=on -c datestyle=ISO -c timezone=UTC"

    def connected() -> "psycopg.Connection[Any]":
        return psycopg.connect(address, connect_timeout=10, options=options)

    def rows() -> Iterator[tuple[Any, ...]]:
        # COPY hands over each value as the server's own text, without a client-side conversion, and streams.
        copying = f"copy ({query}) to stdout".encode()
        try:
            with connected() as connection, connection.cursor() as cursor, cursor.copy(copying) as copy:
                yield from copy.rows()
        except psycopg.Error as error:
            raise InputRefused(_unreadable(name, error)) from error

    try:
        with connected() as connection, connection.cursor() as cursor:
            cursor.execute(f"select * from ({query}) as rows limit 0".encode())
            described = [(column.name, column.type_code) for column in cursor.description or ()]
    except psycopg.Error as error:
        raise InputRefused(_unreadable(name, error)) from error
    return [column for column, _ in described], [kind not in WRITTEN_TEXT for _, kind in described], rows()


def relations_of(address: str) -> set[str]:
    """The names of the relations a database has, with and without their schema.

    Raises InputRefused where it cannot be reached.
    """
    query = "select table_schema, table_name from information_schema.tables"
    connect = _duckdb if urlsplit(address).scheme == "duckdb" else _postgresql
    _, _, rows = connect(address, query, without_secrets(address))
    found = list(rows)
    return {relation for _, relation in found} | {f"{schema}.{relation}" for schema, relation in found}


def _unreadable(name: str, error: Exception) -> str:
    return f"{name}: cannot be read ({str(error).splitlines()[0]}). Nothing was written. Check the address and the query."


def _quoted(relation: str) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in relation.split("."))
