"""How long a customer is known, what it orders and how that changes, on which terms."""

import pytest

from asking import COLUMNS, Page, agree, case

PAGE = """
    customers
        customer_id | onboarded_on
        opened      | 2024-01-01
    invoices
        customer_id | invoice_id | issued_on  | due_on     | amount
        steady      | s1         | 2024-02-01 | 2024-03-02 | 100
        steady      | s2         | 2024-05-01 | 2024-05-31 | 100
        steady      | s3         | 2024-08-01 | 2024-08-31 | 100
        steady      | s4         | 2024-11-01 | 2024-12-01 | 100
        steady      | s5         | 2025-02-01 | 2025-03-03 | 300
        opened      | o1         | 2025-02-18 | 2025-03-20 | 60
        two         | t1         | 2024-12-30 | 2025-01-14 | 100
        two         | t2         | 2025-02-20 | 2025-04-21 | 300
        credited    | c1         | 2025-01-10 | 2025-01-10 | -80
"""
CASES = [
    case("opened", "2025-02-28", "tenure_days", 424.0, "since-the-account-was-opened"),
    case("steady", "2025-02-28", "tenure_days", 393.0, "since-the-first-invoice"),
    case("nobody", "2025-02-28", "tenure_days", None, "not-known"),
    case("steady", "2025-02-28", "days_since_last_invoice", 27.0, "since-1-february"),
    case("credited", "2025-02-28", "days_since_last_invoice", None, "a-credit-note-is-no-purchase"),
    case("steady", "2025-02-28", "n_invoices_365d", 4.0, "the-first-is-older-than-a-year"),
    case("steady", "2025-01-30", "n_invoices_365d", 4.0, "364-days-old-counts"),
    case("steady", "2025-01-31", "n_invoices_365d", 3.0, "365-days-old-does-not"),
    case("nobody", "2025-02-28", "n_invoices_365d", 0.0, "none-is-nought"),
    case("steady", "2025-02-28", "billed_365d", 600.0, "four-of-them"),
    case("credited", "2025-02-28", "billed_365d", 0.0, "credit-notes-are-not-billing"),
    case("steady", "2025-02-28", "order_growth_180d", 1.0, "400-after-200"),
    case("two", "2025-02-28", "order_growth_180d", None, "known-for-60-days"),
    case("steady", "2025-02-28", "order_growth_90d", 300 * 275 / (300 * 90) - 1, "300-in-90-days-300-in-the-275-before"),
    case("two", "2025-02-28", "order_growth_90d", None, "known-for-60-days"),
    case("steady", "2025-02-28", "order_jump_30d", 300 * 335 / (300 * 30), "300-in-30-days-300-in-the-335-before"),
    case("two", "2025-02-28", "order_jump_30d", 3.0, "sixty-days-known-300-after-100"),
    case("two", "2025-02-27", "order_jump_30d", None, "fifty-nine-days-known"),
    case("two", "2025-02-28", "mean_invoice_365d", 200.0, "of-two"),
    case("nobody", "2025-02-28", "mean_invoice_365d", None, "none"),
    case("two", "2025-02-28", "largest_invoice_share_365d", 0.75, "300-of-400"),
    case("two", "2025-02-28", "active_months_365d", 2.0, "two-slices-of-thirty-days"),
    case("two", "2025-01-28", "active_months_365d", 1.0, "day-29-is-in-the-first-slice"),
    case("nobody", "2025-02-28", "active_months_365d", 0.0, "none-is-nought"),
    case("two", "2025-02-28", "peak_month_share_365d", 0.75, "300-of-400"),
    case("nobody", "2025-02-28", "peak_month_share_365d", None, "nothing-billed"),
    case("steady", "2025-02-28", "season_ahead_365d", 100 * 365 / (600 * 90), "last-may-100-of-600"),
    case("two", "2025-02-28", "season_ahead_365d", None, "no-season-seen-yet"),
    case("two", "2025-02-28", "mean_terms_365d", (15 * 100 + 60 * 300) / 400, "weighted-by-amount"),
    case("nobody", "2025-02-28", "mean_terms_365d", None, "none"),
    case("two", "2025-02-28", "longest_terms_365d", 60.0, "the-second"),
    case("two", "2025-02-28", "terms_spread_365d", 45.0, "from-15-to-60"),
    case("opened", "2025-02-28", "terms_spread_365d", 0.0, "one-alone-has-no-spread"),
    case("steady", "2025-02-28", "terms_change_90d", 0.0, "always-thirty-days"),
    case("two", "2025-04-15", "terms_change_90d", 60 - 48.75, "the-short-one-is-106-days-old"),
    case("nobody", "2025-02-28", "terms_change_90d", None, "none-in-90-days"),
]
PAGE_OF = Page(PAGE, CASES)


@pytest.mark.parametrize(COLUMNS, CASES)
def test_relationship_as_specified(who, day, column, answer):
    assert agree(PAGE_OF(who, day, column), answer)
