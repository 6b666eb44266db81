"""Exports: the books of a simulated world written as files, as an ERP would deliver them."""

from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from riskscore.errors import StorageFailed
from riskscore.simulation import World
from riskscore.tables import TABLES

_FILLED_AT_INGEST = {
    "settlements": {"customer_id"},
    "disputes": {"customer_id"},
    "invoices": {"due_imputed"},
    "statements": {"known_on"},
}


def canonical_columns(name: str) -> tuple[str, ...]:
    """The columns of a table's canonical export: those of the table that ingestion does not fill itself."""
    return tuple(column for column in TABLES[name].names if column not in _FILLED_AT_INGEST.get(name, ()))


def write_exports(world: World, folder: Path, *, file_format: str = "csv") -> dict[str, Path]:
    """Write one file per canonical table, UTF-8, ISO dates and point decimals; returns the files by table.

    Raises StorageFailed where the folder cannot be written.
    """
    written = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in world.tables.items():
            rows = table.select(canonical_columns(name))
            path = folder / f"{name}.{file_format}"
            if file_format == "parquet":
                pyarrow.parquet.write_table(rows, path, write_page_checksum=True)
            else:
                pyarrow.csv.write_csv(rows, path, pyarrow.csv.WriteOptions(quoting_style="needed"))
            written[name] = path
    except (OSError, pa.ArrowException) as error:
        raise StorageFailed(
            f"{folder}: the exports could not be written ({error}). Free space or choose another folder."
        ) from error
    return written
