"""A mapping: the declared grammar of one ERP's exports, as a value. What it does not say is not guessed."""

import codecs
import hashlib
import tomllib
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from babel.numbers import list_currencies
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from riskscore.errors import UsageRefused
from riskscore.stores.ledgers.dates import DATE_MARKS, NUMBERED
from riskscore.stores.signed_texts import find_text
from riskscore.tables import TABLES

ENCODINGS = frozenset(
    ["ascii", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030", "gbk", "big5", "shift_jis", "cp932", "euc_jp",
    "euc_kr",
     "koi8-r", "mac-roman", "cp437", "cp850", "cp852", "cp866", *(f"cp125{n}" for n in range(9)),
     *(f"iso8859-{n}" for n in (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16))]
)  # fmt: skip
"""Encodings a mapping may declare. ISO 8859-1 is not among them: it accepts any bytes, so it can only hide a mistake (use
cp1252)."""


def _known_encoding(name: str) -> str:
    try:
        normal = codecs.lookup(name).name
    except LookupError:
        normal = ""
    if normal == "iso8859-1":
        raise ValueError(
            "ISO 8859-1 (Latin-1) accepts any bytes, so it could only hide a mistake. Declare cp1252, which has the same letters "
            "and the euro sign"
        )
    if normal not in {codecs.lookup(known).name for known in ENCODINGS}:
        raise ValueError(f"not an encoding that can be declared; there are: {', '.join(sorted(ENCODINGS))}")
    return normal


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("not a time zone of the IANA list, e.g. Europe/Berlin")
    return name


def _known_format(text: str) -> str:
    marks = [mark for mark, _ in DATE_MARKS if mark in text]
    if text not in NUMBERED and not ({"%Y", "%y"} & set(marks) and len(marks) >= 2):
        raise ValueError(
            f"not a date format. Use {', '.join(NUMBERED)} or the marks {' '.join(mark for mark, _ in DATE_MARKS)}, e.g. %d.%m.%Y"
        )
    return text


Zone = Annotated[str, AfterValidator(_known_zone)]
DateFormat = Annotated[str, AfterValidator(_known_format)]
Mark = Annotated[str, Field(min_length=1, max_length=1)]
Negative = Literal["-1", "1-", "(1)"]


class Strict(BaseModel):
    """A part of a signed text: an unknown key or a value of another type is an error."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=True)


class Grammar(Strict):
    """How cells are written. Set under `[defaults]`, changed for one source, or for one column.

    null_tokens: cells that mean "not known". trim: blanks around a cell are not part of it.
    decimal, thousands: the marks in numbers; negative: how a negative number is written; decimals: digits after the mark at most.
    round_floats: decimals to which a floating number of a workbook or a Parquet file is rounded; absent, it must be exact.
    formats: of dates; two_digit_years_from: the year the two-digit years begin with (1970 means 70 is 1970 and 69 is 2069).
    timezone: in which instants are written; absent, in the company's. at_clock_change: what becomes of a local time that the
    change to or from summer time makes impossible or ambiguous.
    """

    null_tokens: list[str] = [""]
    trim: bool = False
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'", "\u00a0", "\u202f", "\u2019"] = ""
    negative: list[Negative] = ["-1"]
    decimals: Annotated[int, Field(ge=0, le=4)] = 2
    round_floats: Annotated[int, Field(ge=0, le=4)] | None = None
    formats: list[DateFormat] = []
    two_digit_years_from: Annotated[int, Field(ge=1900, le=2000)] | None = None
    timezone: Zone | None = None
    at_clock_change: Literal["bad_date", "earlier", "later"] = "bad_date"
    true_tokens: list[str] = ["true"]
    false_tokens: list[str] = ["false"]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands cannot be the same mark")
        if any("%y" in text for text in self.formats) and self.two_digit_years_from is None:
            raise ValueError("a format with %y needs two_digit_years_from")
        return self


class Cell(Grammar):
    """Where the cells of one canonical column come from, and how they are cleaned before they are read.

    column: header in the export; columns and join: several, put together. constant: the same for every row.
    extracted: the day of the extract. optional: the export may lack the column.
    strip_prefix, strip_suffix: removed where present. codes: a table under `[codes]`; a cell that is not in it is out of range.
    times: exact factor, e.g. "0.01" for cents. not_before: a date earlier than that canonical column's is raised to it.
    terms, otherwise_days: for a missing due date, the days of the row's terms code, else that many days.
    """

    column: str | None = None
    columns: list[str] | None = None
    join: str = "/"
    constant: str | None = None
    extracted: bool = False
    optional: bool = False
    strip_prefix: str | None = None
    strip_suffix: str | None = None
    codes: str | None = None
    times: Annotated[Decimal, BeforeValidator(lambda value: Decimal(value) if isinstance(value, str) else value)] | None = None
    not_before: str | None = None
    terms: bool = False
    otherwise_days: int | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        origins = [self.column is not None, self.columns is not None, self.constant is not None, self.extracted]
        if sum(origins) > 1:
            raise ValueError("give one of column, columns, constant, extracted")
        if sum(origins) == 0 and not self.terms and self.otherwise_days is None:
            raise ValueError("give one of column, columns, constant, extracted")
        return self

    @property
    def sources(self) -> tuple[str, ...]:
        """The headers this cell reads."""
        return (self.column,) if self.column is not None else tuple(self.columns or ())


class Choice(Strict):
    """Rows of the export: those whose `column` holds one of `values`, to the letter."""

    column: str
    values: Annotated[list[str], Field(min_length=1)]


class Source(Grammar):
    """One kind of file or query, and the canonical table its rows are.

    files: names or patterns (`invoices_*.csv`), also of a file of which another source reads other rows (`sheet`, `keep`); the
    suffix .csv, .txt, .tsv, .parquet or .xlsx names the format unless `format` does. relation, query: for a database. sheet: of a
    workbook; absent, its only one. skip_lines: lines above the header. same_names: every canonical column is read from the header
    of its own name, where there is one.
    keep, leave_out: only these rows are meant, these are not (a line of totals); the others are counted, not quarantined.
    settlements, customers, disputes: rows derived from the same line (one flat invoice file holds all three).
    """

    table: Literal["customers", "invoices", "settlements", "disputes", "statements", "ratings", "limits", "securities", "rates"]
    files: list[str] = []
    format: Literal["csv", "parquet", "xlsx"] | None = None
    relation: str | None = None
    query: str | None = None
    encoding: Annotated[str, AfterValidator(_known_encoding)] = "utf-8"
    compression: Literal["none", "gzip"] = "none"
    delimiter: Mark = ","
    quote: Annotated[str, Field(max_length=1)] = '"'
    quoted_line_ends: bool = False
    skip_lines: Annotated[int, Field(ge=0)] = 0
    unterminated_last_line: bool = False
    header_only: bool = False
    sheet: str | None = None
    same_names: bool = False
    keep: Choice | None = None
    leave_out: Choice | None = Field(default=None, exclude_if=lambda said: said is None)
    columns: dict[str, Cell] = {}
    settlements: dict[str, Cell] | None = None
    customers: dict[str, Cell] | None = None
    disputes: dict[str, Cell] | None = None

    @model_validator(mode="after")
    def _names(self) -> Self:
        for table, cells in [(self.table, self.columns), *self.derived.items()]:
            if strangers := sorted(set(cells) - set(TABLES[table].names)):
                raise ValueError(f"{table} has no column {', '.join(strangers)}; it has {', '.join(TABLES[table].names)}")
            for name, cell in cells.items():
                if cell.not_before is not None and not self.same_names and cell.not_before not in self.columns:
                    raise ValueError(f"{name} may not be before {cell.not_before}, but that column is not mapped")
        if self.derived and self.table != "invoices":
            raise ValueError("settlements, customers and disputes can be derived from invoices only")
        if self.settlements is not None and "settled_on" not in self.settlements:
            raise ValueError("derived settlements need settled_on")
        if self.disputes is not None and "opened_on" not in self.disputes:
            raise ValueError(
                "derived disputes need opened_on: a flag without its date cannot be placed in time, so it is not read"
            )
        if not self.files and self.relation is None and self.query is None:
            raise ValueError("give files, relation or query")
        if self.delimiter == self.quote:
            raise ValueError("delimiter and quote cannot be the same mark")
        return self

    @property
    def choices(self) -> tuple[Choice, ...]:
        """What is said of which rows are meant."""
        return tuple(said for said in (self.keep, self.leave_out) if said is not None)

    @property
    def derived(self) -> dict[str, dict[str, Cell]]:
        """The derived tables by name, with their cells."""
        parts = {"settlements": self.settlements, "customers": self.customers, "disputes": self.disputes}
        return {name: cells for name, cells in parts.items() if cells is not None}


class Limits(Strict):
    """How much of a delivery may be set aside before nothing of it is published.

    quarantined_rows, quarantined_amount: shares of a table's rows and of its money in one currency.
    amount_shift: how many times the median invoice may move against what the book holds.
    rewritten_past: share of a source's invoices settled or due before of which a delivery may tell another past.
    late_bookings: share of those of them that were open which may turn out to be settled in the month before.
    """

    quarantined_rows: Annotated[float, Field(ge=0, le=1)] = 0.01
    quarantined_amount: Annotated[float, Field(ge=0, le=1)] = 0.005
    amount_shift: Annotated[float, Field(gt=1)] = 10.0
    rewritten_past: Annotated[float, Field(ge=0, le=1)] = 0.02
    late_bookings: Annotated[float, Field(ge=0, le=1)] = 0.5


class FixedRate(Strict):
    """A rate the mapping itself declares: one unit of `currency` is `rate` of `to_currency`, from `rated_on` on."""

    currency: str
    to_currency: str
    rate: str
    rated_on: date


class Mapping(Strict):
    """The grammar of one ERP's exports.

    reporting_currency: every sum over customers is in it. timezone: in which the company's days begin and end.
    extracted_on: the day of the extract, where the command does not say. rate_days: how old a rate may be.
    terms_days: days of each terms code. codes: translation tables, e.g. of countries.
    """

    summary: str
    reporting_currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    timezone: Zone = "UTC"
    extracted_on: date | None = None
    rate_days: Annotated[int, Field(ge=0)] = 100
    limits: Limits = Limits()
    terms_days: dict[str, Annotated[int, Field(ge=0, le=3650)]] = {}
    codes: dict[str, dict[str, str]] = {}
    rates: list[FixedRate] = []
    source: Annotated[list[Source], Field(min_length=1)]

    @model_validator(mode="after")
    def _codes(self) -> Self:
        for source in self.source:
            for cells in (source.columns, *source.derived.values()):
                for name, cell in cells.items():
                    if cell.codes is not None and cell.codes not in self.codes:
                        raise ValueError(f"{name} names the code table {cell.codes}, but there is no [codes.{cell.codes}]")
        return self

    @property
    def digest(self) -> str:
        """SHA-256 over what the mapping says, not over how it is written down.

        Bounds on the past are left out: no row is read otherwise for them, and readings of older books keep their names.
        """
        said = self.model_dump_json(exclude={"limits": {"rewritten_past", "late_bookings"}})
        return hashlib.sha256(said.encode()).hexdigest()

    def in_currency(self, currency: str) -> "Mapping":
        """The same grammar for a book kept in another currency. Raises UsageRefused where it is none."""
        if currency not in list_currencies():
            raise UsageRefused(f"{currency}: not an ISO 4217 currency code. Write it as EUR.")
        return self.model_copy(update={"reporting_currency": currency})

    @property
    def zone(self) -> ZoneInfo:
        """The company's time zone."""
        return ZoneInfo(self.timezone)


def parse(text: str, *, name: str = "mapping") -> Mapping:
    """The mapping written in that TOML. Raises UsageRefused naming the line and the key that cannot be understood."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageRefused(f"{name}: not valid TOML: {error}. Nothing was read.") from error
    try:
        # On their own first, so that a mistake in them is not reported as one of every column that inherits them.
        Source.model_validate({"table": "rates", "files": [""], "same_names": True, **content.get("defaults", {})})
    except ValidationError as error:
        raise _refusal(name, text, error, ["defaults"]) from error
    try:
        return Mapping.model_validate(_spread_defaults(content))
    except ValidationError as error:
        raise _refusal(name, text, error, []) from error


def _refusal(name: str, text: str, error: ValidationError, above: list[str]) -> UsageRefused:
    # The mistake nearest the top is the cause; those below it may only inherit it, and a missing key is often a misspelt one.
    first = min(error.errors(), key=lambda found: (len(found["loc"]), found["type"] == "missing"))
    where = [*above, *first["loc"]]
    key = ".".join(str(part) for part in where) or "the whole"
    more = f" ({error.error_count() - 1} more.)" if error.error_count() > 1 else ""
    what = "unknown key" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
    return UsageRefused(
        f"{name} line {line_of(text, where)}, {key}: {what}.{more} Nothing was read. See docs/how-to/write-a-mapping.md."
    )


def load(name_or_file: str, own: Path | None = None) -> Mapping:
    """The mapping of that name (the company's own before the shipped ones), or in that file. Raises UsageRefused."""
    path = Path(name_or_file) if name_or_file.endswith(".toml") else find_text(f"mappings/{name_or_file}.toml", own)
    try:
        return parse(path.read_text(encoding="utf-8"), name=path.name)
    except OSError as error:
        raise UsageRefused(f"{path}: the mapping cannot be read ({error.strerror}).") from error


def _spread_defaults(content: dict[str, Any]) -> dict[str, Any]:
    """`[defaults]` goes into every source, and a source's grammar into each of its columns, where they say nothing."""
    defaults = content.pop("defaults", {})
    for source in content.get("source", []) if isinstance(content.get("source"), list) else []:
        for key, value in defaults.items():
            source.setdefault(key, value)
        inherited = {key: source[key] for key in Grammar.model_fields if key in source}
        for part in ("columns", "settlements", "customers", "disputes"):
            cells = source.get(part)
            for name, cell in cells.items() if isinstance(cells, dict) else ():
                said = {"column": cell} if isinstance(cell, str) else cell
                cells[name] = {**inherited, **said} if isinstance(said, dict) else said
    return content


def line_of(text: str, where: Sequence[str | int]) -> int:
    """The line of a TOML text that sets the key, or the one that comes nearest: the table it belongs to."""
    wanted = [part for part in where if isinstance(part, str)]
    index = next((part for part in where if isinstance(part, int)), 0)
    best, best_line, header, n_sources = 0, 1, [], -1
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped.startswith("["):
            header = [part.strip().strip("\"'") for part in stripped.split("]")[0].strip("[").split(".")]
            n_sources += stripped.startswith("[[source]]")
            keys = header
        else:
            keys = (
                [*header, *(part.strip().strip("\"'") for part in stripped.split("=")[0].split("."))] if "=" in stripped else []
            )
        if keys[:1] == ["source"] and wanted[:1] == ["source"] and n_sources != index:
            continue
        depth = next(
            (n for n, (key, want) in enumerate(zip(keys, wanted, strict=False)) if key != want), min(len(keys), len(wanted))
        )
        if depth > best and depth == len(keys):
            best, best_line = depth, number
    return best_line
