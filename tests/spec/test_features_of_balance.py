"""What is open, how much of it overdue and how old, against the limit and against what is bought."""

import pytest

from asking import COLUMNS, Page, agree, case

PAGE = """
    customers
        customer_id | onboarded_on
        young       | 2025-02-18
    invoices
        customer_id | invoice_id | issued_on  | due_on     | amount | known_on
        acme        | not-due    | 2025-02-10 | 2025-03-10 | 100    | 2025-02-10
        acme        | old        | 2024-10-01 | 2024-11-01 | 100    | 2024-10-01
        acme        | older      | 2024-12-02 | 2024-12-30 | 100    | 2024-12-02
        acme        | month      | 2025-01-02 | 2025-01-28 | 100    | 2025-01-02
        acme        | contested  | 2025-01-02 | 2025-01-28 | 400    | 2025-01-02
        acme        | credit     | 2025-02-20 | 2025-02-20 | -50    | 2025-02-20
        paid        | done       | 2025-01-02 | 2025-02-03 | 100    | 2025-01-02
        young       | first      | 2025-02-18 | 2025-02-25 | 60     | 2025-02-18
        late-booked | back       | 2025-01-02 | 2025-02-03 | 100    | 2025-02-27
    settlements
        invoice_id | settled_on | amount
        done       | 2025-02-03 | 100
    disputes
        invoice_id | opened_on
        contested  | 2025-01-20
    limits
        customer_id | amount | granted_on
        acme        | 1000   | 2025-01-01
        paid        | 0      | 2025-01-01
"""
CASES = [
    case("acme", "2025-02-28", "open_balance", 750.0, "800-open-less-50-credit"),
    case("paid", "2025-02-28", "open_balance", 0.0, "settled"),
    case("nobody", "2025-02-28", "open_balance", None, "never-billed"),
    case("late-booked", "2025-02-26", "open_balance", None, "dated-january-but-not-known-yet"),
    case("late-booked", "2025-02-27", "open_balance", 100.0, "known-today"),
    case("acme", "2025-02-28", "overdue_share", 0.75, "300-of-400-undisputed"),
    case("paid", "2025-02-28", "overdue_share", None, "nothing-open"),
    case("acme", "2025-02-28", "overdue_share_30", 0.75, "31-days-is-more-than-30"),
    case("acme", "2025-02-27", "overdue_share_30", 0.5, "30-days-is-not"),
    case("acme", "2025-02-28", "overdue_share_60", 0.25, "60-days-is-not-more-than-60"),
    case("acme", "2025-02-28", "overdue_share_90", 0.25, "119-days"),
    case("acme", "2025-02-28", "oldest_days_past_due", 119.0, "since-1-november"),
    case("paid", "2025-02-28", "oldest_days_past_due", 0.0, "nothing-overdue"),
    case("nobody", "2025-02-28", "oldest_days_past_due", None, "never-billed"),
    case("acme", "2025-02-28", "balance_days_past_due", (119 + 60 + 31) / 4, "the-one-not-due-weighs-nought"),
    case("paid", "2025-02-28", "balance_days_past_due", None, "nothing-open"),
    case("acme", "2025-02-28", "n_open_invoices", 4.0, "contested-and-credit-left-out"),
    case("acme", "2025-02-28", "n_overdue_invoices", 3.0, "three-of-them"),
    case("acme", "2025-02-28", "overdue_invoice_share", 0.75, "three-of-four"),
    case("paid", "2025-02-28", "overdue_invoice_share", None, "nothing-open"),
    case("young", "2025-02-28", "overdue_months", 1.0, "ten-days-known-count-as-a-month"),
    case("acme", "2025-02-28", "overdue_months", 300 * 150 / (800 * 30), "150-days-known"),
    case("nobody", "2025-02-28", "overdue_months", None, "nothing-billed"),
    case("acme", "2025-02-28", "dso_90d", 750 * 90 / 700, "700-billed-in-90-days"),
    case("acme", "2025-02-28", "best_possible_dso_90d", 50 * 90 / 700, "50-not-overdue"),
    case("acme", "2025-02-28", "average_days_delinquent_90d", 700 * 90 / 700, "the-rest-is-lateness"),
    case("nobody", "2025-02-28", "dso_90d", None, "nothing-billed"),
    case("acme", "2025-02-28", "limit_utilisation", 0.75, "750-of-1000"),
    case("acme", "2024-12-31", "limit_utilisation", None, "before-the-limit-was-granted"),
    case("paid", "2025-02-28", "limit_utilisation", None, "a-limit-of-nought-has-no-share"),
]
PAGE_OF = Page(PAGE, CASES)


@pytest.mark.parametrize(COLUMNS, CASES)
def test_balance_as_specified(who, day, column, answer):
    assert agree(PAGE_OF(who, day, column), answer)
