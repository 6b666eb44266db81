"""Deliveries over time: repeated, contradicted, out of order (reliability A13, A16, A17)."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from exporting import (
    GOOD,
    INVOICES,
    PAID,
    SETTLEMENTS,
    USD,
    canonical,
    column_of,
    deliver,
    flat,
    lines,
    put,
    reasons,
    rows_of,
)
from riskscore.errors import HeldForReview, InputRefused, UsageRefused
from riskscore.stores.ledgers import layout, open_book
from riskscore.stores.ledgers.mapping import FixedRate
from riskscore.stores.ledgers.quarantine import read_quarantine


def test_a13_a_file_delivered_again_adds_nothing(tmp_path: Path) -> None:
    path = put(tmp_path, "invoices", INVOICES, *GOOD)
    deliver(path, canonical(), tmp_path / "book")
    before = (tmp_path / "book" / layout.POINTER).read_bytes()

    again = deliver(path, canonical(), tmp_path / "book")

    assert not again.published
    assert again.already == ["invoices.csv"]
    assert (tmp_path / "book" / layout.POINTER).read_bytes() == before


def test_a13_the_same_rows_in_another_file_are_counted_as_repetitions(tmp_path: Path) -> None:
    deliver(put(tmp_path / "a", "invoices", INVOICES, *GOOD[:4]), canonical(), tmp_path / "book")
    digest = open_book(tmp_path / "book").digest

    again = deliver(put(tmp_path / "b", "invoices", INVOICES, *reversed(GOOD[:4]), GOOD[0]), canonical(), tmp_path / "book")

    assert (again.reads[0].rows, again.reads[0].accepted, again.reads[0].exact_duplicates) == (5, 0, 5)
    assert open_book(tmp_path / "book").digest == digest
    assert len(open_book(tmp_path / "book").manifest["sources"]) == 2


def test_a13_the_same_id_with_other_content_sets_both_aside(tmp_path: Path) -> None:
    other = GOOD[2].replace("102.52", "999.99")

    receipt = deliver(put(tmp_path, "invoices", INVOICES, *GOOD, other, GOOD[2]), canonical(), tmp_path / "book")

    assert reasons(receipt) == {"conflicting_duplicate": 2}
    assert receipt.reads[0].exact_duplicates == 1
    assert "I2" not in column_of(tmp_path / "book", "invoices", "invoice_id")


def test_a13_a_contradiction_reaches_back_to_the_row_in_the_book_and_its_payment(tmp_path: Path) -> None:
    put(tmp_path / "a", "invoices", INVOICES, *GOOD)
    put(tmp_path / "a", "settlements", SETTLEMENTS, *PAID)
    deliver(tmp_path / "a", canonical(), tmp_path / "book")

    deliver(put(tmp_path / "b", "invoices", INVOICES, GOOD[2].replace("102.52", "1.00")), canonical(), tmp_path / "book")

    found = {(row["table"], row["reason"], row["line"]) for row in read_quarantine(open_book(tmp_path / "book")).to_pylist()}
    assert found == {
        ("invoices", "conflicting_duplicate", 4),
        ("invoices", "conflicting_duplicate", 2),
        ("settlements", "orphan", 4),
    }
    assert "I2" not in column_of(tmp_path / "book", "settlements", "invoice_id")


def test_a_payment_before_its_invoice_waits_and_is_accepted_when_the_invoice_comes(tmp_path: Path) -> None:
    first = deliver(put(tmp_path / "a", "settlements", SETTLEMENTS, *PAID), canonical(), tmp_path / "book")
    assert reasons(first) == {"orphan": 6}

    deliver(put(tmp_path / "b", "invoices", INVOICES, *GOOD), canonical(), tmp_path / "book")

    assert len(rows_of(tmp_path / "book", "settlements")) == 6
    assert read_quarantine(open_book(tmp_path / "book")).num_rows == 0


def test_a17_a_payment_of_nobodys_invoice_is_an_orphan(tmp_path: Path) -> None:
    put(tmp_path / "a", "invoices", INVOICES, *GOOD)
    put(tmp_path / "a", "settlements", SETTLEMENTS, *PAID, "S9,I99,payment,2025-01-20,5.00")

    receipt = deliver(tmp_path / "a", canonical(), tmp_path / "book")

    assert reasons(receipt) == {"orphan": 1}
    assert receipt.rejects["orphan"]["examples"][0]["line"] == 8


def customers(*rows: str) -> str:
    return lines("customer_id,parent_id,known_on", *rows)


def test_a17_a_merger_is_dated_and_does_not_rewrite_what_was_before(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text(
        customers("A,,2024-01-01", "B,,2024-01-01", "B,A,2025-01-01", "B,,2026-01-01"), encoding="utf-8"
    )

    deliver(tmp_path / "customers.csv", canonical(), tmp_path / "book")

    parents = [
        (row["known_on"], row["parent_id"]) for row in rows_of(tmp_path / "book", "customers") if row["customer_id"] == "B"
    ]
    assert parents == [(dt.date(2024, 1, 1), None), (dt.date(2025, 1, 1), "A"), (dt.date(2026, 1, 1), None)]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["A,A,2024-01-01"], "A is owned by A"),
        (["A,B,2024-01-01", "B,A,2024-03-01"], "from 2024-03-01 on"),
        (["A,B,2024-01-01", "B,C,2024-01-01", "C,A,2024-01-01"], "is owned by"),
    ],
    ids=["itself", "two", "three"],
)
def test_a17_a_family_that_owns_itself_is_refused(rows: list[str], says: str, tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text(customers(*rows), encoding="utf-8")

    with pytest.raises(InputRefused, match=says) as refused:
        deliver(tmp_path / "customers.csv", canonical(), tmp_path / "book")

    assert "merge_cycle" in str(refused.value)
    assert not (tmp_path / "book").exists()


def test_a17_a_family_may_turn_around_once_the_old_tie_is_cut(tmp_path: Path) -> None:
    rows = customers("A,B,2024-01-01", "B,,2024-01-01", "A,,2025-01-01", "B,A,2025-01-01")
    (tmp_path / "customers.csv").write_text(rows, encoding="utf-8")

    assert deliver(tmp_path / "customers.csv", canonical(), tmp_path / "book").published


def test_a16_an_invoice_without_a_rate_waits_for_one(tmp_path: Path) -> None:
    first = deliver(put(tmp_path / "a", "invoices", INVOICES, *GOOD, USD), canonical(), tmp_path / "book")
    assert reasons(first) == {"no_rate": 1}

    deliver(
        put(tmp_path / "b", "rates", "currency,to_currency,rate,rated_on", "USD,EUR,0.97,2025-01-09"),
        canonical(),
        tmp_path / "book",
    )

    assert "U1" in column_of(tmp_path / "book", "invoices", "invoice_id")


@pytest.mark.parametrize(
    ("rate", "accepted"),
    [
        ("USD,EUR,0.97,2025-01-10", True),
        ("USD,EUR,0.97,2025-01-11", False),
        ("USD,EUR,0.97,2024-10-02", True),
        ("USD,EUR,0.97,2024-10-01", False),
        ("EUR,USD,1.03,2025-01-10", False),
        ("CAD,EUR,0.67,2025-01-10", False),
    ],
    ids=["same-day", "a-day-late", "100-days-old", "101-days-old", "inverse", "other-currency"],
)
def test_a16_a_rate_counts_on_its_day_and_until_it_is_stale(rate: str, accepted: bool, tmp_path: Path) -> None:
    put(tmp_path / "a", "invoices", INVOICES, *GOOD, USD)
    put(tmp_path / "a", "rates", "currency,to_currency,rate,rated_on", rate)

    receipt = deliver(tmp_path / "a", canonical(), tmp_path / "book")

    assert reasons(receipt) == ({} if accepted else {"no_rate": 1})


def test_a16_a_mapping_may_declare_a_dated_rate_itself(tmp_path: Path) -> None:
    rate = FixedRate(currency="USD", to_currency="EUR", rate="0.97", rated_on=dt.date(2025, 1, 1))
    path = put(tmp_path / "a", "invoices", INVOICES, *GOOD, USD)

    deliver(path, canonical(rates=[rate]), tmp_path / "book")
    # Another delivery under the same mapping brings the same rate, once.
    deliver(put(tmp_path / "b", "settlements", SETTLEMENTS, *PAID), canonical(rates=[rate]), tmp_path / "book")

    assert rows_of(tmp_path / "book", "rates") == [
        {"currency": "USD", "to_currency": "EUR", "rate": 0.97, "rated_on": dt.date(2025, 1, 1)}
    ]
    assert open_book(tmp_path / "book").manifest["money"]["invoices"] == {"EUR": "618.1500", "USD": "10.0000"}


@pytest.mark.parametrize(("times", "held"), [("100", True), ("0.01", True), ("10", False)])
def test_a16_amounts_that_all_moved_tenfold_are_held_for_a_second_look(times: str, held: bool, tmp_path: Path) -> None:
    def month(number: int, factor: Decimal) -> list[str]:
        amounts = [(Decimal(100 + n) * factor).quantize(Decimal("0.01")) for n in range(30)]
        return [f"M{number}-{n},C,2025-0{number}-01,2025-0{number}-28,{amount},EUR" for n, amount in enumerate(amounts)]

    deliver(put(tmp_path / "1", "invoices", INVOICES, *month(1, Decimal(1))), canonical(), tmp_path / "book")
    digest = open_book(tmp_path / "book").digest
    path = put(tmp_path / "2", "invoices", INVOICES, *month(2, Decimal(times) * (Decimal(1) if held else Decimal("0.99"))))

    if not held:
        assert deliver(path, canonical(), tmp_path / "book").published
        return
    with pytest.raises(HeldForReview, match="median") as refused:
        deliver(path, canonical(), tmp_path / "book")
    assert refused.value.exit_status == 8
    assert open_book(tmp_path / "book").digest == digest
    assert deliver(path, canonical(), tmp_path / "book", accept_shift=True).published


def test_a_book_is_kept_in_one_currency_and_one_time_zone(tmp_path: Path) -> None:
    deliver(put(tmp_path / "a", "invoices", INVOICES, *GOOD), canonical(), tmp_path / "book")

    with pytest.raises(UsageRefused, match="reporting_currency = EUR"):
        deliver(put(tmp_path / "b", "invoices", INVOICES, USD), canonical(currency="USD"), tmp_path / "book")


def test_a_dispute_delivered_open_and_later_closed_is_one_dispute(tmp_path: Path) -> None:
    header = "invoice_id,opened_on,closed_on,amount,known_on"
    put(tmp_path / "a", "invoices", INVOICES, *GOOD)
    put(tmp_path / "a", "disputes", header, "I1,2025-01-20,,5.00,2025-01-20")
    deliver(tmp_path / "a", canonical(), tmp_path / "book")

    again = deliver(
        put(tmp_path / "b", "disputes", header, "I1,2025-01-20,2025-03-01,5.00,2025-01-20"), canonical(), tmp_path / "book"
    )
    contradicting = put(tmp_path / "c", "disputes", header, "I1,2025-01-20,2025-04-01,5.00,2025-01-20")

    assert (again.reads[0].accepted, reasons(again)) == (1, {})
    assert column_of(tmp_path / "book", "disputes", "closed_on") == [dt.date(2025, 3, 1)]
    assert reasons(deliver(contradicting, canonical(), tmp_path / "book")) == {"conflicting_duplicate": 1}
    assert rows_of(tmp_path / "book", "disputes") == []


FLAT = "no,who,issued,due,amount,paid,name"


def test_a_customer_derived_from_invoices_is_known_from_the_first_of_them_however_they_are_delivered(tmp_path: Path) -> None:
    mapping = flat('[source.settlements]\nsettled_on = "paid"\n[source.customers]\nname = "name"\n')
    rows = ["1,C,2025-03-01,2025-04-01,1,,ACME", "2,C,2025-01-01,2025-04-01,1,,ACME", "3,C,2025-02-01,2025-04-01,1,,ACME Inc"]
    digests = set()
    for order in ([0, 1, 2], [2, 1, 0]):
        book = tmp_path / f"book{order[0]}"
        for number in order:
            deliver(put(tmp_path / str(number), "flat", FLAT, rows[number]), mapping, book)
        digests.add(open_book(book).digest)
        found = [(row["name"], row["known_on"]) for row in rows_of(book, "customers")]

    assert len(digests) == 1
    assert found == [("ACME", dt.date(2025, 1, 1)), ("ACME Inc", dt.date(2025, 2, 1))]


def test_delivered_customers_stand_before_derived_ones(tmp_path: Path) -> None:
    derived = flat('[source.customers]\nname = "name"\n')
    deliver(put(tmp_path / "a", "flat", FLAT, "1,C,2025-03-01,2025-04-01,1,,as the invoice says"), derived, tmp_path / "book")
    master = put(tmp_path / "b", "customers", "customer_id,name,known_on", "C,as the register says,2025-01-01")

    deliver(master, canonical(), tmp_path / "book")

    assert column_of(tmp_path / "book", "customers", "name") == ["as the register says"]


def test_an_open_invoice_of_an_older_extract_does_not_undo_a_payment(tmp_path: Path) -> None:
    mapping = flat('[source.settlements]\nsettled_on = "paid"\n')
    newer = put(tmp_path / "new", "flat", FLAT, "1,C,2025-03-01,2025-04-01,10,2025-03-09,x")
    older = put(tmp_path / "old", "flat", FLAT, "1,C,2025-03-01,2025-04-01,10,,x")

    deliver(newer, mapping, tmp_path / "book")
    deliver(older, mapping, tmp_path / "book")

    assert column_of(tmp_path / "book", "settlements", "amount") == [Decimal(10)]


def test_two_extracts_that_disagree_on_a_payment_date_set_the_invoice_aside_and_not_only_the_payment(tmp_path: Path) -> None:
    mapping = flat('[source.settlements]\nsettled_on = "paid"\n')
    for day in (8, 9):
        path = put(
            tmp_path / str(day), "flat", FLAT, f"1,C,2025-03-01,2025-04-01,10,2025-03-0{day},x", "2,C,2025-03-01,2025-04-01,5,,x"
        )
        receipt = deliver(path, mapping, tmp_path / "book")

    assert column_of(tmp_path / "book", "invoices", "invoice_id") == ["2"]
    assert rows_of(tmp_path / "book", "settlements") == []
    assert (receipt.reads[0].quarantined, receipt.reads[0].exact_duplicates) == (1, 1)
    assert len(read_quarantine(open_book(tmp_path / "book"))) == 2
