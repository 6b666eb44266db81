"""A worse ledger never gets more: payments move later in a whole invented book, and a trained model and the policy decide again."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deciding import PROVENANCE, shipped
from ledger_text import arrow, observations
from modelling import WORLD, shipped_grades, trained
from riskscore import features, positions
from riskscore.policy import recommend
from riskscore.policy.recommendation import credit_days
from riskscore.scoring import decide_rows, receivables_of
from riskscore.snapshot import take_snapshot
from riskscore.stores.engines import ledger_of
from simulated import world_of

CENT = Decimal("0.01")


def tables():
    return dict(world_of(**WORLD).tables)


def on():
    return world_of(**WORLD).end_on


@cache
def customers():
    return tuple(sorted(set(tables()["customers"]["customer_id"].to_pylist())))


def look_at(ledger_tables):
    snapshot = take_snapshot(ledger_of(ledger_tables, "EUR"), observations(*((customer, on()) for customer in customers())))
    return features.compute(snapshot), positions.compute(snapshot)


@cache
def receivables():
    return receivables_of([look_at(tables())[1]])


def decided(ledger_tables):
    """Everybody's decision, on the same receivables of the book: only the customer's own conduct differs."""
    frame, standing = look_at(ledger_tables)
    model = trained().model
    answers = decide_rows(
        frame, standing, model, shipped_grades(), shipped(), receivables=receivables(),
        provenance=replace(PROVENANCE, as_of=on(), model=model.digest),
    )  # fmt: skip
    return {answer.customer_id: answer for answer in answers}


@cache
def before():
    return decided(tables())


def paid_later(days: int, window: int):
    """The ledger in which the payments of the last `window` days came so many days later; some have then not come yet."""
    rows = tables()["settlements"].to_pylist()
    for row in rows:
        if row["kind"] == "payment" and on() - timedelta(days=window) <= row["known_on"] <= on():
            row["settled_on"] += timedelta(days=days)
            row["known_on"] += timedelta(days=days)
    return {**tables(), "settlements": arrow("settlements", rows)}


@pytest.mark.parametrize(
    ("days", "window"),
    [
        pytest.param(15, 60, id="two-weeks-later"),
        pytest.param(30, 365, id="a-month-later-all-year"),
        pytest.param(90, 90, id="a-quarter-unpaid"),
    ],
)
def test_paying_later_raises_no_limit_and_lengthens_no_terms(days, window):
    after = decided(paid_later(days, window))

    for customer in customers():
        then, now = before()[customer].recommendation, after[customer].recommendation
        assert now.limit <= then.limit, customer
        assert credit_days(now.longest_terms) <= credit_days(then.longest_terms), customer
        assert credit_days(now.terms) <= credit_days(then.terms), customer
    cut = [who for who in customers() if after[who].recommendation.limit < before()[who].recommendation.limit]
    assert len(cut) >= 0.3 * len(customers())


KINDS = ("later", "unpaid", "in_part", "written_off")
worse = st.tuples(st.sampled_from(KINDS), st.integers(1, 200), st.integers(20, 400))
"""What becomes of a customer's payments: how, by how many days later, and of how many days before the decision."""


def worsened(fates):
    """The ledger in which each customer's payments have that fate, a customer after the other from the list, again and again."""
    fate_of = {customer: fates[place % len(fates)] for place, customer in enumerate(customers())}
    rows = []
    for row in tables()["settlements"].to_pylist():
        kind, days, window = fate_of[row["customer_id"]]
        if row["kind"] != "payment" or row["amount"] <= 0 or not on() - timedelta(days=window) <= row["known_on"] <= on():
            rows.append(row)
        elif kind == "later":
            moved = {name: row[name] + timedelta(days=days) for name in ("settled_on", "known_on")}
            rows.append(row | moved)
        elif kind == "in_part":
            rows.append(row | {"amount": (row["amount"] / 2).quantize(CENT)})
        elif kind == "written_off":
            rows.append(row | {"kind": "write_off"})
    return {**tables(), "settlements": arrow("settlements", rows)}


@given(st.lists(worse, min_size=7, max_size=7))
@settings(max_examples=4, derandomize=True, deadline=None)
def test_whatever_gets_worse_in_a_ledger_nobody_gets_more_or_longer(fates):
    # Everybody's ledger gets worse in one of seven ways at once: 120 customers an example.
    after = decided(worsened(fates))

    for place, customer in enumerate(customers()):
        then, now = before()[customer].recommendation, after[customer].recommendation
        assert now.limit <= then.limit, (customer, fates[place % 7])
        assert credit_days(now.longest_terms) <= credit_days(then.longest_terms), (customer, fates[place % 7])
        assert credit_days(now.terms) <= credit_days(then.terms), (customer, fates[place % 7])


def test_a_policy_that_pays_for_lateness_would_be_seen():
    # The planted fault: a need that grows with the customer's own lateness, as the specification's formula has it.
    def with_own_lateness(cases):
        return {
            case.customer_id: recommend(case, replace(shipped(), need_days_late=max(case.days_late_p80 or 0, 0))).limit
            for case in cases
        }

    sooner = with_own_lateness(answer.case for answer in before().values())
    later = with_own_lateness(answer.case for answer in decided(paid_later(30, 365)).values())

    assert any(later[customer] > sooner[customer] for customer in customers())
