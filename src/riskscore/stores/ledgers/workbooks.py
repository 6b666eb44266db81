"""XLSX workbooks, read row by row; dates are taken from their day numbers, because openpyxl gives 28 February 1900 twice."""

import datetime as dt
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow as pa
from openpyxl.styles.numbers import is_date_format
from openpyxl.utils.datetime import MAC_EPOCH
from openpyxl.utils.exceptions import InvalidFileException

from riskscore.errors import InputRefused
from riskscore.stores.ledgers.astext import row_texts
from riskscore.stores.ledgers.dates import from_serial
from riskscore.stores.ledgers.mapping import Source
from riskscore.stores.ledgers.reading import Cells, Chunk, Misshapen
from riskscore.stores.ledgers.sniffing import expect
from riskscore.stores.ledgers.tablefiles import sha256_of

ROWS_PER_CHUNK = 8_192
UNPACKED_AT_MOST = 2 * 1024**3
PACKED_AT_MOST = 200
"""Bytes a workbook may unpack to, and how many times its own size."""


class Workbook:
    """One sheet of an XLSX workbook. Raises InputRefused where it is none, unpacks beyond reason, or the sheet is not named."""

    def __init__(self, path: Path, source: Source) -> None:
        self.name = path.name
        self._path = path
        self._source = source
        expect(path, "xlsx")
        self.size: int | None = path.stat().st_size
        self.sha256 = sha256_of(path)
        self._done = 0
        self._refuse_bombs()
        self._book, self._sheet = self._open()
        self._epoch = "excel_1904" if self._book.epoch == MAC_EPOCH else "excel"
        self._rows = self._sheet.iter_rows(min_row=source.skip_lines + 1)
        first = next(self._rows, ())
        self.header = ["" if cell.value is None else str(cell.value) for cell in first]
        while self.header and not self.header[-1]:
            self.header.pop()
        if not self.header:
            raise InputRefused(
                f"{self.name}: sheet {self._sheet.title} has no header in row {source.skip_lines + 1}. Nothing was written."
            )

    def position(self) -> int:
        """Bytes read so far, as far as anybody knows: all or nothing."""
        return self._done

    def chunks(self) -> Iterator[Chunk]:
        """The rows below the header, numbered as the sheet numbers them; wholly empty rows are no rows."""
        lines: list[int] = []
        rows: list[list[tuple[str | None, bool]]] = []
        broken: list[Misshapen] = []
        n_rows = 0
        for number, row in enumerate(self._rows, start=self._source.skip_lines + 2):
            cells = [self._cell(cell) for cell in row]
            if all(text is None for text, _ in cells):
                continue
            n_rows += 1
            if any(text is not None for text, _ in cells[len(self.header) :]):
                broken.append(Misshapen(number, repr([text for text, _ in cells]), "cells beyond the last column of the header"))
                continue
            rows.append((cells + [(None, False)] * len(self.header))[: len(self.header)])
            lines.append(number)
            if len(rows) == ROWS_PER_CHUNK:
                yield self._chunk(lines, rows, broken)
                lines, rows, broken = [], [], []
        yield self._chunk(lines, rows, broken)
        self._done = self.size or 0
        if not n_rows and not self._source.header_only:
            raise InputRefused(
                f"{self.name}: only a header, no rows. Nothing was written. Where that is right, declare header_only = true."
            )
        if sha256_of(self._path) != self.sha256:
            raise InputRefused(
                f"{self.name}: the file changed while it was read. Nothing was written. Deliver it again when it is complete."
            )

    def _chunk(self, lines: list[int], rows: list[list[tuple[str | None, bool]]], broken: list[Misshapen]) -> Chunk:
        columns = list(zip(*rows, strict=True)) or [()] * len(self.header)
        cells: list[Cells | None] = [
            Cells(pa.array([text for text, _ in column], pa.string()), np.array([typed for _, typed in column], dtype=bool))
            for column in columns
        ]
        named = {name: cell for name, cell in zip(self.header, cells, strict=True) if cell is not None}
        return Chunk(np.array(lines, dtype=np.int64), named, row_texts(self.header, cells), broken)

    def _cell(self, cell: Any) -> tuple[str | None, bool]:
        value = cell.value
        if value is None or isinstance(value, str):
            return value, False
        if isinstance(value, bool):
            return str(value).lower(), True
        if isinstance(value, (dt.datetime, dt.date)):  # a cell of type d, written in ISO form
            return value.isoformat(sep=" ") if isinstance(value, dt.datetime) else value.isoformat(), True
        text = repr(value).removesuffix(".0")
        if is_date_format(cell.number_format):
            day = from_serial(text, self._epoch)
            return (day.isoformat() if day else f"day number {text}"), True
        return text, True

    def _open(self) -> tuple[Any, Any]:
        try:
            book = openpyxl.load_workbook(self._path, read_only=True, data_only=True)
            # Day numbers stay numbers: openpyxl maps 59 and 60 to the same day. What is a date is decided by the cell's format
            # above. There is no public switch.
            vars(book).update(_date_formats=set(), _timedelta_formats=set())
        except (InvalidFileException, KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
            raise InputRefused(
                f"{self.name}: the workbook is cut or damaged ({error}). Nothing was written. Save it again."
            ) from error
        names = book.sheetnames
        wanted = self._source.sheet or (names[0] if len(names) == 1 else None)
        if wanted is None or wanted not in names:
            raise InputRefused(
                f"{self.name}: {'no sheet ' + repr(wanted) if wanted else 'several sheets'}; there are {', '.join(names)}. "
                "Nothing was "
                "written. Declare sheet = ... in the mapping."
            )
        return book, book[wanted]

    def _refuse_bombs(self) -> None:
        try:
            with zipfile.ZipFile(self._path) as packed:
                unpacked = sum(entry.file_size for entry in packed.infolist())
        except zipfile.BadZipFile as error:
            raise InputRefused(
                f"{self.name}: the workbook is cut or damaged ({error}). Nothing was written. Save it again."
            ) from error
        if unpacked > min(UNPACKED_AT_MOST, max(PACKED_AT_MOST * (self.size or 0), 50_000_000)):
            raise InputRefused(
                f"{self.name}: {self.size} bytes would unpack to {unpacked}. Nothing was written. Export it as CSV."
            )
