"""Receipts: the money that came in over the last year: when, how regularly, in how many pieces."""

import narwhals.stable.v2 as nw

from riskscore.features.feature import feature
from riskscore.features.measured import RECEIPTS
from riskscore.snapshot.measures import Expr, real

LAST = RECEIPTS.smallest("last_receipt", nw.col("age"))


@feature(unit="days", risk="rises", window_days=365, group="payment_history", reason="P08")
def days_since_last_payment() -> Expr:
    """How long ago did money last come in? Null when none came in a year."""
    return real(LAST)


CATALOGUE = (days_since_last_payment,)
