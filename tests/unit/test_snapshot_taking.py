"""Snapshots: who is asked about, in which order, in whose currency, and what is refused."""

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from ledger_text import observations, polars_ledger, tables_of
from riskscore import features, positions
from riskscore.errors import InputRefused
from riskscore.snapshot import customers_known_at, month_ends, take_snapshot
from riskscore.snapshot.notches import NOTCHES
from riskscore.stores.engines import ledger_of

PAGE = """
    customers
        customer_id | known_on   | parent_id
        late        | 2025-02-01 |
        early       | 2025-01-01 |
        ring-a      | 2025-01-01 | ring-b
        ring-b      | 2025-01-01 | ring-a
    invoices
        customer_id | invoice_id | issued_on  | due_on     | amount | currency
        buyer       | 1          | 2025-01-10 | 2025-02-10 | 100    | EUR
        foreign     | 2          | 2025-01-10 | 2025-02-10 | 100    | USD
    rates
        currency | to_currency | rate | rated_on
        EUR      | USD         | 1.25 | 2025-01-15
"""


def page():
    return polars_ledger(tables_of(PAGE))


def test_month_ends_include_both_ends_and_the_leap_day():
    assert month_ends(date(2023, 12, 31), date(2024, 3, 31)) == [
        date(2023, 12, 31),
        date(2024, 1, 31),
        date(2024, 2, 29),
        date(2024, 3, 31),
    ]
    assert month_ends(date(2024, 1, 1), date(2024, 1, 30)) == []
    assert month_ends(date(2024, 2, 1), date(2024, 1, 1)) == []


@pytest.mark.parametrize(
    ("day", "known"),
    [
        (date(2024, 12, 31), []),
        (date(2025, 1, 9), ["early", "ring-a", "ring-b"]),
        (date(2025, 1, 31), ["buyer", "early", "foreign", "ring-a", "ring-b"]),
        (date(2025, 2, 1), ["buyer", "early", "foreign", "late", "ring-a", "ring-b"]),
    ],
    ids=["before-everything", "master-rows-only", "buyers-without-a-master-row-too", "the-day-it-is-known"],
)
def test_customers_known_at_a_date_have_a_master_row_or_an_invoice_by_then(day, known):
    found = customers_known_at(page(), day)

    assert found["customer_id"].to_pylist() == known
    assert set(found["as_of"].to_pylist()) <= {day}
    assert found.schema == pa.schema([("customer_id", pa.string()), ("as_of", pa.date32())])


def test_answers_are_sorted_whatever_the_order_asked_and_nobody_is_answered_twice():
    asked = observations(("early", "2025-02-01"), ("buyer", "2025-02-01"), ("buyer", "2025-01-15"), ("early", "2025-02-01"))
    snapshot = take_snapshot(page(), asked)
    expected = [("buyer", date(2025, 1, 15)), ("buyer", date(2025, 2, 1)), ("early", date(2025, 2, 1))]

    for table in (features.compute(snapshot), positions.compute(snapshot)):
        assert list(zip(table["customer_id"].to_pylist(), table["as_of"].to_pylist(), strict=True)) == expected


def test_ids_are_sorted_by_their_bytes_and_kept_as_they_are():
    ids = ["0012", "12", "1E5", "NA", "a", "Ä", "é", "TRUE", " x"]
    found = features.compute(take_snapshot(polars_ledger({}), observations(*((name, "2025-01-01") for name in ids))))

    assert found["customer_id"].to_pylist() == sorted(ids, key=lambda name: name.encode())


def test_a_customer_nobody_knows_is_answered_with_what_is_not_known():
    row = features.compute(take_snapshot(page(), observations(("nobody", "2025-01-01")))).to_pylist()[0]

    assert row["open_balance"] is None
    assert row["n_invoices_365d"] == 0.0


def test_without_a_rate_by_the_date_a_sum_is_refused_and_the_sentence_says_which():
    with pytest.raises(InputRefused) as refused:
        take_snapshot(page(), observations(("foreign", "2025-01-14")))

    assert str(refused.value) == (
        "there is no rate from USD to EUR by 2025-01-14, and invoices in USD are known by then. "
        "A sum without them would be wrong. Deliver the rate (table rates) and ingest again."
    )


def test_a_rate_quoted_the_other_way_round_is_inverted():
    row = positions.compute(take_snapshot(page(), observations(("foreign", "2025-01-15")))).to_pylist()[0]

    assert row["exposure"] == 80


@pytest.mark.parametrize("engine", [polars_ledger, lambda tables: ledger_of(tables, "EUR")], ids=["polars", "duckdb"])
def test_an_amount_of_billions_is_counted_to_the_cent(engine):
    billions = """
        invoices
            customer_id | invoice_id | issued_on  | due_on     | amount
            giant       | 1          | 2025-01-10 | 2025-02-10 | 60000000000.25
    """
    row = positions.compute(take_snapshot(engine(tables_of(billions)), observations(("giant", "2025-01-15")))).to_pylist()[0]

    assert row["exposure"] == Decimal("60000000000.25")


def test_a_ring_of_parents_ends_somewhere_and_the_same_way_each_time():
    asked = observations(("ring-a", "2025-02-01"), ("ring-b", "2025-02-01"))

    found = [positions.compute(take_snapshot(page(), asked))["family_id"].to_pylist() for _ in range(2)]

    assert found[0] == found[1]
    assert set(found[0]) <= {"ring-a", "ring-b"}


def test_an_empty_question_has_an_empty_answer():
    snapshot = take_snapshot(page(), observations())

    assert features.compute(snapshot).num_rows == 0
    assert positions.compute(snapshot).num_rows == 0


def test_rating_notches_run_from_best_to_default_on_both_ladders():
    assert (NOTCHES["AAA"], NOTCHES["Aaa"], NOTCHES["BBB-"], NOTCHES["Baa3"], NOTCHES["D"]) == (1, 1, 10, 10, 22)
