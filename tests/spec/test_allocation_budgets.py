"""Budgets as signed text, and budgets under which nothing could be given: refused by the key or the group that is wrong."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from riskscore.allocation import Budgets, Candidates, allocate, budgets_on, refuse_hopeless
from riskscore.errors import UsageRefused
from riskscore.profit import Trade

ON = date(2026, 6, 30)
TEXT = """
[[budget]]
from = 2026-01-01
until = 2026-12-31
currency = "EUR"
total = "40000000"
expected_loss = "300000"
family_share = "0.2"
source = "board, minutes of 2025-12-12"
reason = "the bank's line"
[budget.class_share]
7 = "0.05"
[budget.insurer_amount]
Atlas = "5000000"
"""


def three(**budgets) -> None:
    """Three customers of two families, grades 4 and 7, one insured."""
    customers = Candidates(
        Trade(demand=np.array([400.0, 300.0, 300.0]), spread=0.0, days_outstanding=365.0, margin=0.2, capital_cost=0.0, pd=0.0, lgd=1.0),
        ceiling=np.full(3, np.inf), family=np.array(["a", "b", "b"]), risk_class=np.array(["4", "7", "7"]),
        sector=np.array(["C", "F", "F"]), insurer=np.array(["Atlas", "", ""]), insured_share=np.array([0.9, 0, 0]),
    )  # fmt: skip
    refuse_hopeless(customers, Budgets(**budgets))
    assert sum(allocate(customers, Budgets(**budgets)).limits) > 0


def test_the_line_in_force_is_read():
    found = budgets_on(TEXT, ON, "EUR")

    assert (found.total, found.expected_loss, found.family_share) == (Decimal(40_000_000), Decimal(300_000), Decimal("0.2"))
    assert (found.class_shares, found.insurer_amounts) == ({"7": Decimal("0.05")}, {"Atlas": Decimal(5_000_000)})


@pytest.mark.parametrize("on", [date(2026, 1, 1), date(2026, 12, 31)], ids=["first-day", "last-day"])
def test_both_days_count(on):
    assert budgets_on(TEXT, on, "EUR").total is not None


@pytest.mark.parametrize("on", [date(2025, 12, 31), date(2027, 1, 1)], ids=["the-day-before", "the-day-after"])
def test_where_no_line_holds_nothing_is_allocated(on):
    with pytest.raises(UsageRefused, match=f"no line holds on {on}"):
        budgets_on(TEXT, on, "EUR")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        pytest.param(
            TEXT.replace('currency = "EUR"', 'currency = "EUR"\ncolour = 1'), "budget.0.colour: unknown key", id="unknown-key"
        ),
        pytest.param(TEXT.replace('reason = "the bank\'s line"\n', ""), "budget.0.reason: field required", id="no-reason"),
        pytest.param(TEXT.replace('"0.05"', '"5"'), "budget.0.class_share.7", id="a-percentage-for-a-share"),
        pytest.param(TEXT.replace("2026-12-31", "2025-12-31"), "is before from", id="ends-before-it-starts"),
        pytest.param(TEXT + TEXT, "two budgets hold on 2026-01-01", id="two-at-once"),
        pytest.param(TEXT.replace('"EUR"', '"USD"'), "is in USD, the book reports in EUR", id="another-currency"),
    ],
)
def test_a_text_that_is_not_sound_is_refused(wrong, words):
    assert wrong != TEXT
    with pytest.raises(UsageRefused, match="budgets: ") as refused:
        budgets_on(wrong, ON, "EUR")
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("budgets", "words"),
    [
        pytest.param({"family_share": Decimal("0.49")}, "2 families with at most 0.49 each", id="two-families-of-49-percent"),
        pytest.param({"class_shares": {"4": Decimal("0.5"), "7": Decimal("0.4")}}, "every class together are 0.9", id="all-classes-capped"),
        pytest.param({"sector_shares": {"C": Decimal("0.5"), "F": Decimal("0.4")}}, "every sector together are 0.9", id="all-sectors-capped"),
        pytest.param({"class_shares": {"3": Decimal("0.5")}}, "no customer is of class 3. There are: 4, 7", id="a-grade-nobody-has"),
        pytest.param({"sector_shares": {"construction": Decimal("0.5")}}, "no customer is of sector construction", id="no-such-sector"),
        pytest.param({"insurer_amounts": {"Atlass": Decimal(1)}}, "no customer is of insurer Atlass. There are: Atlas", id="misspelt"),
    ],
)  # fmt: skip
def test_what_leaves_nothing_to_anybody_is_named(budgets, words):
    with pytest.raises(UsageRefused) as refused:
        three(**budgets)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    "budgets",
    [
        pytest.param({"family_share": Decimal("0.5")}, id="two-families-of-a-half"),
        pytest.param({"class_shares": {"4": Decimal("0.6"), "7": Decimal("0.4")}}, id="classes-make-a-whole"),
        pytest.param({"class_shares": {"7": Decimal("0.1")}}, id="one-class-is-free"),
        pytest.param({}, id="nothing-is-scarce"),
    ],
)
def test_what_leaves_something_is_allocated(budgets):
    three(**budgets)
