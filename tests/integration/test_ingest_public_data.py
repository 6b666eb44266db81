"""The shipped mappings on the public ledgers they were written for, as they are."""

import csv
import datetime as dt
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from exporting import deliver, reasons
from riskscore.stores.ledgers import Book, open_book
from riskscore.stores.ledgers.mapping import load
from riskscore.stores.ledgers.receipts import Receipt

pytestmark = pytest.mark.realdata


def rows_in(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def ingested(
    public_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Receipt, Book, list[dict[str, str]]]]:
    found = {}
    for name, path in {
        "ibm": "ibm_receivables/invoices.csv",
        "udyam": "udyam_payables/invoices.csv",
        "sap_open_items": "highradius_open_items/open_items.csv",
    }.items():
        book = tmp_path_factory.mktemp(name) / "book"
        mapping = load(name)
        receipt = deliver(public_data / path, mapping, book, today=mapping.extracted_on or dt.date(2026, 6, 30))
        found[name] = (receipt, open_book(book), rows_in(public_data / path))
    return found


def test_every_row_of_the_ibm_sample_is_an_invoice_and_its_settlement(
    ingested: dict[str, tuple[Receipt, Book, list[dict[str, str]]]],
) -> None:
    receipt, book, rows = ingested["ibm"]
    invoices = {row["invoice_id"]: row for row in book.tables()["invoices"].to_pylist()}
    settlements = {row["invoice_id"]: row for row in book.tables()["settlements"].to_pylist()}

    assert receipt.rejects == {}
    assert (len(invoices), len(settlements), book.n_customers) == (2466, 2466, 100)
    for row in rows:
        due = dt.datetime.strptime(row["DueDate"], "%m/%d/%Y").date()  # noqa: DTZ007
        paid = dt.datetime.strptime(row["SettledDate"], "%m/%d/%Y").date()  # noqa: DTZ007
        invoice, settlement = invoices[row["invoiceNumber"]], settlements[row["invoiceNumber"]]
        assert (invoice["due_on"], invoice["amount"], invoice["customer_id"]) == (
            due,
            Decimal(row["InvoiceAmount"]),
            row["customerID"],
        )
        assert (settlement["settled_on"], settlement["known_on"]) == (paid, paid)


def test_nothing_the_ibm_sample_knows_only_afterwards_is_read(
    ingested: dict[str, tuple[Receipt, Book, list[dict[str, str]]]],
) -> None:
    receipt, book, _ = ingested["ibm"]

    assert set(receipt.reads[0].ignored) == {
        "countryCode",
        "PaperlessDate",
        "Disputed",
        "DaysToSettle",
        "DaysLate",
    }
    assert book.tables()["disputes"].num_rows == 0


def test_how_an_ibm_invoice_was_sent_is_read_and_was_known_at_issue(
    ingested: dict[str, tuple[Receipt, Book, list[dict[str, str]]]],
) -> None:
    _, book, rows = ingested["ibm"]
    sent = {row["invoice_id"]: row["is_electronic"] for row in book.tables()["invoices"].to_pylist()}

    for row in rows:
        issued, since = (dt.datetime.strptime(row[name], "%m/%d/%Y") for name in ("InvoiceDate", "PaperlessDate"))  # noqa: DTZ007
        assert sent[row["invoiceNumber"]] == (issued > since)


def test_the_vendor_ledger_keeps_prepayments_and_never_knows_too_early(
    ingested: dict[str, tuple[Receipt, Book, list[dict[str, str]]]],
) -> None:
    receipt, book, rows = ingested["udyam"]
    with duckdb.connect() as connection:
        for name, table in book.tables().items():
            connection.register(name, table)
        early, unknown = connection.sql(
            """
            select count(*) filter (s.settled_on < i.issued_on), count(*) filter (s.known_on < i.known_on or i.known_on < i.issued_on)
            from settlements as s join invoices as i using (invoice_id)
            """
        ).fetchall()[0]

    assert reasons(receipt) == {"conflicting_duplicate": 24}
    assert (receipt.reads[0].rows, receipt.reads[0].accepted, receipt.reads[0].exact_duplicates) == (5916, 5887, 5)
    assert sum(Decimal(row["Amount"]) for row in rows) == Decimal(receipt.reads[0].money["INR"])
    assert (early, unknown) == (5, 0)


def test_sap_open_items_are_known_on_the_day_of_the_extract_and_never_summed_over_currencies(
    ingested: dict[str, tuple[Receipt, Book, list[dict[str, str]]]],
) -> None:
    receipt, book, rows = ingested["sap_open_items"]
    expected = {
        currency: sum(Decimal(row["total_open_amount"]) for row in rows if row["invoice_currency"] == currency)
        for currency in ("CAD", "USD")
    }
    invoices = book.tables()["invoices"].to_pylist()

    assert receipt.rejects == {}
    assert {code: Decimal(amount) for code, amount in book.manifest["money"]["invoices"].items()} == expected
    assert {row["known_on"] for row in invoices} == {dt.date(2020, 5, 22)}
    assert "U001/2020/1930571429" in {row["invoice_id"] for row in invoices}
    assert "0200706844" in book.customer_ids()
    assert book.tables()["rates"].to_pylist()[0]["currency"] == "CAD"


def test_canadian_items_without_a_rate_are_set_aside(public_data: Path, tmp_path: Path) -> None:
    mapping = load("sap_open_items").model_copy(update={"rates": [], "limits": load("sap_open_items").limits.model_copy(
        update={"quarantined_rows": 1.0, "quarantined_amount": 1.0}
    )})  # fmt: skip

    receipt = deliver(
        public_data / "highradius_open_items" / "open_items.csv", mapping, tmp_path / "book", today=dt.date(2020, 5, 22)
    )

    assert reasons(receipt) == {"no_rate": 747}
    assert list(open_book(tmp_path / "book").manifest["money"]["invoices"]) == ["USD"]
