"""What is paid in pieces, contested, credited, deducted, or never paid at all."""

import pytest

from asking import COLUMNS, Page, agree, case

PAGE = """
    invoices
        customer_id | invoice_id | issued_on  | due_on     | amount
        acme        | whole      | 2025-01-02 | 2025-02-03 | 100
        acme        | pieces     | 2025-01-03 | 2025-02-04 | 100
        acme        | started    | 2025-01-06 | 2025-02-05 | 200
        saver       | before     | 2024-08-01 | 2024-09-02 | 100
        saver       | lately     | 2025-01-03 | 2025-02-03 | 100
        loser       | lost       | 2025-01-03 | 2025-02-03 | 100
        loser       | good       | 2025-01-03 | 2025-02-03 | 300
        critic      | part       | 2025-01-03 | 2025-02-03 | 100
        critic      | all        | 2024-06-03 | 2024-07-01 | 60
        critic      | none       | 2025-01-06 | 2025-02-03 | 40
        new         | x          | 2025-02-20 | 2025-03-20 | 100
    settlements
        invoice_id | kind        | settled_on | amount
        whole      | payment     | 2025-02-03 | 100
        pieces     | payment     | 2025-02-03 | 40
        pieces     | payment     | 2025-02-10 | 60
        started    | payment     | 2025-02-10 | 50
        before     | payment     | 2024-08-10 | 98
        before     | discount    | 2024-08-10 | 2
        lately     | payment     | 2025-02-03 | 100
        lost       | write_off   | 2025-02-20 | 100
        good       | payment     | 2025-02-03 | 270
        good       | credit_note | 2025-02-03 | 30
    disputes
        invoice_id | opened_on  | closed_on  | amount
        part       | 2025-02-03 |            | 25
        all        | 2024-07-01 | 2024-08-01 |
"""
CASES = [
    case("acme", "2025-02-28", "partial_payment_share_365d", 2 / 3, "two-of-three-in-pieces-or-short"),
    case("acme", "2025-02-03", "partial_payment_share_365d", 0.0, "the-first-was-paid-whole"),
    case("critic", "2025-02-28", "partial_payment_share_365d", None, "none-paid"),
    case("saver", "2025-02-28", "discount_share_365d", 0.01, "2-of-200"),
    case("new", "2025-02-28", "discount_share_365d", None, "nothing-fell-due"),
    case("saver", "2025-02-28", "discount_change_90d", -0.01, "it-stopped-taking-them"),
    case("loser", "2025-02-28", "write_off_share_365d", 0.25, "100-of-400"),
    case("loser", "2025-02-19", "write_off_share_365d", 0.0, "before-the-write-off"),
    case("loser", "2025-02-28", "credit_note_share_365d", 0.075, "30-of-400"),
    case("nobody", "2025-02-28", "credit_note_share_365d", None, "nothing-billed"),
    case("critic", "2025-02-28", "disputed_share", 0.125, "25-of-200-open"),
    case("loser", "2025-02-28", "disputed_share", None, "nothing-open"),
    case("critic", "2025-02-28", "dispute_rate_90d", 0.5, "one-of-two-issued-in-90-days"),
    case("critic", "2025-02-28", "dispute_rate_365d", 2 / 3, "two-of-three-although-one-dispute-is-over"),
    case("critic", "2025-02-02", "dispute_rate_90d", 0.0, "the-day-before-it-was-raised"),
]
PAGE_OF = Page(PAGE, CASES)


@pytest.mark.parametrize(COLUMNS, CASES)
def test_deductions_as_specified(who, day, column, answer):
    assert agree(PAGE_OF(who, day, column), answer)
