"""What may be asked: a customer of the book, or an applicant with what it says about itself. Strict: nothing unknown passes."""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Self

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema, model_validator

from riskscore.decisions import Asked
from riskscore.scoring import Application
from riskscore.tables import EARLIEST, LATEST

AMOUNT = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,2})?")
LARGEST = 10**12

EXAMPLES: dict[str, Any] = {
    "a customer of the book": {"summary": "a customer of the book", "value": {"customer_id": "0000100007"}},
    "an applicant, as little as there may be": {
        "summary": "an applicant, as little as there may be",
        "value": {"applicant": {"name": "Beispiel GmbH", "country": "DE"}, "requested": {"limit": "25000"}},
    },
    "an applicant with accounts": {
        "summary": "an applicant with accounts",
        "value": {
            "applicant": {
                "name": "Beispiel GmbH", "country": "DE", "legal_form": "GmbH", "is_natural_person": False, "industry": "C25",
                "founded_on": "2011-04-01",
            },
            "statements": [
                {
                    "period_end": "2025-12-31", "published_on": "2026-04-15", "revenue": "4200000", "total_assets": "2900000",
                    "equity": "910000", "current_assets": "1500000", "current_liabilities": "800000", "ebit": "310000",
                }
            ],
            "ratings": [{"agency": "example", "rating": "BBB", "rated_on": "2026-02-01"}],
            "references": [{"n_invoices": 24, "average_days_late": 3.5, "highest_balance": "60000"}],
            "requested": {"limit": "50000", "terms": 30, "expected_monthly_purchases": "40000"},
        },
    },
}  # fmt: skip


def exact_amount(value: object) -> Decimal:
    """Money as exact text or as a whole number; a fraction in binary is no money."""
    if isinstance(value, str) and AMOUNT.fullmatch(value):
        return Decimal(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and value == int(value) and abs(value) <= LARGEST:
        return Decimal(int(value))
    raise ValueError("money")


def shown_amount(low: int) -> WithJsonSchema:
    """Such money in the document, from `low` on."""
    sign = "-?" if low < 0 else ""
    whole = {"type": "integer", "minimum": low, "maximum": LARGEST - 1}
    text = {"type": "string", "pattern": rf"^{sign}[0-9]{{1,12}}(\.[0-9]{{1,2}})?$"}
    return WithJsonSchema({"anyOf": [whole, text], "description": "money: exact text, or a whole number"})


Amount = Annotated[Decimal, BeforeValidator(exact_amount), Field(ge=0, lt=LARGEST), shown_amount(0)]
SignedAmount = Annotated[Decimal, BeforeValidator(exact_amount), Field(gt=-LARGEST, lt=LARGEST), shown_amount(-LARGEST + 1)]
Day = Annotated[date, Field(ge=EARLIEST, le=LATEST)]
PRINTED = r"^[^\x00-\x1f\x7f]+$"
Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=PRINTED)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=PRINTED)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class Given(BaseModel):
    """A part of a request."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Applicant(Given):
    """Who applies. Nothing but name and country is required; what is missing lowers the data depth."""

    name: Text
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = Field(description="ISO 3166-1 alpha-2")
    legal_form: Code | None = Field(None, description="as the register writes it, e.g. GmbH, Ltd, sole_trader")
    is_natural_person: bool | None = None
    industry: Code | None = None
    founded_on: Day | None = None


class Statement(Given):
    """One year's accounts, in whole units. Every line item may be absent: not known is not zero."""

    period_end: Day = Field(description="last day of the fiscal year")
    published_on: Day | None = Field(None, description="the day the accounts became known; absent: with this request")
    currency: Currency | None = Field(None, description="must be the currency of the book; absent: that one")
    current_assets: SignedAmount | None = None
    cash: SignedAmount | None = None
    inventory: SignedAmount | None = None
    receivables: SignedAmount | None = None
    total_assets: SignedAmount | None = None
    current_liabilities: SignedAmount | None = None
    total_liabilities: SignedAmount | None = None
    equity: SignedAmount | None = None
    retained_earnings: SignedAmount | None = None
    revenue: SignedAmount | None = None
    cost_of_sales: SignedAmount | None = None
    ebit: SignedAmount | None = None
    interest_expense: SignedAmount | None = None
    net_income: SignedAmount | None = None
    operating_cash_flow: SignedAmount | None = None
    payables: SignedAmount | None = None
    intangibles: SignedAmount | None = None


class Rating(Given):
    """An external rating."""

    agency: Code
    rating: Code
    rated_on: Day
    valid_until: Day | None = None


class Reference(Given):
    """What another supplier says; shown to whoever looks at the application, never computed with."""

    n_invoices: Annotated[int, Field(ge=0, le=1_000_000)]
    average_days_late: Annotated[float, Field(ge=-365, le=3650)] | None = None
    highest_balance: Amount | None = None


class Requested(Given):
    """What is asked for."""

    limit: Amount
    currency: Currency | None = Field(None, description="must be the currency of the book; absent: that one")
    terms: Annotated[int, Field(ge=0, le=365)] | None = Field(None, description="days of credit; absent: any")
    expected_monthly_purchases: Amount | None = None


class Wanted(Given):
    """A customer of the book by `customer_id`, or an `applicant` with what is `requested`; never both."""

    customer_id: Text | None = None
    applicant: Applicant | None = None
    statements: Annotated[tuple[Statement, ...], Field(max_length=20, strict=False)] = ()
    ratings: Annotated[tuple[Rating, ...], Field(max_length=20, strict=False)] = ()
    references: Annotated[tuple[Reference, ...], Field(max_length=20, strict=False)] = ()
    requested: Requested | None = None
    as_of: Day | None = Field(None, description="must be the date this server answers for; absent: that one")

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        said = self.applicant or self.statements or self.ratings or self.references or self.requested
        if self.customer_id is not None and said:
            raise ValueError("a customer of the book needs nothing besides")
        if self.customer_id is None and (self.applicant is None or self.requested is None):
            raise ValueError("neither a customer nor an applicant with a request")
        return self

    def application(self, applicant_id: str) -> Application:
        """What the applicant says, as the core takes it."""
        assert self.applicant is not None
        assert self.requested is not None
        who, asked = self.applicant, self.requested
        return Application(
            applicant_id=applicant_id,
            country=who.country,
            legal_form=who.legal_form,
            is_natural_person=who.is_natural_person,
            industry=who.industry,
            statements=[each.model_dump() for each in self.statements],
            ratings=[each.model_dump() for each in self.ratings],
            monthly_purchases=asked.expected_monthly_purchases,
            asked=Asked(asked.limit, asked.terms),
        )

    def lacking(self) -> Iterator[str]:
        """What an applicant left out that would make the answer surer: codes of `riskscore.verdicts.WOULD_HELP`."""
        if self.applicant is None or self.requested is None:
            return
        if not self.ratings:
            yield "rating"
        if not self.references:
            yield "references"
        if self.requested.expected_monthly_purchases is None:
            yield "purchases"
        if self.applicant.industry is None:
            yield "industry"


def in_book_terms(wanted: Wanted, on: date, currency: str) -> Wanted:
    """The request with the book's currency and date where it names none.

    Raises RequestValidationError where it names others, or dates after the date or in the wrong order.
    """
    faults: list[tuple[tuple[str | int, ...], str]] = []
    if wanted.as_of not in {None, on}:
        faults.append((("as_of",), "not_the_date_of_the_book"))
    if wanted.requested is not None and wanted.requested.currency not in {None, currency}:
        faults.append((("requested", "currency"), "not_the_currency_of_the_book"))
    statements = tuple(
        each.model_copy(update={"published_on": each.published_on or on, "currency": each.currency or currency})
        for each in wanted.statements
    )
    faults += [
        (("statements", place, "published_on"), "date_order")
        for place, each in enumerate(statements)
        if not each.period_end <= (each.published_on or on) <= on
    ]
    faults += [(("ratings", place, "rated_on"), "date_order") for place, each in enumerate(wanted.ratings) if each.rated_on > on]
    faults += [
        (("statements", place, "currency"), "no_rate")
        for place, each in enumerate(statements)
        if each.currency != currency
    ]  # fmt: skip
    if faults:
        raise RequestValidationError([{"loc": ("body", *where), "type": why} for where, why in faults])
    return wanted.model_copy(update={"statements": statements}) if statements else wanted
