"""Sheets: canonical rows turned into the text an ERP would export, in its own grammar of dates, numbers and marks."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Grammar:
    """How an ERP writes cells and lines."""

    encoding: str = "utf-8"
    delimiter: str = ","
    date_format: str = "%Y-%m-%d"
    decimal: str = "."
    thousands: str = ""
    trailing_minus: bool = False
    line_end: str = "\n"
    true: str = "true"
    false: str = "false"


@dataclass(frozen=True)
class Sheet:
    """One file of an export as text cells, its rows those of one canonical table.

    name: of the file, without suffix. cells: header to texts, null for an empty cell. meaning: canonical column to header.
    broken: text after a row's last cell that does not belong there: the record has one field too many.
    """

    name: str
    table: str
    grammar: Grammar
    cells: Mapping[str, pa.Array]
    meaning: Mapping[str, str]
    broken: Mapping[int, str] = field(default_factory=dict)

    @property
    def n_rows(self) -> int:
        """Records below the header."""
        return len(next(iter(self.cells.values())))

    def text(self) -> str:
        """The whole file: a header and one line a record, cells quoted only where they must be."""
        mark = self.grammar.delimiter
        quoted = [_quoted(cell, mark) for cell in self.cells.values()]
        lines = pc.binary_join_element_wise(*quoted, mark).to_pylist()
        for row, rest in self.broken.items():
            lines[row] += rest
        end = self.grammar.line_end
        return end.join([mark.join(self.cells), *lines]) + end


def written(values: pa.Array | pa.ChunkedArray, grammar: Grammar) -> pa.Array:
    """Canonical values as texts of that grammar; null stays null."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if pa.types.is_date(values.type):
        return _dates(values, grammar.date_format)
    if pa.types.is_decimal(values.type):
        return _money(values, grammar)
    if pa.types.is_boolean(values.type):
        return pc.if_else(values, grammar.true, grammar.false)
    if pa.types.is_floating(values.type):
        return pa.array([None if x is None else repr(x).replace(".", grammar.decimal) for x in values.to_pylist()], pa.string())
    return values.cast(pa.string())


def renamed(file: str, name: str, grammar: Grammar, table: pa.Table, headers: Mapping[str, str]) -> Sheet:
    """A sheet of one canonical table under the ERP's own headers (canonical column to header)."""
    cells = {header: written(table[column], grammar) for column, header in headers.items()}
    return Sheet(file, name, grammar, cells, dict(headers))


def _dates(values: pa.Array, date_format: str) -> pa.Array:
    # There are far fewer days than rows.
    coded = values.dictionary_encode()
    texts = [date_text(day.year, day.month, day.day, date_format) for day in coded.dictionary.to_pylist()]
    return pa.array(texts, pa.string()).take(coded.indices)


def date_text(year: int, month: int, day: int, date_format: str) -> str:
    """A date in the format, whether or not the calendar has it: a typing error is written like any other date."""
    marks = {"%-d": f"{day}", "%-m": f"{month}", "%d": f"{day:02d}", "%m": f"{month:02d}", "%Y": f"{year:04d}"}
    for mark, digits in marks.items():
        date_format = date_format.replace(mark, digits)
    return date_format


def _money(values: pa.Array, grammar: Grammar) -> pa.Array:
    plain = values.cast(pa.decimal128(18, 2)).cast(pa.string())
    if grammar == Grammar(grammar.encoding, grammar.delimiter, grammar.date_format):
        return plain
    return pa.array([None if text is None else number_text(text, grammar) for text in plain.to_pylist()], pa.string())


def number_text(plain: str, grammar: Grammar) -> str:
    """A number as `-1234.50` written in the grammar, e.g. `1.234,50-`."""
    minus, digits = plain.startswith("-"), plain.lstrip("-")
    whole, _, cents = digits.partition(".")
    grouped = f"{int(whole):,}".replace(",", grammar.thousands) if grammar.thousands else whole
    text = f"{grouped}{grammar.decimal}{cents}" if cents else grouped
    if not minus:
        return text
    return f"{text}-" if grammar.trailing_minus else f"-{text}"


def _quoted(cells: pa.Array, mark: str) -> pa.Array:
    cells = pc.fill_null(cells, "")
    special = pc.match_substring_regex(cells, f'["\\r\\n{mark}]')
    doubled = pc.replace_substring(cells, '"', '""')
    return pc.if_else(special, pc.binary_join_element_wise('"', doubled, '"', ""), cells)
