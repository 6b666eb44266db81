"""Month after month in an invented company: a stable customer's grade moves seldom, and the grades still say who pays late."""

from datetime import date, timedelta
from functools import cache
from itertools import pairwise

import pytest

from deciding import shipped
from modelling import shipped_grades, trained
from riskscore import features, outcomes, positions
from riskscore.scoring.answers import Answers
from riskscore.snapshot import customers_known_at, month_ends, take_snapshot
from riskscore.stores.engines import ledger_of
from simulated import calm_world

pytestmark = pytest.mark.slow

HORIZON = timedelta(days=180)
MARGIN = float(shipped().grade_upgrade_margin or 0)
SHARE = 0.20
"""Of the monthly grades of stable customers, no more than this differ from the month before."""


ENOUGH = 15
"""Months of customers from which a grade has a rate to speak of."""


@cache
def followed():
    """By customer, month after month: its probability, and whether it paid materially late in the half year after."""
    world = calm_world(100, 22)
    ledger = ledger_of(dict(world.tables), "EUR")
    found: dict[str, list[tuple[float, bool]]] = {}
    for on in months(world.end_on - HORIZON):
        asked = customers_known_at(ledger, on)
        snapshot = take_snapshot(ledger, asked)
        standing = positions.compute(snapshot).to_pylist()
        sound = [row["customer_id"] for row in standing if row["n_paid_invoices"] and not row["in_default"]]
        chains = Answers.of(features.compute(snapshot), trained().model, sound).chains
        happened = outcomes.observe(ledger, asked, outcomes.Outcome(), until=world.end_on)
        late = dict(zip(happened["customer_id"].to_pylist(), happened["outcome"].to_pylist(), strict=True))
        for who, chain in chains.items():
            found.setdefault(who, []).append((chain.pd, bool(late[who])))
    return found


def months(last: date) -> list[date]:
    return month_ends(last - timedelta(days=220), last)


def graded(path, margin: float) -> list[int]:
    found: list[int] = []
    for pd, _ in path:
        found.append(shipped_grades().kept(pd, found[-1] if found else None, margin))
    return found


def share_changed(margin: float) -> float:
    """Of the monthly grades of customers who paid all through, the share that differs from the month before."""
    steps = [
        one != other
        for path in followed().values()
        if not any(late for _, late in path)
        for one, other in pairwise(graded(path, margin))
    ]
    assert len(steps) > 200
    return sum(steps) / len(steps)


def test_a_stable_customer_changes_its_grade_seldom_and_less_often_than_its_probability_does():
    assert share_changed(MARGIN) <= SHARE
    assert share_changed(MARGIN) <= 0.8 * share_changed(0.0)


def test_the_realised_rate_of_lateness_still_rises_from_grade_to_grade():
    late_by_grade: dict[int, list[bool]] = {}
    for path in followed().values():
        for grade, (_, late) in zip(graded(path, MARGIN), path, strict=True):
            late_by_grade.setdefault(grade, []).append(late)
    rates = [sum(some) / len(some) for _, some in sorted(late_by_grade.items()) if len(some) >= ENOUGH]

    assert len(rates) >= 4
    assert all(better < worse for better, worse in pairwise(rates))
