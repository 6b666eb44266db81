"""A book: the canonical tables of all customers as published, and the ledgers one may take from it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from riskscore.errors import InputRefused, UsageRefused
from riskscore.snapshot import QUIET_DAYS, with_kinship
from riskscore.stores.engines import as_canonical, ledger_of, ledger_of_files
from riskscore.stores.ledgers.layout import read_manifest
from riskscore.stores.ledgers.tablefiles import FileDigest, read_customers, read_table, verify_file
from riskscore.stores.ledgers.untold import Untold, untold_of
from riskscore.tables import TABLES, Ledger


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
        """The latest day anything was learned of an invoice, a settlement or a dispute: the natural date to score at.

        Raises InputRefused where the book holds none of them.
        """
        day = self.manifest["last_known_on"]
        if day is None:
            raise InputRefused(
                f"{self.folder.parent}: the book holds no invoices, so there is no date to look at it. Ingest some."
            )
        return date.fromisoformat(day)

    def day_to_look_at(self, asked: date | None, option: str = "--as-of") -> date:
        """The day asked about, or the last known one where none is.

        Up to `QUIET_DAYS` after the last one are granted, because a company that rests learns nothing. Raises UsageRefused for a
        later day, where invoices that were paid since would count as unpaid. option: how the caller named the day.
        """
        last = self.last_known_on
        if asked is None or asked <= (latest := last + timedelta(days=QUIET_DAYS)):
            return asked or last
        raise UsageRefused(
            f"{option} {asked}: the book knows nothing after {last}, {(asked - last).days} days before. Whatever was paid since "
            f"would count as unpaid. Ingest what happened since, or ask about a day up to {latest}."
        )

    def day_to_learn_until(self, asked: date | None, option: str = "--until") -> date:
        """The last day of which facts are used to learn, or the last known one where none is asked for.

        Not a day is granted beyond that one: what is learned from is what became of every invoice, and each that was paid in the
        days nobody knows of would teach that it was not. Raises UsageRefused for a later day, and for one by which invoices fell
        due whose payments no export holds (`Untold.silent_after`). option: as in `day_to_look_at`.
        """
        last, until = self.last_known_on, asked or self.last_known_on
        if until > last:
            raise UsageRefused(
                f"{option} {asked}: the book knows nothing after {last}, {(until - last).days} days before. Every invoice open "
                f"then would be learned as never paid. Ingest what happened since, or learn until {last} at the latest."
            )
        untold = self.untold
        if untold is not None and untold.silent_after is not None and until > untold.silent_after:
            raise UsageRefused(
                f"of the {untold.silent:,} invoices issued after {untold.silent_after} and due by {last} the book knows not one "
                "payment, though older ones were paid: their payments are in no export. Every one would be learned "
                f"as never paid. Ingest their payments, or learn until {untold.silent_after} what was known by then."
            )
        return until

    @property
    def untold(self) -> Untold | None:
        """What the book knows of the payment of its invoices; null where an older program published it."""
        return untold_of(self.manifest)

    @property
    def n_customers(self) -> int:
        """How many customers have a master row or an invoice."""
        return int(self.manifest["n_customers"])

    def buckets(self) -> range:
        """The numbers of the buckets the customers are divided into."""
        return range(int(self.manifest["n_buckets"]))

    def customer_ids(self) -> list[str]:
        """Every customer with a master row or an invoice, sorted."""
        entry = next(entry for entry in self.manifest["files"] if entry["part"] == "index")
        ids: list[str] = read_table(self.folder, _digest(entry))["customer_id"].to_pylist()
        return ids

    def tables(self, *, bucket: int | None = None, customers: Sequence[str] | None = None) -> dict[str, pa.Table]:
        """The canonical tables in memory, of one bucket or of some customers only. Raises StorageFailed on a damaged file."""
        wanted = None if customers is None else sorted(set(customers))
        buckets = set(self.buckets()) if bucket is None else {bucket}
        if customers is not None:
            buckets &= {bucket_of(customer, len(self.buckets())) for customer in customers}
        pieces: dict[str, list[pa.Table]] = {name: [table.arrow_schema.empty_table()] for name, table in TABLES.items()}
        for entry in self._files(buckets):
            if wanted is not None and entry["bucket"] is not None:
                rows = read_customers(self.folder, _digest(entry), wanted, self._footers)
            else:
                rows = read_table(self.folder, _digest(entry))
            pieces[entry["table"]].append(as_canonical(TABLES[entry["table"]], rows))  # an older book lacks newer columns
        return {name: pa.concat_tables(rows) for name, rows in pieces.items()}

    def ledger(self, *, bucket: int | None = None, customers: Sequence[str] | None = None) -> Ledger:
        """The ledger of everybody, of one bucket, or of some customers. Rates come with each.

        One bucket or some customers are held in memory; everybody, where there are several buckets, is read from disk as it is
        asked for. Either way the bytes are compared with the manifest first. Raises StorageFailed on a damaged file.
        """
        if bucket is None and customers is None and len(self.buckets()) > 1:
            files = {name: [str(self.folder / entry["path"]) for entry in self._files(None, name)] for name in TABLES}
            for entry in self._files(None):
                verify_file(self.folder, _digest(entry))
            return ledger_of_files(files, self.reporting_currency)
        ledger = ledger_of(self.tables(bucket=bucket, customers=customers), self.reporting_currency)
        return ledger if bucket is None and customers is None else with_kinship(ledger, self._kinship)

    @cached_property
    def _footers(self) -> dict[str, Any]:
        """Footers of the files that were verified for the customers of a bucket: a second question need not read them whole."""
        return {}

    @cached_property
    def _kinship(self) -> pa.Table:
        """Every version of every customer that ever had a parent: families reach across buckets."""
        columns = ["customer_id", "parent_id", "known_on"]
        files = self._files(None, "customers")
        versions = pa.concat_tables(
            [
                TABLES["customers"].arrow_schema.empty_table().select(columns),
                *(read_table(self.folder, _digest(entry), columns) for entry in files),
            ]
        )
        children = pc.unique(versions.filter(pc.is_valid(versions["parent_id"]))["customer_id"])
        return versions.filter(pc.is_in(versions["customer_id"], children))

    def _files(self, buckets: set[int] | None, table: str | None = None) -> list[dict[str, Any]]:
        """Entries of the table files of these buckets, and of those that belong to no bucket."""
        return [
            entry
            for entry in self.manifest["files"]
            if entry["part"] == "tables"
            and (table is None or entry["table"] == table)
            and (buckets is None or entry["bucket"] is None or entry["bucket"] in buckets)
        ]


def _digest(entry: Mapping[str, Any]) -> FileDigest:
    return FileDigest(entry["path"], entry["rows"], entry["sha256"])


def open_book(path: Path) -> Book:
    """The book at `path`, as last published.

    Raises InputRefused where there is none, StorageFailed where it is damaged, UsageRefused where a newer program wrote it.
    """
    folder, manifest = read_manifest(Path(path))
    return Book(folder, manifest)
