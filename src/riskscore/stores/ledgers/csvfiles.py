"""Delimited text files: blocks of lines become text columns with line numbers; what is no record is named with its line."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskscore.errors import InputRefused
from riskscore.stores.ledgers.lines import ReadOnce, blocks_of_lines
from riskscore.stores.ledgers.mapping import Source
from riskscore.stores.ledgers.reading import Cells, Chunk, Misshapen
from riskscore.stores.ledgers.records import LONGEST_LINE, RecordGrammar
from riskscore.stores.ledgers.sniffing import expect
from riskscore.stores.ledgers.tablefiles import sha256_of


class CsvFile:
    """One delimited text file, read as its source declares.

    Raises InputRefused where it is something else, is empty, or holds only a header (unless that is declared).
    """

    def __init__(self, path: Path, source: Source) -> None:
        self.name = path.name
        self._path = path
        self._source = source
        self._grammar = RecordGrammar(source.delimiter, source.quote, source.quoted_line_ends)
        expect(path, "gzip" if source.compression == "gzip" else "csv", source.encoding)
        self.size: int | None = path.stat().st_size
        self.sha256 = sha256_of(path)
        self.n_blank = 0
        self._raw: ReadOnce | None = None
        self.header = self._header()

    def position(self) -> int:
        """Bytes read so far."""
        return self._raw.position if self._raw else 0

    def chunks(self) -> Iterator[Chunk]:
        """The records below the header, block by block.

        Raises InputRefused on undecodable bytes, on a cut last line, and on a file that changed since its digest was taken.
        """
        line = self._source.skip_lines + 2
        rest = ""
        with ReadOnce(self._path) as raw:
            self._raw = raw
            for number, (text, at_end) in enumerate(self._texts(raw)):
                below = rest + (_below(text, self._source.skip_lines + 1) if number == 0 else text)
                if at_end and raw.sha256() != self.sha256:
                    raise InputRefused(
                        f"{self.name}: the file changed while it was read. Nothing was written. Deliver it again when it is "
                        "complete."
                    )
                chunk, n_lines, rest = self._chunk(below, line, at_end=at_end)
                line += n_lines
                yield chunk

    def _texts(self, raw: ReadOnce) -> Iterator[tuple[str, bool]]:
        packed = self._source.compression == "gzip"
        return blocks_of_lines(
            raw, self.name, self._source.encoding, packed=packed, may_lack_end=self._source.unterminated_last_line
        )

    def _header(self) -> list[str]:
        skip = self._source.skip_lines
        with ReadOnce(self._path) as raw:
            texts = self._texts(raw)
            text, _ = next(texts)
            has_rows = bool(_below(text, skip + 1).strip()) or any(more.strip() for more, _ in texts)
        if not has_rows and not self._source.header_only:
            raise InputRefused(
                f"{self.name}: only a header, no rows. Nothing was written. "
                "Export it again; where no rows is right, declare header_only = true."
            )
        header = _below(text, skip).partition("\n")[0].removesuffix("\r")
        if not header or not self._grammar.pattern().fullmatch(header):
            raise InputRefused(
                f"{self.name}: line {skip + 1} is no header: {header[:60]!r}. Nothing was written. Check skip_lines."
            )
        return self._grammar.split(header)

    def _chunk(self, text: str, line: int, *, at_end: bool) -> tuple[Chunk, int, str]:
        """The rows of these lines, how many lines were used up, and the text of those that were not."""
        if not text:
            return self._rows([], np.array([], dtype=np.int64), pa.array([], pa.string()), []), 0, ""
        text = text.removesuffix("\n")
        plain = _with_line_feeds(text)
        if plain is not None and "\0" not in plain and (not self._source.quote or self._source.quote not in plain):
            quick = self._split_quickly(plain, line)
            if quick is not None:
                return *quick, ""
        lines = text.split("\n")
        found, used = self._grammar.records(lines, line, len(self.header), at_end=at_end)
        self.n_blank += found.n_blank
        columns = [pa.array(column, pa.string()) for column in zip(*found.fields, strict=True)]
        broken = [Misshapen(number, raw, why) for number, raw, why in found.broken]
        rows = self._rows(columns, np.array(found.lines, dtype=np.int64), pa.array(found.raw, pa.string()), broken)
        return rows, used, "".join(left + "\n" for left in lines[used:])

    def _split_quickly(self, text: str, line: int) -> tuple[Chunk, int] | None:
        """The same for text without quotes, in Arrow; None where a line is too long for it."""
        lines = pc.split_pattern(pa.array([text]), "\n").flatten()
        lengths = pc.binary_length(lines).to_numpy(zero_copy_only=False)
        if lengths.max() > LONGEST_LINE:
            return None
        n_fields = len(self.header)
        fields = pc.split_pattern(lines, self._source.delimiter)
        counts = pc.list_value_length(fields).to_numpy(zero_copy_only=False)
        good = (lengths > 0) & (counts == n_fields)
        self.n_blank += int((lengths == 0).sum())
        broken = [
            Misshapen(line + int(at), lines[int(at)].as_py(), f"{counts[at]} fields where the header has {n_fields}")
            for at in np.flatnonzero((lengths > 0) & ~good)
        ]
        flat = fields.filter(pa.array(good)).flatten()
        columns = [flat.take(pa.array(np.arange(at, len(flat), n_fields))) for at in range(n_fields)]
        return self._rows(columns, line + np.flatnonzero(good), lines.filter(pa.array(good)), broken), len(lines)

    def _rows(self, columns: list[pa.Array], lines: np.ndarray, raw: pa.Array, broken: list[Misshapen]) -> Chunk:
        columns = columns or [pa.array([], pa.string())] * len(self.header)
        return Chunk(lines, {name: Cells(column) for name, column in zip(self.header, columns, strict=True)}, raw, broken)


def _below(text: str, n_lines: int) -> str:
    """The text after so many lines."""
    for _ in range(n_lines):
        text = text.partition("\n")[2]
    return text


def _with_line_feeds(text: str) -> str | None:
    """The text with LF alone at its line ends; None where a carriage return stands anywhere else."""
    if "\r" not in text:
        return text
    plain = text.replace("\r\n", "\n").removesuffix("\r")
    return None if "\r" in plain else plain
