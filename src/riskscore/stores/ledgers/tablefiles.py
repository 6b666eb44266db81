"""Parquet files of the book: written with page checksums and a digest, read only when the digest is still that one."""

import hashlib
import io
import os
from bisect import bisect_left
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from riskscore.errors import StorageFailed

ROWS_PER_GROUP = 65_536
"""Rows of one row group: fixed, so that the bytes do not depend on the pieces the rows came in."""

OWNER_ONLY = 0o600
"""A book holds who owes what: other users of the machine do not read it."""


@dataclass(frozen=True)
class FileDigest:
    """What the manifest says of one file: its path inside the version, its rows and the SHA-256 of its bytes."""

    path: str
    rows: int
    sha256: str


class TableWriter:
    """Writes one Parquet file: the same rows in the same order give the same bytes, however they are handed over.

    Raises OSError where the disk does not take it.
    """

    def __init__(self, root: Path, path: str, schema: pa.Schema) -> None:
        self._path = path
        self._file = root / path
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._schema = schema
        self._rows = 0
        self._waiting: list[pa.Table] = []
        self._n_waiting = 0
        self._writer = pq.ParquetWriter(
            self._file, schema, compression="zstd", write_page_checksum=True, version="2.6", store_decimal_as_integer=True
        )

    def write(self, rows: pa.Table) -> None:
        """Take rows; whole row groups of them go to disk."""
        self._waiting.append(rows.cast(self._schema))
        self._n_waiting += rows.num_rows
        if self._n_waiting < ROWS_PER_GROUP:
            return
        table = pa.concat_tables(self._waiting)
        whole = self._n_waiting - self._n_waiting % ROWS_PER_GROUP
        for start in range(0, whole, ROWS_PER_GROUP):
            self._group(table.slice(start, ROWS_PER_GROUP))
        self._waiting, self._n_waiting = [table.slice(whole)], self._n_waiting - whole

    def close(self) -> dict[str, Any]:
        """Finish the file; its path, rows and SHA-256 for the manifest."""
        if self._n_waiting or not self._rows:
            self._group(pa.concat_tables([self._schema.empty_table(), *self._waiting]))
        self._writer.close()
        self._file.chmod(OWNER_ONLY)
        return {"path": self._path, "rows": self._rows, "sha256": sha256_of(self._file)}

    def _group(self, rows: pa.Table) -> None:
        self._writer.write_table(rows.combine_chunks(), row_group_size=ROWS_PER_GROUP)
        self._rows += rows.num_rows


def verify_file(root: Path, entry: FileDigest) -> Path:
    """The path of that file, if its bytes are still those of the manifest. Raises StorageFailed where a single bit is not."""
    path = root / entry.path
    try:
        if sha256_of(path) == entry.sha256:
            return path
    except OSError as error:
        raise StorageFailed(_gone(path, error)) from error
    raise StorageFailed(_damaged(path))


def read_table(root: Path, entry: FileDigest, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of that file, if its bytes are still those of the manifest.

    The digest is taken over the very bytes that are then parsed, so no change can slip in between.
    Raises StorageFailed where the file is gone, cut or changed by a single bit.
    """
    wanted = None if columns is None else list(columns)
    return _verified(root, entry).read(columns=wanted)


def read_customers(root: Path, entry: FileDigest, customers: Sequence[str], footers: MutableMapping[str, Any]) -> pa.Table:
    """The rows of these customers (sorted) in that file, which is sorted by customer.

    footers: of files whose bytes were compared with the manifest before. Such a file is not read whole again: its footer is
    the one that was verified, only the row groups the customers can be in are read, and their pages carry checksums that are
    verified too. Raises StorageFailed as `read_table` does.
    """
    if entry.path not in footers:
        footers[entry.path] = _verified(root, entry).metadata
    footer = footers[entry.path]
    groups = [group for group in range(footer.num_row_groups) if _may_hold(footer.row_group(group), customers)]
    try:
        file = pq.ParquetFile(root / entry.path, metadata=footer, page_checksum_verification=True)
        rows = file.read_row_groups(groups)
    except OSError as error:
        raise StorageFailed(_damaged(root / entry.path)) from error
    return rows.filter(pc.is_in(rows["customer_id"], pa.array(customers, pa.string())))


def _may_hold(group: Any, customers: Sequence[str]) -> bool:
    columns = (group.column(number) for number in range(group.num_columns))
    bounds = next(column.statistics for column in columns if column.path_in_schema == "customer_id")
    at = bisect_left(customers, bounds.min)
    return at < len(customers) and customers[at] <= bounds.max


def _verified(root: Path, entry: FileDigest) -> pq.ParquetFile:
    path = root / entry.path
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StorageFailed(_gone(path, error)) from error
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        raise StorageFailed(_damaged(path))
    return pq.ParquetFile(io.BytesIO(content), page_checksum_verification=True)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _gone(path: Path, error: OSError) -> str:
    return (
        f"{path}: cannot be read ({os.strerror(error.errno or 0)}), so the book is not complete. Nothing was computed from it. "
        "Open the book again; where that does not help, restore the folder from a backup."
    )


def _damaged(path: Path) -> str:
    return (
        f"{path}: the bytes are not those the book was published with. Nothing was computed from them. "
        "Restore the folder from a backup, or ingest the exports into a new book."
    )
