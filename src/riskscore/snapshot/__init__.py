"""What was known of whom at which date. Features, positions and policy see the ledger only through a `Snapshot`."""

from riskscore.snapshot.taking import Snapshot, customers_known_at, month_ends, take_snapshot

__all__ = ["Snapshot", "customers_known_at", "month_ends", "take_snapshot"]
