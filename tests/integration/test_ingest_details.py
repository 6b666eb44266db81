"""A row set aside says what its reason alone does not: how a number had to be written, and under which id it would have stood."""

from pathlib import Path
from typing import Any

import pytest

from exporting import GOOD, INVOICES, canonical, deliver, ingest_lines, lines, put, rows_of
from riskscore.errors import InputRefused, QuarantineAboveLimit
from riskscore.stores.ledgers import open_book
from riskscore.stores.ledgers.mapping import Mapping, parse
from riskscore.stores.ledgers.quarantine import read_quarantine
from riskscore_pipelines.main import main

RATES = "currency,to_currency,rate,rated_on"


def set_aside(book: Path) -> list[dict[str, Any]]:
    return read_quarantine(open_book(book)).to_pylist()


def joined(limits: str = "quarantined_rows = 1\nquarantined_amount = 1") -> Mapping:
    """An ERP that numbers invoices anew in every company and year, and payments that name all three."""
    key = 'invoice_id = { columns = ["co", "year", "no"], join = "/" }'
    return parse(f"""
summary = "joined"
reporting_currency = "EUR"
[limits]
{limits}
[[source]]
table = "invoices"
files = ["bills.csv"]
formats = ["%Y-%m-%d"]
[source.columns]
{key}
customer_id = {{ column = "who" }}
issued_on = {{ column = "issued" }}
due_on = {{ column = "due" }}
amount = {{ column = "amount" }}
currency = {{ constant = "EUR" }}
[[source]]
table = "settlements"
files = ["paid.csv"]
formats = ["%Y-%m-%d"]
[source.columns]
settlement_id = {{ column = "id" }}
{key}
kind = {{ constant = "payment" }}
settled_on = {{ column = "on" }}
amount = {{ column = "amount" }}
""")


BILLS = "co,year,no,who,issued,due,amount"
BILL = "1000,2025,17,C1,2025-01-01,2025-02-01,5.00"


@pytest.mark.parametrize(("rate", "is_read"), [("7.123400000001", True), ("7.1234000000001", False)], ids=["twelve", "thirteen"])
def test_a_rate_with_the_noise_of_a_float_is_told_how_many_decimals_it_may_have(rate: str, is_read: bool, tmp_path: Path) -> None:
    put(tmp_path / "in", "invoices", INVOICES, *GOOD)
    put(tmp_path / "in", "rates", RATES, "USD,EUR,0.9,2025-01-01", f"CNY,EUR,{rate},2025-01-01")
    deliver(tmp_path / "in", canonical(), tmp_path / "book")

    told = [(row["reason"], row["column"], row["detail"]) for row in set_aside(tmp_path / "book")]
    asked = "not a number with '.' before at most 12 decimals; of more, round in the export"
    assert told == ([] if is_read else [("bad_number", "rate", asked)])
    assert len(rows_of(tmp_path / "book", "rates")) == 1 + is_read


def test_money_with_too_many_decimals_is_told_what_to_declare(tmp_path: Path) -> None:
    ingest_lines(tmp_path, *GOOD, "I9,C1,2025-01-01,2025-02-01,5.00001,EUR")
    (row,) = set_aside(tmp_path / "book")

    assert row["detail"] == (
        "not a number with '.' before at most 4 decimals; of more, round in the export, or declare `decimals` (4 at most), "
        "`round_floats` for floats"
    )


def test_a_column_of_rates_that_nobody_can_read_is_refused_with_the_decimals_of_rates(tmp_path: Path) -> None:
    put(tmp_path / "in", "invoices", INVOICES, *GOOD)
    put(tmp_path / "in", "rates", RATES, *(f"USD,EUR,0.9{n:012},2025-01-{n:02}" for n in range(11, 30)))

    with pytest.raises(InputRefused, match="before at most 12 decimals"):
        deliver(tmp_path / "in", canonical(), tmp_path / "book")


def test_a_row_whose_id_is_joined_from_several_columns_shows_it_whatever_it_was_set_aside_for(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    bills = ["1000,2025,18,C1,2025-01-01,2025-02-01,O.50", "1000,2025,19,C1,2025-01-01,2025-02-01,6.00",
             "1000,2025,19,C1,2025-01-01,2025-02-01,7.00"]  # fmt: skip
    (tmp_path / "in" / "bills.csv").write_text(lines(BILLS, BILL, *bills))
    (tmp_path / "in" / "paid.csv").write_text(
        lines("id,co,year,no,on,amount", "P1,1000,2025,17,2025-02-01,5", "P2,2000,2025,17,2025-02-01,5")
    )
    deliver(tmp_path / "in", joined(), tmp_path / "book")
    told = {(row["line"], row["table"]): (row["reason"], row["detail"]) for row in set_aside(tmp_path / "book")}

    assert told[3, "invoices"][0] == "bad_number"
    assert told[3, "invoices"][1].startswith("invoice_id is 1000/2025/18; not a number with")
    assert told[4, "invoices"] == told[5, "invoices"] == ("conflicting_duplicate", "invoice_id is 1000/2025/19")
    assert told[3, "settlements"] == ("orphan", "invoice_id is 2000/2025/17")
    assert len(told) == 4


def test_an_id_that_the_record_shows_as_it_stands_is_not_said_again(tmp_path: Path) -> None:
    ingest_lines(tmp_path, *GOOD, "I9,C1,2025-02-29,2025-03-01,5.00,EUR", "I0,C0,2025-01-01,2025-02-01,9.00,EUR")

    assert {row["reason"]: row["detail"] for row in set_aside(tmp_path / "book")} == {
        "bad_date": None,
        "conflicting_duplicate": None,
    }


def test_it_is_shown_where_people_look(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "bills.csv").write_text(lines(BILLS, BILL, "1000,2025,18,C1,2025-01-01,2025-02-01,O.50"))
    (tmp_path / "in" / "paid.csv").write_text(lines("id,co,year,no,on,amount", "P1,1000,2025,17,2025-02-01,5"))
    deliver(tmp_path / "in", joined(), tmp_path / "book")
    with pytest.raises(
        QuarantineAboveLimit, match=r"\(amount; invoice_id is 1000/2025/18; not a number with '.' before at most 2"
    ):
        deliver(tmp_path / "in", joined("quarantined_rows = 0.1"), tmp_path / "refused")
    capsys.readouterr()

    assert main(["book", str(tmp_path / "book"), "--quarantine"]) == 0
    assert "amount,invoice_idis1000/2025/18" in "".join(capsys.readouterr().out.replace("│", "").split())
