"""What holds in every world, whatever the seed, the law and the size."""

from collections import defaultdict
from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore.simulation import PRESETS, simulate
from riskscore.tables import TABLES, validate

worlds = st.builds(
    lambda preset, n_customers, n_months, seed: simulate(preset, n_customers=n_customers, n_months=n_months, seed=seed),
    st.sampled_from(sorted(PRESETS)),
    st.integers(1, 12),
    st.integers(1, 14),
    st.integers(0, 2**31),
)


@settings(max_examples=25)
@given(worlds)
def test_rows_are_sound_money_is_conserved_and_time_runs_forward(world):
    billed, settled, closed = {}, defaultdict(Decimal), {}
    for name, rows in world.tables.items():
        assert validate(TABLES[name], rows, today=world.end_on)["reason"].null_count == rows.num_rows
    issued = {}
    for row in world.tables["invoices"].to_pylist():
        billed[row["invoice_id"]], issued[row["invoice_id"]] = row["amount"], row["issued_on"]
        assert row["issued_on"] <= row["known_on"] <= world.end_on
        assert row["issued_on"] <= row["due_on"]
    for row in world.tables["settlements"].to_pylist():
        settled[row["invoice_id"]] += row["amount"]
        closed[row["invoice_id"]] = row["settled_on"]
        assert issued[row["invoice_id"]] < row["settled_on"] <= row["known_on"] <= world.end_on
    for number, amount in settled.items():
        # Nothing is settled beyond what was billed, but for the rare overpayment of five percent.
        assert abs(amount) <= abs(billed[number]) * Decimal("1.0501") + Decimal("0.02")
        assert amount * billed[number] > 0


@settings(max_examples=15)
@given(worlds)
def test_every_regime_path_is_whole_and_insolvency_is_final(world):
    truth = world.truth
    for who, path in enumerate(truth.regimes):
        joined = truth.people.joined_month[who]
        assert (path[:joined] == -1).all()
        assert (path[joined:] >= 0).all()
        assert (np.diff((path[joined:] == 3).astype(int)) >= 0).all()
        if truth.announced[who] < truth.calendar.n_months:
            assert path[truth.announced[who]] == 3
