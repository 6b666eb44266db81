"""What two models say of newcomers and of invoices, taken from a book: each as it is on what came after its last day, and before
that as it answered while it was judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date

import numpy as np
import pyarrow as pa

from riskscore.evaluation.metrics import Floats, Integers
from riskscore.hazard import Hazard, Invoices, all_at_issue, from_part, take_cases
from riskscore.hazard.formula import FORMAT
from riskscore.hazard.issued import customers_of, open_invoices
from riskscore.model import Model
from riskscore.model.rows import Rows
from riskscore.promotion import PartEvidence
from riskscore.promotion.parts import HAZARD
from riskscore.snapshot import take_histories
from riskscore.stores.desk import Told
from riskscore.stores.ledgers import Book
from riskscore.stores.models.judged import LATENESS, invoice_pseudonyms, pseudonyms
from riskscore.tables import Ledger
from riskscore.training.fates import fates_of
from riskscore.training.gathering_invoices import issued_by, sampled
from riskscore.training.invoices import matured
from riskscore_pipelines.promoting.rows import Side, answers_of

MOST_NEW = 24_000
"""Days of customers with an invoice after both trainings that are asked about at most; of more a fixed share."""

UNKNOWN = (np.nan,) * len(LATENESS)


def newcomers_to_compare(rows: Rows, champion: Side, challenger: Side) -> PartEvidence:
    """The matured newcomers with what either model of newcomers says of them."""
    keys = list(zip(pseudonyms(rows.features["customer_id"].to_pylist()), rows.days.tolist(), strict=True))
    said = []
    for side in (champion, challenger):
        known = np.array([side.newcomers.get(key, np.nan) for key in keys], dtype=np.float64)
        later = rows.days >= side.trained_until
        if later.any():
            known[later] = answers_of(side.model.newcomer, rows.take(later).features)
        said.append(known)
    after_both = rows.days >= max(champion.trained_until, challenger.trained_until)
    return PartEvidence(rows.customers, rows.outcome, said[0], said[1], after_both)


def invoices_to_compare(book: Book, champion: Side, challenger: Side, *, told: Told) -> dict[str, PartEvidence]:
    """By lateness, the invoices of which it is known whether they were late by so many days, and what either hazard says of them.

    Asked are those that either training has judged, on the same day, and those issued after both.
    """
    sides = [_Asked(side, hazard_of(side.model)) for side in (champion, challenger)]
    buckets, judged = book.buckets(), champion.invoices.asked | challenger.invoices.asked
    after_both = max(champion.trained_until, challenger.trained_until)
    issues = [issued_by(all_at_issue(book.ledger(bucket=bucket)), book.last_known_on) for bucket in buckets]
    n_new = sum(int(np.sum(_days(each) >= after_both)) for each in issues)
    pieces = []
    for number, (bucket, days) in enumerate(zip(buckets, issues, strict=True)):
        told("invoices of both trainings", number, len(buckets))
        keys = zip(pseudonyms(days["customer_id"].to_pylist()), _days(days).tolist(), strict=True)
        old = days.filter(pa.array([key in judged and key[1] < after_both for key in keys], pa.bool_()))
        new = sampled(days.filter(pa.array(_days(days) >= after_both)), MOST_NEW / max(n_new, 1))
        wanted = pa.concat_tables([old, new])
        if wanted.num_rows:
            pieces.append(_piece(book.ledger(bucket=bucket), wanted, sides, book.last_known_on))
    told("invoices of both trainings", len(buckets), len(buckets))
    return _by_lateness(pieces, after_both) if pieces else {f"{HAZARD}/late_{k}": NOTHING for k in LATENESS}


NOTHING = PartEvidence(np.empty(0, np.int64), np.empty(0), np.empty(0), np.empty(0), np.empty(0, np.bool_))


def hazard_of(model: Model) -> Hazard | None:
    """The payment hazard of a model; None where it has none, or one of a format that answers no more."""
    hazard = from_part(model.part("hazard"))
    return hazard if hazard is not None and hazard.format == FORMAT else None


@dataclass(frozen=True)
class _Asked:
    """A side with its hazard, asked of invoices."""

    side: Side
    hazard: Hazard | None

    def say(self, ledger: Ledger, wanted: pa.Table, keys: Sequence[tuple[str, int]]) -> Floats:
        """The chances of every invoice, one column for each of `LATENESS`; NaN where it gives none. keys: the invoices'."""
        since = self.side.trained_until
        later = wanted.filter(pa.array(_days(wanted) >= since))
        now: dict[tuple[str, int], tuple[float, ...]] = {}
        if self.hazard is not None and later.num_rows:
            cases = take_cases(ledger, later, whole_on=())
            curves = self.hazard.curves(cases)
            chances = np.column_stack([curves.late(k) for k in LATENESS]).tolist()
            now = dict(zip(_keys(cases.invoices), map(tuple, chances), strict=True))
        said = [(now if key[1] >= since else self.side.invoices.said).get(key, UNKNOWN) for key in keys]
        return np.array(said, dtype=np.float64).reshape(-1, len(LATENESS))


@dataclass(frozen=True)
class _Piece:
    """Invoices of one ledger: customer and day of each; outcome and what either side said, a column for each of `LATENESS`."""

    customer: np.ndarray[tuple[int], np.dtype[np.object_]]
    day: Integers
    outcome: Floats
    champion: Floats
    challenger: Floats


def _piece(ledger: Ledger, wanted: pa.Table, sides: Sequence[_Asked], until: date) -> _Piece:
    known = take_histories(ledger, wanted)
    table, place = open_invoices(known, whole_on=())
    invoices = Invoices(table, place, known.observations)
    fates, keys = fates_of(known, invoices, until), _keys(table)
    outcome = [np.where(matured(invoices, fates, until, k), fates.late(k), np.nan) for k in LATENESS]
    champion, challenger = (side.say(ledger, wanted, keys) for side in sides)
    day = np.array([day for _, day in keys], dtype=np.int64)
    return _Piece(customers_of(invoices), day, np.column_stack(outcome), champion, challenger)


def _by_lateness(pieces: Sequence[_Piece], after_both: int) -> dict[str, PartEvidence]:
    customer, day, outcome, champion, challenger = (
        np.concatenate([getattr(piece, each.name) for piece in pieces]) for each in fields(_Piece)
    )
    customers = np.unique(customer, return_inverse=True)[1].astype(np.int64)
    return {
        f"{HAZARD}/late_{k}": PartEvidence(
            customers, outcome[:, at], champion[:, at], challenger[:, at], day >= after_both
        ).take(~np.isnan(outcome[:, at]))
        for at, k in enumerate(LATENESS)
    }  # fmt: skip


def _keys(invoices: pa.Table) -> list[tuple[str, int]]:
    return list(zip(invoice_pseudonyms(invoices), invoices["as_of"].to_pylist(), strict=True))


def _days(observations: pa.Table) -> Integers:
    days: Integers = observations["as_of"].cast(pa.int32()).to_numpy().astype(np.int64)
    return days
