"""Writing a version of a book: tables sorted, divided into buckets of customers, with digests over every file."""

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskscore.stores.engines import as_canonical
from riskscore.stores.ledgers.book import UNBUCKETED, Book, bucket_of, open_book
from riskscore.stores.ledgers.layout import SCHEMA_VERSION, canonical_json, locked, publish
from riskscore.stores.ledgers.tablefiles import write_table
from riskscore.tables import TABLES

ROWS_PER_BUCKET = 1_000_000
"""Invoices and settlements one bucket holds at most on average; memory of a bucket-wise run follows from it."""


def n_buckets_for(rows: int) -> int:
    """The smallest power of two that keeps the average bucket below `ROWS_PER_BUCKET` invoices and settlements."""
    buckets = 1
    while rows > buckets * ROWS_PER_BUCKET:
        buckets *= 2
    return buckets


def write_book(path: Path, tables: Mapping[str, pa.Table], reporting_currency: str) -> Book:
    """Publish canonical rows that were checked already (a simulation's, a test's) as a book of their own."""
    rows = {name: as_canonical(TABLES[name], table) for name, table in tables.items()}
    n_buckets = n_buckets_for(sum(rows[name].num_rows for name in ("invoices", "settlements") if name in rows))
    with locked(path):
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=path))
        try:
            files = []
            for name, table in rows.items():
                files += _write_one(
                    draft, name, table.sort_by([(column, "ascending") for column in table.column_names]), n_buckets
                )
            manifest = _manifest(rows, files, n_buckets, reporting_currency)
            publish(path, draft, manifest)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return open_book(path)


def _write_one(draft: Path, name: str, rows: pa.Table, n_buckets: int) -> list[dict[str, Any]]:
    schema = TABLES[name].arrow_schema
    if name in UNBUCKETED:
        divided: dict[int | None, pa.Table] = {None: rows}
    else:
        coded = rows["customer_id"].combine_chunks().dictionary_encode()
        of_customer = np.array([bucket_of(customer, n_buckets) for customer in coded.dictionary.to_pylist()], dtype=np.int64)
        numbers = of_customer[coded.indices.to_numpy()] if rows.num_rows else np.array([], dtype=np.int64)
        divided = {bucket: rows.filter(pa.array(numbers == bucket)) for bucket in range(n_buckets)}
    entries = []
    for bucket, part in divided.items():
        relative = f"tables/{name}/part.parquet" if bucket is None else f"tables/{name}/bucket={bucket:04d}/part.parquet"
        n_rows, sha256 = write_table(draft / relative, schema, part.to_batches())
        entries.append({"path": relative, "table": name, "bucket": bucket, "rows": n_rows, "sha256": sha256})
    return entries


def _manifest(
    rows: Mapping[str, pa.Table], files: list[dict[str, Any]], n_buckets: int, reporting_currency: str
) -> dict[str, Any]:
    known = [pc.max(rows[name]["known_on"]).as_py() for name in ("invoices", "settlements", "disputes") if name in rows]
    ids: set[str] = set()
    for name in ("customers", "invoices"):
        if name in rows:
            ids.update(pc.unique(rows[name]["customer_id"]).to_pylist())
    last = max((day for day in known if day is not None), default=date(1970, 1, 1))
    content = {"schema_version": SCHEMA_VERSION, "reporting_currency": reporting_currency, "files": files}
    return {
        **content,
        "digest": hashlib.sha256(canonical_json(content)).hexdigest(),
        "n_buckets": n_buckets,
        "n_customers": len(ids),
        "last_known_on": last.isoformat(),
        "rows": {name: table.num_rows for name, table in rows.items()},
        "sources": [],
    }
