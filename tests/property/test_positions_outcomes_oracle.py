"""Positions and outcomes equal their plain-Python definitions, on ledgers whose dates lie on edges."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from futures import another_future, digests
from ledger_text import observations, polars_ledger
from oracle.known import Books, known
from oracle.outcomes import outcome
from oracle.positions import position
from riskscore import outcomes, positions
from riskscore.outcomes import Outcome
from riskscore.snapshot import take_snapshot
from strategies import DATES, TODAY, edge_sweep, ledgers

BOUNDED = settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # an example takes a third of a second: shrinking would take minutes
)
LAWS = (
    Outcome(),
    Outcome(horizon_days=90, days_past_due=30, min_amount=Decimal(50)),
    Outcome(
        horizon_days=365, days_past_due=90, min_amount=Decimal(0), min_billing_share=Decimal("0.25"), late_share=Decimal("0.5")
    ),
)


def pairs_of(tables, dates):
    customers = sorted(set(tables["invoices"]["customer_id"].to_pylist())) or ["C0"]
    return [(customer, day) for customer in customers for day in sorted(dates)]


def wrong_positions(tables, pairs):
    books = Books(tables)
    found = positions.compute(take_snapshot(polars_ledger(tables), observations(*pairs))).to_pylist()
    wrong = []
    for row in found:
        expected = position(known(books, row["customer_id"], row["as_of"]), "EUR")
        wrong += [
            (row["customer_id"], row["as_of"], name, row[name], value) for name, value in expected.items() if row[name] != value
        ]
    return wrong


def wrong_outcomes(tables, pairs, law, until):
    books = Books(tables)
    found = outcomes.observe(polars_ledger(tables), observations(*pairs), law, until=until).to_pylist()
    return [
        (row, expected)
        for row in found
        if (row["outcome"], row["cause"]) != (expected := outcome(books, row["customer_id"], row["as_of"], until, law))
    ]


def test_positions_equal_their_definition_on_every_edge():
    tables = edge_sweep(TODAY)

    assert wrong_positions(tables, pairs_of(tables, [TODAY])) == []


@pytest.mark.slow
@BOUNDED
@given(tables=ledgers(), dates=st.sets(st.sampled_from(DATES), min_size=1, max_size=3))
def test_positions_equal_their_definition_on_any_ledger(tables, dates):
    assert wrong_positions(tables, pairs_of(tables, dates)) == []


@pytest.mark.parametrize("law", LAWS, ids=["default", "thirty-days", "a-year"])
def test_outcomes_equal_their_definition_on_every_edge(law):
    tables = edge_sweep(TODAY)
    dates = [TODAY - timedelta(days=days) for days in (181, 180, 61, 400)]

    assert wrong_outcomes(tables, pairs_of(tables, dates)[::3], law, TODAY) == []


@pytest.mark.slow
@BOUNDED
@given(
    tables=ledgers(), back=st.sets(st.sampled_from((30, 89, 90, 91, 180, 181, 365, 500)), min_size=1), law=st.sampled_from(LAWS)
)
def test_outcomes_equal_their_definition_on_any_ledger(tables, back, law):
    assert wrong_outcomes(tables, pairs_of(tables, [TODAY - timedelta(days=days) for days in back]), law, TODAY) == []


@pytest.mark.slow
@BOUNDED
@given(tables=ledgers(), seed=st.integers(0, 2**16))
def test_what_is_learned_after_the_last_day_changes_no_outcome(tables, seed):
    asked = observations(*pairs_of(tables, [TODAY - timedelta(days=181)]))

    def observed(ledger_tables):
        return digests(outcomes.observe(polars_ledger(ledger_tables), asked, Outcome(), until=TODAY))

    assert observed(another_future(tables, TODAY, seed)) == observed(tables)
