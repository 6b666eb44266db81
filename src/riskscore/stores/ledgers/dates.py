"""Dates in the formats a mapping declares, read exactly: no format is tried that was not declared, no value is repaired."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

DATE_MARKS: Sequence[tuple[str, str]] = (
    ("%Y", r"(?P<Y>[0-9]{4})"),
    ("%y", r"(?P<y>[0-9]{2})"),
    ("%-m", r"(?P<m>[0-9]{1,2})"),
    ("%m", r"(?P<m>[0-9]{2})"),
    ("%-d", r"(?P<d>[0-9]{1,2})"),
    ("%d", r"(?P<d>[0-9]{2})"),
    ("%b", r"(?P<b>[A-Za-z]{3})"),
    ("%-H", r"(?P<H>[0-9]{1,2})"),
    ("%H", r"(?P<H>[0-9]{2})"),
    ("%M", r"(?P<M>[0-9]{2})"),
    ("%S", r"(?P<S>[0-9]{2})"),
    ("%f", r"(?P<f>[0-9]{1,9})"),
    ("%z", r"(?P<z>Z|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2})"),
)
"""The marks of a format and what each matches. `%d` is two digits, `%-d` one or two; `%b` is the English month in three
letters."""

NUMBERED = ("excel", "excel_1904")
"""Formats in which a date is a day number, as spreadsheets keep it. A part of a day is its time and is dropped."""

ISO = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S%z", "%Y-%m-%d %H:%M:%S.%f%z")
"""How cells that were dates already (Parquet, workbooks, databases) are handed over."""


@dataclass(frozen=True)
class DateGrammar:
    """The declared formats of one column.

    pivot: the year two-digit years begin with. zone: in which instants without an offset are written. home: the company's
    zone, whose business date is kept. at_clock_change: `bad_date`, or which of the two readings of an ambiguous or skipped
    local time holds.
    """

    formats: tuple[str, ...]
    pivot: int | None = None
    zone: ZoneInfo | None = None
    home: ZoneInfo = field(default=ZoneInfo("UTC"))
    at_clock_change: str = "bad_date"

    def reader(self) -> Callable[[str], date | None]:
        """A function from text to date; None where the text is no date in any declared format, or is two different ones."""
        patterns = [_pattern(text) for text in self.formats if text not in NUMBERED]
        epochs = [text for text in self.formats if text in NUMBERED]

        def read(text: str) -> date | None:
            found = {self._date(match) for pattern in patterns if (match := pattern.fullmatch(text))}
            found |= {from_serial(text, epoch) for epoch in epochs}
            found -= {None}
            return found.pop() if len(found) == 1 else None

        return read

    def _date(self, match: re.Match[str]) -> date | None:
        parts = match.groupdict()
        year = int(parts["Y"]) if "Y" in parts else self._full_year(int(parts["y"]))
        month = MONTHS.index(parts["b"].lower()) + 1 if parts.get("b", "").lower() in MONTHS else int(parts.get("m", 0))
        hour, minute, second = (int(parts.get(key, 0)) for key in "HMS")
        try:
            moment = datetime(year, month, int(parts.get("d", 1)), hour, minute, second)  # noqa: DTZ001 - local until its zone is looked at below
        except ValueError:
            return None
        if "z" in parts:
            return (moment - _offset(parts["z"])).replace(tzinfo=UTC).astimezone(self.home).date()
        if "H" not in parts or self.zone is None or self.zone.key == self.home.key:
            return moment.date()
        return self._business_date(moment, self.zone)

    def _full_year(self, two_digits: int) -> int:
        pivot = self.pivot or 0
        return pivot + (two_digits - pivot) % 100

    def _business_date(self, moment: datetime, zone: ZoneInfo) -> date | None:
        """The date in the company's zone. A local time that occurs twice or never is decided by `at_clock_change`."""
        earlier, later = (moment.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if earlier != later and self.at_clock_change == "bad_date":
            return None
        return (max if self.at_clock_change == "later" else min)(earlier, later).astimezone(self.home).date()


def from_serial(text: str, epoch: str = "excel") -> date | None:
    """The date of a spreadsheet's day number; None where there is none.

    In the 1900 system day 60 is 29 February 1900, a day that never was: it is no date, and the days before it count from one
    day later.
    """
    if not re.fullmatch(r"[0-9]{1,7}(\.[0-9]+)?", text):
        return None
    days = int(text.partition(".")[0])
    if epoch == "excel_1904":
        return _plus(date(1904, 1, 1), days)
    if days in (0, 60):
        return None
    return _plus(date(1899, 12, 31) if days < 60 else date(1899, 12, 30), days)


def _plus(start: date, days: int) -> date | None:
    try:
        return start + timedelta(days=days)
    except OverflowError:
        return None


def _offset(text: str) -> timedelta:
    if text == "Z":
        return timedelta()
    digits = text[1:].replace(":", "")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return -size if text[0] == "-" else size


def _pattern(text: str) -> re.Pattern[str]:
    pattern, rest = "", text
    while rest:
        for mark, matches in DATE_MARKS:
            if rest.startswith(mark):
                pattern, rest = pattern + matches, rest[len(mark) :]
                break
        else:
            pattern, rest = pattern + re.escape(rest[0]), rest[1:]
    return re.compile(pattern)
