"""The canonical tables: what a ledger holds, in which unit, known since when, and what makes a row unusable; and the `Ledger`.

Every fact has the date of the event and the day it became known (`known_on`). Money is exact decimal beside its currency.
Ids are text, byte for byte. An empty cell is null and means "not known", never zero.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Kind = Literal["id", "text", "code", "date", "money", "decimal", "flag"]

Frame = nw.LazyFrame[Any]
"""Rows of whatever engine holds them, not computed yet."""

MONEY = pa.decimal128(18, 4)
"""Four decimals hold every ISO 4217 currency's minor unit; 18 digits stay inside one 64-bit integer."""

RATE_DECIMALS = 12
"""Decimals of a rate, a share or another plain number: more are the noise of a float, as in 7.1234000000001."""

ARROW_TYPES: Mapping[Kind, pa.DataType] = {
    "id": pa.string(),
    "text": pa.string(),
    "code": pa.string(),
    "date": pa.date32(),
    "money": MONEY,
    "decimal": pa.float64(),
    "flag": pa.bool_(),
}


EARLIEST, LATEST = date(1900, 1, 1), date(2099, 12, 31)
"""Dates outside are typing errors or stand-ins for "never", which a mapping declares as null."""

REASONS: Mapping[str, str] = {
    "row_shape": "the record has more or fewer fields than the header, or broken quotes, a NUL or a stray carriage return",
    "bad_number": "not a number in the declared grammar: its marks, its sign, or more decimals than there may be (money: as many "
    f"as `decimals` of the mapping says, 2 unless declared, 4 at most; rates and shares: {RATE_DECIMALS}). Nothing is rounded "
    "here: round in the export, or declare `decimals`, or `round_floats` for floats of a workbook, a Parquet file or a database",
    "non_finite": "NaN or infinity",
    "out_of_range": "a number, code or flag outside what the column allows",
    "bad_date": "not a date in the declared formats, or before the date it must follow",
    "date_out_of_range": f"a date before {EARLIEST} or after {LATEST}",
    "future_date": "dated after the day of the extract",
    "bad_currency": "not an ISO 4217 currency code",
    "no_rate": "no exchange rate to the reporting currency was in force on the day the row became known",
    "bad_encoding": "text that is not valid Unicode, or that lost characters before it came here",
    "missing_required": "a cell that may not be empty is empty",
    "conflicting_duplicate": "the same key came with other content; nobody here can say which is right, so none is used",
    "orphan": "names an invoice that is not among the accepted ones",
    "merge_cycle": "a customer that is, through its parents, its own parent",
    "control_char": "a control character inside an id, a code or a text",
}
"""Why a row was set aside: the closed list, with what each means. A public contract."""


@dataclass(frozen=True)
class Column:
    """One column of a canonical table: its kind, what it means, and what its cells may hold.

    required: a row cannot live without it. choices: the only codes allowed. low, high: bounds of a number, both allowed.
    may_lie_ahead: the date may be after the day of the extract. not_before: the column whose date it may not precede.
    filled: not delivered but filled at ingest, so a delivered row is not asked for it.
    fills_later: may come empty first and filled in a later delivery of the same row, without contradicting it.
    """

    name: str
    kind: Kind
    meaning: str
    required: bool = False
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    may_lie_ahead: bool = False
    not_before: str | None = None
    filled: bool = False
    fills_later: bool = False


@dataclass(frozen=True)
class Table:
    """One canonical table. `key` names a row; `event_on` is the date that stands in where `known_on` is missing."""

    name: str
    meaning: str
    key: tuple[str, ...]
    event_on: str
    columns: tuple[Column, ...]

    @property
    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema of the table as the book stores it."""
        return pa.schema([(column.name, ARROW_TYPES[column.kind]) for column in self.columns])

    def column(self, name: str) -> Column:
        """The column of that name. Raises KeyError where the table has none."""
        return {column.name: column for column in self.columns}[name]

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in canonical order."""
        return tuple(column.name for column in self.columns)


KNOWN_ON = Column("known_on", "date", "the day the company could first know this row", required=True)


def _known_from(event: str) -> Column:
    """`known_on` of a fact that cannot be known before it happened."""
    return replace(KNOWN_ON, not_before=event)


def _policy_days(name: str, meaning: str) -> Column:
    """A number of days that a credit-insurance policy sets."""
    return Column(name, "decimal", f"insurance: {meaning}", low=0, high=3650)


STATEMENT_ITEMS = (
    "current_assets", "cash", "inventory", "receivables", "total_assets", "current_liabilities", "total_liabilities",
    "equity", "retained_earnings", "revenue", "cost_of_sales", "ebit", "interest_expense", "net_income",
    "operating_cash_flow", "payables", "intangibles",
)  # fmt: skip
"""Line items of a statement, in the statement's currency and in whole units (not thousands)."""

CUSTOMERS = Table(
    "customers",
    "Who is sold to. A customer may have several rows: the one in force at a date is the last one known by then.",
    key=("customer_id", "known_on"),
    event_on="onboarded_on",
    columns=(
        Column("customer_id", "id", "the customer's id in the ERP", required=True),
        Column("name", "text", "the name on the invoice"),
        Column("legal_form", "code", "legal form as the register writes it, e.g. GmbH, Ltd, sole_trader"),
        Column("is_natural_person", "flag", "true for sole traders and other natural persons; null is treated as unknown"),
        Column("parent_id", "id", "the customer id of the parent company; the top of the chain names the family"),
        Column("industry", "code", "industry code in any one scheme"),
        Column("country", "code", "ISO 3166-1 alpha-2; decides business days"),
        Column("onboarded_on", "date", "the day the account was opened"),
        KNOWN_ON,
    ),
)
INVOICES = Table(
    "invoices",
    "What was billed. A negative amount is a credit note that names no invoice.",
    key=("invoice_id",),
    event_on="issued_on",
    columns=(
        Column("invoice_id", "id", "the invoice number", required=True),
        Column("customer_id", "id", "who owes it", required=True),
        Column("issued_on", "date", "the date of the invoice", required=True),
        Column(
            "due_on",
            "date",
            "the contractual due date, before it is rolled to a business day",
            required=True,
            may_lie_ahead=True,
            not_before="issued_on",
        ),
        Column("amount", "money", "gross amount in `currency`", required=True),
        Column("currency", "code", "ISO 4217", required=True),
        Column("terms", "code", "the terms code of the ERP"),
        Column("order_id", "id", "the order behind it"),
        Column(
            "is_electronic", "flag", "true where it was sent electronically, false on paper, as it was that day; null: not known"
        ),
        Column("due_imputed", "flag", "true where the export held no due date and the terms table gave it"),
        _known_from("issued_on"),
    ),
)
SETTLEMENTS = Table(
    "settlements",
    "What made an invoice smaller: payments, credit notes, discounts, write-offs. Partial and over-payments are rows too.",
    key=("settlement_id",),
    event_on="settled_on",
    columns=(
        Column("settlement_id", "id", "the id of the booking", required=True),
        Column("invoice_id", "id", "the invoice it settles", required=True),
        Column("customer_id", "id", "the customer of that invoice, filled at ingest", required=True, filled=True),
        Column("kind", "code", "what it is", required=True, choices=("payment", "credit_note", "discount", "write_off")),
        Column("settled_on", "date", "value date of the money or the booking", required=True),
        Column("amount", "money", "in the invoice's currency; positive makes the invoice smaller", required=True),
        _known_from("settled_on"),
    ),
)
DISPUTES = Table(
    "disputes",
    "Invoices the customer contests. The disputed amount is not lateness while the dispute is open.",
    key=("invoice_id", "opened_on"),
    event_on="opened_on",
    columns=(
        Column("invoice_id", "id", "the contested invoice", required=True),
        Column("customer_id", "id", "the customer of that invoice, filled at ingest", required=True, filled=True),
        Column("opened_on", "date", "when it was raised", required=True),
        Column(
            "closed_on",
            "date",
            "when it was settled; known on that day at the earliest; null while open",
            not_before="opened_on",
            fills_later=True,
        ),
        Column("amount", "money", "the contested part in the invoice's currency; null means all of it"),
        Column("reason", "code", "why, e.g. shipping, price, quality"),
        _known_from("opened_on"),
    ),
)
STATEMENTS = Table(
    "statements",
    "Annual accounts. Usable from `published_on`, never from the end of the fiscal period.",
    key=("customer_id", "period_end", "published_on"),
    event_on="published_on",
    columns=(
        Column("customer_id", "id", "whose accounts", required=True),
        Column("period_end", "date", "last day of the fiscal year", required=True),
        Column("published_on", "date", "the day the accounts became public or arrived", required=True, not_before="period_end"),
        Column("currency", "code", "ISO 4217", required=True),
        *(Column(name, "money", name.replace("_", " ")) for name in STATEMENT_ITEMS),
        _known_from("published_on"),
    ),
)
RATINGS = Table(
    "ratings",
    "External ratings, one agency's letter at a date.",
    key=("customer_id", "agency", "rated_on"),
    event_on="rated_on",
    columns=(
        Column("customer_id", "id", "who was rated", required=True),
        Column("agency", "code", "who rated", required=True),
        Column("rating", "code", "the agency's own symbol", required=True),
        Column("rated_on", "date", "date of the rating", required=True),
        Column(
            "valid_until",
            "date",
            "last day it may be used; null means until the next one",
            may_lie_ahead=True,
            not_before="rated_on",
        ),
        _known_from("rated_on"),
    ),
)
LIMITS = Table(
    "limits",
    "Credit limits granted. The one in force is the last one known.",
    key=("customer_id", "granted_on"),
    event_on="granted_on",
    columns=(
        Column("customer_id", "id", "to whom", required=True),
        Column("amount", "money", "the limit in `currency`", required=True, low=0),
        Column("currency", "code", "ISO 4217", required=True),
        Column("terms", "code", "terms granted with it: days, or prepayment"),
        Column("granted_on", "date", "from when", required=True, may_lie_ahead=True),
        KNOWN_ON,
    ),
)
SECURITIES = Table(
    "securities",
    "What stands behind a customer: credit insurance, guarantees, collateral, deposits.",
    key=("customer_id", "kind", "valid_from"),
    event_on="valid_from",
    columns=(
        Column("customer_id", "id", "for whose debt", required=True),
        Column("kind", "code", "what it is", required=True, choices=("insurance", "guarantee", "collateral", "deposit")),
        Column("amount", "money", "insured limit or value in `currency`", required=True, low=0),
        Column("currency", "code", "ISO 4217", required=True),
        Column("cover_share", "decimal", "share of a loss that is paid, 0 to 1; null means 0.90 of insurance", low=0, high=1),
        Column("valid_from", "date", "first day", required=True, may_lie_ahead=True),
        Column("valid_until", "date", "last day; null means open-ended", may_lie_ahead=True, not_before="valid_from"),
        Column("provider", "text", "who stands for it: the insurer, the bank, the guarantor"),
        Column("deductible", "money", "insurance: borne first in every claim, in `currency`; null means nothing", low=0),
        _policy_days("waiting_days", "after so many days past due not paying is a claim; null means 90"),
        _policy_days("notice_days", "an overdue invoice must be notified by so many days past due; null means not known"),
        _policy_days("hand_over_days", "and handed over for collection by so many; null means not known"),
        _policy_days("max_extension_days", "a due date may be put off so long without asking; null means not known"),
        _policy_days("longest_terms_days", "a delivery on longer terms is not covered; null means not known"),
        KNOWN_ON,
    ),
)
RATES = Table(
    "rates",
    "Exchange rates: one unit of `currency` is `rate` units of `to_currency` from `rated_on` on.",
    key=("currency", "to_currency", "rated_on"),
    event_on="rated_on",
    columns=(
        Column("currency", "code", "ISO 4217, from", required=True),
        Column("to_currency", "code", "ISO 4217, to", required=True),
        Column("rate", "decimal", "units of `to_currency` for one of `currency`", required=True, low=1e-9, high=1e9),
        Column("rated_on", "date", "the day of the fixing; known that day", required=True),
    ),
)

TABLES: Mapping[str, Table] = {
    table.name: table for table in (CUSTOMERS, INVOICES, SETTLEMENTS, DISPUTES, STATEMENTS, RATINGS, LIMITS, SECURITIES, RATES)
}


Step = Callable[..., Frame]
"""Frames in, one lazy frame out."""

DRAWN: set[Step] = set()
"""The steps that were declared to draw every row from their first frame."""


def drawn(step: Step) -> Step:
    """Declare that a step draws every row from its first frame: of no rows it makes none, so an engine need not ask it."""
    DRAWN.add(step)
    return step


Prepare = Callable[..., Frame]
"""Called with a step and its frames."""


def rows_of(frame: Frame) -> pa.Table:
    """The rows of a frame, computed by its engine."""
    rows: pa.Table = frame.collect("pyarrow").to_native()
    return rows


@dataclass(frozen=True)
class Ledger:
    """Every canonical table of some customers, as lazy frames of one engine, and what one may do with that engine.

    In the frames a date is a whole day number (days since 1970-01-01, Int32; `day_number` converts), because engines differ in
    date arithmetic; money stays exact decimal; an absent table is there with no rows.

    frames: table name to lazy frame, with the columns of `TABLES[name]` in that order.
    stage: computes a lazy frame once and keeps the rows for the life of the ledger.
    lift: brings rows of ours (Arrow) into the engine.
    reporting_currency: ISO 4217; every sum over customers is in it.
    prepare: what a step makes of frames that were computed already. An engine may keep the plan of a step and ask it again of
    other rows, so a step is one and the same function however often it is named, and reads nothing but its frames.
    rows: the rows of a frame, as Arrow; an engine that computed them already has them at hand.
    aside: the same rows on an engine that is quicker for a few customers, where this one is made for many.
    """

    frames: Mapping[str, Frame]
    stage: Callable[[Frame], Frame]
    lift: Callable[[pa.Table], Frame]
    reporting_currency: str
    prepare: Prepare = lambda step, *frames: step(*frames)
    rows: Callable[[Frame], pa.Table] = rows_of
    aside: Callable[["Ledger"], "Ledger"] = lambda ledger: ledger


def validate(table: Table, rows: pa.Table, *, today: date) -> pa.Table:
    """What is wrong with each row of canonical columns, taken by itself: `column` and `reason`, null where nothing is.

    rows: typed as `table.arrow_schema`; columns that are filled at ingest may be absent. Only the first fault of a row is named,
    in the order of the columns. today: the day of the extract; an event dated later is a fault.
    What can only be seen beside other rows (duplicates, orphans, rates) is not judged here.
    """
    broken = np.zeros(rows.num_rows, dtype=bool)
    column_of = np.full(rows.num_rows, None, dtype=object)
    reason_of = np.full(rows.num_rows, None, dtype=object)
    for column in table.columns:
        if column.filled and column.name not in rows.column_names:
            continue
        for reason, faults in _faults(column, rows, today):
            new = pc.fill_null(faults, False).to_numpy(zero_copy_only=False) & ~broken
            column_of[new], reason_of[new] = column.name, reason
            broken |= new
    return pa.table({"column": pa.array(column_of, pa.string()), "reason": pa.array(reason_of, pa.string())})


def _faults(column: Column, rows: pa.Table, today: date) -> list[tuple[str, Any]]:
    cells = rows[column.name].combine_chunks()
    faults: list[tuple[str, Any]] = []
    if column.required:
        faults.append(("missing_required", pc.is_null(cells)))
    if column.choices:
        faults.append(("out_of_range", pc.invert(pc.is_in(cells, pa.array(column.choices)))))
    if column.low is not None:
        faults.append(("out_of_range", pc.less(pc.cast(cells, pa.float64()), column.low)))
    if column.high is not None:
        faults.append(("out_of_range", pc.greater(pc.cast(cells, pa.float64()), column.high)))
    if column.kind == "date":
        faults.append(("date_out_of_range", pc.or_kleene(pc.less(cells, EARLIEST), pc.greater(cells, LATEST))))
        if not column.may_lie_ahead:
            faults.append(("future_date", pc.greater(cells, today)))
        if column.not_before:
            faults.append(("bad_date", pc.less(cells, rows[column.not_before].combine_chunks())))
    return faults
