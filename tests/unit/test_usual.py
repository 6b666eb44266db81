"""How long a customer takes on its terms is asked of the invoice it would be sent today, not of what it has left lying."""

from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ledger_text import ledger
from riskscore.hazard import cases_of, usual_invoices
from riskscore.hazard.formula import own_curves
from riskscore.hazard.inputs import fit_habits
from riskscore.hazard.readouts import by_terms, of_invoices
from riskscore.snapshot import customers_known_at, take_open_items
from riskscore.snapshot.calendar import day_number
from riskscore.stores.engines import ledger_of
from simulated import world_of

ON = date(2025, 4, 1)
PAGE = """
    customers
        customer_id | country | known_on
        acme        | DE      | 2024-01-01
        calm        | DE      | 2024-01-01
        nobody      | DE      | 2024-01-01
    rates
        currency | to_currency | rate | rated_on
        USD      | EUR         | 0.5  | 2024-01-01
    invoices
        customer_id | invoice_id | issued_on  | due_on     | amount | currency | is_electronic | known_on
        acme        | 1          | 2024-05-01 | 2024-05-31 | 100    | EUR      | no            | 2024-05-01
        acme        | 2          | 2025-01-02 | 2025-02-01 | 600    | USD      | no            | 2025-01-02
        acme        | 3          | 2025-03-03 | 2025-04-02 | 200    | EUR      | yes           | 2025-03-03
        acme        | 4          | 2025-03-03 | 2025-05-02 | 50     | EUR      |               | 2025-03-03
        acme        | 5          | 2024-04-01 | 2024-04-15 | 70     | EUR      | yes           | 2024-04-01
        acme        | 6          | 2025-03-01 | 2025-05-30 | 80     | EUR      | yes           | 2025-03-01
        acme        | 7          | 2025-03-28 | 2025-04-04 | 90     | EUR      | yes           | 2025-04-02
        calm        | 8          | 2024-04-02 | 2024-04-16 | 40     | EUR      | yes           | 2024-04-02
        calm        | 9          | 2025-01-02 | 2025-01-16 | 30     | EUR      | no            | 2025-01-02
    settlements
        settlement_id | invoice_id | kind        | settled_on | amount
        s1            | 6          | credit_note | 2025-03-05 | 80
        s2            | 8          | payment     | 2024-04-20 | 40
        s3            | 9          | payment     | 2025-01-20 | 30
"""


def usual_of(book, on):
    known = take_open_items(book, customers_known_at(book, on))
    cases = cases_of(book, known)
    return usual_invoices(known, cases, "EUR"), cases


@pytest.fixture(scope="module")
def page():
    return usual_of(ledger(PAGE), ON)


def test_every_customer_billed_within_a_year_has_one_invoice_for_each_of_its_terms(page):
    rows = page[0].cases.invoices
    told = list(zip(rows["customer_id"].to_pylist(), rows["terms"].to_pylist(), page[0].n_invoices.tolist(), strict=True))

    # Invoice 5 is a year old, 6 was cancelled, 7 not known yet; "calm" owes nothing; "nobody" never bought.
    assert told == [("acme", 30, 3), ("acme", 60, 1), ("calm", 14, 2)]


def test_it_is_issued_on_the_date_for_the_usual_amount_and_due_on_a_business_day(page):
    cases = page[0].cases

    assert cases.column("issued_on").tolist() == cases.column("as_of").tolist() == [day_number(ON)] * 3
    # In 30 days is the first of May, a holiday; in 60 the 31st, a Saturday, and Sunday; in 14 an ordinary Tuesday.
    assert cases.column("due").tolist() == [day_number(date(2025, *day)) for day in ((5, 2), (6, 2), (4, 15))]
    # Of 100, 600 dollars (300) and 200 the middle one; of 40 and 30 the smaller.
    assert cases.invoices["cents"].to_pylist() == [20000, 5000, 3000]
    assert cases.invoices["is_electronic"].to_pylist() == [True, None, False]
    assert cases.invoices["new"].to_pylist() == [True] * 3


def test_what_is_known_of_the_customer_is_what_is_known_for_its_open_invoices(page):
    usual, cases = page
    who = usual.cases.who.take(pa.array(usual.cases.observation))

    assert who["customer_id"].to_pylist() == usual.cases.invoices["customer_id"].to_pylist()
    assert usual.cases.who is cases.who
    assert usual.cases.invoices.schema == cases.invoices.schema
    assert usual.cases.ended[usual.cases.observation].tolist() == [0, 0, 2]


def test_a_ledger_without_an_invoice_has_no_usual_one():
    usual, cases = usual_of(ledger(PAGE[: PAGE.index("invoices")]), ON)

    assert by_terms(usual, own_curves(usual.cases, fit_habits(cases))).num_rows == 0


@pytest.fixture(scope="module")
def told():
    """What a book of 120 customers says, by each customer's own record: usual invoices, their curves, the table; open ones."""
    world = world_of()
    usual, cases = usual_of(ledger_of(dict(world.tables), "EUR"), world.end_on)
    habits = fit_habits(cases)
    curves = own_curves(usual.cases, habits)
    return usual, curves, by_terms(usual, curves), of_invoices(cases, own_curves(cases, habits))


def test_the_days_are_those_of_the_curve_from_the_day_of_issue(told):
    _, curves, table, _ = told
    survived = sum(curves.late(curves.age + day) for day in range(1500))
    p50, p80 = (np.array(table[name].to_pylist(), dtype=float) for name in ("days_to_pay_p50", "days_to_pay_p80"))
    days = table["expected_days_to_pay"].to_numpy()

    assert days == pytest.approx(survived, rel=1e-3)
    assert (days >= 1).all()
    assert (p50 <= p80).all()
    assert (curves.late(curves.age + p50) <= 0.5 + 1e-9).all()
    assert (curves.late(curves.age + p50 - 1) >= 0.5 - 1e-9).all()
    assert (curves.age <= 0).all()


def test_who_owes_nothing_has_a_row_too(told):
    _, _, table, invoices = told
    without = set(table["customer_id"].to_pylist()) - set(invoices["customer_id"].to_pylist())

    assert without
    assert pc.all(pc.is_valid(table["expected_days_to_pay"])).as_py()


def test_from_issue_to_payment_takes_as_long_as_it_did(told):
    """What was paid within the year took so many days from issue to payment; the read-out is near, for each of the usual terms."""
    world = world_of()
    paid = world.tables["settlements"].filter(pc.equal(world.tables["settlements"]["kind"], "payment"))
    last = {row["invoice_id"]: row["settled_on"] for row in paid.sort_by("settled_on").to_pylist()}
    took = {}
    for row in world.tables["invoices"].to_pylist():
        if row["invoice_id"] in last:
            terms = (row["due_on"] - row["issued_on"]).days
            took.setdefault(terms, []).append((last[row["invoice_id"]] - row["issued_on"]).days)
    table = told[2]
    for terms in (30, 60):
        mine = table.filter(pc.equal(table["terms_days"], terms))
        weight = mine["n_invoices"].to_numpy()
        foretold = np.average(mine["expected_days_to_pay"].to_numpy(), weights=weight)

        assert len(took[terms]) > 100
        assert 0.85 * np.mean(took[terms]) < foretold < 1.5 * np.mean(took[terms])
        assert left_of(told[3], terms) < 0.9 * np.mean(took[terms])  # what open invoices would say, from today


def left_of(invoices, terms):
    """Mean days from today to the payment of open invoices on those terms."""
    mine = invoices.filter(pc.is_in(invoices["invoice_id"], pa.array(issued_on_terms(terms))))
    return np.mean(mine["expected_days"].to_numpy())


def issued_on_terms(terms):
    rows = world_of().tables["invoices"].to_pylist()
    return [row["invoice_id"] for row in rows if (row["due_on"] - row["issued_on"]).days == terms]


def test_the_amount_is_exact_money_in_the_reporting_currency(page):
    usual, cases = page
    table = by_terms(usual, own_curves(usual.cases, fit_habits(cases)))

    assert table["usual_amount"].to_pylist() == [Decimal(200), Decimal(50), Decimal(30)]
    assert table["currency"].to_pylist() == ["EUR"] * 3
    assert table["as_of"].to_pylist() == [ON] * 3
