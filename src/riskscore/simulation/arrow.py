"""From numpy to canonical Arrow tables: money from whole cents, dates from day numbers, text from sequences."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskscore.simulation.randomness import Floats, Ints
from riskscore.tables import ARROW_TYPES, MONEY, TABLES


def money(cents: Ints) -> pa.Array:
    """Exact decimals of scale four from whole cents."""
    words = np.empty((len(cents), 2), dtype=np.int64)
    words[:, 0] = cents * 100
    words[:, 1] = words[:, 0] >> 63  # sign of the 128-bit number
    return pa.Array.from_buffers(MONEY, len(cents), [None, pa.py_buffer(words.tobytes())])


def to_cents(amount: Floats) -> Ints:
    """Whole cents, halves to even."""
    return np.rint(amount * 100).astype(np.int64)


def dates(days: Ints, missing: NDArray[np.bool_] | None = None) -> pa.Array:
    """Dates from day numbers since 1970-01-01; null where missing."""
    known = days if missing is None else np.where(missing, 0, days)
    return pa.array(known.astype(np.int32), mask=missing).cast(pa.date32())


def texts(values: Sequence[str], index: Ints, missing: NDArray[np.bool_] | None = None) -> pa.Array:
    """The text each index points at; null where missing."""
    picked = pa.array(values, pa.string())
    return picked.take(pa.array(index, mask=missing))


def canonical(name: str, columns: Mapping[str, Any], order: Any = None) -> pa.Table:
    """The canonical table of that name; an absent column is null. `order` sorts the rows (indices)."""
    n_rows = len(next(iter(columns.values())))
    table = TABLES[name]
    if strangers := set(columns) - set(table.names):
        raise KeyError(f"{name} has no columns {sorted(strangers)}")
    arrays = [
        pa.nulls(n_rows, ARROW_TYPES[column.kind])
        if column.name not in columns
        else pa.array(columns[column.name], ARROW_TYPES[column.kind])
        for column in table.columns
    ]
    rows = pa.Table.from_arrays(arrays, schema=table.arrow_schema)
    return rows if order is None else rows.take(pa.array(order))
