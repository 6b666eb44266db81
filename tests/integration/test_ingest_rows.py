"""Every delivered row is accepted, set aside with its reason, or counted as a repetition (reliability A7, A9, A18)."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exporting import (
    GOOD,
    INVOICES,
    canonical,
    column_of,
    deliver,
    flat,
    ingest_lines,
    lines,
    look,
    reasons,
    rows_of,
)
from riskscore.errors import InputRefused, QuarantineAboveLimit, RiskscoreError
from riskscore.stores.ledgers import open_book, writing
from riskscore.stores.ledgers.quarantine import read_quarantine


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("I9,C1,2025-01-01,2025-02-01,1,234.00,EUR", "row_shape"),
        ("I9,C1,2025-01-01", "row_shape"),
        ('I9,"C1,2025-01-01,2025-02-01,5.00,EUR', "row_shape"),
        ("I9,C\0,2025-01-01,2025-02-01,5.00,EUR", "row_shape"),
        ("I9,C\r1,2025-01-01,2025-02-01,5.00,EUR", "row_shape"),
        ("I9,C1,2025-01-01,2025-02-01,5,00,EUR", "row_shape"),
        ("I9,C1,2025-01-01,2025-02-01,5.00.00,EUR", "bad_number"),
        ("I9,C1,2025-01-01,2025-02-01,NaN,EUR", "non_finite"),
        ("I9,C1,2025-01-01,2025-02-01,1e9,EUR", "bad_number"),
        ("I9,C1,2025-01-01,2025-02-01,1000000000000,EUR", "out_of_range"),
        ("I9,C1,2025-01-01,2025-02-01,,EUR", "missing_required"),
        (",C1,2025-01-01,2025-02-01,5.00,EUR", "missing_required"),
        ("I9,C1,2025-02-29,2025-03-01,5.00,EUR", "bad_date"),
        ("I9,C1,2025-01-10,2025-01-09,5.00,EUR", "bad_date"),
        ("I9,C1,2026-07-01,2026-08-01,5.00,EUR", "future_date"),
        ("I9,C1,2025-01-01,9999-12-31,5.00,EUR", "date_out_of_range"),
        ("I9,C1,2025-01-01,2025-02-01,5.00,EURO", "bad_currency"),
        ("I9,C1,2025-01-01,2025-02-01,5.00,eur", "bad_currency"),
        ("I9,C1,2025-01-01,2025-02-01,5.00,USD", "no_rate"),
        ("I9,C\x071,2025-01-01,2025-02-01,5.00,EUR", "control_char"),
        ("I9,C\u202e1,2025-01-01,2025-02-01,5.00,EUR", "control_char"),
        ("I9,C\ufffd1,2025-01-01,2025-02-01,5.00,EUR", "bad_encoding"),
        (f"I9,{'C' * 201},2025-01-01,2025-02-01,5.00,EUR", "out_of_range"),
    ],
)
def test_a_bad_row_is_set_aside_alone_with_line_text_and_reason(row: str, reason: str, tmp_path: Path) -> None:
    found = ingest_lines(tmp_path, GOOD[0], row, *GOOD[1:])

    quarantined = read_quarantine(open_book(tmp_path / "book")).to_pylist()
    assert found == {reason: 1}
    assert column_of(tmp_path / "book", "invoices", "invoice_id") == [f"I{n}" for n in range(6)]
    assert [(entry["line"], entry["raw"], entry["reason"]) for entry in quarantined] == [(3, row, reason)]
    assert quarantined[0]["source"] == "invoices.csv"
    assert len(quarantined[0]["sha256"]) == 64
    assert quarantined[0]["rule_version"] == 1


def test_a07_reordered_columns_change_nothing(tmp_path: Path) -> None:
    order = [3, 5, 0, 4, 1, 2]
    ingest_lines(tmp_path, *GOOD)
    shuffled = tmp_path / "shuffled"
    shuffled.mkdir()
    (shuffled / "invoices.csv").write_text(
        lines(*(",".join([row.split(",")[at] for at in order]) for row in [INVOICES, *GOOD])), encoding="utf-8"
    )
    deliver(shuffled, canonical(), shuffled / "book")

    assert open_book(tmp_path / "book").digest == open_book(shuffled / "book").digest


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (INVOICES.replace("amount", "amuont"), "a column for invoices.amount"),
        (INVOICES.replace("due_on", "amount"), "twice"),
        (INVOICES.replace("currency", ""), "currency"),
    ],
    ids=["missing", "twice", "nameless"],
)
def test_a07_a_header_without_a_required_column_or_with_one_twice_is_refused(header: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=says):
        ingest_lines(tmp_path, *GOOD, header=header)

    assert not (tmp_path / "book").exists()


def test_a07_a_misspelt_header_is_answered_with_the_one_that_was_meant(tmp_path: Path) -> None:
    (tmp_path / "flat.csv").write_text("no,who,isued,due,amount\nI,C,2025-01-01,2025-02-01,1\n", encoding="utf-8")

    with pytest.raises(InputRefused, match="Did you mean 'isued'"):
        deliver(tmp_path / "flat.csv", flat(), tmp_path / "book")


def test_a07_lines_may_end_differently_and_blank_ones_are_none(tmp_path: Path) -> None:
    content = INVOICES + "\r\n" + GOOD[0] + "\n" + GOOD[1] + "\r\n\r\n\n" + GOOD[2] + "\n"
    (tmp_path / "invoices.csv").write_bytes(content.encode())

    receipt = deliver(tmp_path / "invoices.csv", canonical(), tmp_path / "book")

    assert receipt.reads[0].rows == 3
    assert not receipt.rejects


def test_a_derived_settlement_that_cannot_be_read_takes_its_invoice_with_it(tmp_path: Path) -> None:
    (tmp_path / "flat.csv").write_text(
        lines(
            "no,who,issued,due,amount,paid",
            "open,C,2025-01-01,2025-02-01,1.00,",
            "paid,C,2025-01-01,2025-02-01,1.00,2025-01-09",
            "early,C,2025-01-05,2025-02-01,1.00,2025-01-02",
            "broken,C,2025-01-01,2025-02-01,1.00,09.01.2025",
        ),
        encoding="utf-8",
    )

    receipt = deliver(tmp_path / "flat.csv", flat('[source.settlements]\nsettled_on = "paid"\n'), tmp_path / "book")

    settled = {row["invoice_id"]: (row["settled_on"], row["known_on"]) for row in rows_of(tmp_path / "book", "settlements")}
    assert column_of(tmp_path / "book", "invoices", "invoice_id") == ["early", "open", "paid"]
    # A prepayment is accepted on its own date, and known once the invoice is.
    assert settled == {
        "paid": (dt.date(2025, 1, 9), dt.date(2025, 1, 9)),
        "early": (dt.date(2025, 1, 2), dt.date(2025, 1, 5)),
    }
    assert receipt.rejects["bad_date"]["examples"][0]["column"] == "settlements.settled_on"


def test_a_dispute_is_derived_where_its_date_is_known(tmp_path: Path) -> None:
    (tmp_path / "flat.csv").write_text(
        lines(
            "no,who,issued,due,amount,claim,why",
            "I1,C,2025-01-01,2025-02-01,9.00,2025-01-20,price",
            "I2,C,2025-01-01,2025-02-01,9.00,,",
        ),
        encoding="utf-8",
    )

    deliver(tmp_path / "flat.csv", flat('[source.disputes]\nopened_on = "claim"\nreason = "why"\n'), tmp_path / "book")

    disputes = rows_of(tmp_path / "book", "disputes")
    assert [(row["invoice_id"], row["reason"], row["customer_id"]) for row in disputes] == [("I1", "price", "C")]


def test_rows_the_filter_does_not_mean_are_left_out_and_counted(tmp_path: Path) -> None:
    (tmp_path / "flat.csv").write_text(
        lines("no,who,issued,due,amount,open", "I1,C,2025-01-01,2025-02-01,9.00,1", "I2,C,junk,junk,junk,0"), encoding="utf-8"
    )
    source = 'formats = ["%Y-%m-%d"]\nkeep = { column = "open", values = ["1"] }\n'

    read = deliver(tmp_path / "flat.csv", flat(source=source), tmp_path / "book").reads[0]

    assert (read.rows, read.accepted, read.left_out) == (1, 1, 1)


@pytest.mark.parametrize(
    ("total", "said"),
    [("Summe,,,,9.00,", '{ column = "no", values = ["Summe"] }'), (",,,,9.00,", '{ column = "who", values = [""] }')],
    ids=["named", "empty"],
)
def test_a_line_of_totals_is_left_out_where_the_mapping_names_it(total: str, said: str, tmp_path: Path) -> None:
    """Its money is that of the whole file: no limit of the quarantine could let it pass and still guard anything."""
    rows = ["I1,C,2025-01-01,2025-02-01,5.00,1", "I2,C,2025-01-01,2025-02-01,4.00,1", "I3,C,junk,junk,junk,0", total]
    (tmp_path / "flat.csv").write_text(lines("no,who,issued,due,amount,open", *rows), encoding="utf-8")
    grammar = 'formats = ["%Y-%m-%d"]\n'
    kept = 'keep = { column = "open", values = ["1", ""] }\n'

    assert sum(reasons(deliver(tmp_path / "flat.csv", flat(source=grammar + kept), tmp_path / "other")).values()) == 1
    read = deliver(tmp_path / "flat.csv", flat(source=f"{grammar}{kept}leave_out = {said}\n"), tmp_path / "book").reads[0]

    assert (read.rows, read.accepted, read.left_out) == (2, 2, 2)


def test_cleaning_and_codes_are_applied_as_declared_and_nowhere_else(tmp_path: Path) -> None:
    mapping = flat(
        head='codes = { country = { "276" = "DE" } }\n',
        columns='invoice_id = { columns = ["co", "no"], join = "-", strip_suffix = ".0" }\n'
        'customer_id = { column = "who", strip_prefix = "C-", trim = true }\nissued_on = "issued"\ndue_on = "issued"\n'
        'amount = { column = "cents", times = "0.01", decimals = 0 }\ncurrency = { constant = "EUR" }\n',
        text='[source.customers]\ncountry = { column = "land", codes = "country" }\n',
    )
    (tmp_path / "flat.csv").write_text(
        lines("co,no,who,issued,cents,land", "1.0,77.0, C-9.0 ,2025-01-01,12345,276", "1.0,78.0,C-9.0,2025-01-01,5,999"),
        encoding="utf-8",
    )

    receipt = deliver(tmp_path / "flat.csv", mapping, tmp_path / "book")

    invoice = rows_of(tmp_path / "book", "invoices")[0]
    assert (invoice["invoice_id"], invoice["customer_id"], invoice["amount"]) == ("1-77", "9.0", Decimal("123.45"))
    assert rows_of(tmp_path / "book", "customers")[0]["country"] == "DE"
    assert reasons(receipt) == {"out_of_range": 1}


def test_above_the_limit_nothing_is_published_and_the_commonest_reason_is_told(tmp_path: Path) -> None:
    rows = [f"I{n},C,2025-01-01,2025-02-01,1.00,EUR" for n in range(99)]
    (tmp_path / "invoices.csv").write_text(lines(INVOICES, *rows, "X,C,junk,2025-02-01,0.40,EUR"), encoding="utf-8")
    assert deliver(tmp_path / "invoices.csv", canonical(limits=True), tmp_path / "book").published

    (tmp_path / "invoices.csv").write_text(lines(INVOICES, *rows[:98], "X,C,junk,2025-02-01,0.40,EUR"), encoding="utf-8")
    with pytest.raises(QuarantineAboveLimit, match=r"1 of 99 rows.*bad_date \(1\), e.g. invoices.csv line 100") as refused:
        deliver(tmp_path / "invoices.csv", canonical(limits=True), tmp_path / "other")

    assert refused.value.exit_status == 4
    assert not (tmp_path / "other").exists()


def test_a18_a_small_share_of_rows_may_be_too_large_a_share_of_the_money(tmp_path: Path) -> None:
    rows = [f"I{n},C,2025-01-01,2025-02-01,1.00,EUR" for n in range(999)]
    (tmp_path / "invoices.csv").write_text(lines(INVOICES, *rows, "X,C,junk,2025-02-01,500.00,EUR"), encoding="utf-8")

    with pytest.raises(QuarantineAboveLimit, match=r"500.0000 of 1499.0000 EUR"):
        deliver(tmp_path / "invoices.csv", canonical(limits=True), tmp_path / "book")


def test_a_row_lost_on_the_way_to_disk_stops_the_run_before_anybody_sees_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = writing._sorted

    def forgetful(*args: object) -> object:
        return ((bucket, batch.slice(1)) for bucket, batch in honest(*args))  # type: ignore[arg-type]

    monkeypatch.setattr(writing, "_sorted", forgetful)
    with pytest.raises(RiskscoreError, match="6 rows were read, but 5") as caught:
        ingest_lines(tmp_path, *GOOD)

    assert caught.value.exit_status == 1
    assert not (tmp_path / "book").exists()


def test_a_cent_changed_on_the_way_to_disk_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = writing._sorted

    def careless(*args: object) -> object:
        for bucket, batch in honest(*args):  # type: ignore[arg-type]
            table = pa.Table.from_batches([batch])
            at = table.column_names.index("amount")
            amounts = table["amount"].to_pylist()
            amounts[0] += Decimal("0.01")
            yield bucket, table.set_column(at, "amount", pa.array(amounts, table.schema.field(at).type)).to_batches()[0]

    monkeypatch.setattr(writing, "_sorted", careless)
    with pytest.raises(RiskscoreError, match=r"618.1500 EUR was read, but 618.1600"):
        ingest_lines(tmp_path, *GOOD)


def test_a_parquet_text_that_is_not_unicode_is_set_aside(tmp_path: Path) -> None:
    names = pa.array([b"good", b"b\xffd"], pa.binary()).view(pa.string())
    rows = {
        "invoice_id": names, "customer_id": ["C", "C"], "issued_on": [dt.date(2025, 1, 1)] * 2,
        "due_on": [dt.date(2025, 2, 1)] * 2, "amount": [1.5, 2.5], "currency": ["EUR", "EUR"],
    }  # fmt: skip
    pq.write_table(pa.table(rows), tmp_path / "invoices.parquet")

    receipt = deliver(tmp_path / "invoices.parquet", canonical(), tmp_path / "book")

    assert reasons(receipt) == {"bad_encoding": 1}


def test_a_check_says_what_would_happen_and_writes_nothing(tmp_path: Path) -> None:
    header = INVOICES + ",colour"
    (tmp_path / "invoices.csv").write_text(lines(header, GOOD[0] + ",red", "X,C,junk,2025-02-01,1.00,EUR,blue"), encoding="utf-8")

    receipt = look(tmp_path / "invoices.csv", canonical(limits=True), tmp_path / "book")

    issued = next(column for column in receipt.reads[0].columns if column["column"] == "issued_on")
    assert issued["samples"] == [("2025-01-01", "2025-01-01")]
    assert issued["refused"] == 1
    assert receipt.reads[0].ignored == ["colour"]
    assert reasons(receipt) == {"bad_date": 1}
    assert receipt.refused is not None
    assert "1 of 2 rows" in receipt.refused
    assert not receipt.published
    assert sorted(path.name for path in tmp_path.iterdir()) == ["invoices.csv"]
