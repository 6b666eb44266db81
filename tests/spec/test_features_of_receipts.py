"""When money comes: how early, on which days, how regularly, how long ago."""

import pytest

from asking import COLUMNS, Page, agree, case

PAGE = """
    invoices
        customer_id | invoice_id | issued_on  | due_on     | amount
        acme        | a          | 2024-05-01 | 2024-06-03 | 100
        acme        | b          | 2025-01-02 | 2025-02-03 | 300
        acme        | c          | 2025-01-03 | 2025-02-04 | 100
        quiet       | d          | 2025-01-03 | 2025-02-03 | 100
        once        | e          | 2025-01-03 | 2025-02-03 | 100
    settlements
        invoice_id | settled_on | amount
        a          | 2024-06-13 | 100
        b          | 2025-01-30 | 300
        c          | 2025-02-10 | 100
        e          | 2025-02-03 | 100
"""
CASES = [
    case("acme", "2025-02-28", "receipt_days_90d", -1.5, "300-four-days-early-100-six-days-late"),
    case("acme", "2025-02-28", "receipt_days_365d", 0.8, "with-the-old-one-ten-days-late"),
    case("quiet", "2025-02-28", "receipt_days_90d", None, "no-money-came"),
    case("acme", "2025-06-12", "receipt_days_365d", 0.8, "the-365th-day-counts"),
    case("acme", "2025-06-13", "receipt_days_365d", -1.5, "the-366th-does-not"),
    case("acme", "2025-02-28", "early_receipt_share_365d", 0.6, "300-of-500"),
    case("once", "2025-02-28", "early_receipt_share_365d", 0.0, "on-the-due-date-is-not-early"),
    case("acme", "2025-02-28", "n_payment_days_365d", 3.0, "three-days"),
    case("quiet", "2025-02-28", "n_payment_days_365d", 0.0, "none-is-nought"),
    case("acme", "2025-02-28", "weekday_concentration_365d", 0.8, "thursdays-took-400-of-500"),
    case("quiet", "2025-02-28", "weekday_concentration_365d", None, "no-money-came"),
    case("acme", "2025-02-28", "month_end_share_365d", 0.6, "30-january-is-the-last-but-one-day"),
    case("once", "2025-02-28", "month_end_share_365d", 0.0, "3-february-is-not-a-month-end"),
    case("acme", "2025-02-28", "days_between_payments_365d", 121.0, "242-days-in-two-gaps"),
    case("once", "2025-02-28", "days_between_payments_365d", None, "one-day-has-no-gap"),
    case("acme", "2025-02-28", "days_since_last_payment", 18.0, "since-10-february"),
    case("quiet", "2025-02-28", "days_since_last_payment", None, "never-in-a-year"),
    case("once", "2026-02-02", "days_since_last_payment", 364.0, "a-year-is-not-over"),
    case("once", "2026-02-03", "days_since_last_payment", None, "a-year-ends-it-though-the-payment-is-remembered"),
    case("acme", "2025-02-28", "payment_silence_365d", 18 / 121, "against-its-own-rhythm"),
    case("once", "2025-02-28", "payment_silence_365d", None, "one-day-has-no-rhythm"),
]
PAGE_OF = Page(PAGE, CASES)


@pytest.mark.parametrize(COLUMNS, CASES)
def test_receipts_as_specified(who, day, column, answer):
    assert agree(PAGE_OF(who, day, column), answer)
