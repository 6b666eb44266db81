"""What a training said of later months, row by row, so that another training can be compared with it on the same rows.

A customer stands there under a pseudonym: the registry holds no name and no id.
"""

import hashlib
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from riskscore.training import Trained
from riskscore.training.judging import HEADLINE

FILE = "judged.parquet"
DIGITS = 16


def write_judged(folder: Path, trained: Trained) -> None:
    """Pseudonym, date and probability of every judged row; each by a model that did not know the row's outcome."""
    rows = trained.judged.rows.features
    table = pa.table(
        {
            "who": pa.array(pseudonyms(rows["customer_id"].to_pylist()), pa.string()),
            "as_of": rows["as_of"],
            "pd": pa.array(trained.judged.pd[HEADLINE], pa.float64()),
        }
    )
    pq.write_table(table, folder / FILE, compression="zstd")


def read_judged(content: bytes) -> Mapping[tuple[str, int], float]:
    """(pseudonym, date as days since 1970-01-01) to probability."""
    table = pq.read_table(io.BytesIO(content))
    days = table["as_of"].cast(pa.int32()).to_pylist()
    return dict(zip(zip(table["who"].to_pylist(), days, strict=True), table["pd"].to_pylist(), strict=True))


def pseudonyms(customers: Iterable[str]) -> list[str]:
    """A short digest for each id: the same in every run, and no id."""
    known: dict[str, str] = {}
    return [known.setdefault(each, hashlib.sha256(f"riskscore\0{each}".encode()).hexdigest()[:DIGITS]) for each in customers]
