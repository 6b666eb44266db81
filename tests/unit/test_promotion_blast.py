"""How much moves at once: counted customer by customer, money exactly."""

from dataclasses import dataclass
from decimal import Decimal

import pytest

from gating import TERMS
from riskscore.policy import Cap
from riskscore.promotion import blast_radius
from riskscore.promotion.gate import check_moves


@dataclass
class Proposed:
    """As much of a recommendation as is looked at."""

    limit: Decimal
    caps: tuple[Cap, ...]


@dataclass
class Said:
    """As much of a decision as is looked at."""

    customer_id: str
    grade: int | None
    recommendation: Proposed | None
    status: str = "scored"


def said(customer, grade, limit, status="scored", cap=None):
    amount = Decimal(limit)
    caps = (Cap("need", Decimal(cap) if cap is not None else amount, "test"),)
    return Said(customer, grade, Proposed(amount, caps), status)


def book(limit=100, grade=3, n=100, **changed):
    return [said(f"c{each}", **({"grade": grade, "limit": limit} | changed)) for each in range(n)]


def held(before, after):
    return [check.name for check in check_moves(blast_radius(before, after), TERMS) if not check.passed]


def test_the_same_decisions_move_nothing():
    assert held(book(), book()) == []


@pytest.mark.parametrize(
    ("n", "change", "name"),
    [
        pytest.param(20, {"grade": 5, "limit": 100}, None, id="a-fifth-far-is-allowed"),
        pytest.param(21, {"grade": 5, "limit": 100}, "grades_moved", id="one-more-is-not"),
        pytest.param(99, {"grade": 4, "limit": 100}, None, id="one-grade-is-not-far"),
        pytest.param(6, {"grade": 3, "limit": 100, "status": "referred"}, "approvals_moved", id="approvals-fall"),
        pytest.param(11, {"grade": 3, "limit": 200}, "limits_moved", id="limits-rise-by-eleven-per-cent"),
        pytest.param(5, {"grade": 3, "limit": 201}, "limits_moved", id="limits-rise-and-double"),
        pytest.param(6, {"grade": 3, "limit": 201, "cap": 300}, "limits_doubled", id="too-many-double"),
        pytest.param(1, {"grade": 3, "limit": 100, "cap": 90}, "limits_above_cap", id="one-limit-above-its-cap"),
    ],
)
def test_each_bound_is_held_just_beyond_it(n, change, name):
    after = [said(f"c{each}", **change) for each in range(n)] + book()[n:]
    found = held(book(), after)

    if name is None:
        assert found == []
    elif name == "limits_moved" and n == 5:
        assert found == []  # 5 % more in all, 5 % doubled: on both bounds
    else:
        assert name in found


def test_a_grade_withheld_on_one_side_is_far():
    assert blast_radius(book(n=1), book(n=1, grade=None)).n_far == 1
    assert blast_radius(book(n=1, grade=None), book(n=1, grade=None)).n_far == 0


def test_credit_where_there_was_none_is_no_finite_share():
    assert held(book(limit=0), book(limit=1)) == ["approvals_moved", "limits_moved", "limits_doubled"]
    assert blast_radius([], []).limits_moved == 0.0


def test_books_of_other_customers_are_not_compared():
    with pytest.raises(ValueError, match="not about the same customers"):
        blast_radius(book(n=2), book(n=3))
