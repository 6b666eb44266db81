"""What makes a customer a bad one within the horizon: too much too late, too many amounts late, a write-off; and when we know."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from ledger_text import observations, polars_ledger, tables_of
from riskscore import outcomes
from riskscore.outcomes import Outcome

AS_OF = "2025-01-31"
HORIZON = date(2025, 7, 30)  # 180 days later
LAW = Outcome()


def observed(page, *, as_of=AS_OF, until=HORIZON, law=LAW, who="acme"):
    found = outcomes.observe(polars_ledger(tables_of(page)), observations((who, as_of)), law, until=until).to_pylist()[0]
    return found["outcome"], found["cause"]


def past_due(*, amount="500", paid_on, extra=""):
    """An invoice due on Monday 3 March 2025 beside a large one paid in time, which keeps the late share below a tenth."""
    return f"""
        invoices
            customer_id | invoice_id | issued_on  | due_on     | amount
            acme        | bad        | 2025-01-15 | 2025-03-03 | {amount}
            acme        | large      | 2025-02-03 | 2025-03-05 | 90000
            {extra}
        settlements
            invoice_id | settled_on | amount
            large      | 2025-03-05 | 90000
            bad        | {paid_on}  | {amount}
    """


@pytest.mark.parametrize(
    ("paid_on", "expected"),
    [
        pytest.param("2025-05-02", (False, None), id="paid-on-the-60th-day-after-the-due-date"),
        pytest.param("2025-05-03", (False, None), id="paid-on-the-61st-day-is-open-on-the-60th-evening-only"),
        pytest.param("2025-05-04", (True, "past_due"), id="open-on-the-evening-of-the-61st-day"),
    ],
)
def test_an_invoice_more_than_sixty_days_past_due_is_material_delinquency(paid_on, expected):
    assert observed(past_due(paid_on=paid_on)) == expected


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        pytest.param("499.99", (False, None), id="just-below-500"),
        pytest.param("500", (True, "past_due"), id="500"),
        pytest.param("500.01", (True, "past_due"), id="just-above"),
    ],
)
def test_a_small_amount_is_not_material(amount, expected):
    assert observed(past_due(amount=amount, paid_on="2025-07-01")) == expected


@pytest.mark.parametrize(
    ("billed", "expected"),
    [
        pytest.param("59400", (True, "past_due"), id="exactly-a-hundredth"),
        pytest.param("59500", (False, None), id="just-less-than-a-hundredth"),
    ],
)
def test_an_amount_below_a_hundredth_of_a_years_billing_is_not_material(billed, expected):
    extra = f"acme | before | 2024-06-03 | 2024-07-03 | {billed}"
    page = past_due(amount="600", paid_on="2025-07-01", extra=extra).replace(
        "large      | 2025-03-05 | 90000", f"large      | 2025-03-05 | 90000\n            before | 2024-07-03 | {billed}"
    )

    # Billing of the year to the date: what came before plus the 600 themselves.
    assert observed(page) == expected


def test_billing_after_the_date_does_not_raise_the_threshold():
    """The threshold is that of the date itself: the 90,000 billed later would make 600 immaterial."""
    assert observed(past_due(amount="600", paid_on="2025-07-01")) == (True, "past_due")


def test_an_invoice_already_open_on_the_date_counts_when_it_becomes_too_late_afterwards():
    page = """
        invoices
            customer_id | invoice_id | issued_on  | due_on     | amount
            acme        | open       | 2024-11-01 | 2024-12-02 | 5000
    """

    assert observed(page) == (True, "past_due")  # the 61st day is 1 February
    assert observed(page, as_of="2025-02-01", until=HORIZON + timedelta(days=1)) == (False, None)  # it happened before


def test_the_contested_part_is_not_delinquency_until_the_dispute_ends():
    page = """
        invoices
            customer_id | invoice_id | issued_on  | due_on     | amount
            acme        | contested  | 2025-01-15 | 2025-03-03 | 5000
        disputes
            invoice_id | opened_on  | closed_on
            contested  | 2025-03-01 | {closed_on}
    """

    assert observed(page.format(closed_on="")) == (False, None)
    assert observed(page.format(closed_on="2025-07-30")) == (True, "past_due")  # the last day of the horizon
    assert observed(page.format(closed_on="2025-07-31")) == (False, None)


def late_share(late, *, paid_on="2025-04-03", due_on="2025-03-03"):
    """Ten thousand falling due, of which `late` is paid on the given day."""
    return f"""
        invoices
            customer_id | invoice_id | issued_on  | due_on     | amount
            acme        | late       | 2025-02-03 | {due_on}   | {late}
            acme        | prompt     | 2025-02-03 | 2025-03-03 | {10000 - Decimal(late)}
        settlements
            invoice_id | settled_on | amount
            late       | {paid_on}  | {late}
            prompt     | 2025-03-03 | {10000 - Decimal(late)}
    """


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        pytest.param("999.99", (False, None), id="just-below-a-tenth"),
        pytest.param("1000", (True, "late_share"), id="a-tenth"),
        pytest.param("1000.01", (True, "late_share"), id="just-above"),
    ],
)
def test_a_tenth_of_the_amounts_falling_due_more_than_thirty_days_late_is_delinquency(late, expected):
    assert observed(late_share(late)) == expected


@pytest.mark.parametrize(
    ("paid_on", "expected"),
    [
        pytest.param("2025-04-01", (False, None), id="29-days-late"),
        pytest.param("2025-04-02", (False, None), id="30-days-late"),
        pytest.param("2025-04-03", (True, "late_share"), id="31-days-late"),
    ],
)
def test_thirty_days_late_is_not_more_than_thirty(paid_on, expected):
    assert observed(late_share("2000", paid_on=paid_on)) == expected


@pytest.mark.parametrize(
    ("due_on", "expected"),
    [
        pytest.param("2025-01-31", (False, None), id="due-on-the-date-itself-is-the-past"),
        pytest.param("2025-02-03", (True, "late_share"), id="due-on-the-next-business-day"),
        pytest.param("2025-06-30", (True, "late_share"), id="thirty-days-before-the-end-of-the-horizon"),
        pytest.param("2025-07-01", (False, None), id="too-near-the-end-to-show-thirty-days"),
    ],
)
def test_only_amounts_whose_thirty_days_end_within_the_horizon_are_asked(due_on, expected):
    page = late_share("2000", due_on=due_on, paid_on="2025-08-15").replace("2025-02-03 | 2025-01-31", "2025-01-03 | 2025-01-31")

    # Judged long after: the late one is paid by then, and was open for longer than thirty days.
    assert observed(page, until=date(2025, 12, 31), law=Outcome(min_amount=Decimal(10**6))) == expected


def test_credited_and_contested_amounts_are_neither_late_nor_owed():
    page = """
        invoices
            customer_id | invoice_id | issued_on  | due_on     | amount
            acme        | credited   | 2025-02-03 | 2025-03-03 | 400
            acme        | contested  | 2025-02-03 | 2025-03-03 | 400
            acme        | prompt     | 2025-02-03 | 2025-03-03 | 100
        settlements
            invoice_id | kind        | settled_on | amount
            credited   | credit_note | 2025-04-02 | 400
            prompt     | payment     | 2025-03-03 | 100
        disputes
            invoice_id | opened_on
            contested  | 2025-03-01
    """

    assert observed(page) == (False, None)


@pytest.mark.parametrize(
    ("day", "amount", "expected"),
    [
        pytest.param("2025-01-31", "1000", (False, None), id="on-the-date-itself"),
        pytest.param("2025-02-01", "1000", (True, "write_off"), id="the-day-after"),
        pytest.param("2025-07-30", "1000", (True, "write_off"), id="the-last-day"),
        pytest.param("2025-07-31", "1000", (False, None), id="the-day-after-the-horizon"),
        pytest.param("2025-02-03", "100", (True, "write_off"), id="a-tenth-of-the-invoice"),
        pytest.param("2025-02-03", "99", (False, None), id="a-rounding-difference"),
    ],
)
def test_a_material_write_off_within_the_horizon_is_delinquency(day, amount, expected):
    page = f"""
        invoices
            customer_id | invoice_id | issued_on  | due_on     | amount
            acme        | lost       | 2024-06-03 | 2024-07-01 | 1000
            acme        | not-yet    | 2025-07-01 | 2025-08-01 | 5000
        settlements
            invoice_id | kind      | settled_on | amount
            lost       | write_off | {day}      | {amount}
            lost       | payment   | 2024-07-01 | {1000 - int(amount)}
    """

    assert observed(page, until=date(2025, 12, 31)) == expected


def test_nobody_is_judged_before_the_horizon_is_over_not_even_who_is_late_already():
    page = past_due(paid_on="2025-07-01")
    asked = observations(("acme", AS_OF), ("nobody", AS_OF))

    def rows(until):
        return outcomes.observe(polars_ledger(tables_of(page)), asked, LAW, until=until).to_pylist()

    assert [row["outcome"] for row in rows(HORIZON - timedelta(days=1))] == [None, None]
    assert [row["outcome"] for row in rows(HORIZON)] == [True, False]
    assert {row["matures_on"] for row in rows(HORIZON)} == {HORIZON}


def test_a_payment_counts_from_its_own_date_even_if_it_became_known_later():
    """The label asks what happened; a bank file that came a week late does not make the customer late."""
    page = past_due(paid_on="2025-04-28").replace("settled_on | amount", "settled_on | amount | known_on")
    page = page.replace(
        "| 90000\n            bad        | 2025-04-28  | 500",
        "| 90000 | 2025-03-05\n            bad | 2025-04-28 | 500 | 2025-05-20",
    )

    assert observed(page) == (False, None)
    assert observed(page, until=HORIZON) == observed(page, until=HORIZON + timedelta(days=300))


@pytest.mark.parametrize("paid_on", ["2025-05-02", "2025-05-04"], ids=["good", "bad"])
def test_a_limit_a_person_put_in_place_of_a_decision_is_no_label(paid_on):
    """Overrides come back with the next export, as the limit in force: stopped or raised, what became of the customer stays."""
    page = past_due(paid_on=paid_on)
    with_overrides = f"""{page}
        limits
            customer_id | amount | currency | granted_on
            acme        | 0      | EUR      | 2025-02-10
            acme        | 900000 | EUR      | 2025-03-10
    """
    assert tables_of(with_overrides)["limits"].num_rows == 2

    assert observed(with_overrides) == observed(page)
