"""What was read waits on disk until all of it can be judged together: memory does not grow with the delivery."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from riskscore.tables import Table

BESIDE = pa.schema(
    [
        ("_reading", pa.int32()),
        ("_line", pa.int64()),
        ("_raw", pa.string()),
        ("_from_event", pa.bool_()),
        ("_derived", pa.bool_()),
    ]
)
"""What stands beside every candidate row: the reading (source and mapping) it came from, its line and text, whether `known_on`
was taken from the event, and whether it was derived from a row of another table."""


def staged_schema(table: Table) -> pa.Schema:
    """The canonical columns and what stands beside them."""
    return pa.schema([*table.arrow_schema, *BESIDE])


class Stage:
    """Candidate rows and rejects of one run, on disk, one file per table."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._writers: dict[str, pq.ParquetWriter] = {}

    def add(self, table: Table, rows: pa.Table, reading: int, *, derived: bool) -> None:
        """Take accepted rows (canonical columns, line, raw, known_on_from_event)."""
        n_rows = rows.num_rows
        beside = [
            pa.repeat(pa.scalar(reading, pa.int32()), n_rows),
            rows["line"],
            rows["raw"],
            rows["known_on_from_event"],
            pa.repeat(pa.scalar(derived), n_rows),
        ]
        columns = [rows[name] for name in table.names]
        self._write(table.name, pa.table([*columns, *beside], schema=staged_schema(table)))

    def reject(self, rows: pa.Table, reading: int) -> None:
        """Take rows that were set aside while they were read."""
        numbers = pa.repeat(pa.scalar(reading, pa.int32()), rows.num_rows)
        self._write("rejects", rows.append_column("_reading", numbers))

    def close(self) -> dict[str, Path]:
        """Finish the files and say where they are; a table nobody delivered anything of has none."""
        for writer in self._writers.values():
            writer.close()
        return {name: self._path(name) for name in self._writers}

    def _write(self, name: str, rows: pa.Table) -> None:
        if not rows.num_rows:
            return
        if name not in self._writers:
            # Staged files live for one run and are read once: cheap compression, no checksums.
            self._writers[name] = pq.ParquetWriter(self._path(name), rows.schema, compression="lz4")
        self._writers[name].write_table(rows)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.parquet"
