"""Text cells of one column to typed values: each distinct text is read once, and what cannot be read is given its reason."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from babel.numbers import list_currencies

from riskscore.stores.ledgers.amounts import NUMBER_CAP, NumberGrammar, reader_of_numbers
from riskscore.stores.ledgers.dates import ISO, DateGrammar
from riskscore.stores.ledgers.mapping import Cell
from riskscore.stores.ledgers.reading import Cells
from riskscore.stores.ledgers.texts import text_faults
from riskscore.tables import ARROW_TYPES, RATE_DECIMALS, REASONS, Column

FINE = 0
REASON_CODES = {reason: code for code, reason in enumerate(REASONS, start=1)}
"""Reasons as small numbers while rows are being judged; `FINE` where nothing is wrong."""

Codes = np.ndarray[Any, np.dtype[np.int8]]
Read = Callable[[str], Any]
"""From a text to its value, or to a reason as text."""


@dataclass(frozen=True)
class Typed:
    """The typed values of a column, null where a cell was empty or refused, and the reason of each refused cell."""

    values: pa.Array
    reasons: Codes


def read_cells(column: Column, cell: Cell, cells: Cells, home: ZoneInfo) -> Typed:
    """The cells of one canonical column, cleaned already, as values of its kind."""
    if column.kind in {"id", "code", "text"}:
        return _texts(column, cells.text)
    if column.kind == "date":
        return _by_distinct(column, cells, _dates(cell, home, typed=False), _dates(cell, home, typed=True))
    if column.kind == "flag":
        return _by_distinct(column, cells, _flags(cell), _plain_flags)
    return _numbers(column, cell, cells)


def decimals_of(column: Column, cell: Cell) -> int:
    """How many digits a written number of that column may have after its mark."""
    return cell.decimals if column.kind == "money" else RATE_DECIMALS


def _texts(column: Column, text: pa.Array) -> Typed:
    reasons = np.zeros(len(text), dtype=np.int8)
    faults = text_faults(text, column.kind)
    if column.name in {"currency", "to_currency"}:
        faults.append(("bad_currency", _not_in(text, _currencies())))
    if column.name == "country":
        faults.append(("out_of_range", _true(pc.invert(pc.match_substring_regex(text, "^[A-Z]{2}$")))))
    for reason, mask in faults:
        reasons[mask & (reasons == FINE)] = REASON_CODES[reason]
    return Typed(pc.if_else(pa.array(reasons == FINE), text, pa.scalar(None, pa.string())), reasons)


def _numbers(column: Column, cell: Cell, cells: Cells) -> Typed:
    is_money = column.kind == "money"
    grammar = NumberGrammar(cell.decimal, cell.thousands, tuple(cell.negative), decimals_of(column, cell), cell.times)
    if is_money and cells.typed is None and (quick := _plain_money(cells.text, grammar)) is not None:
        return Typed(quick, np.zeros(len(quick), dtype=np.int8))
    return _by_distinct(column, cells, grammar.reader(), reader_of_numbers(cell.round_floats, cell.times))


def _plain_money(text: pa.Array, grammar: NumberGrammar) -> pa.Array | None:
    """All cells at once, where each is written the plain way, so that Arrow reads them exactly as the grammar does; else None."""
    if grammar.thousands or grammar.times is not None or "-1" not in grammar.negative:
        return None
    whole = "[0-9]{1,12}" + (rf"(?:{re.escape(grammar.decimal)}[0-9]{{1,{grammar.decimals}}})?" if grammar.decimals else "")
    plain = pc.match_substring_regex(text, rf"^(?:-?{whole})\z")
    zero = pc.match_substring_regex(text, r"^-[0.,]*\z")
    if not pc.all(pc.fill_null(pc.and_not(plain, zero), True)).as_py():
        return None
    return pc.replace_substring(text, grammar.decimal, ".").cast(ARROW_TYPES["money"])


def _by_distinct(column: Column, cells: Cells, read: Read, read_typed: Read) -> Typed:
    """Each distinct text is read once and its value given to every row that holds it."""
    if cells.typed is None or not cells.typed.any():
        return _read_distinct(column, cells.text, read)
    if cells.typed.all():
        return _read_distinct(column, cells.text, read_typed)
    written, typed = _read_distinct(column, cells.text, read), _read_distinct(column, cells.text, read_typed)
    values = pc.if_else(pa.array(cells.typed), typed.values, written.values)
    return Typed(values, np.where(cells.typed, typed.reasons, written.reasons))


def _read_distinct(column: Column, text: pa.Array, read: Read) -> Typed:
    coded = text.dictionary_encode()
    found = [read(one) for one in coded.dictionary.to_pylist()]
    fitted = [_fitted(column, value) for value in found]
    values = pa.array([None if isinstance(value, str) else value for value in fitted], ARROW_TYPES[column.kind])
    codes = np.array([REASON_CODES[value] if isinstance(value, str) else FINE for value in fitted], dtype=np.int8)
    at = pc.fill_null(coded.indices, 0).to_numpy(zero_copy_only=False)
    there = _true(pc.is_valid(text))
    reasons = np.where(there, codes[at] if len(codes) else np.int8(FINE), np.int8(FINE)).astype(np.int8)
    return Typed(values.take(coded.indices), reasons)


def _fitted(column: Column, value: Any) -> Any:
    """The value as the column stores it, or the reason it cannot. Money with more than four decimals is never rounded."""
    if column.kind == "date":
        return "bad_date" if value is None else value
    if isinstance(value, str) or column.kind == "flag":
        return value
    if column.kind == "decimal":
        return float(value)
    if abs(value) >= NUMBER_CAP:
        return "out_of_range"
    return "bad_number" if value != value.quantize(Decimal("0.0001")) else value.quantize(Decimal("0.0001"))


def _dates(cell: Cell, home: ZoneInfo, *, typed: bool) -> Callable[[str], date | None]:
    # A cell that was a date already comes in ISO form, whatever the declared formats of written dates are.
    formats = (*cell.formats, *(ISO if typed else ()))
    zone = ZoneInfo(cell.timezone) if cell.timezone else None
    return DateGrammar(tuple(dict.fromkeys(formats)), cell.two_digit_years_from, zone, home, cell.at_clock_change).reader()


def _flags(cell: Cell) -> Read:
    tokens = {**dict.fromkeys(cell.true_tokens, True), **dict.fromkeys(cell.false_tokens, False)}
    return lambda text: tokens.get(text, "out_of_range")


def _plain_flags(text: str) -> bool | str:
    return {"true": True, "t": True, "false": False, "f": False}.get(text, "out_of_range")


@cache
def _currencies() -> pa.Array:
    return pa.array(sorted(list_currencies()), pa.string())


def _not_in(text: pa.Array, known: pa.Array) -> Any:
    return _true(pc.and_(pc.is_valid(text), pc.invert(pc.is_in(text, known))))


def _true(mask: pa.Array) -> Any:
    return pc.fill_null(mask, False).to_numpy(zero_copy_only=False)
