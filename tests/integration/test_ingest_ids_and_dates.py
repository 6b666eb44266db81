"""Ids stay as they were written, dates are read as declared, and neither is guessed (reliability A10, A11, A15)."""

import datetime as dt
from pathlib import Path

import openpyxl
import pytest

from exporting import (
    INVOICES,
    SETTLEMENTS,
    TODAY,
    canonical,
    column_of,
    deliver,
    flat,
    ingest_lines,
    lines,
    reasons,
    rows_of,
    write_table,
)
from riskscore.errors import InputRefused
from riskscore.stores.ledgers import open_book

IDS = [
    "0012",
    "12",
    "NA",
    "null",
    "1E5",
    "TRUE",
    "12345678901234567890",
    "None",
    "#N/A",
    "é",
    "e\u0301x",
    "ID-1",
    "0x1F",
    "-",
    "1.0",
]


@pytest.mark.parametrize("suffix", ["csv", "parquet", "xlsx"])
def test_a10_ids_are_kept_as_they_were_written(suffix: str, tmp_path: Path) -> None:
    rows = [[f"{name}/{at}", name, "2025-01-01", "2025-02-01", "1.00", "EUR"] for at, name in enumerate(IDS)]
    write_table(tmp_path / f"invoices.{suffix}", INVOICES.split(","), rows)

    deliver(tmp_path / f"invoices.{suffix}", canonical(), tmp_path / "book")

    assert sorted(IDS) == column_of(tmp_path / "book", "invoices", "customer_id")


def test_a10_blanks_and_composition_of_an_id_do_not_part_a_payment_from_its_invoice(tmp_path: Path) -> None:
    (tmp_path / "invoices.csv").write_text(lines(INVOICES, "Rechnung-é ,C1,2025-01-01,2025-02-01,10.00,EUR"), encoding="utf-8")
    (tmp_path / "settlements.csv").write_text(
        lines(SETTLEMENTS, " S1,Rechnung-e\u0301,payment,2025-01-05,10.00"), encoding="utf-8"
    )

    deliver(tmp_path, canonical(), tmp_path / "book")

    paid = rows_of(tmp_path / "book", "settlements")[0]
    assert rows_of(tmp_path / "book", "invoices")[0]["invoice_id"] == "Rechnung-é "
    assert (paid["settlement_id"], paid["invoice_id"], paid["customer_id"]) == (" S1", "Rechnung-é ", "C1")


def test_a10_one_customer_written_in_two_ways_is_one_customer(tmp_path: Path) -> None:
    ingest_lines(tmp_path, "I1,ACME ,2025-01-01,2025-02-01,1.00,EUR", "I2,ACME,2025-01-01,2025-02-01,1.00,EUR")

    assert open_book(tmp_path / "book").customer_ids() == ["ACME"]
    assert column_of(tmp_path / "book", "invoices", "customer_id") == ["ACME", "ACME"]


def test_a10_a_customer_of_namibia_is_a_customer_of_namibia(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("customer_id,country,known_on\nNA,NA,2025-01-01\n", encoding="utf-8")

    deliver(tmp_path / "customers.csv", canonical(), tmp_path / "book")

    assert rows_of(tmp_path / "book", "customers")[0]["country"] == "NA"
    assert open_book(tmp_path / "book").customer_ids() == ["NA"]


def test_a11_a_date_format_nobody_declared_is_refused_and_not_guessed(tmp_path: Path) -> None:
    rows = [f"I{n},C,0{n}/02/03,0{n}/02/04,1.00,EUR" for n in range(1, 9)]

    with pytest.raises(InputRefused, match="'01/02/03'") as refused:
        ingest_lines(tmp_path, *rows)

    assert "invoices.csv line 2" in str(refused.value)
    assert "%Y-%m-%d" in str(refused.value)
    assert not (tmp_path / "book").exists()


def test_a11_amounts_all_in_another_grammar_are_refused_and_not_guessed(tmp_path: Path) -> None:
    rows = [f'I{n},C,2025-01-01,2025-02-01,"1.234,5{n}",EUR' for n in range(9)]

    with pytest.raises(InputRefused, match=r"a number with '.' before at most 4 decimals"):
        ingest_lines(tmp_path, *rows)


def excel_serials(path: Path, *, epoch_1904: bool) -> None:
    book = openpyxl.Workbook()
    if epoch_1904:
        from openpyxl.utils.datetime import MAC_EPOCH

        book.epoch = MAC_EPOCH
    sheet = book.active
    assert sheet is not None
    sheet.append(INVOICES.split(","))
    for number, serial in enumerate([45000, 45000.5, 60]):
        sheet.append([f"I{number}", "C", serial, 45100, 1.25, "EUR"])
        for column in (3, 4):
            sheet.cell(number + 2, column).number_format = "yyyy-mm-dd"
    book.save(path)


@pytest.mark.parametrize(("epoch_1904", "day"), [(False, dt.date(2023, 3, 15)), (True, dt.date(2027, 3, 16))])
def test_a11_dates_of_a_workbook_are_counted_from_its_own_epoch_and_day_60_is_none(
    epoch_1904: bool, day: dt.date, tmp_path: Path
) -> None:
    excel_serials(tmp_path / "invoices.xlsx", epoch_1904=epoch_1904)

    receipt = deliver(tmp_path / "invoices.xlsx", canonical(), tmp_path / "book", today=dt.date(2030, 1, 1))

    assert column_of(tmp_path / "book", "invoices", "issued_on")[-2:] == [day, day]
    # Day 60 of the 1904 system is 1 March 1904: a day, though no ledger's.
    assert reasons(receipt) == ({} if epoch_1904 else {"bad_date": 1})


def test_a15_a_missing_due_date_follows_from_the_terms_and_says_so(tmp_path: Path) -> None:
    mapping = flat(
        head="terms_days = { NET30 = 30, EOM = 31 }\n",
        columns='invoice_id = "no"\ncustomer_id = "who"\nissued_on = "issued"\namount = "amount"\nterms = "terms"\n'
        'currency = { constant = "EUR" }\ndue_on = { column = "due", terms = true }\n',
    )
    (tmp_path / "flat.csv").write_text(
        lines(
            "no,who,issued,due,amount,terms",
            "given,C,2025-01-01,2025-01-05,1.00,NET30",
            "imputed,C,2025-01-01,,1.00,NET30",
            "unknown,C,2025-01-01,,1.00,NET45",
        ),
        encoding="utf-8",
    )

    receipt = deliver(tmp_path / "flat.csv", mapping, tmp_path / "book")

    found = {row["invoice_id"]: (row["due_on"], row["due_imputed"]) for row in rows_of(tmp_path / "book", "invoices")}
    assert found == {"given": (dt.date(2025, 1, 5), False), "imputed": (dt.date(2025, 1, 31), True)}
    assert reasons(receipt) == {"missing_required": 1}


def test_a15_the_day_of_the_extract_is_not_the_future_and_the_day_after_is(tmp_path: Path) -> None:
    today, tomorrow = TODAY.isoformat(), (TODAY + dt.timedelta(days=1)).isoformat()

    found = ingest_lines(
        tmp_path,
        f"now,C,{today},{tomorrow},1.00,EUR",
        f"later,C,{tomorrow},{tomorrow},1.00,EUR",
        "nil,C,2025-01-01,2025-01-01,0,EUR",
    )

    assert found == {"future_date": 1}
    assert column_of(tmp_path / "book", "invoices", "invoice_id") == ["nil", "now"]
