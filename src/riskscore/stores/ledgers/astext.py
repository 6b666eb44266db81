"""Typed Arrow columns (Parquet, databases) as text cells: exact, and marked, so that no declared grammar is asked of them."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskscore.stores.ledgers.reading import Cells


def cells_of(column: pa.Array) -> Cells | None:
    """The column as text; None for kinds that hold no single value (lists, structs, binary).

    Strings come as they are. Numbers come as the shortest text that gives the same number back, dates and instants in ISO form,
    instants that know their zone with their offset from UTC.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        return cells_of(column.cast(kind.value_type))
    if pa.types.is_null(kind):
        return Cells(pa.nulls(len(column), pa.string()))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return Cells(column.cast(pa.string()))
    text = _typed(column)
    return None if text is None else Cells(text, np.ones(len(column), dtype=bool))


def _typed(column: pa.Array) -> pa.Array | None:
    kind = column.type
    if pa.types.is_floating(kind):
        coded = column.dictionary_encode()
        # str of a numpy scalar is the shortest text that reads back to the same number, in the width the file has.
        texts = [None if value is None else str(value) for value in coded.dictionary.to_numpy(zero_copy_only=False)]
        return pa.array(texts, pa.string()).take(coded.indices)
    if pa.types.is_timestamp(kind):
        mark = "%Y-%m-%d %H:%M:%S" + ("+0000" if kind.tz else "")
        whole = column.cast(pa.timestamp("s", kind.tz), safe=False)
        return pc.strftime(whole if not kind.tz else whole.cast(pa.timestamp("s", "UTC")), mark, locale="C")
    if pa.types.is_date(kind):
        return column.cast(pa.date32()).cast(pa.string())
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_boolean(kind):
        return column.cast(pa.string())
    return None


def row_texts(names: list[str], columns: list[Cells | None]) -> pa.Array:
    """Each row as one JSON text: what a quarantined row of a source without lines looks like."""
    cells = [None if column is None else column.text.to_pylist() for column in columns]
    kept = [(name, values) for name, values in zip(names, cells, strict=True) if values is not None]
    if not kept:
        return pa.array([], pa.string())
    rows = zip(*(values for _, values in kept), strict=True)
    return pa.array(
        [json.dumps(dict(zip((name for name, _ in kept), row, strict=True)), ensure_ascii=False) for row in rows], pa.string()
    )
