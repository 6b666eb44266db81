"""What became of invoices, as fitting reads it: every case once a bin it was watched through, and whether it was paid in it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from riskscore.hazard.bins import EDGES
from riskscore.hazard.inputs import Described
from riskscore.hazard.issued import Invoices
from riskscore.model.formula import Floats


@dataclass(frozen=True)
class Watched:
    """What became of cases, one entry each: ages (days past due) at payment (infinite: not seen) and to which it was watched."""

    paid: Floats
    watched: Floats


@dataclass(frozen=True)
class Lessons:
    """Invoices to learn from, and what became of each."""

    invoices: Invoices
    fates: Watched


def periods_seen(described: Described, fates: Watched) -> tuple[Any, Any, Floats]:
    """Case, bin and outcome (1.0 paid in it) of every period that was watched to its end, or to the payment.

    An invoice that is still open teaches the bins it has survived. One found to have been paid before its case's date was booked
    late: it counts as paid in the first bin ahead.
    """
    age = described.age[:, None]
    ahead = age < EDGES[None, :]
    first = ahead & (np.cumsum(ahead, axis=1) == 1)
    paid = np.where(fates.paid <= fates.watched, fates.paid, np.inf)[:, None]
    before = np.concatenate([[-np.inf], EDGES[:-1]])[None, :]
    event = ahead & (paid <= EDGES) & ((paid > before) | first)
    survived = ahead & (paid > EDGES) & (fates.watched[:, None] >= EDGES)
    case, place = np.nonzero(event | survived)
    return case, place, event[case, place].astype(np.float64)


PACE_PAYMENTS = 5
"""Payments beyond the last bin that weigh as much as how the book went on in the last two: with fewer, those two speak."""


def pace_beyond(invoices: Invoices, fates: Watched, before: float) -> float:
    """How log S of the whole book changes a day beyond the last bin: payments there a day that an invoice was open there.

    Every invoice speaks once, by its first case. before: how it changed over the last two bins, toward which few payments and few
    days are pulled. Where old invoices stay in the books unpaid and are never written off, those two bins say nothing of them:
    they would be forecast to bring within weeks what they have not brought in years.
    """
    names = np.asarray(invoices.invoices["invoice_id"].to_pylist(), dtype=object)
    by_age = np.argsort(invoices.age, kind="stable")
    first = by_age[np.unique(names[by_age].astype(str), return_index=True)[1]]
    begun = np.maximum(invoices.age[first], float(EDGES[-1]))
    ended = np.minimum(fates.paid[first], fates.watched[first])
    n_paid = float(((fates.paid[first] <= fates.watched[first]) & (fates.paid[first] > begun)).sum())
    n_days = float(np.maximum(ended - begun, 0.0).sum())
    return before * (n_paid + PACE_PAYMENTS) / (PACE_PAYMENTS - before * n_days)


def unpaid_after_due(place: Any, paid: Floats) -> Any:
    """Which periods show an invoice that was late: paid after its due date, or still open when that was over."""
    event = paid.astype(bool)
    return event & (EDGES[place] > 0) | ~event & (EDGES[place] >= 0)


def paid_in_time(place: Any, paid: Floats) -> Any:
    """Which periods show an invoice that was paid by its due date."""
    return paid.astype(bool) & (EDGES[place] <= 0)
