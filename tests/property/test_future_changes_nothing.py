"""The sentence the project stands on: what we learn tomorrow cannot change what was said today."""

from datetime import date
from functools import cache

import narwhals.stable.v2 as nw
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from futures import another_future, another_past, cut_to, digests
from ledger_text import observations, polars_ledger
from riskscore import features, positions
from riskscore.portfolio import take_portfolio
from riskscore.simulation import simulate
from riskscore.snapshot import customers_known_at, items, money, spine, standing, states, take_snapshot, taking
from riskscore.snapshot.money import FOREVER
from riskscore.stores.engines import ledger_of
from strategies import DATES, ledgers

ENGINES = {"duckdb": ledger_of, "polars": polars_ledger}
INVENTED_DATES = (
    date(2022, 1, 1),  # the first day of the books
    date(2023, 3, 26),  # clocks change in Europe
    date(2023, 8, 17),  # any day
    date(2023, 12, 31),  # a year's end
    date(2024, 2, 29),  # a leap day
    date(2024, 6, 30),  # the last day of the books
)


@cache
def invented():
    """An invented company's ledger: 40 customers, 30 months."""
    return dict(simulate("default", n_customers=40, n_months=30, seed=11).tables)


@cache
def invented_customers():
    return sorted(set(invented()["customers"]["customer_id"].to_pylist()))


def said(tables, customers, as_of, engine="polars", currency="EUR"):
    """The digest of every column said of the customers on a date: features, positions, portfolio."""
    ledger = ENGINES[engine](tables, currency)
    snapshot = take_snapshot(ledger, observations(*((customer, as_of) for customer in customers)))
    portfolio = take_portfolio(ledger, as_of, n_quarters=2)
    return {
        **{f"feature {name}": digest for name, digest in digests(features.compute(snapshot)).items()},
        **{f"position {name}": digest for name, digest in digests(positions.compute(snapshot)).items()},
        **{f"by customer {name}": digest for name, digest in digests(portfolio.by_customer).items()},
        **{f"by family {name}": digest for name, digest in digests(portfolio.by_family).items()},
        "portfolio": repr((portfolio.receivables, portfolio.ageing, portfolio.quarters, portfolio.concentration)),
        "customers": repr(customers_known_at(ledger, as_of).to_pylist()),
    }


def changed(before, after):
    return {name for name in before | after if before.get(name) != after.get(name)}


@pytest.mark.parametrize("as_of", INVENTED_DATES, ids=str)
def test_what_is_learned_after_a_date_changes_nothing_said_of_it(as_of):
    before = said(invented(), invented_customers(), as_of)

    assert changed(before, said(another_future(invented(), as_of, seed=1), invented_customers(), as_of)) == set()
    assert changed(before, said(cut_to(invented(), as_of), invented_customers(), as_of)) == set()


@pytest.mark.slow
def test_the_default_engine_says_the_same_before_and_after_the_future_is_known():
    as_of = INVENTED_DATES[3]
    before = said(invented(), invented_customers(), as_of, "duckdb")

    assert changed(before, said(another_future(invented(), as_of, seed=2), invented_customers(), as_of, "duckdb")) == set()


@pytest.mark.slow
@settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # an example takes a second: shrinking would take minutes
)
@given(tables=ledgers(), as_of=st.sampled_from(DATES), seed=st.integers(0, 2**16))
def test_no_future_of_any_ledger_changes_what_was_said(tables, as_of, seed):
    customers = [f"C{number}" for number in range(4)]
    before = said(tables, customers, as_of)

    assert changed(before, said(another_future(tables, as_of, seed), customers, as_of)) == set()
    assert changed(before, said(cut_to(tables, as_of), customers, as_of)) == set()


def test_changing_the_past_changes_what_is_said_of_nearly_everybody():
    """Without this, features that never move would pass for features that cannot see ahead."""
    as_of = date(2023, 12, 31)
    buyers = sorted(set(invented()["invoices"]["customer_id"].to_pylist()))

    def rows(tables):
        known = take_snapshot(polars_ledger(tables), observations(*((buyer, as_of) for buyer in buyers)))
        return features.compute(known).to_pylist()

    before, after = rows(cut_to(invented(), as_of)), rows(another_past(cut_to(invented(), as_of), as_of, seed=3))
    seen = [old for old in before if old["n_invoices_365d"]]
    moved = [old for old, new in zip(before, after, strict=True) if old["n_invoices_365d"] and old != new]

    assert len(seen) > 20
    assert len(moved) >= 0.9 * len(seen)


# Planted leaks: each is a way in which point-in-time code goes wrong, and each must be seen by the test above.


def final_state(frame):
    """Takes the state that holds in the end, not the one that held on the date."""
    return frame.filter(nw.col("known_to") == FOREVER)


def settled_when_paid(ledger, issued):
    """Counts a settlement from its value date, before anybody knew of it."""
    found = original_settled(ledger, issued)
    return found.with_columns(known_from="settled_on")


def closings_known_at_once(ledger, issued):
    """Reads the closing date of a dispute as if it had been known when the dispute was opened."""
    opened, closed = original_disputes(ledger, issued)
    return opened, closed.with_columns(known_from="on")


def from_the_fiscal_date(ledger, spine_, rates):
    """Uses accounts from the end of their fiscal year, months before they were published."""
    statements = ledger.frames["statements"].with_columns(published_on="period_end", known_on="period_end")
    early = type(ledger)({**ledger.frames, "statements": statements}, ledger.stage, ledger.lift, ledger.reporting_currency)
    return standing.take_statements(early, spine_, rates)


original_settled, original_disputes = taking.settled_parts, states._disputes
LEAKS = {
    "the-final-status-of-an-invoice": (items, "holding", final_state),
    "a-payment-made-but-not-yet-known": (taking, "settled_parts", settled_when_paid),
    "the-end-of-a-dispute-that-goes-on": (states, "_disputes", closings_known_at_once),
    "the-master-data-of-today": (spine, "holding", final_state),
    "the-limit-of-today": (standing, "holding", final_state),
    "a-later-exchange-rate": (money, "holding", final_state),
    "accounts-not-yet-published": (taking, "take_statements", from_the_fiscal_date),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_planted_leak_is_seen(monkeypatch, leak):
    monkeypatch.setattr(*LEAKS[leak])
    as_of = date(2023, 3, 26)

    before = said(invented(), invented_customers(), as_of)
    after = said(another_future(invented(), as_of, seed=1), invented_customers(), as_of)

    assert changed(before, after) != set()
