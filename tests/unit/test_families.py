"""Families: who belongs together when customers are split, across buckets, steps and dates."""

import itertools

import pyarrow as pa
import pytest

from riskscore.snapshot import take_snapshot
from riskscore.stores.engines import ledger_of
from riskscore.training.families import families_of, kin_of
from simulated import world_of


@pytest.mark.parametrize(
    ("kin", "families"),
    [
        pytest.param([], {}, id="nobody-has-a-parent"),
        pytest.param([("b", "a"), ("c", "a")], {"a": "a", "b": "a", "c": "a"}, id="two-sisters"),
        pytest.param([("c", "b"), ("b", "a")], {"a": "a", "b": "a", "c": "a"}, id="a-chain"),
        pytest.param([("s", "a"), ("s", "x"), ("y", "x")], dict.fromkeys("asxy", "a"), id="sold-from-one-to-another"),
    ],
)
def test_all_that_are_joined_have_one_name_whatever_the_order(kin, families):
    for order in itertools.permutations(kin):
        assert families_of(order) == families


def test_the_kin_of_a_snapshot_are_those_known_to_have_a_parent():
    world = world_of("default", n_customers=150, n_months=22, seed=5)
    ledger = ledger_of(dict(world.tables), "EUR")
    who = sorted(set(world.tables["customers"]["customer_id"].to_pylist()))
    observed = pa.table({"customer_id": pa.array(who, pa.string()), "as_of": pa.array([world.end_on] * len(who), pa.date32())})
    kin = kin_of(take_snapshot(ledger, observed))
    parents = dict(
        zip(*(world.tables["customers"].sort_by("known_on")[name].to_pylist() for name in ("customer_id", "parent_id")))
    )

    assert {child for child, _ in kin} == {child for child, parent in parents.items() if parent}
    assert all(parents[family] is None for _, family in kin)
