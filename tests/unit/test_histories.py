"""The checker of histories finds what it is there for, and believes an unknown request either way."""

from dataclasses import replace

import pytest

from histories import Event, Stored, faults

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
