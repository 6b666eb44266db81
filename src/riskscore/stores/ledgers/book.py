"""A book: the canonical tables of all customers as published, and the ledgers one may take from it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from riskscore.stores.engines import ledger_of
from riskscore.stores.ledgers.layout import read_manifest
from riskscore.stores.ledgers.tablefiles import FileDigest, read_table
from riskscore.tables import TABLES, Ledger

UNBUCKETED = frozenset({"rates"})
"""Tables that belong to no customer: every bucket's ledger holds them whole."""


def bucket_of(customer_id: str, n_buckets: int) -> int:
    """The bucket of a customer: the first 32 bits of the MD5 of its id, modulo the number of buckets.

    MD5 because it is the same in Python, in DuckDB and in ten years; nothing here is a secret.
    """
    return int(hashlib.md5(customer_id.encode(), usedforsecurity=False).hexdigest()[:8], 16) % n_buckets


@dataclass(frozen=True)
class Book:
    """One published version of a book. It stays the same while a newer one is published beside it.

    folder: where the files of this version lie.
    manifest: what the version holds: schema version, files with digests, sources, rows, money per currency, dates.
    """

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """SHA-256 over what the tables hold: the same content has the same digest, whenever and in whatever order it came."""
        return str(self.manifest["digest"])

    @property
    def reporting_currency(self) -> str:
        """ISO 4217; every sum over customers is in it."""
        return str(self.manifest["reporting_currency"])

    @property
    def last_known_on(self) -> date:
        """The latest day anything was learned of an invoice, a settlement or a dispute: the natural date to score at."""
        return date.fromisoformat(self.manifest["last_known_on"])

    @property
    def n_customers(self) -> int:
        """How many customers have a master row or an invoice."""
        return int(self.manifest["n_customers"])

    def buckets(self) -> range:
        """The numbers of the buckets the customers are divided into."""
        return range(int(self.manifest["n_buckets"]))

    @cached_property
    def _files(self) -> list[tuple[str, int | None, FileDigest]]:
        return [
            (entry["table"], entry["bucket"], FileDigest(entry["path"], entry["rows"], entry["sha256"]))
            for entry in self.manifest["files"]
        ]

    def customer_ids(self) -> list[str]:
        """Every customer with a master row or an invoice, sorted."""
        ids: set[str] = set()
        for table, _, entry in self._files:
            if table in {"customers", "invoices"}:
                rows = read_table(self.folder, entry, ["customer_id"])
                ids.update(pc.unique(rows["customer_id"]).to_pylist())
        return sorted(ids)

    def tables(self, *, bucket: int | None = None, customers: Sequence[str] | None = None) -> dict[str, pa.Table]:
        """The canonical tables, of one bucket or of some customers only. Raises StorageFailed on a damaged file."""
        wanted = None if customers is None else pa.array(sorted(set(customers)), pa.string())
        buckets = set(self.buckets()) if bucket is None else {bucket}
        if customers is not None:
            buckets &= {bucket_of(customer, len(self.buckets())) for customer in customers}
        pieces: dict[str, list[pa.Table]] = {name: [] for name in TABLES}
        for name, number, entry in self._files:
            if number is not None and number not in buckets:
                continue
            rows = read_table(self.folder, entry)
            if wanted is not None and name not in UNBUCKETED:
                rows = rows.filter(pc.is_in(rows["customer_id"], wanted))
            pieces[name].append(rows)
        return {name: pa.concat_tables([TABLES[name].arrow_schema.empty_table(), *rows]) for name, rows in pieces.items()}

    def ledger(self, *, bucket: int | None = None, customers: Sequence[str] | None = None) -> Ledger:
        """The ledger of everybody, of one bucket, or of some customers. Rates come with each. Raises StorageFailed on a damaged file."""
        return ledger_of(self.tables(bucket=bucket, customers=customers), self.reporting_currency)


def open_book(path: Path) -> Book:
    """The book at `path`, as last published.

    Raises InputRefused where there is none, StorageFailed where it is damaged, UsageRefused where a newer program wrote it.
    """
    folder, manifest = read_manifest(Path(path))
    return Book(folder, manifest)
