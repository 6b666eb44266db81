"""Parquet exports: refused where cut, damaged or a bomb; read batch by batch with page checksums; handed on as text."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from riskscore.errors import InputRefused
from riskscore.stores.ledgers.astext import cells_of, row_texts
from riskscore.stores.ledgers.mapping import Source
from riskscore.stores.ledgers.reading import ROWS_PER_CHUNK, Cells, Chunk, Misshapen
from riskscore.stores.ledgers.sniffing import expect
from riskscore.stores.ledgers.tablefiles import sha256_of

FREE_CELLS = 20_000_000
CELLS_PER_BYTE = 64
"""A file may promise so many cells, or so many per byte of its size: real ledgers need two or more bytes a row, bombs
hundredths."""


class ParquetFile:
    """One Parquet file. Raises InputRefused where it is none, is cut, or promises more cells than its size can honestly hold."""

    def __init__(self, path: Path, source: Source) -> None:
        self.name = path.name
        self._path = path
        expect(path, "parquet")
        self.size: int | None = path.stat().st_size
        self.sha256 = sha256_of(path)
        self._done = 0
        with self._refusing():
            schema, metadata = pq.read_schema(path), pq.read_metadata(path)
        self.header = list(schema.names)
        self._rows = metadata.num_rows
        if self._rows * max(len(self.header), 1) > max(FREE_CELLS, CELLS_PER_BYTE * self.size):
            raise InputRefused(
                f"{self.name}: {self.size} bytes promise {self._rows} rows of {len(self.header)} columns, which no ledger "
                "packs into that "
                "size. Nothing was written. Export it as CSV, or in files that hold real data."
            )
        if not self._rows and not source.header_only:
            raise InputRefused(
                f"{self.name}: holds no rows. Nothing was written. Where that is right, declare header_only = true."
            )

    def position(self) -> int:
        """Bytes read so far, by the share of rows."""
        return self._done

    def chunks(self) -> Iterator[Chunk]:
        """The rows, numbered from 1. Raises InputRefused on damage and on a file that changed since its digest was taken."""
        line = 1
        with self._refusing():
            for batch in pq.ParquetFile(self._path, page_checksum_verification=True).iter_batches(ROWS_PER_CHUNK):
                yield self._chunk(batch, line)
                line += batch.num_rows
                self._done = int((self.size or 0) * line / max(self._rows, 1))
        if sha256_of(self._path) != self.sha256:
            raise InputRefused(
                f"{self.name}: the file changed while it was read. Nothing was written. Deliver it again when it is complete."
            )

    def _chunk(self, batch: pa.RecordBatch, line: int) -> Chunk:
        lines = line + np.arange(batch.num_rows, dtype=np.int64)
        broken: list[Misshapen] = []
        try:
            batch.validate(full=True)
        except pa.ArrowInvalid:
            good, broken = _unreadable(batch, lines)
            batch, lines = batch.filter(pa.array(good)), lines[good]
        columns = [cells_of(column) for column in batch.columns]
        cells: dict[str, Cells] = {name: cell for name, cell in zip(self.header, columns, strict=True) if cell is not None}
        return Chunk(lines, cells, row_texts(self.header, columns), broken)

    def _refusing(self) -> "_Refusing":
        return _Refusing(self.name)


class _Refusing:
    """Turns what pyarrow raises on damaged files into our refusal."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (pa.ArrowException, OSError)):
            raise InputRefused(
                f"{self._name}: the Parquet file is cut or damaged ({str(error).splitlines()[0]}). Nothing was written. "
                "Deliver it again."
            ) from error


def _unreadable(batch: pa.RecordBatch, lines: np.ndarray) -> tuple[np.ndarray, list[Misshapen]]:
    """Which rows hold only valid UTF-8, and the others."""
    good = np.ones(batch.num_rows, dtype=bool)
    for column in batch.columns:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            for at, value in enumerate(column.cast(pa.large_binary()).to_pylist()):
                try:
                    (value or b"").decode()
                except UnicodeDecodeError:
                    good[at] = False
    why = "text that is not valid UTF-8"
    return good, [Misshapen(int(lines[at]), "", why, "bad_encoding") for at in np.flatnonzero(~good)]
