"""What a ledger says of numbers a policy assumes: what is lost of late customers' debt, how late is usual, how uneven purchases
are.

Only what learns may know what happened afterwards, so this is a part of learning; the policy makes proposals of it.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskscore import positions
from riskscore.outcomes import Outcome, observe
from riskscore.policy.measured import LEAST_CUSTOMERS, Habits, LossHistory
from riskscore.snapshot import OpenItems, customers_known_at, last_known_day, take_open_items, take_snapshot
from riskscore.snapshot.calendar import day_number
from riskscore.snapshot.measures import ZERO, integer
from riskscore.snapshot.money import cents
from riskscore.tables import Ledger
from riskscore.training.gathering import check_until

FOLLOWED_DAYS = 365
"""What is not paid a year after its debtor was late counts as lost, as in the provision."""

MOST_WINDOWS = 6

FOLLOWED = pa.schema([("customer_id", pa.string()), ("begins_on", pa.date32()), ("owed", pa.int64()), ("lost", pa.int64())])
YEAR = 365
CENT, TENTH = Decimal("0.01"), Decimal("0.1")
DIGITS = 6
"""Engines interpolate to within a last digit of each other: 13.000000000000002 days are 13, not 14."""


def take_habits_and_losses(ledgers: Ledger | Iterable[Ledger], definition: Outcome, *, until: date) -> tuple[Habits, LossHistory]:
    """What `habits_of` says of the customers on the day, and `take_losses` of the years before, with one snapshot of a ledger.

    Raises as `follow_late` does.
    """
    standing, losses, last_days = [], [], []
    for ledger in [ledgers] if isinstance(ledgers, Ledger) else ledgers:
        last_days.append(last_known_day(ledger))
        starts = _starts(ledger, definition, until)
        both = _standing_on(ledger, [*starts, until])
        today = pc.equal(both["as_of"], pa.scalar(until))
        standing.append(both.filter(today))
        losses.append(_late_and_followed(ledger, both.filter(pc.invert(today)), definition, until))
    check_until(last_days, until)
    return habits_of(pa.concat_tables(standing)), _summed(_in_order(losses), until)


def take_losses(ledgers: Ledger | Iterable[Ledger], definition: Outcome, *, until: date) -> LossHistory:
    """What customers that paid materially late owed, and what of it was lost, summed over `follow_late`.

    Nothing owed where the ledger is too young: the caller then keeps its assumption. Raises as `follow_late` does.
    """
    return _summed(follow_late(ledgers, definition, until=until), until)


def _summed(found: pa.Table, until: date) -> LossHistory:
    owed, lost = (int(pc.sum(found[name]).as_py() or 0) * CENT for name in ("owed", "lost"))
    return LossHistory(owed, lost, len(pc.unique(found["customer_id"])), until)


def follow_late(ledgers: Ledger | Iterable[Ledger], definition: Outcome, *, until: date) -> pa.Table:
    """Customers that paid materially late within some horizon, what they owed at its end, and what was lost in the year after.

    A row each, with the columns of `FOLLOWED`; sorted by customer and first day. The horizons follow each other without a gap,
    the last one such that its year is over by `until`, at most six, and none begins before the first invoice. Customers in
    default when a horizon begins are left out, as they are for the model.
    owed, lost: whole cents of the reporting currency. owed counts what was written off within the horizon; lost counts that,
    and what is written off or not paid by the year's end, less what was paid after a write-off.
    Raises UsageRefused where the ledgers know nothing of `until`: what nobody saw paid would count as lost.
    """
    found, last_days = [], []
    for ledger in [ledgers] if isinstance(ledgers, Ledger) else ledgers:
        last_days.append(last_known_day(ledger))
        if starts := _starts(ledger, definition, until):
            found.append(_late_and_followed(ledger, _standing_on(ledger, starts), definition, until))
    check_until(last_days, until)
    return _in_order(found)


def _in_order(parts: Iterable[pa.Table]) -> pa.Table:
    together = pa.concat_tables([FOLLOWED.empty_table(), *parts])
    return together.sort_by([("customer_id", "ascending"), ("begins_on", "ascending")])


def habits_of(standing: pa.Table) -> Habits:
    """What four of five customers keep within: in lateness, and in the largest month of a year over its mean month.

    standing: positions. Customers in default do not count. Of lateness, by what each customer keeps within in four of five cases,
    those of whom something was settled; of purchases those that have been customers for a year and bought. Each is null with
    fewer than thirty of them.
    """
    sound = standing.filter(pc.invert(standing["in_default"]))
    late = sound["days_late_p80"].drop_null().to_numpy()
    a_year = sound.filter(pc.and_(pc.greater_equal(sound["tenure_days"], YEAR), pc.greater(sound["monthly_purchases"], 0)))
    mean, peak = (a_year[name].cast(pa.float64()).to_numpy() for name in ("monthly_purchases", "peak_monthly_purchases"))
    days, factor = _four_of_five(late), _four_of_five(peak / mean)
    return Habits(
        days_late=None if days is None else max(math.ceil(round(days, DIGITS)), 0),
        peak_factor=None
        if factor is None
        else max(Decimal(repr(round(factor, DIGITS))).quantize(TENTH, ROUND_CEILING), Decimal(1)),
    )


def _four_of_five(values: np.ndarray[Any, np.dtype[np.float64]]) -> float | None:
    """The smallest of the values that at least four of five do not pass; null with too few."""
    if len(values) < LEAST_CUSTOMERS:
        return None
    return float(np.sort(values)[-(-len(values) * 4 // 5) - 1])


def _starts(ledger: Ledger, definition: Outcome, until: date) -> list[date]:
    """The first days of the horizons that are over a year before `until`, newest first."""
    first = ledger.frames["invoices"].select(nw.col("issued_on").min()).collect("pyarrow")["issued_on"].to_list()[0]
    horizon = timedelta(days=definition.horizon_days)
    newest = until - timedelta(days=FOLLOWED_DAYS) - horizon
    starts = [newest - place * horizon for place in range(MOST_WINDOWS)]
    return [] if first is None else [start for start in starts if day_number(start) >= first]


def _standing_on(ledger: Ledger, days: Sequence[date]) -> pa.Table:
    """The positions of the customers known on each of these days.

    All days at once: what is dear is to turn the ledger into states, and that is done once whatever the number of days.
    """
    known = pa.concat_tables([customers_known_at(ledger, day) for day in days])
    return positions.compute(take_snapshot(ledger, known))


def _late_and_followed(ledger: Ledger, standing: pa.Table, definition: Outcome, until: date) -> pa.Table:
    """The rows of `FOLLOWED` of the horizons that begin on the days of these positions."""
    if not standing.num_rows:
        return FOLLOWED.empty_table()
    late = _late_from(ledger, standing, definition, until)
    return pa.concat_tables([FOLLOWED.empty_table(), *(_followed(ledger, late, definition) if late.num_rows else [])])


def _late_from(ledger: Ledger, standing: pa.Table, definition: Outcome, until: date) -> pa.Table:
    """The customers, not in default on the day of their position, that paid materially late within the horizon after it."""
    sound = standing.filter(pc.invert(standing["in_default"])).select(["customer_id", "as_of"])
    became = observe(ledger, sound, definition, until=until)
    return became.filter(pc.fill_null(became["outcome"], fill_value=False)).select(["customer_id", "as_of"])


def _followed(ledger: Ledger, late: pa.Table, definition: Outcome) -> list[pa.Table]:
    """What each of them owed at the end of its horizon, and what of it was lost by the end of the year after."""
    horizon = timedelta(days=definition.horizon_days)
    starts = pc.unique(late["as_of"]).to_pylist()
    ends = pa.array([start + horizon for start in late["as_of"].to_pylist()], pa.date32())
    known = take_open_items(ledger, late.set_column(late.column_names.index("as_of"), "as_of", ends))
    return [_followed_from(start, start + horizon, known) for start in starts]


def _followed_from(start: date, end: date, known: OpenItems) -> pa.Table:
    """The same of the horizon from one day to another. known: what was open on its end, and on those of other horizons."""
    then = end + timedelta(days=FOLLOWED_DAYS)
    # A customer has an invoice once per country it lived in: that of the horizon's end counts.
    observed = known.spine.filter(nw.col("as_of") == day_number(end)).select("customer_id", "calendar_country")
    states = known.states.filter(nw.col("bills")).join(observed, on=["customer_id", "calendar_country"])
    states = states.select("customer_id", "invoice_id", "currency", "known_from", "known_to", "left", "written_off")

    def standing(day: date) -> nw.LazyFrame[pa.Table]:
        today = day_number(day)
        return states.filter(nw.col("known_from") <= today, nw.col("known_to") > today)

    key = ["customer_id", "invoice_id"]
    given_up = standing(start).select(*key, before="written_off")
    fate = standing(then).select(*key, still="left", gone="written_off")
    met = standing(end).join(fate, on=key).join(given_up, on=key, how="left")
    before = nw.col("before").fill_null(0)
    owed = nw.max_horizontal(nw.col("left"), ZERO) + nw.max_horizontal(nw.col("written_off") - before, ZERO)
    # Below zero is left what came in after a write-off: that much of it was not lost.
    lost = nw.max_horizontal(nw.col("still") + nw.max_horizontal(nw.col("gone") - before, ZERO), ZERO)
    met = met.with_columns(owed=owed).with_columns(lost=nw.min_horizontal("owed", lost))
    met = met.join(known.rates.filter(nw.col("as_of") == day_number(end)).drop("as_of"), on="currency")
    sums = met.select("customer_id", owed=cents(nw.col("owed")), lost=cents(nw.col("lost"))).group_by("customer_id")
    rows = sums.agg(owed=integer(nw.col("owed").sum()), lost=integer(nw.col("lost").sum())).collect("pyarrow").to_native()
    begins_on = pa.array([start] * rows.num_rows, pa.date32())
    return rows.append_column("begins_on", begins_on).select(FOLLOWED.names).cast(FOLLOWED)
