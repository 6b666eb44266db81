"""What an agency says of the customer, in what line of business it is, and where."""

import pytest

from asking import COLUMNS, Page, agree, case

PAGE = """
    customers
        customer_id | country | industry | known_on
        acme        | DE      | C10      | 2024-01-01
        acme        | FR      | G46      | 2025-01-10
    ratings
        customer_id | agency  | rating | rated_on   | valid_until | known_on
        acme        | S&P     | BBB-   | 2024-01-15 |             | 2024-01-15
        acme        | Moody's | Ba2    | 2025-01-15 |             | 2025-01-20
        lapsed      | S&P     | AA     | 2024-01-15 | 2025-01-15  | 2024-01-15
        local       | house   | gut    | 2025-01-15 |             | 2025-01-15
        two         | S&P     | A      | 2025-01-15 |             | 2025-01-15
        two         | Moody's | B1     | 2025-01-15 |             | 2025-01-15
"""
CASES = [
    case("acme", "2025-01-19", "rating_notch", 10.0, "the-new-one-is-given-but-not-known"),
    case("acme", "2025-01-20", "rating_notch", 12.0, "both-ladders-are-one-scale"),
    case("two", "2025-01-20", "rating_notch", 14.0, "of-one-day-the-more-cautious"),
    case("lapsed", "2025-01-15", "rating_notch", 3.0, "its-last-day"),
    case("lapsed", "2025-01-16", "rating_notch", None, "expired"),
    case("local", "2025-01-20", "rating_notch", None, "a-scale-we-do-not-read"),
    case("acme", "2025-01-20", "rating_change_365d", 2.0, "two-notches-worse-than-a-year-ago"),
    case("acme", "2025-01-13", "rating_change_365d", None, "nothing-a-year-old-yet"),
    case("acme", "2025-01-20", "rating_age_days", 5.0, "since-it-was-given"),
    case("lapsed", "2025-01-16", "rating_age_days", None, "expired"),
    case("acme", "2025-01-09", "industry", "C10", "before-the-change-was-known"),
    case("acme", "2025-01-10", "industry", "G46", "from-the-day-it-was-known"),
    case("nobody", "2025-01-10", "industry", None, "not-known"),
    case("acme", "2025-01-09", "country", "DE", "before-the-change-was-known"),
    case("acme", "2025-01-10", "country", "FR", "from-the-day-it-was-known"),
]
PAGE_OF = Page(PAGE, CASES)


@pytest.mark.parametrize(COLUMNS, CASES)
def test_standing_as_specified(who, day, column, answer):
    assert agree(PAGE_OF(who, day, column), answer)
