"""Fates: what had become of invoices by a day, as it was known that day. Only what learns may ask."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from riskscore.hazard.issued import Invoices
from riskscore.hazard.watched import Watched
from riskscore.model.formula import Floats
from riskscore.snapshot import Histories
from riskscore.snapshot.calendar import day_number
from riskscore.snapshot.measures import ZERO, integer, when
from riskscore.snapshot.money import FOREVER
from riskscore.snapshot.states import ITEM
from riskscore.tables import Frame

Integers = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True)
class Fates(Watched):
    """One entry a case: the age (days past due) at which it was paid, and until which age it was watched.

    paid: infinite where it is not known to be paid; a payment known late but made before the case's date counts as made the day
    after it. watched: the age on the last day of knowledge, or on the first day after the case's date on which a dispute about it
    began: contested days are not lateness. A write-off is no payment. counts: false for what is not known yet, or known
    to be no sale any more (credited or cancelled).
    """

    counts: np.ndarray[tuple[int], np.dtype[np.bool_]]

    def take(self, places: Any) -> "Fates":
        """The entries at those places, or where a mask is true."""
        return Fates(self.paid[places], self.watched[places], self.counts[places])

    def late(self, k: Floats | float) -> Floats:
        """1.0 where the invoice was unpaid more than k days past due, 0.0 where it was paid by then, NaN where that is not known.

        k: one for all, or one each.

        Known of a payment at once, of an unpaid invoice once it is more than k days past due.
        """
        seen = self.paid <= self.watched
        known = self.counts & (seen | (self.watched > k))
        result: Floats = np.where(known, ~seen | (self.paid > k), np.nan)
        return result


def fates_of(known: Histories, cases: Invoices, until: date) -> Fates:
    """What was known by `until` of each of the invoices."""
    last = day_number(until)
    past = known.states.filter(nw.col("known_from") <= last)
    now = (
        past.filter(nw.col("known_to") > last)
        .group_by("invoice_id")
        .agg(paid_on=when(nw.col("settled"), nw.col("paid_on")).max(), sale=integer(when(nw.col("sale"), nw.lit(1), ZERO).max()))
    )
    rows = now.collect("pyarrow").to_native()
    place = {invoice: at for at, invoice in enumerate(rows["invoice_id"].to_pylist())}
    at = np.array([place.get(invoice, -1) for invoice in cases.invoices["invoice_id"].to_pylist()], dtype=np.int64)
    # Of an invoice not known by then, place -1, the entry behind the last one speaks: it knows nothing.
    paid_on, sale = (np.append(rows[name].to_numpy().astype(np.float64), np.nan)[at] for name in ("paid_on", "sale"))
    due, today = cases.column("due"), cases.column("as_of")
    paid = np.where(np.isnan(paid_on), np.inf, np.maximum(paid_on, today + 1) - due)
    watched = np.fmin(np.full(len(cases), float(last)), _contested_after(today, at, place, past)) - due
    return Fates(paid, watched, (sale == 1) & (today < last))


def _contested_after(today: Floats, at: Integers, place: Mapping[str, int], past: Frame) -> Floats:
    """The first day after each case's date on which a dispute about its invoice began; NaN where none did.

    An invoice may be disputed again: what was over before the date ends nothing. at: the place of each case's invoice; place: of
    every invoice.
    """
    before = nw.col("contested").shift(1).over(*ITEM, order_by="known_from").fill_null(0)
    begun = past.with_columns(before=before).filter(nw.col("contested") > 0, nw.col("before") == 0)
    found = begun.select("invoice_id", "known_from").unique().collect("pyarrow").to_native()
    invoices = np.array([place[invoice] for invoice in found["invoice_id"].to_pylist()], dtype=np.int64)
    # Invoice and day as one number, so that one search in order finds the next day of the same invoice.
    begins = np.sort(invoices * FOREVER + found["known_from"].to_numpy().astype(np.int64))
    following = np.append(begins, np.iinfo(np.int64).max)[np.searchsorted(begins, at * FOREVER + today.astype(np.int64), "right")]
    return np.where((at >= 0) & (following // FOREVER == at), (following % FOREVER).astype(np.float64), np.nan)
