"""Where the cells of each canonical column come from in one source, and the cleaning the mapping declares for them."""

import difflib
import re
from collections import Counter
from collections.abc import Mapping as AbstractMapping
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskscore.errors import InputRefused
from riskscore.stores.ledgers.mapping import Cell, Grammar, Mapping, Source
from riskscore.stores.ledgers.reading import Cells, Chunk
from riskscore.tables import Table


def cells_for(
    table: Table, declared: AbstractMapping[str, Cell], source: Source, header: list[str], name: str
) -> dict[str, Cell]:
    """The cell rule of every canonical column this source can fill.

    Raises InputRefused where a declared or required column is not in the header, or stands there twice.
    """
    found = dict(declared)
    if source.same_names and declared is source.columns:
        inherited = {key: getattr(source, key) for key in Grammar.model_fields}
        found |= {
            column: Cell(column=column, **inherited)
            for column in table.names
            if column in header and column not in found and not table.column(column).filled
        }
    twice = {column for column, n in Counter(header).items() if n > 1}
    for column, cell in list(found.items()):
        for wanted in cell.sources:
            if wanted in twice:
                raise InputRefused(
                    f"{name}: the header has {wanted!r} twice, so {column} is ambiguous. Nothing was written. Rename one."
                )
            if wanted not in header:
                if not cell.optional:
                    raise InputRefused(lacking(name, f"column {wanted!r} (for {table.name}.{column})", wanted, header))
                found.pop(column, None)
    for known in table.columns:
        if known.required and not known.filled and known.name not in found and known.name != "known_on":
            what = f"a column for {table.name}.{known.name}, which may not be empty,"
            raise InputRefused(lacking(name, what, known.name, header))
    return found


def cleaned(cell: Cell, chunk: Chunk, mapping: Mapping, extracted_on: date) -> tuple[Cells, np.ndarray | None]:
    """The texts a cell rule gives for the rows of a chunk, cleaned as declared, and those its code table does not know.

    Raises InputRefused where a source column holds no single values.
    """
    n_rows = len(chunk.lines)
    if cell.extracted:
        return Cells(pa.repeat(pa.scalar(extracted_on.isoformat()), n_rows), np.ones(n_rows, dtype=bool)), None
    if cell.constant is not None:
        return Cells(pa.repeat(pa.scalar(cell.constant), n_rows)), None
    if not cell.sources:
        return Cells(pa.nulls(n_rows, pa.string())), None
    for source in cell.sources:
        if source not in chunk.cells:
            raise InputRefused(f"column {source!r} holds lists, structures or bytes and not single values. Nothing was written.")
    parts = [chunk.cells[source] for source in cell.sources]
    texts = [_stripped(cell, part.text) for part in parts]
    if cell.columns is not None:
        whole = pc.binary_join_element_wise(*texts, cell.join, null_handling="replace", null_replacement="")
        nothing = cell.join * (len(texts) - 1)
        return Cells(pc.if_else(pc.equal(whole, nothing), pa.scalar(None, pa.string()), whole)), None
    text = pc.if_else(pc.is_in(texts[0], pa.array(cell.null_tokens, pa.string())), pa.scalar(None, pa.string()), texts[0])
    if cell.codes is None:
        return Cells(text, parts[0].typed), None
    return _translated(text, mapping.codes[cell.codes])


def _stripped(cell: Cell, text: pa.Array) -> pa.Array:
    if cell.trim:
        text = pc.utf8_trim(text, " \t\u00a0")
    if cell.strip_prefix:
        text = pc.replace_substring_regex(text, r"\A" + re.escape(cell.strip_prefix), "")
    if cell.strip_suffix:
        text = pc.replace_substring_regex(text, re.escape(cell.strip_suffix) + r"\z", "")
    return text


def _translated(text: pa.Array, codes: AbstractMapping[str, str]) -> tuple[Cells, np.ndarray]:
    at = pc.index_in(text, pa.array(list(codes), pa.string()))
    translated = pa.array(list(codes.values()), pa.string()).take(at)
    unknown = pc.and_(pc.is_valid(text), pc.is_null(at))
    return Cells(translated), unknown.to_numpy(zero_copy_only=False)


def lacking(name: str, what: str, wanted: str, header: list[str]) -> str:
    """The sentence of a header that lacks a column, with the name that may have been meant."""
    near = difflib.get_close_matches(wanted, header, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else f" It has: {', '.join(header[:20])}."
    if len(header) == 1:
        hint = (
            f" It is one cell: {header[0]!r}. Declare the mark between the cells (delimiter = ...), or the lines above the "
            "header (skip_lines = ...)."
        )
    return f"{name}: the header lacks {what} so its rows cannot be understood. Nothing was written.{hint}"
