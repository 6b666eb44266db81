"""From a book and the approved model to its open invoices with their days of payment, and the cash of the weeks ahead."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskscore.errors import ModelRefused
from riskscore.hazard import Lately, cases_of, from_part, paid_lately, usual_invoices
from riskscore.hazard.cash import WEEK, Weeks, cash_in, paid_by_week
from riskscore.hazard.readouts import by_terms, of_invoices
from riskscore.snapshot import customers_known_at, take_histories, take_open_items
from riskscore.stores.database import open_database
from riskscore.stores.ledgers import Book, open_book
from riskscore.stores.ledgers.reception import Progress as Told
from riskscore.stores.models import load_approved
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.days import day_to_look_at

SEED = 1
"""Of the draws behind the ranges: the same book gives the same figures."""


@dataclass(frozen=True)
class Forecast:
    """What a book's open invoices will bring.

    on: the date; the first week begins the day after. invoices, terms: see `riskscore.hazard.readouts`, `of_invoices` and
    `by_terms`; terms is null where not asked for. weeks: by currency. opened: open and not disputed, by currency, in whole units.
    """

    on: date
    model_digest: str
    book_digest: str
    invoices: pa.Table
    terms: pa.Table | None
    weeks: Mapping[str, Weeks]
    opened: Mapping[str, float]

    def week_ends(self) -> list[date]:
        """The last day of each week ahead."""
        n = max((len(each.mean) for each in self.weeks.values()), default=0)
        return [self.on + timedelta(days=WEEK * week) for week in range(1, n + 1)]

    def as_json(self) -> dict[str, Any]:
        """The cash table for programs."""
        return {
            "as_of": self.on.isoformat(),
            "model_digest": self.model_digest,
            "book_digest": self.book_digest,
            "open_invoices": self.invoices.num_rows,
            "open": {currency: round(amount, 2) for currency, amount in self.opened.items()},
            "weeks": {
                currency: [
                    {"to": end.isoformat(), **{name: round(float(getattr(weeks, name)[at]), 2) for name in FIGURES}}
                    for at, end in enumerate(self.week_ends())
                ]
                for currency, weeks in self.weeks.items()
            },
        }


FIGURES = ("mean", "p10", "p50", "p90")


def forecast_book(
    workplace: Workplace,
    folder: Any,
    *,
    as_of: date | None,
    n_weeks: int,
    with_terms: bool = False,
    model: str = "late_payment",
    told: Told,
) -> Forecast:
    """The forecast of a book at a date (default: its last known day), on what was known by then.

    with_terms: also how long each customer takes on its usual terms; that takes about as long again.
    Raises ModelRefused where no model is approved, or the approved one was trained before hazards travelled with models.
    """
    book = open_book(folder)
    on = day_to_look_at(book, as_of)
    engine = open_database(workplace.database)
    try:
        approved = load_approved(workplace, engine, model)
    finally:
        engine.dispose()
    hazard = from_part(approved.part("hazard"))
    if hazard is None:
        raise ModelRefused(
            "the approved model holds no payment hazard: it was trained by an older version. Train again, promote and approve."
        )
    lately = _lately(book, hazard.follows_days, on, told)
    invoices, terms, paid_by = [], [], []
    for bucket in book.buckets():
        told("open invoices", bucket, len(book.buckets()))
        ledger = book.ledger(bucket=bucket)
        known = take_open_items(ledger, customers_known_at(ledger, on))
        cases = cases_of(ledger, known)
        curves = hazard.curves(cases, lately)
        invoices.append(of_invoices(cases, curves))
        paid_by.append(paid_by_week(curves, n_weeks))
        if with_terms:
            usual = usual_invoices(known, cases, book.reporting_currency)
            terms.append(by_terms(usual, hazard.curves(usual.cases, lately)))
    told("weeks ahead", 0, 1)
    table = pa.concat_tables(invoices)
    order = pc.sort_indices(table, sort_keys=[("customer_id", "ascending"), ("invoice_id", "ascending")])
    chances = np.concatenate(paid_by)[order.to_numpy()]
    table = table.take(order)
    weeks, opened = _weeks(table, chances)
    by_customer = None
    if with_terms:
        by_customer = pa.concat_tables(terms).sort_by([("customer_id", "ascending"), ("terms_days", "ascending")])
    return Forecast(on, approved.digest, book.digest, table, by_customer, weeks, opened)


def _lately(book: Book, days: int | None, on: date, told: Told) -> Lately | None:
    """How the whole book was paid in so many days before the date; null where the hazard does not ask."""
    if days is None:
        return None
    found = Lately(0.0, 0.0)
    for bucket in book.buckets():
        told("how the book was paid lately", bucket, len(book.buckets()))
        ledger = book.ledger(bucket=bucket)
        found += paid_lately(take_histories(ledger, customers_known_at(ledger, on)), on, days)
    return found


def _weeks(invoices: pa.Table, chances: Any) -> tuple[dict[str, Weeks], dict[str, float]]:
    currencies = np.asarray(invoices["currency"].to_pylist(), dtype=object)
    amounts = invoices["open"].cast(pa.float64()).to_numpy()
    customers = np.unique(np.asarray(invoices["customer_id"].to_pylist(), dtype=object), return_inverse=True)[1]
    weeks, opened = {}, {}
    for currency in sorted(set(currencies.tolist())):
        mine = currencies == currency
        weeks[currency] = cash_in(amounts[mine], customers[mine].astype(np.int64), chances[mine], seed=SEED)
        opened[currency] = float(amounts[mine].sum())
    return weeks, opened
