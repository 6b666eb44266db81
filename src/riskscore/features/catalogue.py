"""The catalogue: every feature in order, and the one function that computes them."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from riskscore.features import balance, deductions, lateness, receipts, relationship, shares, standing, statements
from riskscore.features.feature import Feature
from riskscore.features.measured import ITEMS, RECEIPTS
from riskscore.snapshot import Snapshot
from riskscore.tables import Frame

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
    facts = stage(prepare(_with_items, snapshot.spine, snapshot.items))
    facts = stage(prepare(_with_receipts, facts, snapshot.receipts))
    facts = stage(prepare(_beside, facts, snapshot.history, snapshot.statements, snapshot.standing))
    rows = prepare(_asked, facts).collect("pyarrow").to_native().sort_by("observation")
    columns = [_delivered(feature, rows[name]) for name, feature in CATALOGUE.items()]
    who = snapshot.observations
    return pa.table([who["customer_id"], who["as_of"], *columns], names=["customer_id", "as_of", *CATALOGUE])


def _with_items(spine: Frame, items: Frame) -> Frame:
    return ITEMS.taken(spine, items)


def _with_receipts(facts: Frame, receipts: Frame) -> Frame:
    return RECEIPTS.taken(facts, receipts)


def _beside(facts: Frame, *frames: Frame) -> Frame:
    for frame in frames:
        facts = facts.join(frame, on="observation", how="left")
    return facts


def _asked(facts: Frame) -> Frame:
    return facts.select("observation", **{name: feature.formula() for name, feature in CATALOGUE.items()})


def _delivered(feature: Feature, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if feature.kind == "category":
        return column.cast(pa.string())
    numbers = column.cast(pa.float64())
    return pc.divide(numbers, CENTS) if feature.unit == "money" else numbers
