"""How a book has been paid lately: of what fell due in the newest weeks, how much was not paid on its due date.

The level of the answers to "late at all" follows it (`riskscore.hazard.late_at_all`). A model may be months old when it is asked;
how the whole book pays by then is known all the same.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from scipy.special import logit

from riskscore.model.formula import Floats
from riskscore.snapshot import Histories
from riskscore.snapshot.calendar import day_number
from riskscore.snapshot.measures import when
from riskscore.snapshot.states import ITEM

FEW = 20
"""Invoices of the mean share that stand beside those of the newest weeks."""


@dataclass(frozen=True)
class Lately:
    """Of invoices that fell due in the weeks before a day: how many, and how many were late; numbers, or arrays of them."""

    n: Any
    n_late: Any

    def __add__(self, other: "Lately") -> "Lately":
        return Lately(self.n + other.n, self.n_late + other.n_late)

    def take(self, mask: Any) -> "Lately":
        """Those of the invoices where the mask is true; one that is for all is for them."""
        return self if np.ndim(self.n) == 0 else Lately(self.n[mask], self.n_late[mask])

    def log_odds(self, mean: float) -> Any:
        """Of the share that was late, pulled toward the mean share of all invoices."""
        return logit((self.n_late + FEW * mean) / (self.n + FEW))


def late_lately(due: Floats, late: Floats, days: Floats, window: int) -> Lately:
    """For each day: of the invoices that fell due in so many days before it, how many were late. late: (n,), 0.0 or 1.0."""
    order = np.argsort(due, kind="stable")
    sorted_due, before = due[order], np.concatenate([[0.0], np.cumsum(late[order])])
    end, begin = np.searchsorted(sorted_due, days, "left"), np.searchsorted(sorted_due, days - window, "left")
    return Lately(end - begin, before[end] - before[begin])


def paid_lately(known: Histories, day: date, window: int) -> Lately:
    """The same of the observed customers on one day, by what was known at its end.

    An invoice counts that was known by its due date and is a sale; not if it was disputed before that, until it was paid.
    """
    last = day_number(day)
    past = known.states.filter(nw.col("known_from") <= last, nw.col("due") < last, nw.col("due") >= last - window)
    disputed = past.filter(nw.col("contested") > 0).group_by(*ITEM).agg(contested_from=nw.col("known_from").min())
    now = past.filter(nw.col("known_to") > last, nw.col("sale"))
    now = now.group_by(*ITEM).agg(due=nw.col("due").max(), paid_on=when(nw.col("settled"), nw.col("paid_on")).max())
    rows = now.join(known.issued.select(*ITEM, "issued_from"), on=list(ITEM)).join(disputed, on=list(ITEM), how="left")
    told = rows.with_columns(
        paid_age=nw.col("paid_on") - nw.col("due"), contested_age=nw.col("contested_from") - nw.col("due")
    ).filter(nw.col("issued_from") <= nw.col("due"))
    found = told.select("paid_age", "contested_age").collect("pyarrow").to_native()
    paid, contested = (
        np.nan_to_num(np.asarray(found[name].to_numpy(zero_copy_only=False), dtype=np.float64), nan=np.inf)
        for name in ("paid_age", "contested_age")
    )
    seen = paid <= contested
    counted = (seen & np.isfinite(paid)) | (contested > 0)
    late = np.where(seen & np.isfinite(paid), paid > 0, True)
    return Lately(float(counted.sum()), float((late & counted).sum()))
