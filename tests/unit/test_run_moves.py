"""How much a run moves against the one before: over the customers of both, each bound just below, at and just above."""

from dataclasses import dataclass
from decimal import Decimal

import pytest

from gating import GATE_TEXT
from riskscore.errors import UsageRefused
from riskscore.policy import Cap
from riskscore.promotion import Moves, Stood, parse

BOUNDS = parse(GATE_TEXT).runs


@dataclass
class Proposed:
    """As much of a recommendation as is looked at."""

    limit: Decimal
    caps: tuple[Cap, ...]


@dataclass
class Said:
    """As much of a decision as is looked at."""

    customer_id: str
    recommendation: Proposed | None
    status: str = "scored"
    limit_now: Decimal | None = None


def said(customer, limit, status="scored", cap=None, granted=None):
    amount = Decimal(limit)
    caps = (Cap("need", Decimal(limit if cap is None else cap), "test"),)
    return Said(customer, Proposed(amount, caps), status, None if granted is None else Decimal(granted))


def book(n=1000, limit=100, **facts):
    return [said(f"c{each:04}", limit, **facts) for each in range(n)]


def stood(decisions):
    return {
        each.customer_id: Stood(each.status == "scored" and each.recommendation.limit > 0, each.recommendation.limit)
        for each in decisions
    }


def moves(before, after):
    found = Moves(None if before is None else stood(before))
    for decision in after:
        found.add(decision)
    return found


def held(before, after):
    return [check.name for check in moves(before, after).checks(BOUNDS) if not check.passed]


def test_the_same_run_moves_nothing():
    assert held(book(), book()) == []


@pytest.mark.parametrize(
    ("n", "found"),
    [(49, []), (50, []), (51, ["approvals_moved"])],
    ids=["below five points", "at five points", "above five points"],
)
def test_a_run_that_refers_more_customers_than_may_be_moves_the_approvals(n, found):
    fewer = [*book(n, status="referred"), *book()[n:]]

    assert held(book(), fewer) == found
    assert held(fewer, book()) == found  # more approvals are a move as well


@pytest.mark.parametrize(("limit", "found"), [("109.99", []), ("110", []), ("110.01", ["limits_moved"])])
def test_a_run_whose_limits_add_up_to_more_than_may_be_is_found(limit, found):
    assert held(book(), book(limit=limit)) == found


def test_limits_that_fall_are_a_move_as_well():
    assert held(book(), book(limit="89.99")) == ["limits_moved"]


@pytest.mark.parametrize(("limit", "found"), [("199.99", []), ("200", []), ("200.01", ["limits_doubled"])])
def test_one_limit_more_than_twice_the_one_before_is_found(limit, found):
    assert held(book(), [said("c0000", limit), *book()[1:]]) == found


@pytest.mark.parametrize(("granted", "n"), [("100.01", 0), ("100", 1), ("99.99", 1), ("0", 1), (None, 1)])
def test_a_limit_back_at_what_is_granted_today_is_no_doubling(granted, n):
    found = moves([said("a", 60)], [said("a", "200.01", granted=granted)])

    assert found.n_doubled == n


def test_a_first_limit_is_an_approval_and_no_doubling():
    found = moves([said("a", 0)], [said("a", 100)])

    assert (found.n_doubled, found.approved_before, found.approved_after) == (0, 0, 1)
    assert found.limits_moved == float("inf")


def test_a_limit_above_a_cap_of_the_policy_is_found_in_a_first_run_and_of_a_new_customer_too():
    above = said("new", "100.01", cap=100)

    assert held(None, [*book(), above]) == ["limits_above_cap"]
    assert held(book(), [*book(), above]) == ["limits_above_cap"]
    assert held(book(), [*book(), said("new", 100, cap=100)]) == []


def test_only_customers_of_both_runs_are_compared_and_the_others_are_counted():
    found = moves(book(10), [*book(8), said("new", 10_000)])

    assert (found.n_customers, found.n_new, found.n_gone) == (8, 1, 2)
    assert (found.limits_before, found.limits_after) == (800, 800)


def test_a_first_run_has_nothing_to_be_compared_with():
    assert [check.name for check in moves(None, book()).checks(BOUNDS)] == ["limits_above_cap"]


def test_the_largest_moves_are_kept_raised_before_cut():
    after = [said(f"c{each:04}", 100 + each) for each in range(15)] + [said(f"c{each:04}", 100 - each) for each in range(15, 30)]
    kept = moves(book(30), after).largest

    assert [each.after - each.before for each in kept] == [*range(14, 4, -1), *range(-29, -19)]


@pytest.mark.parametrize("missing", ["doubled = 0", "[runs]"])
def test_bounds_that_are_not_signed_are_refused(missing):
    text = GATE_TEXT.replace(missing, "[run]" if missing == "[runs]" else "", 1)
    assert text != GATE_TEXT

    with pytest.raises(UsageRefused, match="runs"):
        parse(text)
