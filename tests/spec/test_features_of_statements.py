"""The newest published accounts as ratios, and Z'' by hand."""

import pytest

from asking import COLUMNS, Page, agree, case

ITEMS = "current_assets | cash | inventory | receivables | total_assets | current_liabilities | total_liabilities | equity"
MORE = "retained_earnings | revenue | cost_of_sales | ebit | interest_expense | net_income | operating_cash_flow | payables | intangibles"
PAGE = f"""
    rates
        currency | to_currency | rate | rated_on
        USD      | EUR         | 0.5  | 2020-01-01
    statements
        customer_id | period_end | published_on | currency | {ITEMS} | {MORE}
        acme        | 2023-12-31 | 2024-05-31   | USD      | 400|50|100|150|900|400|600|300 | 90|1000|700|50|20|30|60|100|50
        acme        | 2024-12-31 | 2025-05-30   | USD      | 500|100|150|200|1000|250|600|400 | 100|1200|800|100|20|50|90|160|80
        bare        | 2024-12-31 | 2025-05-30   | EUR      | 500||||1000|0|||||||||||
        moved       | 2023-12-31 | 2024-05-31   | EUR      | 400|50|100|150|900|400|600|300 | 90|1000|700|50|20|30|60|100|50
        moved       | 2024-12-31 | 2025-05-30   | USD      | 500|100|150|200|1000|250|600|400 | 100|1200|800|100|20|50|90|160|80
"""
CASES = [
    case("acme", "2025-05-30", "current_ratio", 2.0, "500-per-250"),
    case("acme", "2025-05-29", "current_ratio", 1.0, "the-year-before-until-the-newest-is-published"),
    case("acme", "2024-05-30", "current_ratio", None, "the-fiscal-year-is-over-but-nothing-is-published"),
    case("bare", "2025-05-30", "current_ratio", None, "no-current-liabilities"),
    case("acme", "2025-05-30", "quick_ratio", 1.4, "without-inventory"),
    case("bare", "2025-05-30", "quick_ratio", None, "an-item-not-reported-is-not-nought"),
    case("acme", "2025-05-30", "cash_ratio", 0.4, "100-per-250"),
    case("acme", "2025-05-30", "working_capital_share", 0.25, "250-of-1000"),
    case("bare", "2025-05-30", "working_capital_share", 0.5, "nought-reported-is-nought"),
    case("acme", "2025-05-30", "current_ratio_change", 1.0, "two-after-one"),
    case("acme", "2024-05-31", "current_ratio_change", None, "no-accounts-before"),
    case("acme", "2025-05-30", "days_payables", 73.0, "160-of-800"),
    case("acme", "2025-05-30", "days_receivables", 200 * 365 / 1200, "200-of-1200"),
    case("acme", "2025-05-30", "working_capital_requirement_share", 190 / 1200, "200-and-150-less-160"),
    case("acme", "2025-05-30", "debt_ratio", 0.6, "600-of-1000"),
    case("acme", "2025-05-30", "tangible_equity_ratio", 0.32, "400-less-80-intangible"),
    case("acme", "2025-05-30", "retained_earnings_share", 0.1, "100-of-1000"),
    case("acme", "2025-05-30", "annual_revenue", 600.0, "1200-dollars-at-a-half"),
    case("acme", "2025-05-30", "interest_cover", 5.0, "100-per-20"),
    case("bare", "2025-05-30", "interest_cover", None, "not-reported"),
    case("acme", "2025-05-30", "cash_flow_to_debt", 0.15, "90-per-600"),
    case("acme", "2025-05-30", "operating_margin", 100 / 1200, "100-of-1200"),
    case("acme", "2025-05-30", "gross_margin", 400 / 1200, "400-of-1200"),
    case("acme", "2025-05-30", "return_on_assets", 0.05, "50-of-1000"),
    case("acme", "2025-05-30", "altman_z2", 6.56 * 0.25 + 3.26 * 0.1 + 6.72 * 0.1 + 1.05 * 400 / 600, "3.338-by-hand"),
    case("acme", "2025-05-30", "altman_z2", 3.338, "safe-above-2.6"),
    case("bare", "2025-05-30", "altman_z2", None, "an-item-is-missing"),
    case("acme", "2025-05-30", "revenue_growth", 0.2, "1200-after-1000"),
    case("moved", "2025-05-30", "revenue_growth", None, "dollars-after-euros-do-not-compare"),
    case("acme", "2024-05-31", "revenue_growth", None, "no-accounts-before"),
    case("acme", "2025-05-30", "equity_growth", 100 / 900, "100-more-on-900-of-assets"),
    case("acme", "2025-05-30", "statement_age_days", 150.0, "since-the-end-of-the-year-not-since-publication"),
    case("nobody", "2025-05-30", "statement_age_days", None, "no-accounts"),
]
PAGE_OF = Page(PAGE, CASES)


@pytest.mark.parametrize(COLUMNS, CASES)
def test_statements_as_specified(who, day, column, answer):
    assert agree(PAGE_OF(who, day, column), answer)
