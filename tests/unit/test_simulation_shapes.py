"""Sheets and shapes: canonical values written in an ERP's grammar, and mistakes that carry their label."""

import csv
import io
from collections import Counter
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from riskscore.errors import UsageRefused
from riskscore.simulation import sap
from riskscore.simulation.mistakes import EXACT_DUPLICATE, KINDS, counts, label_table, plant
from riskscore.simulation.shapes import CANONICAL, IBM, SHAPES, canonical_columns, sheets_of
from riskscore.simulation.sheets import Sheet, date_text, number_text, written
from riskscore.tables import MONEY, REASONS, TABLES
from simulated import world_of

GERMAN = sap.GRAMMAR


@pytest.mark.parametrize(
    ("plain", "german"),
    [
        ("0.00", "0,00"), ("999.99", "999,99"), ("1000.00", "1.000,00"), ("1234567.89", "1.234.567,89"), ("-12.50", "12,50-"),
    ],
)  # fmt: skip
def test_amounts_are_written_in_the_declared_grammar(plain, german):
    assert number_text(plain, CANONICAL) == plain
    assert number_text(plain, GERMAN) == german


@pytest.mark.parametrize(
    ("grammar", "text"),
    [(CANONICAL, "2024-03-09"), (IBM, "3/9/2024"), (GERMAN, "09.03.2024")],
    ids=["ISO", "US without leading zeros", "German"],
)
def test_dates_are_written_in_the_declared_format_and_null_stays_null(grammar, text):
    cells = written(pa.array([date(2024, 3, 9), None]), grammar)

    assert cells.to_pylist() == [text, None]


def test_a_day_that_does_not_exist_can_be_written():
    assert date_text(2023, 2, 30, "%d.%m.%Y") == "30.02.2023"


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (pa.array([True, False, None]), ["X", "", None]),
        (pa.array([Decimal("-1234.5"), None], MONEY), ["1.234,50-", None]),
        (pa.array([0.9, None]), ["0,9", None]),
        (pa.array(["0012", None]), ["0012", None]),
    ],
    ids=["flags", "money", "decimals", "ids"],
)
def test_every_kind_of_value_has_its_german_text(values, texts):
    assert written(values, GERMAN).to_pylist() == texts


def test_cells_are_quoted_only_where_they_must_be():
    cells = {"a": pa.array(["plain", 'say "yes"', "one,two", None]), "b": pa.array(["1", "2", "3", "4"])}
    sheet = Sheet("file", "customers", CANONICAL, cells, {"name": "a"})

    assert sheet.text() == 'a,b\nplain,1\n"say ""yes""",2\n"one,two",3\n,4\n'


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_a_sheet_reads_back_as_its_cells(shape):
    for sheet in sheets_of(world_of(), shape):
        text = sheet.text().encode(sheet.grammar.encoding).decode(sheet.grammar.encoding)
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=sheet.grammar.delimiter))

        assert lines[0] == list(sheet.cells)
        assert len(lines) == sheet.n_rows + 1
        first = [cell[0].as_py() or "" for cell in sheet.cells.values()]
        assert lines[1] == first


def test_canonical_shape_has_the_columns_of_the_interface():
    sheets = {sheet.name: list(sheet.cells) for sheet in sheets_of(world_of(), "canonical")}

    assert set(sheets) == set(TABLES)
    assert sheets["invoices"] == [
        "invoice_id",
        "customer_id",
        "issued_on",
        "due_on",
        "amount",
        "currency",
        "terms",
        "order_id",
        "known_on",
    ]
    assert sheets["settlements"] == ["settlement_id", "invoice_id", "kind", "settled_on", "amount", "known_on"]
    assert sheets["disputes"] == ["invoice_id", "opened_on", "closed_on", "amount", "reason", "known_on"]
    assert sheets["rates"] == ["currency", "to_currency", "rate", "rated_on"]
    assert "known_on" not in sheets["statements"]
    assert canonical_columns("customers")[:3] == ("customer_id", "name", "legal_form")


def test_ibm_shape_has_the_columns_of_the_published_sample(public_data):
    header = (public_data / "ibm_receivables" / "invoices.csv").read_text(encoding="utf-8-sig").splitlines()[0]
    (sheet,) = sheets_of(world_of(), "ibm")

    assert list(sheet.cells) == header.split(",")
    assert sheet.n_rows == len(world_of().truth.billing)


def test_sap_shape_lists_each_invoice_once_and_what_settles_it_below_zero():
    world = world_of()
    sheets = {sheet.name: sheet for sheet in sheets_of(world, "sap")}
    opened, cleared = (sheets[name].cells for name in ("offene_posten", "ausgeglichene_posten"))
    numbers = opened["Belegnummer"].to_pylist() + cleared["Belegnummer"].to_pylist()

    assert sorted(numbers) == sorted(world.tables["invoices"]["invoice_id"].to_pylist())
    assert opened["Ausgleichsdatum"].null_count == len(opened["Ausgleichsdatum"])
    assert cleared["Ausgleichsdatum"].null_count == 0
    assert set(sheets["zahlungen"].cells["Belegart"].to_pylist()) <= set(sap.DOCUMENT_TYPES)
    assert sum(text.endswith("-") for text in sheets["zahlungen"].cells["Betrag"].to_pylist()) > 0.98 * sheets["zahlungen"].n_rows


def test_unknown_shape_is_refused():
    with pytest.raises(UsageRefused, match="shape 'odoo' is unknown"):
        sheets_of(world_of(), "odoo")


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_without_a_rate_nothing_is_planted(shape):
    sheets = sheets_of(world_of(), shape)
    planted, labels = plant(sheets, 0.0, world_of().end_on, seed=1)

    assert labels == []
    assert [sheet.text() for sheet in planted] == [sheet.text() for sheet in sheets]


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_every_label_points_at_a_record_that_differs_and_every_difference_has_a_label(shape):
    world = world_of()
    clean = {sheet.name: sheet.text().split(sheet.grammar.line_end) for sheet in sheets_of(world, shape)}
    planted, labels = plant(sheets_of(world, shape), 0.03, world.end_on, seed=1)
    for sheet in planted:
        before, after = clean[sheet.name], sheet.text().split(sheet.grammar.line_end)
        marked = {label.line for label in labels if label.file == sheet.name and not label.follows}
        differ = {number for number, line in enumerate(after, start=1) if number > len(before) - 1 or line != before[number - 1]}
        # The first of two conflicting records is as it was, and still nobody can say which is right.
        firsts = {label.line for label in labels if label.file == sheet.name and label.reason == "conflicting_duplicate"}

        assert differ - {len(after)} <= marked
        assert marked - differ <= firsts
    assert {label.reason for label in labels} - {EXACT_DUPLICATE} <= set(REASONS)
    assert label_table(labels).num_rows == len(labels) == sum(counts(labels).values())


def test_canonical_mistakes_are_of_every_kind_and_about_as_many_as_asked_for():
    world = world_of(n_customers=200)
    _, labels = plant(sheets_of(world, "canonical"), 0.05, world.end_on, seed=1)
    own = [label for label in labels if not label.follows]
    n_rows = world.tables["invoices"].num_rows + world.tables["settlements"].num_rows
    seconds = sum(label.reason == "conflicting_duplicate" for label in own) // 2
    kinds = {(kind.table, kind.column, kind.reason) for kind in KINDS}

    assert len(own) - seconds == pytest.approx(0.05 * n_rows, rel=0.03)
    assert {(label.table, label.column, label.reason) for label in own} == kinds


def test_records_have_one_mistake_at_most_and_settlements_of_lost_invoices_follow_as_orphans():
    world = world_of()
    _, labels = plant(sheets_of(world, "canonical"), 0.03, world.end_on, seed=1)
    places = Counter((label.file, label.line) for label in labels)
    lost = {label.key for label in labels if label.table == "invoices" and label.reason != EXACT_DUPLICATE}
    invoice_of = dict(
        zip(*(world.tables["settlements"][name].to_pylist() for name in ("settlement_id", "invoice_id")), strict=True)
    )
    following = {label.key for label in labels if label.follows and label.table == "settlements"}

    assert max(places.values()) == 1
    assert following == {key for key, invoice in invoice_of.items() if invoice in lost}
