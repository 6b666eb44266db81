"""What the order check answers, one scenario for each clause. Amounts in the reporting currency."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from riskscore.errors import UsageRefused
from riskscore.order_check import Order, Rules, Standing, check_order, told_once
from riskscore.review_calendar import Cut

ON = date(2026, 5, 10)
RULES = Rules(horizon_days=60, warn_share=Decimal("0.9"), de_minimis=Decimal(50), grace_days=30)


def order(
    amount: int, *, name: str = "new", due: int = 10, ordered: date = ON, prepaid: bool = False, shipped: bool = False
) -> Order:
    return Order(name, Decimal(amount), ordered, ON + timedelta(days=due), prepaid, shipped)


OWES_600 = Standing(Decimal(1000), "open", Decimal(300), Decimal(100), (order(200, name="open"),))


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


@pytest.mark.parametrize(
    ("limit", "expected"), [(620, ("allow", "de_minimis")), (600, ("allow", "de_minimis")), (599, ("block", "over_limit"))]
)
def test_small_orders_together_pass_no_further_than_one(limit, expected) -> None:
    assert said(order(50), replace(OWES_600, limit=Decimal(limit))) == expected


def test_splitting_an_order_into_many_small_ones_wins_nothing() -> None:
    standing, taken = replace(OWES_600, limit=Decimal(700)), Decimal(0)
    for number in range(40):
        part = order(20, name=f"part-{number}")
        if check_order(part, standing, RULES, on=ON).takes_it:
            standing, taken = replace(standing, open_orders=(*standing.open_orders, part)), taken + 20

    assert 100 < taken <= 100 + RULES.de_minimis, "what was free, and one de-minimis amount"


@pytest.mark.parametrize("nothing", [{"limit": None}, {"limit": Decimal(0)}, {"credit": "prepayment"}], ids=str)
def test_where_there_is_no_credit_a_small_order_passes_only_while_hardly_anything_is_owed(nothing) -> None:
    owes_600 = replace(OWES_600, **nothing)
    owes_30 = replace(owes_600, receivables=Decimal(30), unbilled=Decimal(0), open_orders=())

    assert said(order(20), owes_30) == ("allow", "de_minimis")
    assert said(order(21), owes_30)[0] != "allow"
    assert said(order(20), owes_600)[0] != "allow"


def test_without_a_recommendation_a_person_decides() -> None:
    referred = replace(OWES_600, limit=None)

    assert said(order(51), referred) == ("block", "person_decides")
    assert said(order(51, prepaid=True), referred) == ("allow", "prepaid")


@pytest.mark.parametrize("doubt", ["unknown_customer", "stale_book", "no_decision", "limit_lapsed", "person_decides"])
def test_in_doubt_nothing_passes_on_credit_however_small_and_whatever_the_limit(doubt) -> None:
    standing = replace(OWES_600, doubt=doubt, receivables=Decimal(0), unbilled=Decimal(0), open_orders=())
    answer = check_order(order(1), standing, RULES, on=ON)

    assert (answer.outcome, answer.reason, answer.limit, answer.room) == ("block", doubt, None, None)
    assert said(order(1, shipped=True), standing) == ("allow", "shipped")
    assert said(order(1, prepaid=True), standing) == ("allow", "prepaid")


def test_what_is_owed_and_not_known_is_not_nothing() -> None:
    answer = check_order(order(1), replace(OWES_600, receivables=None), RULES, on=ON)

    assert (answer.outcome, answer.reason) == ("block", "exposure_unknown")
    assert (answer.before, answer.after, answer.limit, answer.room) == (None, None, None, None)


def test_prepayment_terms_and_no_limit_ask_for_prepayment() -> None:
    assert said(order(100), replace(OWES_600, credit="prepayment")) == ("prepay", "prepayment_terms")
    assert said(order(100), replace(OWES_600, limit=Decimal(0))) == ("prepay", "no_limit")


def test_after_a_stop_nothing_is_delivered_not_even_against_prepayment_but_what_has_left_is_billed() -> None:
    stopped = replace(OWES_600, credit="stop", limit=Decimal(0))

    assert said(order(1), stopped) == ("block", "stopped")
    assert said(order(100, prepaid=True), stopped) == ("block", "stopped")
    assert said(order(100, shipped=True), stopped) == ("allow", "shipped")


def test_without_a_horizon_every_open_order_counts_and_without_a_warning_share_nobody_is_warned() -> None:
    bare = replace(RULES, horizon_days=None, warn_share=None)
    standing = replace(OWES_600, open_orders=(order(200, name="open", due=9000),))
    answer = check_order(order(400), standing, bare, on=ON)

    assert (answer.before, answer.outcome) == (600, "allow")


def test_of_an_order_that_is_told_twice_the_account_counts_that_leaves_less_room() -> None:
    told = told_once([order(100), order(80), order(120, prepaid=True), order(100, due=5), order(7, name="other")])

    assert told == (order(100, due=5), order(7, name="other"))


def test_the_grade_from_which_there_is_no_grace_is_the_policys() -> None:
    standing = replace(OWES_600, limit=Decimal(500), cut=Cut(date(2026, 5, 1), Decimal(1000), Decimal(500), 8))
    old = order(100, ordered=date(2026, 4, 30))
    found = [check_order(old, standing, replace(RULES, no_grace_from_grade=grade), on=ON).outcome for grade in (8, 9)]

    assert found == ["block", "allow"]


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
