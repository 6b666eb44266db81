"""The canonical tables: what a ledger holds, in which unit, known since when; and the `Ledger` that carries them.

Every fact has the date of the event and the day it became known (`known_on`). Money is exact decimal beside its currency.
Ids are text, byte for byte. An empty cell is null and means "not known", never zero.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import narwhals.stable.v2 as nw
import pyarrow as pa

Kind = Literal["id", "text", "code", "date", "money", "decimal", "flag"]

Frame = nw.LazyFrame[Any]
"""Rows of whatever engine holds them, not computed yet."""

MONEY = pa.decimal128(18, 4)
"""Four decimals hold every ISO 4217 currency's minor unit; 18 digits stay inside one 64-bit integer."""

ARROW_TYPES: Mapping[Kind, pa.DataType] = {
    "id": pa.string(),
    "text": pa.string(),
    "code": pa.string(),
    "date": pa.date32(),
    "money": MONEY,
    "decimal": pa.float64(),
    "flag": pa.bool_(),
}


@dataclass(frozen=True)
class Column:
    """One column of a canonical table: its kind, what it means, and whether a row can live without it."""

    name: str
    kind: Kind
    meaning: str
    required: bool = False
    choices: tuple[str, ...] = ()


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
        Column("due_on", "date", "the contractual due date, before it is rolled to a business day", required=True),
        Column("amount", "money", "gross amount in `currency`", required=True),
        Column("currency", "code", "ISO 4217", required=True),
        Column("terms", "code", "the terms code of the ERP"),
        Column("order_id", "id", "the order behind it"),
        Column("due_imputed", "flag", "true where the export held no due date and the terms table gave it"),
        KNOWN_ON,
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
        Column("customer_id", "id", "the customer of that invoice, filled at ingest", required=True),
        Column("kind", "code", "what it is", required=True, choices=("payment", "credit_note", "discount", "write_off")),
        Column("settled_on", "date", "value date of the money or the booking", required=True),
        Column("amount", "money", "in the invoice's currency; positive makes the invoice smaller", required=True),
        KNOWN_ON,
    ),
)
DISPUTES = Table(
    "disputes",
    "Invoices the customer contests. The disputed amount is not lateness while the dispute is open.",
    key=("invoice_id", "opened_on"),
    event_on="opened_on",
    columns=(
        Column("invoice_id", "id", "the contested invoice", required=True),
        Column("customer_id", "id", "the customer of that invoice, filled at ingest", required=True),
        Column("opened_on", "date", "when it was raised", required=True),
        Column("closed_on", "date", "when it was settled; known on that day at the earliest; null while open"),
        Column("amount", "money", "the contested part in the invoice's currency; null means all of it"),
        Column("reason", "code", "why, e.g. shipping, price, quality"),
        KNOWN_ON,
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
        Column("published_on", "date", "the day the accounts became public or arrived", required=True),
        Column("currency", "code", "ISO 4217", required=True),
        *(Column(name, "money", name.replace("_", " ")) for name in STATEMENT_ITEMS),
        KNOWN_ON,
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
        Column("valid_until", "date", "last day it may be used; null means until the next one"),
        KNOWN_ON,
    ),
)
LIMITS = Table(
    "limits",
    "Credit limits granted. The one in force is the last one known.",
    key=("customer_id", "granted_on"),
    event_on="granted_on",
    columns=(
        Column("customer_id", "id", "to whom", required=True),
        Column("amount", "money", "the limit in `currency`", required=True),
        Column("currency", "code", "ISO 4217", required=True),
        Column("terms", "code", "terms granted with it: days, or prepayment"),
        Column("granted_on", "date", "from when", required=True),
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
        Column("amount", "money", "insured limit or value in `currency`", required=True),
        Column("currency", "code", "ISO 4217", required=True),
        Column("cover_share", "decimal", "share of a loss that is paid, 0 to 1; null means all"),
        Column("valid_from", "date", "first day", required=True),
        Column("valid_until", "date", "last day; null means open-ended"),
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
        Column("rate", "decimal", "units of `to_currency` for one of `currency`", required=True),
        Column("rated_on", "date", "the day of the fixing; known that day", required=True),
    ),
)

TABLES: Mapping[str, Table] = {
    table.name: table for table in (CUSTOMERS, INVOICES, SETTLEMENTS, DISPUTES, STATEMENTS, RATINGS, LIMITS, SECURITIES, RATES)
}


@dataclass(frozen=True)
class Ledger:
    """Every canonical table of some customers, as lazy frames of one engine, and what one may do with that engine.

    In the frames a date is a whole day number (days since 1970-01-01, Int32; `day_number` converts), because engines differ in
    date arithmetic; money stays exact decimal; an absent table is there with no rows.

    frames: table name to lazy frame, with the columns of `TABLES[name]` in that order.
    stage: computes a lazy frame once and keeps the rows for the life of the ledger.
    lift: brings rows of ours (Arrow) into the engine.
    reporting_currency: ISO 4217; every sum over customers is in it.
    """

    frames: Mapping[str, Frame]
    stage: Callable[[Frame], Frame]
    lift: Callable[[pa.Table], Frame]
    reporting_currency: str
