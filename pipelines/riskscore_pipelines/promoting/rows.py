"""The rows that two models are compared on, taken from a book: after both trainings where there are any, else walking forward."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskscore import positions
from riskscore.evaluation.metrics import Floats
from riskscore.grades import Grades
from riskscore.model import Model
from riskscore.model.rows import Rows
from riskscore.model.value import Speaker
from riskscore.policy import Params
from riskscore.promotion import Evidence, GateTerms, Trades, earned
from riskscore.recipe import Recipe
from riskscore.scoring import receivables_of
from riskscore.scoring.customer import case_of
from riskscore.snapshot import customers_known_at, month_ends, take_snapshot
from riskscore.stores.desk import Told
from riskscore.stores.ledgers import Book
from riskscore.stores.models.judged import NO_INVOICES, JudgedInvoices, pseudonyms
from riskscore.training import gather
from riskscore.training.gathering import EPOCH, Gathered
from riskscore_pipelines.train import BookLedgers

Basis = Literal["after_both", "walk_forward"]
"""Which rows: those after the last fact of either training; or those judged while training, each before its outcome was known."""

Judged = Mapping[tuple[str, int], float]
SIZES = ("small", "middle", "large")
NOT_KNOWN = "?"


@dataclass(frozen=True)
class Compared:
    """The evidence, what kind it is, and how many matured rows could not be used because a model had seen their outcome.

    frame: the features of the rows, in their order. newcomers: the matured rows of customers without a settled invoice.
    """

    evidence: Evidence
    basis: Basis
    n_left_out: int
    frame: pa.Table
    newcomers: Rows


@dataclass(frozen=True)
class Side:
    """A model, and what its training said of the months it was judged on: of customers, of newcomers and of invoices.

    What its run does not keep is empty: it was made by an earlier version of the program.
    """

    model: Model
    judged: Judged
    newcomers: Judged = field(default_factory=dict)
    invoices: JudgedInvoices = NO_INVOICES

    @property
    def trained_until(self) -> int:
        """The last day it learned from, as days since 1970-01-01."""
        return (date.fromisoformat(self.model.trained_until) - EPOCH).days


def rows_to_compare(
    book: Book,
    champion: Side,
    challenger: Side,
    recipe: Recipe,
    *,
    terms: GateTerms,
    grades: Grades,
    params: Params,
    told: Told,
) -> Compared:
    """The evidence of a book. recipe: the challenger's, for the outcome and the dates.

    Rows after both trainings' last day are taken where they hold enough customers: there both models answer as they would have.
    Otherwise the challenger answers as it did while it was judged, each month by a model of that time; the champion does so too,
    or, on rows after its own last day, as it is. Raises TooFewEvents where the book has no matured row.
    """
    gathered = _matured(book, recipe, since=min([challenger.trained_until, *(day for _, day in challenger.judged)]), told=told)
    rows = gathered.rows
    after = rows.days >= max(champion.trained_until, challenger.trained_until)
    fresh = rows.take(after)
    enough = fresh.n_customers >= terms.better.customers and (fresh.n_customers_with_event >= terms.better.customers_with_event)
    if len(fresh) and enough:
        basis: Basis = "after_both"
        kept, said = fresh, tuple(answers_of(side.model, fresh.features) for side in (champion, challenger))
    else:
        basis = "walk_forward"
        keys = list(zip(pseudonyms(rows.features["customer_id"].to_pylist()), rows.days.tolist(), strict=True))
        new = np.array([challenger.judged.get(key, np.nan) for key in keys])
        old = np.array([champion.judged.get(key, np.nan) for key in keys])
        later = rows.days >= champion.trained_until
        if later.any():
            old[later] = answers_of(champion.model, rows.take(later).features)
        known = ~np.isnan(new) & ~np.isnan(old)
        kept, said = rows.take(known), (old[known], new[known])
    evidence = _evidence(book, kept, *said, grades=grades, params=params, told=told)
    return Compared(evidence, basis, len(rows) - len(kept), kept.features, gathered.newcomers)


def _matured(book: Book, recipe: Recipe, *, since: int, told: Told) -> Gathered:
    """Features and outcomes at the month ends from a day on whose outcome window the book covers."""
    until = book.last_known_on
    closed = EPOCH.fromordinal(until.toordinal() - recipe.outcome.horizon_days)
    opened = EPOCH.fromordinal(EPOCH.toordinal() + since)
    n_months = max(len(month_ends(opened, closed)), 1) if opened <= closed else 1
    wanted = recipe.model_copy(update={"cuts": recipe.cuts.model_copy(update={"months": n_months})})
    return gather(BookLedgers(book), wanted, until=until, progress=told)


def answers_of(model: Speaker, frame: pa.Table) -> Floats:
    """The probability of every row, as a model says it now."""
    return model.probability(model.log_odds(frame)).pd


def _evidence(
    book: Book, rows: Rows, champion: Floats, challenger: Floats, *, grades: Grades, params: Params, told: Told
) -> Evidence:
    standing = _standing(book, rows, told)
    # Caps that depend on the rest of the book are left out of the comparison, so nobody's receivables are needed.
    nobody = receivables_of([])
    trades = Trades.of([case_of(row, grades, params, nobody) for row in standing], params)
    money = tuple(earned(trades, pd, rows.outcome, grades, params) for pd in (champion, challenger))
    numbered = np.unique(rows.customers, return_inverse=True)[1].astype(np.int64)
    return Evidence(
        customers=numbered,
        days=rows.days,
        outcome=rows.outcome,
        champion=champion,
        challenger=challenger,
        earned_by_champion=money[0],
        earned_by_challenger=money[1],
        segments=_segments(rows, standing),
    )


def _standing(book: Book, rows: Rows, told: Told) -> list[dict[str, Any]]:
    """Positions of every row at its date, in the order of the rows."""
    keys = rows.features.select(["customer_id", "as_of"])
    found: dict[tuple[str, date], dict[str, Any]] = {}
    buckets = book.buckets()
    for number, bucket in enumerate(buckets):
        told("what stood at those dates", number, len(buckets))
        ledger = book.ledger(bucket=bucket)
        here = customers_known_at(ledger, book.last_known_on)["customer_id"]
        wanted = keys.filter(pc.is_in(keys["customer_id"], value_set=pa.array(here.to_pylist(), pa.string())))
        if wanted.num_rows:
            for row in positions.compute(take_snapshot(ledger, wanted)).to_pylist():
                found[row["customer_id"], row["as_of"]] = row
    told("what stood at those dates", len(buckets), len(buckets))
    return [found[row["customer_id"], row["as_of"]] for row in keys.to_pylist()]


def _segments(rows: Rows, standing: list[dict[str, Any]]) -> dict[str, list[str]]:
    def texts(values: list[Any]) -> list[str]:
        return [NOT_KNOWN if value is None else str(value) for value in values]

    billed = rows.features["billed_365d"].to_numpy()
    known = billed[~np.isnan(billed)]
    edges = np.quantile(known, [1 / 3, 2 / 3]) if len(known) else np.array([0.0, 0.0])
    size = [NOT_KNOWN if np.isnan(each) else SIZES[int(np.searchsorted(edges, each))] for each in billed]
    people = {True: "person", False: "company", None: NOT_KNOWN}
    return {
        "country": texts(rows.features["country"].to_pylist()),
        "industry": texts(rows.features["industry"].to_pylist()),
        "size": size,
        "history": texts([row["data_depth"] for row in standing]),
        "legal_person": [people[row["is_natural_person"]] for row in standing],
    }
