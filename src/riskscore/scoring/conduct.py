"""What the features show of a customer besides its probability: the signs that the policy reads."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa

from riskscore.policy import Signs

READ = {
    "altman_z2": "altman_z2",
    "rating_notch": "rating_notch",
    "order_jump": "order_jump_30d",
    "utilisation": "limit_utilisation",
    "overdue_share": "overdue_share_30",
    "lateness_change": "days_beyond_terms_change_90d",
    "dispute_rate": "dispute_rate_90d",
    "discount_change": "discount_change_90d",
    "statement_age_days": "statement_age_days",
}
"""Sign to the feature it is read from, as it is."""

LATE, REVENUE = "late_share_7_365d", "annual_revenue"
DIGITS = 6


@dataclass(frozen=True)
class Conduct:
    """Signs, and the revenue of the newest accounts in the reporting currency; null is not known."""

    signs: Signs
    annual_revenue: Decimal | None


UNSEEN = Conduct(Signs(), None)
"""Nobody looked."""


def conduct_of(frame: pa.Table, customers: Sequence[str]) -> dict[str, Conduct]:
    """By customer, whatever the order of rows and columns. Raises KeyError where a customer or a column is missing."""
    place = {customer: row for row, customer in enumerate(frame["customer_id"].to_pylist())}
    columns = {name: frame[name].to_pylist() for name in (*READ.values(), LATE, REVENUE)}
    return {customer: _conduct({name: values[place[customer]] for name, values in columns.items()}) for customer in customers}


def _conduct(row: Mapping[str, float | None]) -> Conduct:
    signs = {sign: _exactly(row[feature]) for sign, feature in READ.items()}
    late = _exactly(row[LATE])
    return Conduct(Signs(on_time_share=None if late is None else 1 - late, **signs), _exactly(row[REVENUE]))


def _exactly(value: float | None) -> Decimal | None:
    # Rounded, because engines divide to within a last digit of each other: a threshold must be met on all of them or on none.
    return None if value is None or not math.isfinite(value) else Decimal(repr(round(value, DIGITS)))
