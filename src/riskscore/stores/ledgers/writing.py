"""Writing a version of a book: tables sorted and divided into buckets of customers, with where each row came from beside them."""

# ruff: noqa: S608 - the names in these statements are our own tables' and columns', and values are quoted or bound.

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from riskscore.stores.ledgers.crosschecks import HELD_BESIDE, ORIGINS
from riskscore.stores.ledgers.tablefiles import TableWriter
from riskscore.tables import TABLES, Table

ROWS_PER_BUCKET = 1_000_000
"""Invoices and settlements of one bucket, on average, at most; the memory of a bucket-wise run follows from it."""

BATCH = 65_536


def n_buckets_for(rows: int) -> int:
    """The smallest power of two that keeps the average bucket at or below `ROWS_PER_BUCKET` invoices and settlements."""
    buckets = 1
    while rows > buckets * ROWS_PER_BUCKET:
        buckets *= 2
    return buckets


def write_tables(connection: duckdb.DuckDBPyConnection, version: Path, there: set[str], n_buckets: int) -> list[dict[str, Any]]:
    """Write `accepted_<table>` and `held_<table>` under the folder of a version; the entries of the files for its manifest.

    Rows are in the order of bucket, customer and key, so the same content gives the same bytes.
    """
    entries: list[dict[str, Any]] = []
    for table in (table for name, table in TABLES.items() if name in there):
        for bucket, batches in _buckets(connection, table, n_buckets):
            place = "" if bucket is None else f"bucket={bucket:04d}/"
            rows = TableWriter(version, f"tables/{table.name}/{place}part.parquet", table.arrow_schema)
            origins = TableWriter(version, f"origins/{table.name}/{place}part.parquet", ORIGINS)
            for batch in batches:
                rows.write(pa.Table.from_batches([batch]).select(table.names))
                origins.write(pa.Table.from_batches([batch]).select(ORIGINS.names))
            for part, writer in (("tables", rows), ("origins", origins)):
                entries.append({"part": part, "table": table.name, "bucket": bucket, **writer.close()})
        if held := _write_held(connection, version, table):
            entries.append(held)
    return entries


def write_customers(connection: duckdb.DuckDBPyConnection, version: Path) -> dict[str, Any]:
    """Write the ids of all customers with a master row or an invoice, sorted; the entry of the file."""
    writer = TableWriter(version, "customer_ids.parquet", pa.schema([("customer_id", pa.string())]))
    ids = " union ".join(
        f"select coalesce(f.stands, r.customer_id) as customer_id from accepted_{name} as r left join customer_forms as f "
        "on f.form = r.customer_id"
        for name in ("customers", "invoices")
    )
    for batch in connection.sql(f"select customer_id from ({ids}) order by customer_id").to_arrow_reader(BATCH):
        writer.write(pa.Table.from_batches([batch]))
    return {"part": "index", "table": "customer_ids", "bucket": None, **writer.close()}


def _buckets(
    connection: duckdb.DuckDBPyConnection, table: Table, n_buckets: int
) -> Iterator[tuple[int | None, Iterator[pa.RecordBatch]]]:
    """The sorted rows of a table, bucket by bucket; a bucket without rows has no file."""
    for bucket, group in groupby(_sorted(connection, table, n_buckets), key=lambda pair: pair[0]):
        yield (bucket if "customer_id" in table.names else None), (batch for _, batch in group)


def _sorted(connection: duckdb.DuckDBPyConnection, table: Table, n_buckets: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    own = "customer_id" in table.names
    forms = {"customer_id": "f.stands", "parent_id": "p.stands"}
    columns = ", ".join(
        f'coalesce({forms[c]}, r."{c}") as "{c}"' if c in forms and c in table.names else f'r."{c}"' for c in table.names
    )
    joins = "left join customer_forms as f on f.form = r.customer_id" if own else ""
    joins += " left join customer_forms as p on p.form = r.parent_id" if "parent_id" in table.names else ""
    bucket = f"('0x' || left(md5(customer_id), 8))::ubigint % {n_buckets}" if own else "0"
    order = ", ".join(dict.fromkeys(["_bucket", *(["customer_id"] if own else []), *table.key]))
    query = (
        f"select *, cast({bucket} as integer) as _bucket from "
        f"(select {columns}, {', '.join(f'r.{c}' for c in ORIGINS.names)} from accepted_{table.name} as r {joins}) order by "
        f"{order}"
    )
    for batch in connection.sql(query).to_arrow_reader(BATCH):
        numbers = batch["_bucket"].to_numpy()
        start = 0
        while start < len(numbers):
            end = start + int((numbers[start:] == numbers[start]).sum())
            yield int(numbers[start]), batch.slice(start, end - start)
            start = end


def _write_held(connection: duckdb.DuckDBPyConnection, version: Path, table: Table) -> dict[str, Any] | None:
    if not connection.sql(f"select 1 from held_{table.name} limit 1").fetchall():
        return None
    schema = pa.schema([*table.arrow_schema, *HELD_BESIDE])
    writer = TableWriter(version, f"held/{table.name}.parquet", schema)
    order = ", ".join([*(f'"{key}"' for key in table.key), "_reading", "_line"])
    columns = ", ".join(f'"{column}"' for column in schema.names)
    query = f"select {columns} from held_{table.name} order by {order}"
    for batch in connection.sql(query).to_arrow_reader(BATCH):
        writer.write(pa.Table.from_batches([batch]))
    return {"part": "held", "table": table.name, "bucket": None, **writer.close()}
