"""How late a customer pays: days beyond terms, the payment index, the usual and the worst invoice, spread and trend."""

import pytest

from asking import COLUMNS, Page, agree, case

PAGE = """
    invoices
        customer_id | invoice_id | issued_on  | due_on     | amount
        acme        | late       | 2025-01-02 | 2025-02-03 | 100
        acme        | early      | 2025-01-03 | 2025-02-04 | 300
        acme        | unpaid     | 2025-01-06 | 2025-02-05 | 100
        turning     | once       | 2024-07-12 | 2024-08-12 | 100
        turning     | lately     | 2025-01-03 | 2025-02-03 | 100
        weekend     | saturday   | 2025-01-02 | 2025-02-01 | 100
        parts       | halves     | 2025-01-03 | 2025-02-03 | 100
        contested   | whole      | 2025-01-03 | 2025-02-03 | 100
        lost        | never      | 2025-01-03 | 2025-02-03 | 100
        cancelled   | credited   | 2025-01-03 | 2025-02-03 | 100
        short       | charges    | 2025-01-03 | 2025-02-03 | 100
        new         | not-due    | 2025-02-20 | 2025-03-20 | 100
    settlements
        invoice_id | kind        | settled_on | known_on   | amount
        late       | payment     | 2025-02-13 | 2025-02-14 | 100
        early      | payment     | 2025-02-02 | 2025-02-02 | 300
        once       | payment     | 2024-08-12 | 2024-08-12 | 100
        lately     | payment     | 2025-02-13 | 2025-02-13 | 100
        saturday   | payment     | 2025-02-03 | 2025-02-03 | 100
        halves     | payment     | 2025-02-03 | 2025-02-03 | 50
        halves     | payment     | 2025-02-23 | 2025-02-23 | 50
        never      | write_off   | 2025-02-14 | 2025-02-14 | 100
        credited   | credit_note | 2025-02-24 | 2025-02-24 | 100
        charges    | payment     | 2025-02-03 | 2025-02-03 | 99
    disputes
        invoice_id | opened_on  | closed_on
        whole      | 2025-02-01 | 2025-02-20
"""
CASES = [
    case("acme", "2025-02-28", "days_beyond_terms_30d", 6.6, "late-10-x-100-and-unpaid-23-x-100-over-500"),
    case("acme", "2025-02-13", "days_beyond_terms_30d", 3.6, "paid-but-not-yet-known-still-runs"),
    case("acme", "2025-02-14", "days_beyond_terms_30d", 3.8, "counted-from-the-day-we-know"),
    case("acme", "2025-03-04", "days_beyond_terms_30d", 7.4, "last-day-of-the-window"),
    case("acme", "2025-03-05", "days_beyond_terms_30d", 7.0, "thirty-days-after-the-due-date-it-is-out"),
    case("acme", "2025-02-02", "days_beyond_terms_30d", None, "nothing-has-fallen-due"),
    case("new", "2025-02-28", "days_beyond_terms_30d", None, "silence-is-not-punctuality"),
    case("weekend", "2025-02-28", "days_beyond_terms_30d", 0.0, "due-on-saturday-paid-on-monday-is-prompt"),
    case("parts", "2025-02-28", "days_beyond_terms_30d", 10.0, "half-prompt-half-twenty-days-late"),
    case("contested", "2025-02-19", "days_beyond_terms_30d", None, "contested-in-full-is-not-lateness"),
    case("contested", "2025-02-20", "days_beyond_terms_30d", 17.0, "late-since-the-due-date-once-the-dispute-is-over"),
    case("lost", "2025-02-28", "days_beyond_terms_30d", 25.0, "a-write-off-is-no-payment"),
    case("cancelled", "2025-02-28", "days_beyond_terms_30d", None, "a-cancelled-invoice-was-never-late"),
    case("turning", "2025-02-28", "days_beyond_terms_90d", 10.0, "only-the-recent-one"),
    case("turning", "2025-02-07", "days_beyond_terms_180d", 2.0, "179-days-after-the-due-date-it-counts"),
    case("turning", "2025-02-08", "days_beyond_terms_180d", 5.0, "180-days-after-the-due-date-it-is-out"),
    case("turning", "2025-02-28", "days_beyond_terms_365d", 5.0, "both-weigh-the-same"),
    case("turning", "2027-08-11", "days_beyond_terms_1095d", 5.0, "three-years-remember-both"),
    case("turning", "2027-08-12", "days_beyond_terms_1095d", 10.0, "1095-days-after-the-due-date-it-is-out"),
    case("acme", "2025-02-28", "payment_index_90d", 76.4, "5.4-signed-days-on-the-line-from-80-to-70"),
    case("weekend", "2025-02-28", "payment_index_90d", 80.0, "prompt-is-80"),
    case("turning", "2025-02-28", "payment_index_365d", 80 - 5 * 10 / 15, "five-days"),
    case("new", "2025-02-28", "payment_index_365d", None, "nothing-fell-due"),
    case("acme", "2025-02-28", "median_days_late_180d", 10.0, "of-ten-minus-two-and-twenty-three"),
    case("new", "2025-02-28", "median_days_late_180d", None, "nothing-settled-nothing-overdue"),
    case("turning", "2025-02-28", "mean_days_late_1095d", 5.0, "none-and-ten"),
    case("turning", "2027-08-11", "mean_days_late_1095d", 5.0, "the-1095th-day-counts"),
    case("turning", "2027-08-12", "mean_days_late_1095d", 10.0, "the-1096th-does-not"),
    case("new", "2025-02-28", "mean_days_late_1095d", None, "nothing-settled-nothing-overdue"),
    case("acme", "2025-02-28", "days_late_p80_365d", 18.0, "17.8-rounded-up-to-a-whole-day"),
    case("turning", "2025-02-28", "days_late_p80_365d", 8.0, "zero-and-ten"),
    case("acme", "2025-02-28", "max_days_late_90d", 23.0, "the-unpaid-one-runs-on"),
    case("turning", "2025-02-28", "max_days_late_365d", 10.0, "the-worst-of-the-year"),
    case("short", "2025-02-28", "max_days_late_90d", 0.0, "one-per-cent-short-is-bank-charges"),
    case("acme", "2025-02-28", "days_late_sd_365d", 12.503332889007368, "of-ten-minus-two-and-twenty-three"),
    case("turning", "2025-02-28", "days_late_sd_365d", None, "two-invoices-say-nothing"),
    case("acme", "2028-02-01", "days_late_sd_1095d", 627.6084235678592, "of-ten-minus-two-and-1091-days-unpaid"),
    case("acme", "2028-02-02", "days_late_sd_1095d", None, "the-early-one-was-settled-1095-days-ago"),
    case("turning", "2025-02-28", "days_beyond_terms_change_90d", 5.0, "ten-now-five-over-the-year"),
    case("turning", "2024-12-31", "days_beyond_terms_change_90d", None, "nothing-fell-due-in-90-days"),
    case("acme", "2025-02-28", "lateness_slope_365d", 28.67906066536204, "from-minus-two-to-twenty-three-in-26-days"),
    case("turning", "2025-02-28", "lateness_slope_365d", None, "two-points-make-no-trend"),
]
PAGE_OF = Page(PAGE, CASES)


@pytest.mark.parametrize(COLUMNS, CASES)
def test_lateness_as_specified(who, day, column, answer):
    assert agree(PAGE_OF(who, day, column), answer)
