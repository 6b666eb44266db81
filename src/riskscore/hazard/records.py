"""A customer's record by age bin: how many of its invoices were paid in each bin, and how many stood in it.

The engine tells of each invoice by which bins it entered, stood in and was paid in; counting them is left to arrays. Asked to
count by itself it would need a hundred sums side by side, and planning those costs it more than adding them up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa

from riskscore.hazard.bins import EDGES, N_BINS
from riskscore.model.formula import Floats
from riskscore.snapshot import OpenItems

Integers = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

AFTER_DUE = EDGES > 0


@dataclass(frozen=True)
class Records:
    """One row an observation. ended: (n,), invoices settled, or written off at least in part, of all the snapshot holds. paid_in,
    exposed_in: (n, N_BINS), by age bin how many were paid in it, and how many stood in it to its end or were paid in it; see
    `take_records` for how far back.

    lately_paid_in, lately_exposed_in: (n, windows, N_BINS), the same of each window: paid in the bin within it, or in the bin
    when the bin's last day fell into the window.
    """

    ended: Floats
    paid_in: Floats
    exposed_in: Floats
    lately_paid_in: Floats
    lately_exposed_in: Floats


def take_records(known: OpenItems, in_time: int, late: int, windows: Sequence[int]) -> Records:
    """The records of the observed customers. windows: shorter ones than the whole record, in days.

    in_time, late: how far back invoices count that were settled or written off, in the bins up to the due date and in those after
    it. What is still open counts whenever it was issued.
    """
    n = known.observations.num_rows
    settled, waiting = nw.col("settled"), ~nw.col("settled") & (nw.col("unpaid") > 0)
    items = known.items.filter(nw.col("sale"), settled | waiting)
    first = nw.col("age") - nw.col("issued")
    ended = nw.col("settled") | ~nw.col("written_off_age").is_null()
    wanted = items.select("observation", "settled", "days_late", "concluded", "age", first=first, ended=ended)
    rows: pa.Table = wanted.collect("pyarrow").to_native()
    done = rows["settled"].to_numpy()
    who, days_late, concluded, age, first_age = (
        rows[name].fill_null(0).to_numpy() for name in ("observation", "days_late", "concluded", "age", "first")
    )
    entered = np.searchsorted(EDGES, first_age, side="right")
    # Settled it left with the bin it was paid in; waiting it stood in every bin whose last day has come.
    left = np.where(done, np.searchsorted(EDGES, days_late, side="left"), np.searchsorted(EDGES, age, side="right"))
    paid = done & (entered <= left) & (left < N_BINS)

    def within(days: int) -> tuple[Floats, Floats]:
        there = concluded < days
        return _counted(who, left, paid & there, n), _stood(who[there], entered[there], left[there], n)

    (paid_in, stood), (paid_in_late, stood_late) = within(in_time), within(late)
    paid_in[:, AFTER_DUE], stood[:, AFTER_DUE] = paid_in_late[:, AFTER_DUE], stood_late[:, AFTER_DUE]
    lately_stood, lately_paid = [], []
    for window in windows:
        since = np.maximum(entered, np.searchsorted(EDGES, age - window, side="right"))
        lately_stood.append(_stood(who, since, left, n))
        lately_paid.append(_counted(who, left, paid & (concluded < window), n))
    lately_paid_in = np.stack(lately_paid, axis=1)
    counts = np.bincount(who[rows["ended"].to_numpy()], minlength=n).astype(np.float64)
    return Records(counts, paid_in, stood + paid_in, lately_paid_in, np.stack(lately_stood, axis=1) + lately_paid_in)


def _counted(who: Integers, place: Integers, there: Flags, n: int) -> Floats:
    """How many by observation and bin, of those that are there: (n, N_BINS)."""
    cells = who[there] * N_BINS + place[there]
    return np.bincount(cells, minlength=n * N_BINS).reshape(n, N_BINS).astype(np.float64)


def _stood(who: Integers, start: Integers, end: Integers, n: int) -> Floats:
    """How many stood in each bin, where each did in those from `start` on and before `end`: (n, N_BINS)."""
    there = start < end
    width = N_BINS + 1
    begun, over = (np.bincount(who[there] * width + at[there], minlength=n * width) for at in (start, end))
    result: Floats = np.cumsum((begun - over).reshape(n, width), axis=1)[:, :N_BINS].astype(np.float64)
    return result
