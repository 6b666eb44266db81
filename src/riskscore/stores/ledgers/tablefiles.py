"""Parquet files of the book: written with page checksums and a digest, read only when the digest is still that one."""

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from riskscore.errors import StorageFailed

ROWS_PER_GROUP = 65_536
"""Rows of one row group: fixed, so that the bytes do not depend on the chunks the rows came in."""


@dataclass(frozen=True)
class FileDigest:
    """What the manifest says of one file: its path inside the version, its rows and the SHA-256 of its bytes."""

    path: str
    rows: int
    sha256: str


def write_table(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> tuple[int, str]:
    """Rows and SHA-256 of the Parquet file written at `path`: the same rows give the same bytes, however they are cut.

    Raises OSError where the disk does not take it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = 0
    waiting: list[pa.RecordBatch] = []
    n_waiting = 0
    with pq.ParquetWriter(
        path, schema, compression="zstd", write_page_checksum=True, version="2.6", store_decimal_as_integer=True
    ) as writer:
        for batch in batches:
            waiting.append(batch)
            n_waiting += batch.num_rows
            while n_waiting >= ROWS_PER_GROUP:
                table = pa.Table.from_batches(waiting, schema=schema)
                writer.write_table(table.slice(0, ROWS_PER_GROUP).combine_chunks(), row_group_size=ROWS_PER_GROUP)
                rows += ROWS_PER_GROUP
                waiting = table.slice(ROWS_PER_GROUP).to_batches()
                n_waiting -= ROWS_PER_GROUP
        if n_waiting or not rows:
            table = pa.Table.from_batches(waiting, schema=schema).combine_chunks()
            writer.write_table(table, row_group_size=ROWS_PER_GROUP)
            rows += table.num_rows
    return rows, sha256_of(path)


def read_table(root: Path, entry: FileDigest, columns: list[str] | None = None) -> pa.Table:
    """The rows of that file, if its bytes are still those of the manifest.

    The digest is taken over the very bytes that are then parsed, so no change can slip in between.
    Raises StorageFailed where the file is gone, cut or changed by a single bit.
    """
    path = root / entry.path
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StorageFailed(f"{path}: cannot be read ({error.strerror}). The book is not complete. Ingest it again.") from error
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        raise StorageFailed(
            f"{path}: the bytes are not those the book was published with. Nothing was computed from them. "
            "Restore the folder from a backup, or ingest the exports again."
        )
    return pq.ParquetFile(io.BytesIO(content), page_checksum_verification=True).read(columns=columns)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
