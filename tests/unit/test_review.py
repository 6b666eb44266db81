"""Overrides without a database: who may do what in which state, whose authority an amount needs, and when everything returns."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from deciding import ON
from riskscore.errors import Conflict, NotAllowed, UsageRefused
from riskscore.review import (
    AUTHORITIES,
    GRADES,
    TRANSITIONS,
    UNKNOWN,
    Closing,
    Override,
    Person,
    Wanted,
    can_act,
    check_act,
    check_wanted,
    in_force,
    parse,
)  # fmt: skip
from riskscore.review.overrides import LONGEST, PROPOSAL_LASTS

SHIPPED = (Path(__file__).resolve().parents[2] / "models/late_payment/delegation.toml").read_text("utf-8")
DELEGATION = parse(SHIPPED, on=ON)
UNTIL = ON + timedelta(days=90)
WANTED = Wanted(Decimal("40000.00"), None, None, "the parent guarantees it", UNTIL)
ANN, BO, CHEF, VIEWER = (
    Person(name, role) for name, role in (("ann", "analyst"), ("bo", "analyst"), ("chef", "approver"), ("vi", "viewer"))
)


def proposal(**facts):
    plain = {
        "review_id": "r", "decision_id": "d", "customer_id": "acme", "currency": "EUR", "decided_for": ON,
        "decided_limit": Decimal(30000), "decided_grade": 3, "is_natural_person": False, "wanted": WANTED,
        "proposed_by": "ann", "proposed_on": ON,
    }  # fmt: skip
    return Override(**{**plain, **facts})


def approved(on=ON, **facts):
    return proposal(closing=Closing("approved", "bo", "", on), **facts)


@pytest.mark.parametrize("grade", GRADES)
@pytest.mark.parametrize("amount", ["0", "10000", "10000.01", "50000", "50000.01", "1e12"])
def test_every_amount_of_every_grade_goes_to_somebody_and_more_never_to_less(grade, amount):
    wanted = None if grade == UNKNOWN else grade
    needed = DELEGATION.needed(Decimal(amount), "EUR", wanted)
    more = DELEGATION.needed(Decimal(amount) * 2 + 1, "EUR", wanted)

    assert needed in AUTHORITIES
    assert AUTHORITIES.index(more) >= AUTHORITIES.index(needed)


def test_every_cell_of_the_shipped_delegation_is_reached():
    for band in DELEGATION.bands:
        edges = [Decimal(0), *(step.up_to for step in band.steps if step.up_to is not None)]
        for grade in band.grades:
            found = [DELEGATION.needed(edge + Decimal("0.01"), "EUR", grade or None) for edge in edges]

            assert found == [step.role for step in band.steps]


@pytest.mark.parametrize(
    ("grade", "amount", "needed"),
    [
        (4, "50000", "analyst"), (4, "50000.01", "approver"), (5, "10000", "analyst"), (5, "10000.01", "approver"),
        (8, "0.01", "approver"), (None, "0.01", "approver"),
    ],
)  # fmt: skip
def test_the_shipped_delegation_says_who(grade, amount, needed):
    assert DELEGATION.needed(Decimal(amount), "EUR", grade) == needed
    assert DELEGATION.needed(Decimal(amount), "CNY", grade) == "approver", "what cannot be measured needs the greatest"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("grades = [1, 2, 3, 4]", "grades = [1, 2, 3]", "every grade"),
        ("grades = [1, 2, 3, 4]", "grades = [1, 2, 3, 4, 5]", "every grade"),
        (
            '{ role = "approver" }]\n\n[[delegation.bands]]\ngrades = [5',
            '{ up_to = "60000", role = "approver" }]\n\n[[delegation.bands]]\ngrades = [5',
            "only the last has none",
        ),
        ('up_to = "50000", role = "analyst"', 'up_to = "50000", role = "approver"', "never reached"),
        ('role = "analyst"', 'role = "viewer"', "role"),
        ("from = 2000-01-01", "from = 2099-01-01", "no entry is in force"),
        ('currency = "EUR"', "", "currency"),
        ('currency = "EUR"', 'currency = "EUR"\nextra = 1', "unknown key"),
    ],
)
def test_a_delegation_with_a_hole_or_a_dead_cell_is_refused(old, new, why):
    assert old in SHIPPED
    with pytest.raises(UsageRefused, match=why):
        parse(SHIPPED.replace(old, new), on=ON)


def test_a_later_entry_replaces_the_earlier_one_from_its_day():
    later = SHIPPED[SHIPPED.index("[[delegation]]") :].replace("2000-01-01", "2027-01-01").replace("50000", "5")
    text = SHIPPED + "\n" + later

    assert parse(text, on=date(2026, 12, 31)).needed(Decimal(6), "EUR", 1) == "analyst"
    assert parse(text, on=date(2027, 1, 1)).needed(Decimal(6), "EUR", 1) == "approver"


@pytest.mark.parametrize("act", ["approve", "reject", "withdraw"])
@pytest.mark.parametrize("state", ["approved", "rejected", "withdrawn", "lapsed", "expired"])
def test_nothing_is_done_to_what_is_over(act, state):
    day = ON
    if state == "lapsed":
        review, day = proposal(), ON + PROPOSAL_LASTS + timedelta(days=1)
    elif state == "expired":
        review, day = approved(), UNTIL + timedelta(days=1)
    else:
        review = proposal(closing=Closing(state, "bo", "", ON))

    assert review.state_on(day) == state
    assert (state, act) not in TRANSITIONS
    for person in (ANN, BO, CHEF):
        with pytest.raises(Conflict, match=f"review is {state}"):
            check_act(review, act, person, DELEGATION, day)


@pytest.mark.parametrize(
    ("person", "act", "why"),
    [
        (ANN, "approve", "second person"), (ANN, "reject", "second person"), (replace(ANN, role="approver"), "approve", "second person"),
        (replace(ANN, role="admin"), "approve", "second person"), (replace(ANN, is_machine=True), "approve", "token"),
        (replace(BO, is_machine=True), "approve", "token"), (replace(CHEF, is_machine=True), "reject", "token"),
        (VIEWER, "approve", "role decides no"), (Person("root", "admin"), "approve", "role decides no"), (BO, "withdraw", "Only who proposed"),
        (CHEF, "withdraw", "Only who proposed"), (Person(" Ann", "approver"), "approve", "second person"),
    ],
)  # fmt: skip
def test_whoever_may_not_is_told_why_and_the_button_says_the_same(person, act, why):
    with pytest.raises(NotAllowed, match=why) as refused:
        check_act(proposal(), act, person, DELEGATION, ON)
    assert can_act(proposal(), act, person, DELEGATION, ON) == str(refused.value)


@pytest.mark.parametrize(
    ("facts", "who_can"),
    [
        ({}, {"bo", "chef"}), ({"decided_grade": 8}, {"chef"}), ({"decided_grade": None}, {"chef"}),
        ({"wanted": replace(WANTED, limit=Decimal(50001))}, {"chef"}), ({"decided_limit": Decimal(50001)}, {"chef"}),
        ({"currency": "CNY"}, {"chef"}), ({"wanted": replace(WANTED, limit=Decimal(0)), "is_natural_person": True}, {"chef"}),
        ({"wanted": replace(WANTED, terms="stop"), "is_natural_person": None}, {"chef"}),
        ({"wanted": replace(WANTED, limit=Decimal(0)), "is_natural_person": False}, {"bo", "chef"}),
    ],
)  # fmt: skip
def test_who_can_approve_follows_from_amount_grade_and_person(facts, who_can):
    review = proposal(**facts)

    assert {each.name for each in (ANN, BO, CHEF, VIEWER) if can_act(review, "approve", each, DELEGATION, ON) is None} == who_can
    assert can_act(review, "reject", BO, DELEGATION, ON) is None, "saying no needs no authority over the amount"


def test_an_override_holds_from_the_decision_to_its_last_day_and_then_returns():
    review = approved(on=ON + timedelta(days=5))
    days = [ON - timedelta(days=1), ON, UNTIL, UNTIL + timedelta(days=1)]

    assert [in_force([review], day) is not None for day in days] == [False, True, True, False]
    assert in_force([proposal()], ON) is None, "what was only proposed holds nothing"


def test_of_two_in_force_the_later_approval_holds():
    old, new = approved(review_id="old"), approved(review_id="new", on=ON + timedelta(days=1))
    same = approved(review_id="same day")

    assert in_force([new, old], ON + timedelta(days=2)).review_id == "new"
    assert in_force([old, same], ON).review_id == "same day"


class Decided:
    status = "scored"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"limit": None}, "changes nothing"), ({"limit": Decimal("-0.01")}, "from 0 up"), ({"limit": Decimal("1.001")}, "two decimals"),
        ({"terms": 0}, "1 to 365"), ({"terms": 366}, "1 to 365"), ({"grade": 0}, "1 to 10"), ({"grade": 11}, "1 to 10"),
        ({"reason": " because  "}, "10 to 2000"), ({"reason": "x" * 2001}, "10 to 2000"),
        ({"valid_until": ON - timedelta(days=1)}, "between today"), ({"valid_until": ON + LONGEST + timedelta(days=1)}, "between today"),
    ],
)  # fmt: skip
def test_what_cannot_stand_in_place_of_a_decision_is_refused(change, why):
    with pytest.raises(UsageRefused, match=why):
        check_wanted(replace(WANTED, **change), Decided(), ON)


def test_the_edges_are_taken():
    for change in (
        {"limit": Decimal(0)},
        {"terms": 365},
        {"terms": "stop"},
        {"grade": 10},
        {"valid_until": ON},
        {"valid_until": ON + LONGEST},
    ):
        check_wanted(replace(WANTED, **change), Decided(), ON)


def test_a_customer_that_could_not_be_computed_has_nothing_to_override():
    class NotScored:
        status = "not_scored"

    with pytest.raises(UsageRefused, match="no decision to override"):
        check_wanted(WANTED, NotScored(), ON)
