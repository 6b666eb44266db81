"""Fates: what had become of invoices by a day, as it was known that day. Only what learns may ask."""

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


@dataclass(frozen=True)
class Fates(Watched):
    """One entry a case: the age (days past due) at which it was paid, and until which age it was watched.

    paid: infinite where it is not known to be paid; a payment known late but made before the case's date counts as made the day
    after it. watched: the age on the last day of knowledge, or on the day a dispute about it was opened: contested days are not
    lateness. A write-off is no payment. counts: false for what is known to be no sale any more (credited or cancelled).
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
    disputed = past.filter(nw.col("contested") > 0).group_by("invoice_id").agg(contested_from=nw.col("known_from").min())
    now = (
        past.filter(nw.col("known_to") > last)
        .group_by("invoice_id")
        .agg(paid_on=when(nw.col("settled"), nw.col("paid_on")).max(), sale=integer(when(nw.col("sale"), nw.lit(1), ZERO).max()))
    )
    rows = now.join(disputed, on="invoice_id", how="left").collect("pyarrow").to_native()
    place = {invoice: at for at, invoice in enumerate(rows["invoice_id"].to_pylist())}
    at = np.array([place.get(invoice, -1) for invoice in cases.invoices["invoice_id"].to_pylist()], dtype=np.int64)
    column = {name: rows[name].to_numpy().astype(np.float64) for name in ("paid_on", "sale", "contested_from")}
    paid_on, sale, contested = (np.where(at >= 0, column[name][at], np.nan) for name in ("paid_on", "sale", "contested_from"))
    due, today = cases.column("due"), cases.column("as_of")
    paid = np.where(np.isnan(paid_on), np.inf, np.maximum(paid_on, today + 1) - due)
    watched = np.fmin(np.full(len(cases), float(last)), np.where(contested > today, contested, np.nan)) - due
    return Fates(paid, watched, (sale == 1) & (today < last))
