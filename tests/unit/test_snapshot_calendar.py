"""Business days: weekends and holidays of the customer's country move a due date to the next day on which business is done."""

from datetime import date

import pytest

from riskscore.snapshot.calendar import business_days, date_of, day_kinds, day_number, next_business_day


@pytest.mark.parametrize(
    ("country", "due_on", "rolled"),
    [
        pytest.param("DE", date(2025, 3, 14), date(2025, 3, 14), id="a-friday-stays"),
        pytest.param("DE", date(2025, 3, 15), date(2025, 3, 17), id="saturday-to-monday"),
        pytest.param("DE", date(2025, 5, 1), date(2025, 5, 2), id="labour-day-in-germany"),
        pytest.param("US", date(2025, 5, 1), date(2025, 5, 1), id="no-holiday-in-the-united-states"),
        pytest.param("US", date(2025, 7, 4), date(2025, 7, 7), id="independence-day-and-the-weekend"),
        pytest.param("DE", date(2024, 12, 25), date(2024, 12, 27), id="two-days-of-christmas"),
        pytest.param("CN", date(2025, 10, 1), date(2025, 10, 9), id="golden-week"),
        pytest.param("CN", date(2025, 9, 28), date(2025, 9, 28), id="a-make-up-sunday-is-a-working-day"),
        pytest.param("SA", date(2025, 3, 14), date(2025, 3, 16), id="a-weekend-of-friday-and-saturday"),
        pytest.param("", date(2025, 5, 1), date(2025, 5, 1), id="unknown-country-has-no-holidays"),
        pytest.param("XX", date(2025, 5, 3), date(2025, 5, 5), id="unknown-country-has-weekends"),
        pytest.param("DE", date(2024, 2, 29), date(2024, 2, 29), id="a-leap-day"),
    ],
)
def test_a_due_date_rolls_to_the_next_business_day(country, due_on, rolled):
    assert date_of(next_business_day(country, day_number(due_on))) == rolled


def test_the_table_holds_every_country_and_day_once():
    days = [day_number(date(2025, 5, 1)), day_number(date(2025, 5, 2))]
    rows = business_days(["US", "DE", "DE"], [*days, days[0]]).to_pylist()

    assert [(row["calendar_country"], row["due_on"] - days[0], row["due"] - days[0]) for row in rows] == [
        ("DE", 0, 1),
        ("DE", 1, 1),
        ("US", 0, 0),
        ("US", 1, 1),
    ]


@pytest.mark.parametrize(
    ("day", "weekday", "at_month_end"),
    [
        (date(2025, 2, 25), 1, False),
        (date(2025, 2, 26), 2, True),
        (date(2025, 2, 28), 4, True),
        (date(2024, 2, 26), 0, False),
        (date(2024, 2, 29), 3, True),
        (date(2025, 3, 1), 5, False),
    ],
)
def test_a_month_end_run_is_on_one_of_the_last_three_days(day, weekday, at_month_end):
    row = day_kinds([day_number(day)]).to_pylist()[0]

    assert (row["weekday"], row["month_day"], row["at_month_end"]) == (weekday, day.day, at_month_end)


def test_day_numbers_count_from_1970():
    assert day_number(date(1970, 1, 1)) == 0
    assert date_of(day_number(date(2024, 2, 29))) == date(2024, 2, 29)
