"""What was known of whom at which date. Features, positions and policy see the ledger only through a `Snapshot`."""

from riskscore.snapshot.last_day import QUIET_DAYS, last_known_day
from riskscore.snapshot.spine import in_order, with_kinship
from riskscore.snapshot.taking import (
    Histories,
    OpenItems,
    Snapshot,
    customers_known_at,
    month_ends,
    snapshot_of,
    take_histories,
    take_open_items,
    take_snapshot,
)

__all__ = [
    "QUIET_DAYS",
    "Histories",
    "OpenItems",
    "Snapshot",
    "customers_known_at",
    "in_order",
    "last_known_day",
    "month_ends",
    "snapshot_of",
    "take_histories",
    "take_open_items",
    "take_snapshot",
    "with_kinship",
]
