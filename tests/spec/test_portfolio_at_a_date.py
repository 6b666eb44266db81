"""The portfolio at a date: ageing that ties to the control total, families, quarters; all as known then."""

from datetime import date
from decimal import Decimal

import pytest

from ledger_text import observations, polars_ledger, tables_of
from riskscore import positions
from riskscore.portfolio import AGEING, ageing_series, receivables_by_family, take_portfolio, take_portfolio_and_ageing
from riskscore.simulation import simulate
from riskscore.snapshot import customers_known_at, take_snapshot

PAGE = """
    customers
        customer_id | name      | parent_id | known_on
        head        | Head AG   |           | 2024-01-01
        child       | Child Ltd | head      | 2024-01-01
        grandchild  | Grand SA  | child     | 2025-03-01
    invoices
        customer_id | invoice_id | issued_on  | due_on     | amount
        head        | not-due    | 2025-03-10 | 2025-04-09 | 1000
        child       | on-time    | 2025-01-31 | 2025-03-31 | 200
        child       | one-day    | 2025-02-28 | 2025-03-28 | 30
        child       | thirty     | 2025-01-29 | 2025-02-28 | 40
        child       | thirty-one | 2025-01-28 | 2025-02-27 | 50
        grandchild  | sixty-one  | 2024-12-30 | 2025-01-29 | 60
        grandchild  | ninety     | 2024-12-01 | 2024-12-31 | 70
        grandchild  | old        | 2024-11-29 | 2024-12-30 | 80
        other       | paid       | 2025-01-02 | 2025-02-03 | 500
        other       | credit     | 2025-03-03 | 2025-03-03 | -25
    settlements
        invoice_id | settled_on | known_on   | amount
        paid       | 2025-03-28 | 2025-04-01 | 500
"""
DAY = date(2025, 3, 31)


def at(day=DAY, **options):
    return take_portfolio(polars_ledger(tables_of(PAGE)), day, **options)


def test_every_open_amount_is_in_the_bucket_of_its_days_past_due():
    found = at()

    assert found.ageing == {
        "not_due": Decimal(1000 + 200 - 25),  # due today is not overdue; unapplied credit hides nothing overdue
        "due_1_30": Decimal(30),  # due on Friday 28 March: three days
        "due_31_60": Decimal(40 + 50 + 500),  # 28 and 27 February, and one paid already but not yet known to be
        "due_61_90": Decimal(60 + 70),  # 29 January; 31 December is exactly 90 days ago
        "due_over_90": Decimal(80),  # 30 December is 91 days ago
    }


def test_the_buckets_tie_to_the_control_total_for_the_book_each_family_and_each_customer():
    found = at()

    assert sum(found.ageing.values()) == found.receivables == Decimal(1000 + 200 + 30 + 40 + 50 + 60 + 70 + 80 + 500 - 25)
    for rows in (found.by_family.to_pylist(), found.by_customer.to_pylist()):
        assert sum(row["balance"] for row in rows) == found.receivables
        assert all(row["balance"] == sum(row[bucket] for bucket in AGEING) for row in rows)


def test_exposure_rolls_up_to_the_top_of_the_family_as_known_then():
    assert receivables_by_family(polars_ledger(tables_of(PAGE)), DAY) == {"head": Decimal(1530), "other": Decimal(475)}
    # Before it was known whose child the grandchild is, it stood alone.
    assert receivables_by_family(polars_ledger(tables_of(PAGE)), date(2025, 2, 28))["grandchild"] == Decimal(210)


def test_a_family_has_the_name_of_its_head_and_counts_its_members():
    first = at().by_family.to_pylist()[0]

    assert (first["family_id"], first["name"], first["n_customers"]) == ("head", "Head AG", 3)


def test_quarters_hold_what_was_owed_overdue_and_sold():
    last = at(n_quarters=2).quarters[-1]

    assert last.ends_on == DAY
    assert last.opening == Decimal(60 + 70 + 80)
    assert (last.closing, last.overdue) == (Decimal(2005), Decimal(30 + 90 + 500 + 130 + 80))
    assert last.sales == Decimal(1000 + 200 + 30 + 40 + 50 + 500)


def test_asked_again_later_the_answer_is_that_of_the_day():
    """The payment of 28 March was booked on 1 April: the report of 31 March still shows it open."""
    assert at(date(2025, 3, 31)).ageing["due_31_60"] == Decimal(590)
    assert at(date(2025, 4, 1)).by_customer.to_pylist()[-1]["balance"] == Decimal(-25)


def test_many_dates_in_one_pass_are_the_single_dates():
    days = [date(2025, 1, 31), date(2025, 2, 28), DAY]

    for row in ageing_series(polars_ledger(tables_of(PAGE)), days).to_pylist():
        assert {bucket: row[bucket] for bucket in AGEING} == at(row["as_of"]).ageing


def test_portfolio_and_ageing_in_one_pass_are_those_of_two():
    ledger, days = polars_ledger(tables_of(PAGE)), [date(2025, 1, 31), date(2025, 2, 28), DAY]
    portfolio, series = take_portfolio_and_ageing(ledger, DAY, days, n_quarters=3)

    assert portfolio == take_portfolio(ledger, DAY, n_quarters=3)
    assert series.equals(ageing_series(ledger, days))
    assert series.num_rows == len(days)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_portfolio_of_an_invented_company_ties_to_its_positions(seed):
    world = simulate("default", n_customers=60, n_months=18, seed=seed)
    ledger = polars_ledger(world.tables)
    found = take_portfolio(ledger, world.end_on)
    wanted = customers_known_at(ledger, world.end_on)
    held = positions.compute(take_snapshot(ledger, wanted)).to_pylist()

    assert sum(found.ageing.values()) == found.receivables == sum(row["exposure"] for row in held)
    assert found.receivables - found.ageing["not_due"] == sum(row["overdue"] for row in held)
    assert found.concentration.receivables >= found.receivables
    families = {}
    for row in held:
        families[row["family_id"]] = families.get(row["family_id"], 0) + row["exposure"]
    assert families == receivables_by_family(ledger, world.end_on)


def test_an_empty_book_has_an_empty_portfolio():
    found = take_portfolio(polars_ledger({}), DAY)

    assert (found.receivables, found.by_family.num_rows, found.concentration.largest_share) == (0, 0, None)
    assert all(quarter.dso is None for quarter in found.quarters)
    assert take_snapshot(polars_ledger({}), observations()).observations.num_rows == 0
