"""Reminders by the clock: 7, 15, 30 days; payment cancels, a dispute rests, and nobody gets two actions a day."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from ledger_text import ledger
from riskscore.dunning import parse, reminders
from riskscore.errors import UsageRefused
from riskscore.portfolio import take_open_invoices
from riskscore.stores.signed_texts import shipped_models

SHIPPED = (shipped_models() / "late_payment" / "dunning.toml").read_text(encoding="utf-8")
LADDER = parse(SHIPPED)
DUE = date(2025, 3, 3)  # a Monday
PAGE = """
    customers
    customer_id | country
    acme        | DE
    invoices
    customer_id | invoice_id | issued_on  | due_on     | amount
    acme        | one        | 2025-02-03 | 2025-03-03 | 100
"""
SECOND = "\n    acme        | two        | 2025-02-11 | 2025-03-11 | 200"


def actions(days: int, page: str = PAGE, done=None):
    day = DUE + timedelta(days=days)
    rows = take_open_invoices(ledger(page), day).to_pylist()
    return [(each.step.action, each.invoices, each.amount) for each in reminders(rows, done or {}, LADDER, on=day).actions]


@pytest.mark.parametrize(
    ("days", "action"),
    [
        pytest.param(6, None, id="day-6"),
        pytest.param(7, "email", id="day-7"),
        pytest.param(14, "email", id="day-14"),
        pytest.param(15, "call", id="day-15"),
        pytest.param(29, "call", id="day-29"),
        pytest.param(30, "letter", id="day-30"),
        pytest.param(59, "letter", id="day-59"),
        pytest.param(60, "agency", id="day-60"),
    ],
)
def test_the_step_of_the_day(days, action):
    assert [name for name, _, _ in actions(days)] == ([] if action is None else [action])


def test_a_clock_that_runs_sends_each_step_once():
    done, sent = {}, []
    for days in range(70):
        for action, invoices, _ in actions(days, done=done):
            sent.append((days, action))
            done |= {(invoice, action): DUE + timedelta(days=days) for invoice in invoices}

    assert sent == [(7, "email"), (15, "call"), (30, "letter"), (60, "agency")]


def test_payment_cancels_the_rest():
    paid = (
        PAGE
        + "    settlements\n    invoice_id | settlement_id | kind | settled_on | amount\n    one | a | payment | 2025-03-20 | 100\n"
    )

    assert actions(16, paid) != []
    assert actions(17, paid) == actions(60, paid) == []


@pytest.mark.parametrize(
    ("contested", "asked"),
    [
        pytest.param("", [], id="all-of-it"),
        pytest.param("60", [], id="what-is-left-is-too-little"),
        pytest.param("40", [Decimal(60)], id="a-part"),
    ],
)
def test_what_is_contested_rests(contested, asked):
    page = PAGE + f"    disputes\n    invoice_id | opened_on | amount\n    one | 2025-03-05 | {contested}\n"
    day = DUE + timedelta(days=30)
    found = reminders(take_open_invoices(ledger(page), day).to_pylist(), {}, LADDER, on=day)

    assert [each.amount for each in found.actions] == asked
    assert found.resting == {"acme": Decimal(contested or 100)}


def test_a_settled_dispute_is_asked_for_again():
    page = PAGE + "    disputes\n    invoice_id | opened_on | closed_on\n    one | 2025-03-05 | 2025-03-12\n"

    assert (actions(8, page), [name for name, _, _ in actions(9, page)]) == ([], ["email"])


def test_a_customer_gets_one_action_for_all_that_waits():
    found = actions(16, PAGE.rstrip() + SECOND)

    assert found == [("call", ("one", "two"), Decimal(300))]


def test_never_two_actions_a_day():
    page, day = PAGE.rstrip() + SECOND, DUE + timedelta(days=15)
    mailed = {("two", "email"): day}

    assert actions(15, page, mailed) == []
    assert actions(16, page, mailed) == [("call", ("one",), Decimal(100))]


def test_what_was_taken_later_is_not_known_yet():
    assert actions(7, done={("one", "email"): DUE + timedelta(days=8)}) != []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        pytest.param("colour = 1\n" + SHIPPED, "colour: unknown key", id="unknown-key"),
        pytest.param(SHIPPED.replace("from_day = 15", "from_day = 7"), "days of the steps must rise", id="days-do-not-rise"),
        pytest.param(SHIPPED.replace('action = "call"', 'action = "email"'), "no step may stand twice", id="a-step-twice"),
        pytest.param(SHIPPED.replace('action = "call"', 'action = "visit"'), "step.1.action", id="a-step-that-is-none"),
        pytest.param(SHIPPED.replace('owner = "credit specialist"\n', ""), "step.1.owner: field required", id="nobody-owns-it"),
    ],
)
def test_a_ladder_that_is_not_sound_is_refused(wrong, words):
    assert wrong != SHIPPED
    with pytest.raises(UsageRefused, match="dunning: ") as refused:
        parse(wrong)
    assert words in str(refused.value)
