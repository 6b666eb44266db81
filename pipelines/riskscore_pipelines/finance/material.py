"""The book at a date as finance asks about it: who owes what, how old it is, what stands behind it, what was decided."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from riskscore.decisions import Decision, Provenance
from riskscore.insurance import Kind, Register, take_register
from riskscore.phrases import Lang, say
from riskscore.portfolio import Portfolio, take_portfolio
from riskscore.stores.database import open_database
from riskscore.stores.desk import Signed, Told, in_force
from riskscore.stores.ledgers import Book, open_book
from riskscore.stores.workplace import Workplace
from riskscore.tables import Ledger
from riskscore_pipelines.days import day_to_look_at
from riskscore_pipelines.report import recorded_or_decided


@dataclass(frozen=True)
class Standing:
    """The book at the date with the policy in force: the portfolio, whose `by_customer` has a row for every customer."""

    book: Book
    on: date
    signed: Signed
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
    def family_names(self) -> dict[str, str]:
        """Family to the name of its head, or its id where that has none."""
        return {row["family_id"]: row["name"] or row["family_id"] for row in self.portfolio.by_family.to_pylist()}

    @property
    def provenance(self) -> Provenance:
        """What the figures rest on."""
        return self.signed.provenance(self.book, self.on)

    def ledgers(self, told: Told, what: str) -> Iterator[Ledger]:
        """The ledgers of the book's buckets, one after the other."""
        return _buckets(self.book, told, what)

    def register(self, told: Told) -> Register:
        """What stands behind the customers, each kind of security after the policy's haircut."""
        params = self.signed.params
        haircuts: dict[Kind, Any] = {
            "guarantee": params.security_guarantee_haircut,
            "collateral": params.security_collateral_haircut,
            "deposit": params.security_deposit_haircut,
        }
        return take_register(self.ledgers(told, "reading what stands behind customers"), self.on, haircuts)

    def made_with(self, lang: Lang) -> tuple[tuple[str, str], ...]:
        """Digests of what the figures rest on."""
        made = self.provenance
        parts = (("book", made.book), ("model", made.model), ("policy", made.policy), ("code", made.code))
        return tuple((say(f"made_{name}", lang), value) for name, value in parts if value)


@dataclass(frozen=True)
class Accounts(Standing):
    """The book at the date with what was decided about each customer."""

    decisions: Mapping[str, Decision]


def standing_of(workplace: Workplace, book: Path | None, as_of: date | None, *, told: Told, texts: str) -> Standing:
    """The book at the date, with no model asked. Parameters and refusals as of `accounts_of`."""
    opened = open_book(book or workplace.book)
    on = day_to_look_at(opened, as_of)
    signed = in_force(workplace, None, on, model_name=texts)
    return Standing(opened, on, signed, _portfolio(opened, on, signed, told))


def accounts_of(
    workplace: Workplace, book: Path | None, as_of: date | None, *, told: Told, model: str | None, texts: str
) -> Accounts:
    """The book at the date, with the decisions as `riskscore score` recorded them, or decided now and not recorded.

    book: default the working folder's. as_of: default its last day. model: None refers everybody. texts: the folder of grades and
    policy. Raises what opening the book, the texts and the model raise.
    """
    opened = open_book(book or workplace.book)
    on = day_to_look_at(opened, as_of)
    engine = open_database(workplace.database)
    try:
        signed = in_force(workplace, None if model is None else engine, on, model_name=texts)
        decisions = recorded_or_decided(engine, opened, on, signed, told)
    finally:
        engine.dispose()
    by_customer = {decision.customer_id: decision for decision in decisions}
    return Accounts(opened, on, signed, _portfolio(opened, on, signed, told), by_customer)


def _portfolio(book: Book, on: date, signed: Signed, told: Told) -> Portfolio:
    return take_portfolio(_buckets(book, told, "ageing"), on, n_quarters=1, cap=signed.params.concentration_single_buyer)


def _buckets(book: Book, told: Told, what: str) -> Iterator[Ledger]:
    for bucket in book.buckets():
        told(what, bucket, len(book.buckets()))
        yield book.ledger(bucket=bucket)
