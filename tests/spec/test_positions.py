"""What a customer owes, may owe, and what stands behind it; when it is in default; how much is known of it."""

from datetime import date
from decimal import Decimal

import pytest

from asking import COLUMNS, Page, agree, case
from ledger_text import observations, polars_ledger, tables_of
from riskscore import positions
from riskscore.positions import SCHEMA
from riskscore.snapshot import take_snapshot

PAGE = """
    customers
        customer_id | name    | legal_form | is_natural_person | parent_id | country | industry | onboarded_on | known_on
        acme        | Acme    | GmbH       | no                | holding   | DE      | C10      | 2023-01-02   | 2023-01-02
        acme        | Acme AG | AG         | no                | holding   | DE      | C10      | 2023-01-02   | 2025-02-10
        tiny        | Tiny    | sole_trader| yes               |           | US      |          | 2025-02-18   | 2025-02-18
    rates
        currency | to_currency | rate | rated_on
        USD      | EUR         | 0.9  | 2024-01-01
        USD      | EUR         | 0.8  | 2025-02-28
    invoices
        customer_id | invoice_id | issued_on  | due_on     | amount | currency
        acme        | a          | 2024-11-04 | 2025-02-03 | 1000   | EUR
        acme        | b          | 2025-02-10 | 2025-03-10 | 500    | USD
        acme        | credit     | 2025-02-12 | 2025-02-12 | -200   | EUR
        acme        | paid       | 2024-03-04 | 2024-04-02 | 700    | EUR
        tiny        | c          | 2025-02-18 | 2025-03-20 | 60     | EUR
    settlements
        invoice_id | settled_on | amount
        a          | 2025-02-05 | 400
        paid       | 2024-04-12 | 700
    limits
        customer_id | amount | currency | terms      | granted_on
        acme        | 2000   | USD      | net 45     | 2024-06-01
        tiny        | 0      | EUR      | prepayment | 2025-02-18
    securities
        customer_id | kind       | amount | cover_share | valid_from | valid_until | provider | longest_terms_days
        acme        | insurance  | 1000   | 0.9         | 2024-01-01 | 2025-02-28  | Atlas    | 45.5
        acme        | insurance  | 3000   | 0.5         | 2024-06-01 |             | Borealis | 60
        acme        | guarantee  | 250    |             | 2024-01-01 |             | A Bank   | 10
        acme        | collateral | 10.005 |             | 2024-01-01 |             |          |
        tiny        | insurance  | 0      |             | 2025-02-18 | 2025-02-20  | Atlas    | 30
    statements
        customer_id | period_end | published_on | currency | equity | intangibles
        acme        | 2023-12-31 | 2024-06-30   | USD      | 9000   | 1000
    ratings
        customer_id | rating | rated_on
        acme        | BB+    | 2024-09-01
"""
CASES = [
    case("acme", "2025-02-28", "name", "Acme AG", "the-last-name-known"),
    case("acme", "2025-02-09", "legal_form", "GmbH", "the-form-known-then"),
    case("tiny", "2025-02-28", "is_natural_person", True, "a-sole-trader"),
    case("acme", "2025-02-28", "family_id", "holding", "the-parent-although-it-buys-nothing-itself"),
    case("tiny", "2025-02-28", "family_id", "tiny", "its-own-family"),
    case("acme", "2025-02-28", "currency", "EUR", "the-reporting-currency"),
    case("acme", "2025-02-28", "exposure", Decimal("800.00"), "600-open-and-500-dollars-at-0.8-less-200-credit"),
    case("acme", "2025-02-27", "exposure", Decimal("850.00"), "the-day-before-the-rate-was-0.9"),
    case("acme", "2025-02-28", "overdue", Decimal("600.00"), "the-open-part-of-a"),
    case("acme", "2025-02-03", "overdue", Decimal("0.00"), "due-today-is-not-overdue"),
    case("acme", "2025-02-28", "not_due", Decimal("200.00"), "exposure-less-overdue"),
    case("acme", "2025-02-28", "oldest_days_past_due", 25, "since-3-february"),
    case("nobody", "2025-02-28", "oldest_days_past_due", 0, "nothing-overdue"),
    case("acme", "2025-02-28", "limit_now", Decimal("1600.00"), "2000-dollars"),
    case("nobody", "2025-02-28", "limit_now", None, "no-limit-granted"),
    case("tiny", "2025-02-28", "limit_now", Decimal("0.00"), "a-limit-of-nought-is-a-limit"),
    case("acme", "2025-02-28", "terms_now", 45, "net-45"),
    case("tiny", "2025-02-28", "terms_now", 0, "prepayment"),
    case("nobody", "2025-02-28", "terms_now", None, "none-granted"),
    case("acme", "2025-02-28", "monthly_purchases", Decimal("172.60"), "2100-in-365-days"),
    case("tiny", "2025-02-28", "monthly_purchases", Decimal("60.00"), "ten-days-known-count-as-thirty"),
    case("nobody", "2025-02-28", "monthly_purchases", None, "never-billed"),
    case("acme", "2025-02-28", "peak_monthly_purchases", Decimal("1000.00"), "november"),
    case("acme", "2025-02-28", "days_late_p80", 22.0, "ten-days-late-and-25-running"),
    case("tiny", "2025-02-28", "days_late_p80", None, "nothing-settled"),
    case("acme", "2025-02-28", "typical_terms_days", 29.0, "of-28-29-and-91"),
    case("acme", "2025-02-28", "tangible_net_worth", Decimal("6400.00"), "8000-dollars"),
    case("acme", "2024-06-29", "tangible_net_worth", None, "before-publication"),
    case("acme", "2025-02-28", "statement_age_days", 425, "since-the-end-of-the-year"),
    case("acme", "2025-02-28", "insured_amount", Decimal("4000.00"), "the-last-day-of-the-first-policy"),
    case("acme", "2025-03-01", "insured_amount", Decimal("3000.00"), "the-day-after"),
    case("acme", "2025-02-28", "insured_share", 0.6, "900-and-1500-of-4000"),
    case("tiny", "2025-02-28", "insured_share", None, "not-insured"),
    case("tiny", "2025-02-28", "insured_amount", Decimal("0.00"), "nothing-held-is-nought"),
    case("acme", "2025-02-28", "insurer_days", 45, "the-shorter-of-two-in-whole-days"),
    case("acme", "2025-02-28", "insurer", "Atlas", "who-says-so"),
    case("acme", "2025-03-01", "insurer_days", 60, "the-day-after-the-first-policy-ended"),
    case("acme", "2025-03-01", "insurer", "Borealis", "the-other-insurer-is-left"),
    case("tiny", "2025-02-20", "insurer_days", None, "a-cover-of-nought-forbids-nothing"),
    case("acme", "2025-02-28", "guarantee_amount", Decimal("250.00"), "in-force"),
    case("acme", "2025-02-28", "collateral_amount", Decimal("10.01"), "half-a-cent-goes-up"),
    case("acme", "2025-02-28", "deposit_amount", Decimal("0.00"), "none"),
    case("acme", "2025-02-28", "tenure_days", 788, "since-the-account-was-opened"),
    case("acme", "2025-02-28", "n_paid_invoices", 1, "one-settled"),
    case("acme", "2025-02-28", "rating", "BB+", "in-force"),
    case("acme", "2025-02-28", "data_depth", "E", "accounts-but-one-payment-only"),
    case("tiny", "2025-02-28", "data_depth", "F", "an-invoice-and-nothing-paid"),
    case("nobody", "2025-02-28", "data_depth", "G", "nothing-at-all"),
]
PAGE_OF = Page(PAGE, CASES, positions)


@pytest.mark.parametrize(COLUMNS, CASES)
def test_positions_as_specified(who, day, column, answer):
    assert agree(PAGE_OF(who, day, column), answer)


def test_every_column_of_a_position_has_a_case_and_its_type():
    named = {one.values[2] for one in CASES} | {"customer_id", "as_of", "in_default", "industry", "country"}
    found = positions.compute(take_snapshot(polars_ledger(tables_of(PAGE)), observations(("acme", "2025-02-28"))))

    assert named == set(SCHEMA)
    assert dict(zip(found.column_names, found.schema.types, strict=True)) == SCHEMA


def defaulted(amount="500", due_on="2025-01-06", as_of="2025-03-08", extra="", **options):
    page = f"""
        invoices
            customer_id | invoice_id | issued_on  | due_on   | amount
            acme        | bad        | 2024-12-02 | {due_on} | {amount}
            acme        | base       | 2024-12-02 | 2025-12-01 | 1
        {extra}
    """
    snapshot = take_snapshot(polars_ledger(tables_of(page)), observations(("acme", as_of)))
    return positions.compute(snapshot, **options)["in_default"].to_pylist()[0]


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [("2025-03-06", False), ("2025-03-07", False), ("2025-03-08", True)],
    ids=["59-days-past-due", "60-days", "61-days"],
)
def test_in_default_begins_on_the_day_after_sixty_days_past_due(as_of, expected):
    assert defaulted(as_of=as_of) is expected


@pytest.mark.parametrize(("amount", "expected"), [("499.99", False), ("500", True), ("500.01", True)])
def test_in_default_needs_a_material_amount(amount, expected):
    assert defaulted(amount) is expected


@pytest.mark.parametrize(
    ("base", "expected"), [("49499", True), ("49500", True), ("49501", False)], ids=["above-1-per-cent", "1-per-cent", "below"]
)
def test_in_default_needs_a_hundredth_of_a_years_billing(base, expected):
    assert defaulted(extra=f"acme | more | 2024-12-02 | 2025-12-01 | {Decimal(base) - 1}") is expected


def test_in_default_leaves_the_contested_part_out():
    contested = "disputes\n invoice_id | opened_on | amount\n bad | 2025-01-06 | 0.01"

    assert defaulted(extra=contested) is False


@pytest.mark.parametrize(
    ("settled_on", "as_of", "expected"),
    [
        ("2025-02-03", "2025-02-02", False),
        ("2025-02-03", "2025-02-03", True),
        ("2025-02-03", "2026-02-02", True),
        ("2025-02-03", "2026-02-03", False),
    ],
    ids=["before-it", "on-the-day", "364-days-later", "365-days-later"],
)
def test_a_write_off_is_default_for_a_year(settled_on, as_of, expected):
    lost = f"settlements\n invoice_id | kind | settled_on | amount\n bad | write_off | {settled_on} | 500"

    assert defaulted(extra=lost, as_of=as_of) is expected


def test_a_small_difference_written_off_is_not_default():
    paid = "settlements\n invoice_id | kind | settled_on | amount\n bad | payment | 2025-01-06 | 451\n bad | write_off | 2025-01-06 | 49"

    assert defaulted(extra=paid) is False


def test_the_bounds_of_default_are_the_callers():
    assert defaulted("100", as_of="2025-02-06", default_days=30, default_min_amount=Decimal(100)) is True
    assert defaulted("100", as_of="2025-02-05", default_days=30, default_min_amount=Decimal(100)) is False


# Data depth: a ladder on which knowing less never leads up.


def depth(*, n_paid, paid_days_ago, statement_age=None, rated=False):
    as_of = date(2025, 6, 30)
    paid_on = date.fromordinal(as_of.toordinal() - paid_days_ago)
    issued_on = date.fromordinal(paid_on.toordinal() - 30)
    page = "invoices\n customer_id | invoice_id | issued_on | due_on | amount\n"
    page += "\n".join(f"acme | {n} | {issued_on} | {paid_on} | 10" for n in range(n_paid))
    page += "\n settlements\n invoice_id | settled_on | amount\n" + "\n".join(f"{n} | {paid_on} | 10" for n in range(n_paid))
    if statement_age is not None:
        end = date.fromordinal(as_of.toordinal() - statement_age)
        page += f"\n statements\n customer_id | period_end | published_on\n acme | {end} | {end}"
    if rated:
        page += f"\n ratings\n customer_id | rating | rated_on\n acme | A | {as_of}"
    snapshot = take_snapshot(polars_ledger(tables_of(page)), observations(("acme", as_of)))
    return positions.compute(snapshot)["data_depth"].to_pylist()[0]


@pytest.mark.parametrize(
    ("known", "letter"),
    [
        pytest.param({"n_paid": 3, "paid_days_ago": 365, "statement_age": 548}, "A", id="a-year-of-payments-and-fresh-accounts"),
        pytest.param({"n_paid": 3, "paid_days_ago": 365, "statement_age": 549}, "B", id="accounts-older-than-18-months"),
        pytest.param({"n_paid": 3, "paid_days_ago": 365}, "B", id="a-year-of-payments"),
        pytest.param({"n_paid": 3, "paid_days_ago": 364, "statement_age": 100}, "C", id="less-than-a-year-and-accounts"),
        pytest.param({"n_paid": 3, "paid_days_ago": 364}, "D", id="three-payments"),
        pytest.param({"n_paid": 2, "paid_days_ago": 400, "statement_age": 100}, "E", id="accounts-and-two-payments"),
        pytest.param({"n_paid": 0, "paid_days_ago": 400, "rated": True}, "E", id="a-rating-only"),
        pytest.param({"n_paid": 2, "paid_days_ago": 400}, "F", id="two-payments"),
        pytest.param({"n_paid": 0, "paid_days_ago": 400}, "G", id="nothing"),
    ],
)
def test_data_depth(known, letter):
    assert depth(**known) == letter


@pytest.mark.parametrize("paid_days_ago", [100, 400])
@pytest.mark.parametrize("n_paid", [0, 2, 3])
def test_knowing_less_never_improves_data_depth(n_paid, paid_days_ago):
    full = depth(n_paid=n_paid, paid_days_ago=paid_days_ago, statement_age=200, rated=True)
    less = [
        depth(n_paid=n_paid, paid_days_ago=paid_days_ago, statement_age=200),
        depth(n_paid=n_paid, paid_days_ago=paid_days_ago, rated=True),
        depth(n_paid=n_paid, paid_days_ago=paid_days_ago),
        depth(n_paid=max(n_paid - 1, 0), paid_days_ago=paid_days_ago, statement_age=200, rated=True),
    ]

    assert all(letter >= full for letter in less)
