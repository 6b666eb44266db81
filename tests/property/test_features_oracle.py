"""Every feature equals its plain-Python definition, on ledgers whose dates lie on the edges of its windows."""

import math
from datetime import timedelta
from functools import cache

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ledger_text import observations, polars_ledger
from oracle.features import ORACLES, ROOMS
from oracle.known import Books, known
from riskscore import features
from riskscore.features import CATALOGUE
from riskscore.snapshot import take_snapshot
from strategies import DATES, TODAY, edge_sweep, ledgers

WINDOW_HELPERS = ("fell_due", "concluded", "answered", "bills", "received")
WEEKDAYS = (TODAY, TODAY + timedelta(days=2))


def same(fast, plain):
    if fast is None or plain is None or isinstance(fast, str):
        return fast == plain
    return math.isfinite(fast) and math.isclose(fast, plain, rel_tol=1e-12, abs_tol=1e-12)


def differences(found):
    """(feature, customer, date, fast, plain) wherever the two engines disagree on (row of the fast one, facts of the plain one)."""
    return [
        (name, row["customer_id"], row["as_of"], row[name], plain)
        for row, facts in found
        for name, definition in ORACLES.items()
        if not same(row[name], plain := definition(facts))
    ]


def both_engines(tables, pairs):
    books = Books(tables)
    rows = features.compute(take_snapshot(polars_ledger(tables), observations(*pairs))).to_pylist()
    return [(row, known(books, row["customer_id"], row["as_of"])) for row in rows]


@cache
def sweep(today):
    """The edge sweep of a day, through both engines."""
    tables = edge_sweep(today)
    return both_engines(tables, [(customer, today) for customer in sorted(set(tables["invoices"]["customer_id"].to_pylist()))])


def test_every_feature_has_a_definition_of_its_own():
    assert set(ORACLES) == set(CATALOGUE)


@pytest.mark.parametrize("today", WEEKDAYS, ids=str)
def test_every_feature_equals_its_definition_on_every_edge_of_every_window(today):
    assert differences(sweep(today)) == []


@pytest.mark.parametrize("step", [-1, 1], ids=["a-day-short", "a-day-long"])
def test_a_window_off_by_one_day_would_be_seen(monkeypatch, step):
    """The planted fault: each window moved by a day must change every feature that looks through it."""
    missing = {name for name, feature in CATALOGUE.items() if feature.window_days and name not in NOT_BY_THESE_WINDOWS}
    for helper in WINDOW_HELPERS:
        with monkeypatch.context() as planted:
            for room in ROOMS:
                if (original := vars(room).get(helper)) is not None:
                    planted.setattr(
                        room, helper, lambda known, *args, f=original: f(known, *args[:-1], *(w + step for w in args[-1:]))
                    )
            for today in WEEKDAYS:
                missing -= {
                    name for name in missing if any(not same(row[name], ORACLES[name](facts)) for row, facts in sweep(today))
                }

    assert missing == set()


NOT_BY_THESE_WINDOWS = {
    # The rating's year lies in its own look-up.
    "rating_change_365d",
    # Every customer of the sweep has paid lately; that a year ends it is specified by the feature's own cases.
    "days_since_last_payment",
    # Written off by the day of the write-off; counted in slices of a month.
    "write_off_share_365d",
    "active_months_365d",
    "peak_month_share_365d",
}


@pytest.mark.slow
@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # an example takes half a second: shrinking would take minutes
)
@given(tables=ledgers(), dates=st.sets(st.sampled_from(DATES), min_size=1, max_size=3))
def test_every_feature_equals_its_definition_on_any_ledger(tables, dates):
    pairs = [(f"C{number}", day) for number in range(4) for day in sorted(dates)]

    assert differences(both_engines(tables, pairs)) == []
