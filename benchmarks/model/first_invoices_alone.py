"""First invoices by a model of their own: late at all or not, asked directly, as a yardstick for the payment hazard.

The same code as the model of newcomers (`riskscore.model.cold.fit_standalone`) on rows of invoices: what is known of a customer
before its first payment, and of the invoice its amount, terms and due date. It learns from a sample of everybody's invoices whose
due date was over and from all those of customers in their first year, blind to the customer's payments. It reads one thing that
the hazard does not: of all invoices due in the 45 days before, the share that was late.
"""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.special import expit

from model.first_invoices import BLOCKS, QUARTER, Judged
from riskscore import features
from riskscore.features import CATALOGUE
from riskscore.hazard import two_years
from riskscore.hazard.two_years import TWO_YEARS
from riskscore.model.cold import fit_standalone
from riskscore.model.formula import Formula
from riskscore.model.rows import Rows
from riskscore.model.value import read_columns
from riskscore.recipe import ColdTerms, Recipe
from riskscore.simulation import World
from riskscore.simulation.oracle import odds_at_issue
from riskscore.snapshot import take_snapshot
from riskscore.stores.engines import ledger_of

EPOCH = date(1970, 1, 1)
SAMPLE = 24_000
YOUNG_DAYS = 365
RECENT = 45


class Trait:
    """A column of an invoice as fitting reads it."""

    def __init__(self, name: str, kind: str = "number") -> None:
        self.name, self.kind, self.risk = name, kind, "none"


TRAITS = (
    Trait("amount_log"),
    Trait("terms_days"),
    Trait("book_late_share"),
    Trait("due_weekday", "category"),
    Trait("due_day", "category"),
    Trait("due_month", "category"),
)
"""What is known of an invoice on the day it is issued; `book_late_share`: of all invoices due in the 45 days before."""


def by_a_model_of_their_own(world: World, signed: Recipe) -> Judged:
    """The first invoices of customers that joined, each judged by a model of what was known before its quarter."""
    odds = odds_at_issue(world, lateness=(0,))
    late, limit = odds.realised[:, 0], odds.filtered[:, 0]
    billing, calendar = world.truth.billing, world.truth.calendar
    issued, due, who = billing.issued[odds.invoice], billing.rolled_due[odds.invoice], billing.customer[odds.invoice]
    order = np.lexsort((odds.invoice, issued, who))
    cold = np.zeros(len(who), dtype=bool)
    cold[order[np.append(True, np.diff(who[order]) != 0)]] = True
    joined, known = world.truth.people.joined_month[who], ~np.isnan(late)
    cold &= (joined > 0) & known
    sampled = np.random.default_rng(world.seed).permutation(np.flatnonzero(known))[:SAMPLE]
    young = known & (joined > 0) & (issued - calendar.month_starts[joined] < YOUNG_DAYS)
    kept = np.unique(np.concatenate([sampled, np.flatnonzero(young | cold)]))
    rows, place = _rows(world, odds.invoice[kept], late[kept])
    issued, due, cold, limit = (each[kept][place] for each in (issued, due, cold, limit))
    used = [CATALOGUE[name] for name in signed.cold.features if name not in {"mean_terms_365d", "mean_invoice_365d"}]
    columns = [*used, CATALOGUE["tenure_days"], *TWO_YEARS, *TRAITS]
    terms = _firm_hand(signed.cold)
    pd, prior = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    for block in range(BLOCKS):
        start = calendar.n_days - (BLOCKS - block) * QUARTER
        now, learned = cold & (issued >= start) & (issued < start + QUARTER), due < start
        if now.any() and learned.sum() > 200:
            # No customer that is judged is learned from: it has no payment, and its open invoices are left out.
            learned &= ~np.isin(rows.customers, rows.customers[now])
            formula = Formula(fit_standalone(rows.take(learned), columns, terms, signed.seed))
            pd[now] = expit(formula.log_odds(formula.matrix(read_columns(rows.take(now).features, columns))))
            prior[now] = rows.outcome[learned].mean()
    done = ~np.isnan(pd)
    return Judged(pd[done], prior[done], limit[done], rows.outcome[done], rows.customers[done])


def _rows(world: World, invoice: Any, late: Any) -> tuple[Rows, Any]:
    """Rows of invoices with the features of their customers on the day of issue, and the place each row had."""
    billing, calendar = world.truth.billing, world.truth.calendar
    ids = world.tables["customers"]["customer_id"]
    names = np.array(world.truth.people.customer_id, dtype=object)[billing.customer[invoice]]
    days = [EPOCH + timedelta(days=int(each)) for each in billing.issued[invoice] + calendar.day_zero]
    asked = pa.table({"customer_id": pa.array(names.tolist(), ids.type), "as_of": pa.array(days, pa.date32())})
    snapshot = take_snapshot(ledger_of(dict(world.tables), "EUR"), asked)
    frame, more = features.compute(snapshot), two_years.compute(snapshot.spine, snapshot.statements)
    for name in more.column_names:
        frame = frame.append_column(name, more[name])
    place_of = {
        key: place for place, key in enumerate(zip(frame["customer_id"].to_pylist(), frame["as_of"].to_pylist(), strict=True))
    }
    taken = frame.take(pa.array([place_of[key] for key in zip(names.tolist(), days, strict=True)]))
    due = [EPOCH + timedelta(days=int(each)) for each in billing.rolled_due[invoice] + calendar.day_zero]
    columns = {
        "amount_log": np.log(np.maximum(world.truth.cents[invoice] / 100, 1.0)),
        "terms_days": world.truth.people.terms_days[billing.customer[invoice]].astype(float),
        "book_late_share": _book_late_share(world, billing.issued[invoice]),
        "due_weekday": pa.array([day.strftime("%a") for day in due]),
        "due_day": pa.array([f"{day.day:02d}" for day in due]),
        "due_month": pa.array([f"{day.month:02d}" for day in due]),
    }
    for name, values in columns.items():
        taken = taken.append_column(name, values if isinstance(values, pa.Array) else pa.array(values))
    # Two invoices of one day are two rows: the number of the invoice takes the place of the date in the order of rows.
    order = np.lexsort((invoice, names))
    moved = taken.set_column(
        taken.column_names.index("as_of"), "as_of", pa.array([EPOCH + timedelta(days=int(each)) for each in invoice], pa.date32())
    )
    return Rows.of(moved, late), order


def _book_late_share(world: World, today: Any) -> Any:
    """Of the book's invoices due in the 45 days before, the share that was not paid by its due date: what anybody could count."""
    due, paid = world.truth.billing.rolled_due, world.truth.payments.paid
    n_days = world.truth.calendar.n_all_days
    n = np.cumsum(np.bincount(np.minimum(due, n_days - 1), minlength=n_days))
    n_late = np.cumsum(np.bincount(np.minimum(due, n_days - 1), paid > due, minlength=n_days))
    last, before = np.maximum(today - 1, 0), np.maximum(today - 1 - RECENT, 0)
    counted = n[last] - n[before]
    return np.where(counted > 0, (n_late[last] - n_late[before]) / np.maximum(counted, 1), np.nan)


def _firm_hand(terms: ColdTerms) -> ColdTerms:
    """The recipe's terms held less tightly: here nearly every customer has an event, so there is more to learn from."""
    text = terms.model_dump(mode="json")
    text["logistic"]["ridge"] = 5.0
    text["trees"] |= {"ridge": 2.0, "customers_in_leaf": 10}
    text["trees"]["sizes"] = [{"from_customers": 0, "leaves": 8, "depth": 3, "rounds": 150}]
    return ColdTerms.model_validate(text)
