"""How often invoices are late by more than so many days, and the counts behind it."""

import pytest

from asking import COLUMNS, Page, agree, case

PAGE = """
    invoices
        customer_id | invoice_id | issued_on  | due_on     | amount
        acme        | a          | 2025-01-02 | 2025-02-03 | 100
        acme        | b          | 2025-01-03 | 2025-02-03 | 300
        old         | c          | 2024-02-01 | 2024-03-01 | 100
        old         | d          | 2025-01-02 | 2025-02-03 | 100
        fresh       | e          | 2025-02-03 | 2025-03-03 | 100
        contested   | f          | 2025-01-02 | 2025-02-03 | 100
    settlements
        invoice_id | settled_on | amount
        b          | 2025-02-03 | 300
        c          | 2024-03-01 | 100
        d          | 2025-03-06 | 100
    disputes
        invoice_id | opened_on
        f          | 2025-02-01
"""
CASES = [
    case("acme", "2025-02-03", "late_share_0_365d", None, "on-the-due-date-nothing-is-answered"),
    case("acme", "2025-02-04", "late_share_0_365d", 0.5, "a-day-later-one-of-two-is-late"),
    case("acme", "2025-02-10", "late_share_7_365d", None, "seven-days-after-the-due-date-is-not-more-than-seven"),
    case("acme", "2025-02-11", "late_share_7_365d", 0.5, "eight-days-after-it-is-answered"),
    case("acme", "2025-02-19", "late_share_15_365d", 0.5, "sixteen-days-after"),
    case("acme", "2025-03-05", "late_share_30_365d", None, "thirty-days-after"),
    case("acme", "2025-03-06", "late_share_30_365d", 0.5, "thirty-one-days-after"),
    case("old", "2025-03-07", "late_share_30_365d", 0.5, "paid-31-days-late-counts-as-late"),
    case("acme", "2025-04-05", "late_share_60_365d", 0.5, "sixty-one-days-after"),
    case("acme", "2025-05-05", "late_share_90_365d", 0.5, "ninety-one-days-after"),
    case("old", "2025-03-01", "late_share_0_365d", 0.5, "the-365th-day-still-counts-the-old-one"),
    case("old", "2025-03-02", "late_share_0_365d", 1.0, "the-366th-does-not"),
    case("old", "2025-03-02", "late_share_0_90d", 1.0, "only-the-recent-one"),
    case("fresh", "2025-03-02", "late_share_0_90d", None, "not-due"),
    case("old", "2027-03-01", "late_share_0_1095d", 0.5, "three-years-remember-the-old-one"),
    case("old", "2027-03-02", "late_share_0_1095d", 1.0, "not-a-day-longer"),
    case("old", "2027-03-31", "late_share_30_1095d", 0.5, "three-years-from-the-day-it-answered-more-than-30"),
    case("old", "2027-04-01", "late_share_30_1095d", 1.0, "not-a-day-longer"),
    case("acme", "2028-04-03", "late_share_60_1095d", 0.5, "one-of-two-still-unpaid"),
    case("acme", "2028-04-04", "late_share_60_1095d", None, "both-answered-too-long-ago"),
    case("contested", "2025-03-20", "late_share_0_365d", None, "a-contested-invoice-answers-nothing"),
    case("acme", "2025-03-06", "late_amount_share_30_365d", 0.25, "100-of-400"),
    case("acme", "2025-03-05", "late_amount_share_30_365d", None, "no-answer-yet"),
    case("old", "2025-02-28", "late_share_change_90d", 0.5, "all-late-now-half-over-the-year"),
    case("fresh", "2025-03-02", "late_share_change_90d", None, "nothing-due-in-90-days"),
    case("acme", "2025-02-04", "n_matured_0d", 2.0, "two-have-answered"),
    case("acme", "2025-02-03", "n_matured_0d", 0.0, "none-is-nought-not-null"),
    case("acme", "2025-02-04", "n_late_0d", 1.0, "one-was-not-paid"),
    case("acme", "2025-03-06", "n_matured_30d", 2.0, "two-have-answered"),
    case("acme", "2025-03-06", "n_late_30d", 1.0, "one-is-still-open"),
    case("acme", "2025-02-04", "shrunken_late_rate_0d", 2.5 / 7, "one-of-two-and-five-invoices-of-prior"),
    case("nobody", "2025-02-04", "shrunken_late_rate_0d", 0.3, "without-evidence-the-prior"),
    case("acme", "2025-03-06", "shrunken_late_rate_30d", 1.5 / 12, "one-of-two-and-ten-invoices-of-prior"),
    case("nobody", "2025-03-06", "shrunken_late_rate_30d", 0.05, "without-evidence-the-prior"),
]
PAGE_OF = Page(PAGE, CASES)


@pytest.mark.parametrize(COLUMNS, CASES)
def test_shares_as_specified(who, day, column, answer):
    assert agree(PAGE_OF(who, day, column), answer)
