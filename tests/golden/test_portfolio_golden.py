"""The portfolio's formulas at the values the trade publishes."""

from datetime import date
from decimal import Decimal

import pytest

from riskscore.portfolio import Quarter, concentration_of, dso_alert, most_one_buyer_may_owe, quarter_ends

MILLION = Decimal(1_000_000)
END = date(2025, 3, 31)


def quarter(*, opening=0, closing=0, overdue=0, sales=0):
    return Quarter(END, *(Decimal(str(amount)) * MILLION for amount in (opening, closing, overdue, sales)))


def test_three_million_owed_on_four_and_a_half_sold_are_sixty_days():
    assert quarter(closing=3, sales=4.5).dso == 60


def test_with_a_million_of_three_overdue_forty_days_were_possible_and_twenty_are_lateness():
    found = quarter(closing=3, overdue=1, sales=4.5)

    assert found.best_possible_dso == 40
    assert found.average_days_delinquent == 20
    assert found.best_possible_dso + found.average_days_delinquent == found.dso


def test_a_quarter_without_sales_has_no_dso():
    found = quarter(closing=3, overdue=1)

    assert (found.dso, found.best_possible_dso, found.average_days_delinquent) == (None, None, None)


def test_collection_was_fully_effective_when_nothing_is_overdue():
    assert quarter(opening=3, sales=4.5, closing=2, overdue=0).collection_effectiveness == 100


def test_collection_effectiveness_is_what_came_in_of_what_could_have():
    # 5.5 came in of 6.5 that could: 2.0 of 3.0 at the end were not due yet.
    assert quarter(opening=4, sales=4.5, closing=3, overdue=1).collection_effectiveness == Decimal("5.5") * 100 / Decimal("6.5")
    assert quarter().collection_effectiveness is None


@pytest.mark.parametrize(
    ("series", "each", "cumulative"),
    [
        pytest.param(["50", "58", "67.5"], True, True, id="up-16.0-and-16.4-per-cent"),
        pytest.param(["50", "54", "58.5"], False, True, id="up-8-and-8.3-together-17.0"),
        pytest.param(["50", "70", "71"], False, True, id="one-jump-then-rest"),
        pytest.param(["50", "57.5", "66.2"], False, True, id="exactly-15-is-not-more-than-15"),
        pytest.param(["58", "67.5"], False, False, id="too-short-a-history"),
        pytest.param(["50", None, "67.5"], False, False, id="a-quarter-without-sales"),
        pytest.param(["90", "50", "58", "67.5"], True, True, id="older-quarters-do-not-matter"),
    ],
)
def test_dso_alert(series, each, cumulative):
    values = [None if value is None else Decimal(value) for value in series]

    assert dso_alert(values) is each
    assert dso_alert(values, rule="cumulative") is cumulative


def test_beside_eight_million_of_others_a_single_buyer_may_owe_two():
    most = most_one_buyer_may_owe(8 * MILLION)

    assert most == 2 * MILLION
    assert most / (most + 8 * MILLION) == Decimal("0.20")
    assert most_one_buyer_may_owe(Decimal(-5)) == 0


@pytest.mark.parametrize("cap", ["0.05", "0.10", "0.20", "0.25", "0.5"])
def test_owing_the_most_makes_the_share_the_cap_and_a_cent_more_passes_it(cap):
    others = Decimal("7654321.98")
    most = most_one_buyer_may_owe(others, cap=Decimal(cap))

    assert abs(most / (most + others) - Decimal(cap)) < Decimal("1e-20")
    above = most + Decimal("0.01")
    assert above / (above + others) > Decimal(cap)


def test_concentration_of_four_families():
    found = concentration_of({"a": Decimal(50), "b": Decimal(30), "c": Decimal(20), "in-credit": Decimal(-10)})

    assert found.receivables == 100
    assert (found.largest_family, found.largest_share) == ("a", Decimal("0.5"))
    assert found.herfindahl == Decimal("0.38")
    assert found.top_share == 1
    assert found.over_cap == ("a", "b")


def test_ten_equal_families_have_a_herfindahl_of_a_tenth():
    assert concentration_of({str(n): Decimal(7) for n in range(10)}).herfindahl == Decimal("0.1")


def test_nobody_owing_is_no_concentration():
    found = concentration_of({"a": Decimal(0)})

    assert (found.largest_family, found.largest_share, found.herfindahl, found.over_cap) == (None, None, None, ())


@pytest.mark.parametrize(
    ("as_of", "ends"),
    [
        (date(2025, 3, 31), [date(2024, 9, 30), date(2024, 12, 31), date(2025, 3, 31)]),
        (date(2024, 2, 29), [date(2023, 8, 31), date(2023, 11, 30), date(2024, 2, 29)]),
        (date(2025, 5, 30), [date(2024, 11, 30), date(2025, 2, 28), date(2025, 5, 30)]),
    ],
    ids=["quarter-end", "leap-day", "the-day-before-a-month-end"],
)
def test_quarters_end_on_the_same_day_of_the_month_or_its_end(as_of, ends):
    assert quarter_ends(as_of, 3) == ends
