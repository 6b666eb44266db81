"""Every delivered row is accepted, set aside with its reason, or counted as a repetition (reliability A7, A9, A10, A11, A15)."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exporting import INVOICES, SETTLEMENTS, TODAY, canonical, column_of, deliver, flat, lines, look, reasons, rows_of
from riskscore.errors import InputRefused, QuarantineAboveLimit, RiskscoreError
from riskscore.stores.ledgers import open_book, writing
from riskscore.stores.ledgers.quarantine import read_quarantine

GOOD = [f"I{n},C{n % 3},2025-01-0{n + 1},2025-02-0{n + 1},{100 + n}.5{n},EUR" for n in range(6)]


def ingest_lines(tmp_path: Path, *rows: str, header: str = INVOICES, **options: object) -> dict[str, int]:
    (tmp_path / "invoices.csv").write_bytes(lines(header, *rows).encode())
    return reasons(deliver(tmp_path / "invoices.csv", canonical(), tmp_path / "book", **options))  # type: ignore[arg-type]


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


def write_table(path: Path, header: list[str], rows: list[list[str]]) -> None:
    """The same text rows as CSV, Parquet or XLSX."""
    if path.suffix == ".csv":
        path.write_text(lines(",".join(header), *(",".join(row) for row in rows)), encoding="utf-8")
    elif path.suffix == ".parquet":
        pq.write_table(pa.table(dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))), path)
    else:
        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        for row in [header, *rows]:
            sheet.append(row)
        book.save(path)


def test_the_same_rows_make_the_same_book_from_every_kind_of_source(tmp_path: Path) -> None:
    digests = {}
    rows = [row.split(",") for row in GOOD]
    for suffix in ("csv", "parquet", "xlsx"):
        folder = tmp_path / suffix
        folder.mkdir()
        write_table(folder / f"invoices.{suffix}", INVOICES.split(","), rows)
        deliver(folder, canonical(), tmp_path / f"{suffix}-book")
        digests[suffix] = open_book(tmp_path / f"{suffix}-book").digest
    database = tmp_path / "erp.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            "create table invoices as select invoice_id, customer_id, cast(issued_on as date) as issued_on, "
            "cast(due_on as date) as due_on, cast(amount as decimal(12, 2)) as amount, currency "
            f"from read_csv('{tmp_path / 'csv' / 'invoices.csv'}', all_varchar = true)"
        )
    deliver([f"duckdb:///{database}"], canonical(), tmp_path / "duckdb-book")
    digests["duckdb"] = open_book(tmp_path / "duckdb-book").digest

    assert len(set(digests.values())) == 1


def test_typed_columns_of_a_workbook_and_a_parquet_file_need_no_grammar(tmp_path: Path) -> None:
    days = [dt.date(2025, 1, 1), dt.datetime(2025, 1, 2, 13, 0, tzinfo=None)]  # noqa: DTZ001
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["no", "who", "issued", "due", "amount"])
    for number, day in enumerate(days):
        sheet.append([number, "C", day, dt.date(2025, 2, 1), 1234.56])
    book.save(tmp_path / "flat.xlsx")
    # The declared grammar is of written cells: day first, and a comma before the decimals.
    mapping = flat(source='formats = ["%d.%m.%Y"]\ndecimal = ","\nthousands = "."\n')

    deliver(tmp_path / "flat.xlsx", mapping, tmp_path / "book")

    found = [(row["invoice_id"], row["issued_on"], row["amount"]) for row in rows_of(tmp_path / "book", "invoices")]
    assert found == [("0", dt.date(2025, 1, 1), Decimal("1234.56")), ("1", dt.date(2025, 1, 2), Decimal("1234.56"))]


def test_flags_are_read_in_declared_tokens_only(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text(
        lines(
            "customer_id,is_natural_person,known_on",
            "A,true,2025-01-01",
            "B,false,2025-01-01",
            "C,,2025-01-01",
            "D,TRUE,2025-01-01",
        ),
        encoding="utf-8",
    )

    receipt = deliver(tmp_path / "customers.csv", canonical(), tmp_path / "book")

    assert {row["customer_id"]: row["is_natural_person"] for row in rows_of(tmp_path / "book", "customers")} == {
        "A": True, "B": False, "C": None,
    }  # fmt: skip
    assert reasons(receipt) == {"out_of_range": 1}


def test_where_nobody_says_when_a_row_became_known_it_is_the_event_s_own_day_and_the_book_says_so(tmp_path: Path) -> None:
    header = INVOICES + ",known_on"
    ingest_lines(tmp_path, GOOD[0] + ",2025-01-09", GOOD[1] + ",", header=header)

    known = {row["invoice_id"]: row["known_on"] for row in rows_of(tmp_path / "book", "invoices")}
    assert known == {"I0": dt.date(2025, 1, 9), "I1": dt.date(2025, 1, 2)}
    assert open_book(tmp_path / "book").manifest["known_on_from_event"]["invoices"] == 1


def test_a_filter_on_a_column_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "flat.csv").write_text("no,who,issued,due,amount\nI1,C,2025-01-01,2025-02-01,1\n", encoding="utf-8")
    source = 'formats = ["%Y-%m-%d"]\nkeep = { column = "open", values = ["1"] }\n'

    with pytest.raises(InputRefused, match="'open', which says which rows are meant"):
        deliver(tmp_path / "flat.csv", flat(source=source), tmp_path / "book")


def test_a_parquet_column_of_lists_is_refused_where_it_is_read(tmp_path: Path) -> None:
    rows = {name: [name] for name in INVOICES.split(",")} | {"amount": [[1, 2]]}
    pq.write_table(pa.table(rows), tmp_path / "invoices.parquet")

    with pytest.raises(InputRefused, match="'amount' holds lists"):
        deliver(tmp_path / "invoices.parquet", canonical(), tmp_path / "book")


@pytest.mark.parametrize(("sheet", "says"), [("", "several sheets; there are one, two"), ("three", "no sheet 'three'")])
def test_a_workbook_of_several_sheets_wants_its_sheet_named(sheet: str, says: str, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for title in ("one", "two"):
        page = book.create_sheet(title)
        page.append(["no", "who", "issued", "due", "amount"])
        page.append([title, "C", "2025-01-01", "2025-02-01", 1])
    del book["Sheet"]
    book.save(tmp_path / "flat.xlsx")
    source = 'formats = ["%Y-%m-%d"]\n'

    with pytest.raises(InputRefused, match=says):
        deliver(tmp_path / "flat.xlsx", flat(source=source + (f'sheet = "{sheet}"\n' if sheet else "")), tmp_path / "book")

    deliver(tmp_path / "flat.xlsx", flat(source=source + 'sheet = "two"\n'), tmp_path / "book")
    assert column_of(tmp_path / "book", "invoices", "invoice_id") == ["two"]


def test_a_cut_workbook_is_refused(tmp_path: Path) -> None:
    write_table(tmp_path / "invoices.xlsx", INVOICES.split(","), [row.split(",") for row in GOOD])
    whole = (tmp_path / "invoices.xlsx").read_bytes()
    (tmp_path / "invoices.xlsx").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(InputRefused, match="cut or damaged"):
        deliver(tmp_path / "invoices.xlsx", canonical(), tmp_path / "book")
