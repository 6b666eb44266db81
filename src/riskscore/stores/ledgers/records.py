"""The grammar of delimited text: lines to records. A broken record costs its own line and never the ones after it.

A record is the shortest run of physical lines that is well formed and has as many fields as the header. Where no run is, the
first line is set aside and reading resumes at the next. A field is either bare (no quote in it) or quoted from end to end, with
quotes in it doubled. A field spans lines only where the mapping says that quoted line ends occur; otherwise a record is one line.
Python's csv module was turned down as the judge: even in strict mode it takes a quote inside a bare field, and lets one
unbalanced quote swallow the rest of a file. It still splits what was judged well formed.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

LINES_OF_A_RECORD = 100
"""A record never spans more lines: an unbalanced quote is known to be one after that many."""


LONGEST_LINE = 131_072
"""Characters of one record at most; csv refuses longer fields, and no ledger line is that long."""


@dataclass
class Records:
    """Well-formed records with their line numbers and texts, and what was not well formed."""

    lines: list[int] = field(default_factory=list)
    fields: list[list[str]] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    broken: list[tuple[int, str, str]] = field(default_factory=list)
    n_blank: int = 0


@dataclass(frozen=True)
class RecordGrammar:
    """Delimiter, quote ("" for none) and whether a quoted field may hold line ends."""

    delimiter: str = ","
    quote: str = '"'
    quoted_line_ends: bool = False

    def pattern(self) -> re.Pattern[str]:
        """What a whole well-formed record matches."""
        d, q = re.escape(self.delimiter), re.escape(self.quote)
        if not self.quote:
            return re.compile(r"[^\0\r]*+", re.DOTALL)
        bare = rf"[^{q}{d}\0\r\n]*+"
        inside = rf"[^{q}\0]*+" if self.quoted_line_ends else rf"[^{q}\0\r\n]*+"
        field = rf"(?:{q}{inside}(?:{q}{q}{inside})*+{q}|{bare})"
        return re.compile(rf"{field}(?:{d}{field})*+", re.DOTALL)

    def split(self, text: str) -> list[str]:
        """The fields of one well-formed record."""
        if not self.quote or self.quote not in text:
            return text.split(self.delimiter)
        # A line end inside quotes is part of the field; csv takes it when the record comes as one string.
        return next(csv.reader([text], delimiter=self.delimiter, quotechar=self.quote, strict=True))

    def records(self, lines: Sequence[str], first_line: int, n_fields: int, *, at_end: bool) -> tuple[Records, int]:
        """The records of these lines (without line feeds), and how many lines were used up.

        Unused lines at the end may begin a record that goes on in what is read next; at_end says that nothing comes next.
        """
        found, pattern, at = Records(), self.pattern(), 0
        alone = self._alone(lines, pattern)
        while at < len(lines):
            fields = alone[at]
            n_lines, record = 1, lines[at].removesuffix("\r")
            if fields is None or len(fields) != n_fields:
                taken = self._take(lines, at, pattern, n_fields)
                if taken is None and not at_end and self._may_go_on(lines, at):
                    break
                n_lines, record, fields = taken or (1, record, None)
            if fields is not None:
                found.lines.append(first_line + at)
                found.fields.append(fields)
                found.raw.append(record)
            elif record:
                found.broken.append((first_line + at, record, self._why(record, pattern, n_fields)))
            else:
                found.n_blank += 1
            at += n_lines
        return found, at

    def _alone(self, lines: Sequence[str], pattern: re.Pattern[str]) -> list[list[str] | None]:
        """The fields of each line that is a well-formed record by itself, split in one go; None for the others."""
        whole = [line.removesuffix("\r") for line in lines]
        good = [at for at, line in enumerate(whole) if 0 < len(line) <= LONGEST_LINE and pattern.fullmatch(line)]
        if self.quote:
            rows = list(csv.reader((whole[at] for at in good), delimiter=self.delimiter, quotechar=self.quote, strict=True))
        else:
            rows = [whole[at].split(self.delimiter) for at in good]
        split: list[list[str] | None] = [None] * len(lines)
        for at, row in zip(good, rows, strict=True):
            split[at] = row
        return split

    def _take(self, lines: Sequence[str], at: int, pattern: re.Pattern[str], n_fields: int) -> tuple[int, str, list[str]] | None:
        """The shortest run of several lines that is a record."""
        if not self.quoted_line_ends or not self.quote or self.quote not in lines[at]:
            return None
        text = lines[at]
        for n_lines in range(2, min(LINES_OF_A_RECORD, len(lines) - at) + 1):
            text += "\n" + lines[at + n_lines - 1]
            if len(text) > LONGEST_LINE:
                return None
            record = text.removesuffix("\r")
            if pattern.fullmatch(record) and len(fields := self.split(record)) == n_fields:
                return n_lines, record, fields
        return None

    def _may_go_on(self, lines: Sequence[str], at: int) -> bool:
        return self.quoted_line_ends and bool(self.quote) and self.quote in lines[at] and len(lines) - at < LINES_OF_A_RECORD

    def _why(self, line: str, pattern: re.Pattern[str], n_fields: int) -> str:
        if len(line) > LONGEST_LINE:
            return f"longer than {LONGEST_LINE} characters"
        if "\0" in line:
            return "holds a NUL"
        if "\r" in line:
            return "holds a carriage return that ends no line"
        if not pattern.fullmatch(line):
            return f"the quotes ({self.quote}) are not balanced, or stand inside a bare field"
        return f"{len(self.split(line))} fields where the header has {n_fields}"
