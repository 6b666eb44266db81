"""What the themes share: the columns of the snapshot's frames, the windows, and the measures more than one theme divides by.

One collection of measures per frame, so that each frame is read once however many features ask.
"""

import narwhals.stable.v2 as nw

from riskscore.snapshot.measures import Expr, Measures

ITEMS = Measures()
RECEIPTS = Measures()
ONCE: dict[str, Expr] = {}
"""What formulas read more than once, by the column it is computed into."""

THREE_YEARS = 1095
"""What a customer is like changes more slowly than its fortunes: where a year shows few invoices, three show more."""

YEAR = 365
QUARTER = 90
MONTH = 30

# Columns of an item (see riskscore.snapshot.items.take_items). Days are counted back from the date: 0 is the date itself.
age = nw.col("age")
issued = nw.col("issued")
terms = nw.col("terms")
days_late = nw.col("days_late")
concluded = nw.col("concluded")
sale = nw.col("sale")
billed = nw.col("billed")
paid = nw.col("paid")
opened = nw.col("open")
collectable = nw.col("collectable")
unpaid = nw.col("unpaid")
bills = nw.col("bills")


def once(name: str, what: Expr) -> Expr:
    """The column that will hold it: an expression that a formula names ten times is computed ten times."""
    ONCE[name] = what
    return nw.col(name)


def issued_within(window: int) -> Expr:
    """Invoices (not credit notes) issued in the last `window` days, the date itself included."""
    return bills & (issued < window)


def fell_due_within(window: int) -> Expr:
    """Sales whose business-day due date lies in the last `window` days, the date itself included."""
    return sale & (age >= 0) & (age < window)


def concluded_within(window: int) -> Expr:
    """Sales settled or written off in the last `window` days, and those overdue on the date however old they are."""
    return concluded < window


BILLED = {window: ITEMS.total(f"billed_{window}", billed, issued_within(window)) for window in (MONTH, QUARTER, YEAR)}
N_BILLED = {window: ITEMS.count(f"n_billed_{window}", issued_within(window)) for window in (QUARTER, YEAR)}

# Over all time, whatever the snapshot leaves out of its items (see riskscore.snapshot.items.take_history); null before the first.
N_EVER_BILLED = nw.col("n_billed").fill_null(0)
FIRST_BILLED = nw.col("first_billed")
LAST_BILLED = nw.col("last_billed")
BALANCE = ITEMS.total("balance", opened)
OVERDUE_BALANCE = ITEMS.total("overdue_balance", opened, (opened > 0) & (age > 0))
