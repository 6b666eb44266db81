"""The same customer at the same date gets the same bits: whatever the row order, the columns' order, the engine, the company kept."""

import random
from datetime import date
from functools import cache

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from futures import digests
from ledger_text import observations, polars_ledger
from riskscore import features, outcomes, positions
from riskscore.outcomes import Outcome
from riskscore.portfolio import receivables_by_family, take_portfolio
from riskscore.simulation import simulate
from riskscore.snapshot import take_snapshot, with_kinship
from riskscore.stores.engines import ledger_of
from strategies import DATES, ledgers

DAYS = (date(2023, 6, 30), date(2023, 12, 31))
UNTIL = date(2024, 6, 30)


@cache
def invented():
    return dict(simulate("default", n_customers=40, n_months=30, seed=5).tables)


@cache
def pairs():
    return [(customer, day) for customer in sorted(invented()["customers"]["customer_id"].unique().to_pylist()) for day in DAYS]


def answers(ledger, asked):
    wanted = observations(*asked)
    snapshot = take_snapshot(ledger, wanted)
    return {
        "features": features.compute(snapshot),
        "positions": positions.compute(snapshot),
        "outcomes": outcomes.observe(ledger, wanted, Outcome(), until=UNTIL),
    }


@cache
def on_duckdb():
    return answers(ledger_of(invented(), "EUR"), pairs())


def differing(left, right):
    return {
        f"{name}.{column}"
        for name in left
        for column, digest in digests(left[name]).items()
        if digests(right[name])[column] != digest
    }


def test_a_second_engine_gives_the_same_bits():
    assert differing(on_duckdb(), answers(polars_ledger(invented()), pairs())) == set()


def test_shuffled_rows_permuted_columns_and_unordered_questions_give_the_same_bits():
    chance = random.Random(8)

    def shuffled(table):
        order = chance.sample(range(table.num_rows), table.num_rows)
        return table.take(pa.array(order, pa.int64())).select(chance.sample(table.column_names, len(table.column_names)))

    tables = {name: shuffled(table) for name, table in invented().items()}
    asked = chance.sample(pairs(), len(pairs()))

    assert differing(on_duckdb(), answers(ledger_of(tables, "EUR"), [*asked, asked[0]])) == set()


def test_one_customer_alone_gets_the_same_bits_as_among_all():
    children = invented()["customers"].filter(pa.compute.is_valid(invented()["customers"]["parent_id"]))
    alone = {"C000007", *children["customer_id"].to_pylist()[:2]} & {customer for customer, _ in pairs()} or {pairs()[14][0]}

    for customer in alone:
        tables = {name: of_customer(table, customer) for name, table in invented().items()}
        ledger = with_kinship(ledger_of(tables, "EUR"), children)
        found = answers(ledger, [pair for pair in pairs() if pair[0] == customer])
        among_all = {name: of_customer(table, customer) for name, table in on_duckdb().items()}

        assert differing(found, among_all) == set()


def test_the_portfolio_of_buckets_is_the_portfolio_of_the_whole():
    customers = sorted({customer for customer, _ in pairs()})
    whole = ledger_of(invented(), "EUR")
    halves = [
        with_kinship(
            ledger_of({name: of_customers(table, half) for name, table in invented().items()}, "EUR"), invented()["customers"]
        )
        for half in (customers[::2], customers[1::2])
    ]

    assert take_portfolio(iter(halves), DAYS[1]) == take_portfolio(whole, DAYS[1])
    assert receivables_by_family(halves, DAYS[1]) == receivables_by_family(whole, DAYS[1])


@pytest.mark.slow
@settings(
    max_examples=5,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # an example takes two seconds: shrinking would take minutes
)
@given(tables=ledgers(), days=st.sets(st.sampled_from(DATES), min_size=1, max_size=2))
def test_both_engines_agree_to_the_last_bit_on_any_ledger(tables, days):
    asked = [(f"C{number}", day) for number in range(4) for day in days]

    assert differing(answers(ledger_of(tables, "EUR"), asked), answers(polars_ledger(tables), asked)) == set()


def of_customer(table, customer):
    return of_customers(table, [customer])


def of_customers(table, customers):
    if "customer_id" not in table.column_names:
        return table
    return table.filter(pa.compute.is_in(table["customer_id"], pa.array(customers, pa.string())))
