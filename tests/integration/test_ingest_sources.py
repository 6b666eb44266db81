"""One table from every kind of source: CSV, Parquet and workbooks, with text or typed columns; and what cannot be read at all."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exporting import GOOD, INVOICES, canonical, column_of, deliver, flat, ingest_lines, lines, reasons, rows_of, write_table
from riskscore.errors import InputRefused, UsageRefused
from riskscore.stores.ledgers import open_book
from riskscore.stores.ledgers.mapping import Mapping, parse


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


@pytest.mark.parametrize(
    "text", ["no;who;issued;due;amount\nI1;C;2025-01-01;2025-02-01;1\n", "Open items\nno,who\n"], ids=["delimiter", "title"]
)
def test_a_header_of_one_cell_is_told_what_may_be_wrong_with_the_declaration(text: str, tmp_path: Path) -> None:
    (tmp_path / "flat.csv").write_text(text, encoding="utf-8")

    with pytest.raises(InputRefused, match=r"one cell.*delimiter = .*skip_lines = "):
        deliver(tmp_path / "flat.csv", flat(), tmp_path / "book")


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


def a_book_of_sheets(path: Path, sheets: dict[str, list[list[str]]]) -> Path:
    """A workbook with these sheets."""
    book = openpyxl.Workbook()
    for title, rows in sheets.items():
        page = book.create_sheet(title)
        for row in rows:
            page.append(row)
    del book["Sheet"]
    book.save(path)
    return path


def test_two_sheets_of_one_workbook_are_two_tables(tmp_path: Path) -> None:
    sheets = {
        "客户": [["客户编号", "名称"], ["C0", "东莞鑫源"]],
        "发票": [INVOICES.split(","), *(row.split(",") for row in GOOD)],
    }
    place = a_book_of_sheets(tmp_path / "应收账款.xlsx", sheets)
    mapping = parse(
        """
        summary = "two sheets"
        reporting_currency = "EUR"
        [[source]]
        table = "customers"
        files = ["应收账款.xlsx"]
        sheet = "客户"
        [source.columns]
        customer_id = "客户编号"
        name = "名称"
        known_on = { constant = "2025-01-01", formats = ["%Y-%m-%d"] }
        [[source]]
        table = "invoices"
        files = ["应收账款.xlsx"]
        sheet = "发票"
        same_names = true
        formats = ["%Y-%m-%d"]
        """
    )

    receipt = deliver(place, mapping, tmp_path / "book", control={"files": {"应收账款.xlsx": {"rows": 7}}})

    assert {(read.table, read.rows, read.accepted) for read in receipt.reads} == {("customers", 1, 1), ("invoices", 6, 6)}
    assert column_of(tmp_path / "book", "customers", "name") == ["东莞鑫源"]
    assert deliver(tmp_path, mapping, tmp_path / "book").already == ["应收账款.xlsx"]


ITEMS = "type,no,who,issued,due,amount,of"
LISTED = ["RV,I1,0000000400,2025-01-01,2025-02-01,100.00,", "DZ,P1,0000000400,2025-02-03,2025-02-03,-100.00,I1"]


def line_items(kept_of_payments: str = 'keep = { column = "type", values = ["DZ"] }') -> Mapping:
    """A mapping for one list that holds invoices and what settles them."""
    return parse(
        f"""
        summary = "line items"
        reporting_currency = "EUR"
        [defaults]
        formats = ["%Y-%m-%d"]
        [[source]]
        table = "invoices"
        files = ["items.csv"]
        keep = {{ column = "type", values = ["RV"] }}
        [source.columns]
        invoice_id = "no"
        customer_id = "who"
        issued_on = "issued"
        due_on = "due"
        amount = "amount"
        currency = {{ constant = "EUR" }}
        [[source]]
        table = "settlements"
        files = ["items.csv"]
        {kept_of_payments}
        [source.columns]
        settlement_id = "no"
        invoice_id = "of"
        kind = {{ constant = "payment" }}
        settled_on = "issued"
        amount = {{ column = "amount", times = "-1" }}
        """
    )


@pytest.mark.parametrize("named", ["", "items.csv"], ids=["folder", "file"])
def test_one_list_of_invoices_and_payments_is_two_tables(named: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "items.csv").write_text(lines(ITEMS, *LISTED), encoding="utf-8")

    receipt = deliver(tmp_path / "in" / named, line_items(), tmp_path / "book")

    assert [(read.table, read.rows, read.accepted, read.left_out) for read in receipt.reads] == [
        ("invoices", 1, 1, 1),
        ("settlements", 1, 1, 1),
    ]
    assert column_of(tmp_path / "book", "settlements", "customer_id") == ["0000000400"]


@pytest.mark.parametrize(
    ("stated", "says"),
    [({"rows": 3}, "states rows 3, but the delivery has 2"), ({"sums": {"EUR": "99.00"}}, "99.00 EUR, but the rows sum to 100")],
    ids=["rows", "sum"],
)
def test_what_the_sender_states_is_compared_with_all_parts_of_a_file(
    stated: dict[str, object], says: str, tmp_path: Path
) -> None:
    (tmp_path / "items.csv").write_text(lines(ITEMS, *LISTED), encoding="utf-8")

    with pytest.raises(InputRefused, match=says):
        deliver(tmp_path / "items.csv", line_items(), tmp_path / "book", control={"files": {"items.csv": stated}})

    right = {"rows": 2, "sums": {"EUR": "100.00", "total": "100.00"}}
    assert deliver(tmp_path / "items.csv", line_items(), tmp_path / "book", control={"files": {"items.csv": right}}).published


@pytest.mark.parametrize(
    "kept",
    ["", 'keep = { column = "type", values = ["DZ", "RV"] }', 'keep = { column = "of", values = ["I1"] }'],
    ids=["all rows", "some of the same", "another column"],
)
def test_a_row_that_two_parts_of_a_mapping_could_read_is_refused(kept: str, tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text(lines(ITEMS, *LISTED), encoding="utf-8")

    with pytest.raises(UsageRefused, match=r"invoices and settlements of the mapping both read .* keep"):
        deliver(tmp_path / "items.csv", line_items(kept), tmp_path / "book")


def test_a_cut_workbook_is_refused(tmp_path: Path) -> None:
    write_table(tmp_path / "invoices.xlsx", INVOICES.split(","), [row.split(",") for row in GOOD])
    whole = (tmp_path / "invoices.xlsx").read_bytes()
    (tmp_path / "invoices.xlsx").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(InputRefused, match="cut or damaged"):
        deliver(tmp_path / "invoices.xlsx", canonical(), tmp_path / "book")
