"""Balance: what is open on the date, how much of it is overdue and how old, and how that compares with what is bought."""

import narwhals.stable.v2 as nw

from riskscore.features.feature import feature
from riskscore.features.measured import ITEMS
from riskscore.snapshot.measures import Expr, per, real

AGE, OPEN = nw.col("age"), nw.col("open")
OWED = ITEMS.total("owed", nw.col("collectable"))
OVERDUE = ITEMS.total("overdue", nw.col("collectable"), AGE > 0)
OLDEST = ITEMS.largest("oldest", AGE, (AGE > 0) & (nw.col("unpaid") > 0) & (nw.col("collectable") > 0))
N_SALES = ITEMS.count("n_sales", nw.col("billed") > 0)


@feature(unit="share", risk="rises", group="exposure", reason="E01")
def overdue_share() -> Expr:
    """How much of the undisputed balance is past its business-day due date? Null when nothing is open."""
    return per(OVERDUE, OWED)


@feature(unit="days", risk="rises", group="exposure", reason="E02")
def oldest_days_past_due() -> Expr:
    """How long has the oldest undisputed invoice been overdue? 0 when none is; null when no invoice was ever known."""
    return real(nw.when(N_SALES > 0).then(OLDEST.fill_null(0)))


@feature(unit="ratio", risk="rises", group="exposure", reason="E03")
def limit_utilisation() -> Expr:
    """How much of the granted limit does the open balance fill? Above 1 it is exceeded; null without a limit above zero."""
    return per(nw.col("exposure"), nw.col("limit_cents"))


EXPOSURE = ITEMS.total("exposure", OPEN)
CATALOGUE = (overdue_share, oldest_days_past_due, limit_utilisation)
