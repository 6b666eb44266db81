"""Rolls: what became of open money within the next month, from one ageing bucket to the next, counted over the ledger's history.

Cohorts, not balances: every amount that was open on a day is followed to a later day, so that a share of it can be taken. The
step is 30 days because the buckets are: what is overdue and still open has then moved exactly one bucket on. Only facts known by
each day are met, and no day lies after the date asked for.
"""

from collections.abc import Iterable
from datetime import date

import narwhals.stable.v2 as nw
import pyarrow as pa
import pyarrow.compute as pc

from riskscore.portfolio.taking import AGEING, EDGES, each_ledger
from riskscore.snapshot import customers_known_at, take_open_items
from riskscore.snapshot.calendar import day_number
from riskscore.snapshot.measures import ZERO, integer, when
from riskscore.snapshot.money import cents
from riskscore.tables import Ledger

STEP_DAYS = 30
LIFETIME_DAYS = 365
OLDEST = EDGES[-1]
MATURE_DAYS = -(-(LIFETIME_DAYS - OLDEST) // STEP_DAYS) * STEP_DAYS
"""So many days ago everything that was more than 90 days overdue has been seen to its 365th day: whole steps."""

ROLLS = pa.schema(
    [("customer_id", pa.string()), ("bucket", pa.string())]
    + [(name, pa.int64()) for name in ("opened", "waiting", "rolled", "written_off")]
)
"""Whole cents of the reporting currency, at the rate of the date asked for, all cohorts together."""


def take_rolls(ledgers: Ledger | Iterable[Ledger], as_of: date, *, n_steps: int = 12) -> pa.Table:
    """What became of the money open in each bucket, by customer, with the columns of `ROLLS`; no row where nothing was open.

    n_steps: how many cohorts, a step apart. opened: open at the beginning of a step. rolled: of it still open one step later and
    one bucket on. waiting: still not due (only of `not_due`). written_off: given up meanwhile. The rest of `opened` was paid,
    credited or deducted.
    For the last bucket: rolled and written_off are what was not paid by the 365th day after its due date, or by the day itself
    where that is past; its cohorts are the latest ones of which that is known.
    """
    found = [_rolls(ledger, as_of, n_steps) for ledger in each_ledger(ledgers)]
    return pa.concat_tables([ROLLS.empty_table(), *found]).sort_by([("customer_id", "ascending"), ("bucket", "ascending")])


def _rolls(ledger: Ledger, as_of: date, n_steps: int) -> pa.Table:
    known = take_open_items(ledger, customers_known_at(ledger, as_of))
    states = known.states.select(
        "customer_id", "invoice_id", "currency", "due", "known_from", "known_to", "left", "written_off", "bills"
    )
    opened = states.filter(nw.col("left") > 0, nw.col("bills")).drop("bills").join(_starts(ledger, as_of, n_steps), how="cross")
    opened = opened.filter(nw.col("known_from") <= nw.col("start"), nw.col("start") < nw.col("known_to"))
    opened = opened.with_columns(age=nw.col("start") - nw.col("due")).filter((nw.col("age") > OLDEST) == nw.col("is_mature"))
    opened = opened.with_columns(
        until=when(nw.col("is_mature"), nw.max_horizontal("start", nw.col("due") + LIFETIME_DAYS), nw.col("start") + STEP_DAYS)
    )
    later = states.select(
        "customer_id", "invoice_id", later_from="known_from", later_to="known_to", still="left", given_up="written_off"
    )
    met = opened.join(later, on=["customer_id", "invoice_id"])
    met = met.filter(nw.col("later_from") <= nw.col("until"), nw.col("until") < nw.col("later_to"))
    met = met.join(known.rates.drop("as_of"), on="currency")
    still = nw.min_horizontal("left", nw.max_horizontal("still", ZERO))
    lost = nw.min_horizontal(nw.col("left") - still, nw.max_horizontal(nw.col("given_up") - nw.col("written_off"), ZERO))
    is_due = nw.col("until") > nw.col("due")
    sums = met.select(
        "customer_id", bucket=_bucket(), opened=cents(nw.col("left")), still=cents(still), lost=cents(lost), is_due=is_due
    )
    sums = sums.group_by("customer_id", "bucket").agg(
        opened=integer(nw.col("opened").sum()),
        waiting=integer(when(nw.col("is_due"), ZERO, nw.col("still")).sum()),
        rolled=integer(when(nw.col("is_due"), nw.col("still"), ZERO).sum()),
        written_off=integer(nw.col("lost").sum()),
    )
    rows = sums.collect("pyarrow").to_native()
    names = pc.take(pa.array(AGEING), rows["bucket"])
    return rows.set_column(rows.column_names.index("bucket"), "bucket", names).select(ROLLS.names).cast(ROLLS)


def _starts(ledger: Ledger, as_of: date, n_steps: int) -> nw.LazyFrame[pa.Table]:
    """The first day of each cohort; is_mature: it is one for the last bucket."""
    today = day_number(as_of)
    young = [today - STEP_DAYS * step for step in range(1, n_steps + 1)]
    mature = [today - MATURE_DAYS - STEP_DAYS * step for step in range(n_steps)]
    marks = [False] * n_steps + [True] * n_steps
    return ledger.lift(pa.table({"start": pa.array(young + mature, pa.int32()), "is_mature": pa.array(marks, pa.bool_())}))


def _bucket() -> nw.Expr:
    """The place of the bucket that the age at the start lies in."""
    place = ZERO
    for edge in EDGES:
        place = place + when(nw.col("age") > edge, nw.lit(1), ZERO)
    return integer(place)
