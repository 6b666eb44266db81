"""The checker of histories finds what it is there for, and believes an unknown request either way."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from histories import Event, Stored, StoredOrders, faults, order_faults

HISTORY = [
    Event("invoke", "a"), Event("ok", "a", "A"),
    Event("invoke", "b"), Event("unknown", "b"), Event("invoke", "b"), Event("ok", "b", "B", replayed=True),
    Event("invoke", "c"), Event("fail", "c"),
    Event("invoke", "d"), Event("unknown", "d"),
    Event("invoke", "e"),
]  # fmt: skip
FOUND = Stored([("a", "1", "A"), ("b", "2", "B")], ["1", "2"], ["1", "2"])


@pytest.mark.parametrize("open_one", [None, "d", "e"], ids=["neither", "no answer came", "never ended"])
def test_what_nobody_knows_may_be_there_or_not(open_one):
    more = [(open_one, "3", "X")] if open_one else []
    ids = ["1", "2", *(["3"] if open_one else [])]

    assert list(faults(HISTORY, Stored([*FOUND.answers, *more], ids, ids))) == []


PLANTED = {
    "an answer was dropped": ({"answers": FOUND.answers[:1]}, {"b: acknowledged and lost"}),
    "an answer was doubled": ({"answers": [*FOUND.answers, ("a", "1", "A")]}, {"a: answered 2 times"}),
    "an answer was changed": ({"answers": [("a", "1", "Z"), FOUND.answers[1]]}, {"a: another answer is stored than was given"}),
    "a decision was dropped": ({"decisions": ["1"]}, {"2: 0 times a decision, 1 times is right"}),
    "a decision was doubled": ({"decisions": ["1", "1", "2"]}, {"1: 2 times a decision, 1 times is right"}),
    "a decision nobody was told of": ({"decisions": ["1", "2", "9"]}, {"9: 1 times a decision, 0 times is right"}),
    "an audit row was dropped": ({"noted": ["1"]}, {"2: 0 times a audit row, 1 times is right"}),
    "a refused request had its effect": (
        {"answers": [*FOUND.answers, ("c", "1", "C")], "noted": ["1", "1", "2"]}, {"c: refused, and answered all the same"},
    ),
    "a request nobody made": (
        {"answers": [*FOUND.answers, ("z", "1", "Z")], "noted": ["1", "1", "2"]}, {"z: nobody asked, and it is answered"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", PLANTED)
def test_each_planted_fault_is_found(fault):
    change, said = PLANTED[fault]

    assert said <= set(faults(HISTORY, replace(FOUND, **change)))


def test_a_second_decision_for_a_key_is_found_by_what_the_clients_were_told():
    again = [*HISTORY, Event("invoke", "a"), Event("ok", "a", "A")]

    assert list(faults(again, FOUND)) == ["a: decided anew although it was answered before"]


def order(key: str, reservation: str | None) -> tuple[str, str]:
    """The answer to an order of acme, who owes 20 of 100."""
    return key, json.dumps({"customer_id": "acme", "reservation_id": reservation, "limit": "100", "receivables": "20"})


ORDERS = [
    Event("invoke", "a"), Event("ok", "a", order("a", "1")[1]),
    Event("invoke", "b"), Event("unknown", "b"), Event("invoke", "b"), Event("ok", "b", order("b", "2")[1], replayed=True),
    Event("invoke", "c"), Event("ok", "c", order("c", None)[1]),
]  # fmt: skip
HELD = [("1", "acme", Decimal(50)), ("2", "acme", Decimal(30))]
FOUND_ORDERS = StoredOrders([order("a", "1"), order("b", "2"), order("c", None)], HELD)


def test_orders_that_hold_what_everybody_was_told_are_in_order():
    assert list(order_faults(ORDERS, FOUND_ORDERS)) == []


PLANTED_ORDERS = {
    "an answer was dropped with its room": (
        {"answers": FOUND_ORDERS.answers[1:], "held": HELD[1:]}, {"a: acknowledged and lost"},
    ),
    "room was let go unseen": ({"held": HELD[:1]}, {"2: told 1 times and held 0 times"}),
    "room was taken twice": ({"held": [*HELD, HELD[1]]}, {"2: told 1 times and held 2 times", "acme: more is held than is free"}),
    "room that nobody was told of": ({"held": [*HELD, ("3", "acme", Decimal(1))]}, {"3: told 0 times and held 1 times"}),
    "more than is free": ({"held": [HELD[0], ("2", "acme", Decimal(31))]}, {"acme: more is held than is free"}),
}  # fmt: skip


@pytest.mark.parametrize("fault", PLANTED_ORDERS)
def test_each_planted_fault_of_an_order_is_found(fault):
    change, said = PLANTED_ORDERS[fault]

    assert said <= set(order_faults(ORDERS, replace(FOUND_ORDERS, **change)))
