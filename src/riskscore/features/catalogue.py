"""The catalogue: every feature in order, and the one function that computes them."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from riskscore.features import balance, deductions, lateness, receipts, relationship, shares, standing, statements
from riskscore.features.feature import Feature
from riskscore.features.measured import ITEMS, ONCE, RECEIPTS
from riskscore.snapshot import Snapshot, in_order
from riskscore.tables import Frame, drawn

CENTS = 100.0

CATALOGUE: Mapping[str, Feature] = {
    feature.name: feature
    for theme in (lateness, shares, receipts, deductions, balance, relationship, statements, standing)
    for feature in theme.CATALOGUE
}
"""Name to feature, in the order of the columns."""


def compute(snapshot: Snapshot) -> pa.Table:
    """One row per observation, sorted by customer id and date: customer_id, as_of (date32), then the features in order.

    Numbers are float64 and null where not known; categories are text. Each frame of the snapshot is read once.
    """
    prepare, stage = snapshot.prepare, snapshot.stage
    items, receipts = stage(prepare(_items, snapshot.items)), stage(prepare(_receipts, snapshot.receipts))
    beside = snapshot.history, snapshot.statements, snapshot.standing
    facts = stage(prepare(_beside, snapshot.spine, items, receipts, *beside))
    rows = in_order(snapshot.rows(prepare(_asked, facts)))
    columns = [_delivered(feature, rows[name]) for name, feature in CATALOGUE.items()]
    who = snapshot.observations
    return pa.table([who["customer_id"], who["as_of"], *columns], names=["customer_id", "as_of", *CATALOGUE])


_items, _receipts = drawn(ITEMS.summed), drawn(RECEIPTS.summed)


def _beside(spine: Frame, items: Frame, receipts: Frame, *frames: Frame) -> Frame:
    facts = RECEIPTS.beside(ITEMS.beside(spine, items), receipts)
    for frame in frames:
        facts = facts.join(frame, on="observation", how="left")
    return facts


def _asked(facts: Frame) -> Frame:
    return facts.with_columns(**ONCE).select("observation", **{name: feature.formula() for name, feature in CATALOGUE.items()})


def _delivered(feature: Feature, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if feature.kind == "category":
        return column.cast(pa.string())
    numbers = column.cast(pa.float64())
    return pc.divide(numbers, CENTS) if feature.unit == "money" else numbers
