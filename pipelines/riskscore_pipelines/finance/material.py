"""The book at a date as finance asks about it: who owes what, how old it is, and what was decided about each customer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from riskscore.decisions import Decision, Provenance
from riskscore.phrases import Lang, say
from riskscore.portfolio import Portfolio, take_portfolio
from riskscore.stores.database import open_database
from riskscore.stores.desk import Signed, Told, in_force
from riskscore.stores.ledgers import Book, open_book
from riskscore.stores.workplace import Workplace
from riskscore.tables import Ledger
from riskscore_pipelines.report import recorded_or_decided

ZERO = Decimal(0)


@dataclass(frozen=True)
class Accounts:
    """The book at the date: decisions by customer, and the portfolio, whose `by_customer` has a row for each of them."""

    book: Book
    on: date
    signed: Signed
    decisions: Mapping[str, Decision]
    portfolio: Portfolio

    @property
    def currency(self) -> str:
        """The reporting currency, that of every amount."""
        return self.book.reporting_currency

    @property
    def customers(self) -> list[dict[str, Any]]:
        """Customer, name, family, industry, country and open money by bucket, largest balance first."""
        rows: list[dict[str, Any]] = self.portfolio.by_customer.to_pylist()
        return rows

    @property
    def provenance(self) -> Provenance:
        """What the decisions were made with."""
        return self.signed.provenance(self.book, self.on)

    def ledgers(self, told: Told, what: str) -> Iterator[Ledger]:
        """The ledgers of the book's buckets, one after the other."""
        for bucket in self.book.buckets():
            told(what, bucket, len(self.book.buckets()))
            yield self.book.ledger(bucket=bucket)

    def made_with(self, lang: Lang) -> tuple[tuple[str, str], ...]:
        """Digests of what the figures rest on."""
        made = self.provenance
        parts = (("book", made.book), ("model", made.model), ("policy", made.policy), ("run", made.run_id), ("code", made.code))
        return tuple((say(f"made_{name}", lang), value) for name, value in parts if value)


def accounts_of(
    workplace: Workplace, book: Path | None, as_of: date | None, *, told: Told, model: str | None, texts: str
) -> Accounts:
    """The book at the date, with the decisions as `riskscore score` recorded them, or decided now and not recorded.

    book: default the working folder's. as_of: default its last day. model: None refers everybody. texts: the folder of grades and
    policy. Raises what opening the book, the texts and the model raise.
    """
    opened = open_book(book or workplace.book)
    on = as_of or opened.last_known_on
    engine = open_database(workplace.database)
    try:
        signed = in_force(workplace, None if model is None else engine, on, model_name=texts)
        decisions = recorded_or_decided(engine, opened, on, signed, told)
    finally:
        engine.dispose()
    told("ageing", 0, None)
    portfolio = take_portfolio(
        (opened.ledger(bucket=bucket) for bucket in opened.buckets()),
        on,
        n_quarters=1,
        cap=signed.params.concentration_single_buyer,
    )
    return Accounts(opened, on, signed, {decision.customer_id: decision for decision in decisions}, portfolio)
