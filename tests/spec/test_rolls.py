"""What became of open money: every invoice followed from the day it was open to the day that tells."""

from datetime import date
from decimal import Decimal

import pytest

from ledger_text import ledger, polars_ledger, tables_of
from riskscore.portfolio import AGEING, take_rolls
from simulated import world_of

DAY = date(2025, 6, 30)

# Due dates are working days, so that no weekend moves them. On 31 May (30 days before DAY) the ages are as named.
PAGE = """
    customers
    customer_id | country
    acme        | DE
    invoices
    customer_id | invoice_id | issued_on  | due_on     | amount
    acme        | coming     | 2025-05-02 | 2025-07-16 | 100
    acme        | falls-due  | 2025-05-02 | 2025-06-11 | 200
    acme        | paid-early | 2025-05-02 | 2025-07-16 | 300
    acme        | fortnight  | 2025-04-01 | 2025-05-16 | 400
    acme        | part-paid  | 2025-04-01 | 2025-05-15 | 500
    acme        | given-up   | 2025-03-03 | 2025-04-15 | 600
    acme        | unknown    | 2025-03-03 | 2025-04-14 | 700
    settlements
    invoice_id | settlement_id | kind      | settled_on | amount | known_on
    paid-early | a             | payment   | 2025-06-10 | 300    | 2025-06-10
    part-paid  | b             | payment   | 2025-06-20 | 450    | 2025-06-20
    given-up   | c             | write_off | 2025-06-25 | 600    | 2025-06-25
    unknown    | d             | payment   | 2025-06-27 | 700    | 2025-07-02
"""


def rolls(page: str = PAGE, day: date = DAY, n_steps: int = 1) -> dict[str, tuple[int, int, int, int]]:
    found = take_rolls(ledger(page), day, n_steps=n_steps).to_pylist()
    return {row["bucket"]: tuple(row[name] // 100 for name in ("opened", "waiting", "rolled", "written_off")) for row in found}


@pytest.mark.parametrize(
    ("bucket", "opened", "waiting", "rolled", "written_off"),
    [
        pytest.param("not_due", 600, 100, 200, 0, id="one-still-not-due-one-rolled-one-paid-before-it-was-due"),
        pytest.param("due_1_30", 900, 0, 450, 0, id="what-is-left-of-a-part-payment-rolls-on"),
        pytest.param("due_31_60", 1300, 0, 700, 600, id="written-off-is-not-paid-and-a-payment-not-yet-known-is-open"),
    ],
)
def test_every_amount_is_where_its_invoice_was_a_month_later(bucket, opened, waiting, rolled, written_off):
    assert rolls()[bucket] == (opened, waiting, rolled, written_off)


def test_nothing_is_said_of_a_bucket_in_which_nothing_was_open():
    assert set(rolls()) == {"not_due", "due_1_30", "due_31_60"}


def test_a_payment_counts_on_the_day_it_is_known():
    later = rolls(day=date(2025, 7, 2))["due_31_60"]

    assert later == (1300, 0, 0, 600)


OLD = """
    customers
    customer_id | country
    acme        | DE
    invoices
    customer_id | invoice_id | issued_on  | due_on     | amount
    acme        | never      | 2024-01-02 | 2024-03-01 | 100
    acme        | in-a-year  | 2024-01-02 | 2024-03-01 | 200
    acme        | too-late   | 2024-01-02 | 2024-03-01 | 400
    acme        | years      | 2022-01-03 | 2022-03-01 | 800
    settlements
    invoice_id | settlement_id | kind    | settled_on | amount
    in-a-year  | a             | payment | 2025-02-28 | 200
    too-late   | b             | payment | 2025-03-03 | 400
"""


def test_the_last_bucket_is_followed_to_a_year_after_the_due_date():
    """Due on 1 March 2024: paid by the 365th day, 1 March 2025, or not; what is older than a year already was never paid in time."""
    assert rolls(OLD)["due_over_90"] == (1500, 0, 1300, 0)


def test_a_cohort_of_the_last_bucket_that_is_not_a_year_old_yet_is_not_counted():
    young = OLD.replace("2024-01-02 | 2024-03-01", "2024-06-03 | 2024-09-02")

    assert rolls(young)["due_over_90"] == (800, 0, 800, 0)


def test_what_becomes_known_later_changes_nothing():
    news = PAGE.replace(
        "2025-07-02\n", "2025-07-02\n    fortnight  | e             | payment   | 2025-07-01 | 400    | 2025-07-01\n"
    )

    assert rolls(news) == rolls()


@pytest.mark.parametrize("n_steps", [1, 12])
def test_the_parts_of_an_invented_company_add_up_on_both_engines(n_steps):
    world = world_of()
    on_polars = take_rolls(polars_ledger(world.tables), world.end_on, n_steps=n_steps)
    rows = on_polars.to_pylist()

    assert {row["bucket"] for row in rows} == set(AGEING)
    for row in rows:
        parts = (row["waiting"], row["rolled"], row["written_off"])
        assert min(parts) >= 0
        assert sum(parts) <= row["opened"]
        assert row["bucket"] == "not_due" or row["waiting"] == 0


def test_both_engines_give_the_same_cents():
    tables = tables_of(PAGE)

    assert take_rolls(polars_ledger(tables), DAY) == take_rolls(ledger(PAGE), DAY)
    assert Decimal(sum(row["opened"] for row in take_rolls(ledger(PAGE), DAY, n_steps=1).to_pylist())) == Decimal(280_000)
