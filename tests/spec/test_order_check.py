"""What the order check answers, one scenario for each clause. Amounts in the reporting currency."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from riskscore.errors import UsageRefused
from riskscore.order_check import Order, Rules, Standing, check_order
from riskscore.review_calendar import Cut

ON = date(2026, 5, 10)
RULES = Rules(horizon_days=60, warn_share=Decimal("0.9"), de_minimis=Decimal(50), grace_days=30)


def order(
    amount: int, *, name: str = "new", due: int = 10, ordered: date = ON, prepaid: bool = False, shipped: bool = False
) -> Order:
    return Order(name, Decimal(amount), ordered, ON + timedelta(days=due), prepaid, shipped)


OWES_600 = Standing(Decimal(1000), False, Decimal(300), Decimal(100), (order(200, name="open"),))


def said(asked: Order, standing: Standing = OWES_600) -> tuple[str, str]:
    answer = check_order(asked, standing, RULES, on=ON)
    return answer.outcome, answer.reason


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (299, ("allow", "within_limit")),
        (300, ("warn", "nearly_used")),
        (400, ("warn", "nearly_used")),
        (401, ("block", "over_limit")),
    ],
)
def test_receivables_unbilled_and_open_orders_count(amount, expected) -> None:
    assert said(order(amount)) == expected


def test_the_answer_tells_the_exposure_and_the_room() -> None:
    answer = check_order(order(401), OWES_600, RULES, on=ON)

    assert (answer.before, answer.after, answer.limit, answer.room) == (600, 1001, 1000, 400)


@pytest.mark.parametrize(("due", "before"), [(-5, 600), (60, 600), (61, 400)])
def test_open_orders_count_up_to_the_last_day_of_the_horizon(due, before) -> None:
    standing = replace(OWES_600, open_orders=(order(200, name="open", due=due),))

    assert check_order(order(100), standing, RULES, on=ON).before == before


def test_the_order_itself_counts_however_late_it_is_due() -> None:
    assert said(order(401, due=400)) == ("block", "over_limit")


def test_an_order_that_stands_among_the_open_ones_does_not_count_twice() -> None:
    assert check_order(order(200, name="open"), OWES_600, RULES, on=ON).after == 600


def test_open_orders_that_are_prepaid_do_not_count() -> None:
    standing = replace(OWES_600, open_orders=(order(200, name="open", prepaid=True),))

    assert check_order(order(100), standing, RULES, on=ON).before == 400


def test_goods_that_have_left_are_invoiced_whatever_the_limit() -> None:
    assert said(order(9000, shipped=True)) == ("allow", "shipped")
    assert said(order(9000, shipped=True), replace(OWES_600, limit=None)) == ("allow", "shipped")


def test_a_prepaid_order_passes_and_adds_nothing() -> None:
    answer = check_order(order(9000, prepaid=True), replace(OWES_600, limit=Decimal(0)), RULES, on=ON)

    assert (answer.outcome, answer.reason, answer.after) == ("allow", "prepaid", 600)


@pytest.mark.parametrize(("amount", "expected"), [(50, ("allow", "de_minimis")), (51, ("block", "over_limit"))])
def test_a_small_order_passes(amount, expected) -> None:
    assert said(order(amount), replace(OWES_600, limit=Decimal(600))) == expected


def test_without_a_recommendation_a_person_decides() -> None:
    referred = replace(OWES_600, limit=None)

    assert said(order(51), referred) == ("block", "person_decides")
    assert said(order(50), referred) == ("allow", "de_minimis")
    assert said(order(51, prepaid=True), referred) == ("allow", "prepaid")


def test_prepayment_terms_and_no_limit_ask_for_prepayment() -> None:
    assert said(order(100), replace(OWES_600, prepayment=True)) == ("prepay", "prepayment_terms")
    assert said(order(100), replace(OWES_600, limit=Decimal(0))) == ("prepay", "no_limit")


@pytest.mark.parametrize(
    ("ordered", "on", "grade", "outcome"),
    [
        ("2026-04-30", "2026-05-31", 7, "allow"),
        ("2026-04-30", "2026-06-01", 7, "block"),
        ("2026-05-01", "2026-05-10", 7, "block"),
        ("2026-04-30", "2026-05-10", 10, "block"),
    ],
)
def test_after_a_cut_older_orders_have_the_old_limit_for_the_grace(ordered, on, grade, outcome) -> None:
    cut = Cut(date(2026, 5, 1), Decimal(1000), Decimal(500), grade)
    standing = replace(OWES_600, limit=Decimal(500), cut=cut)

    assert (
        check_order(order(100, ordered=date.fromisoformat(ordered)), standing, RULES, on=date.fromisoformat(on)).outcome
        == outcome
    )


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: order(0),
        lambda: Order("new", Decimal("NaN"), ON, ON),
        lambda: replace(OWES_600, unbilled=Decimal(-1)),
        lambda: replace(OWES_600, limit=Decimal(-1)),
        lambda: replace(OWES_600, receivables=Decimal("Infinity")),
        lambda: replace(OWES_600, cut=Cut(ON, Decimal(900), Decimal(400), 5)),
        lambda: replace(RULES, horizon_days=-1),
        lambda: replace(RULES, warn_share=Decimal("1.1")),
        lambda: replace(RULES, de_minimis=Decimal(-1)),
    ],
)
def test_what_cannot_be_is_refused(wrong) -> None:
    with pytest.raises(UsageRefused, match=r"Correct|Give"):
        wrong()
