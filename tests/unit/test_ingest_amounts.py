"""Numbers are read in the declared grammar, exactly, or refused with a reason (reliability A8, A9)."""

from decimal import Decimal

import pyarrow as pa
import pytest

from riskscore.stores.ledgers.amounts import NUMBER_CAP, NumberGrammar, reader_of_numbers
from riskscore.stores.ledgers.cells import REASON_CODES, read_cells
from riskscore.stores.ledgers.mapping import Cell
from riskscore.stores.ledgers.reading import Cells
from riskscore.tables import INVOICES

D = Decimal
BAD = "bad_number"
LOCALES = {
    "point": NumberGrammar(),
    "english": NumberGrammar(".", ","),
    "german": NumberGrammar(",", "."),
    "swiss": NumberGrammar(".", "'", ("-1", "1-", "(1)")),
}
# literal: what each locale reads, in the order of LOCALES.
LITERALS = {
    "0": (D(0), D(0), D(0), D(0)),
    "7": (D(7), D(7), D(7), D(7)),
    "0012": (D(12), D(12), D(12), D(12)),
    "1234": (D(1234), D(1234), D(1234), D(1234)),
    "12.5": (D("12.5"), D("12.5"), BAD, D("12.5")),
    "12,5": (BAD, BAD, D("12.5"), BAD),
    "1234.56": (D("1234.56"), D("1234.56"), BAD, D("1234.56")),
    "1234,56": (BAD, BAD, D("1234.56"), BAD),
    "1.234,56": (BAD, BAD, D("1234.56"), BAD),
    "1,234.56": (BAD, D("1234.56"), BAD, BAD),
    "1'234.56": (BAD, BAD, BAD, D("1234.56")),
    "1 234,56": (BAD, BAD, BAD, BAD),
    "1.234": (BAD, BAD, D(1234), BAD),
    "1,234": (BAD, D(1234), BAD, BAD),
    "1.23.456": (BAD, BAD, BAD, BAD),
    "1.234.567": (BAD, BAD, D(1234567), BAD),
    "1,234,567": (BAD, D(1234567), BAD, BAD),
    "12,34,567": (BAD, BAD, BAD, BAD),
    "1234.567": (BAD, BAD, BAD, BAD),
    "1.2345,6": (BAD, BAD, BAD, BAD),
    "-5": (D(-5), D(-5), D(-5), D(-5)),
    "-5.25": (D("-5.25"), D("-5.25"), BAD, D("-5.25")),
    "5-": (BAD, BAD, BAD, D(-5)),
    "(12.00)": (BAD, BAD, BAD, D(-12)),
    "12.00-": (BAD, BAD, BAD, D(-12)),
    "(12.00": (BAD, BAD, BAD, BAD),
    "-(12)": (BAD, BAD, BAD, BAD),
    "--5": (BAD, BAD, BAD, BAD),
    "+5": (BAD, BAD, BAD, BAD),
    "- 5": (BAD, BAD, BAD, BAD),
    ".5": (BAD, BAD, BAD, BAD),
    "5.": (BAD, BAD, BAD, BAD),
    "€5": (BAD, BAD, BAD, BAD),
    "5 EUR": (BAD, BAD, BAD, BAD),
    " 5": (BAD, BAD, BAD, BAD),
    "1E5": (BAD, BAD, BAD, BAD),
    "0x1F": (BAD, BAD, BAD, BAD),
    "1\u00a0234.50": (BAD, BAD, BAD, BAD),
    "12½": (BAD, BAD, BAD, BAD),
    "": (BAD, BAD, BAD, BAD),
}


@pytest.mark.parametrize("literal", LITERALS, ids=lambda text: repr(text))
def test_a08_a_number_means_what_the_declared_locale_says_and_nothing_in_another(literal: str) -> None:
    read = {name: grammar.reader()(literal) for name, grammar in LOCALES.items()}

    assert len(LITERALS) == 40
    assert tuple(read.values()) == LITERALS[literal]


@pytest.mark.parametrize(
    ("literal", "reason"),
    [
        ("NaN", "non_finite"),
        ("nan", "non_finite"),
        ("inf", "non_finite"),
        ("-Infinity", "non_finite"),
        ("1.#INF", "non_finite"),
        ("1e308", "bad_number"),
        ("1e309", "bad_number"),
        ("1_000", "bad_number"),
        ("١٢٣", "bad_number"),
        ("１２３", "bad_number"),
        ("-0", "bad_number"),
        ("-0.00", "bad_number"),
        (str(NUMBER_CAP), "out_of_range"),
        ("9" * 40, "out_of_range"),
    ],
)
def test_a09_what_is_no_amount_is_refused_with_its_reason(literal: str, reason: str) -> None:
    assert NumberGrammar().reader()(literal) == reason


def test_a09_the_largest_amount_below_the_cap_is_read_exactly() -> None:
    assert NumberGrammar().reader()("999999999999.99") == D("999999999999.99")


def test_cents_are_scaled_exactly() -> None:
    assert NumberGrammar(decimals=0, times=D("0.01")).reader()("1999") == D("19.99")


@pytest.mark.parametrize(
    ("text", "round_to", "value"),
    [
        ("1234.56", None, D("1234.56")),
        ("0.30000000000000004", 2, D("0.30")),
        ("2.675", 2, D("2.68")),
        ("2.665", 2, D("2.66")),
        ("-0.0", None, D(0)),
        ("nan", None, "non_finite"),
        ("1e+300", None, "out_of_range"),
    ],
    ids=["exact", "rounded", "half-even-up", "half-even-down", "floating-minus-zero", "nan", "huge"],
)
def test_a_floating_cell_is_taken_at_its_shortest_text_and_rounded_only_when_declared(
    text: str, round_to: int | None, value: Decimal | str
) -> None:
    assert reader_of_numbers(round_to, None)(text) == value


def test_a_floating_cell_with_more_than_four_decimals_is_never_rounded_silently() -> None:
    column = INVOICES.column("amount")

    typed = read_cells(column, Cell(column="x"), _typed("0.30000000000000004"), None)  # type: ignore[arg-type]

    assert typed.reasons.tolist() == [REASON_CODES["bad_number"]]


@pytest.mark.parametrize("decimal", [".", ","])
def test_reading_all_cells_at_once_gives_what_reading_them_one_by_one_gives(decimal: str) -> None:
    texts = ["0", "12", f"12{decimal}3", f"-7{decimal}25", f"999999999999{decimal}99", None, "00012"]
    cell = Cell(column="x", decimal=decimal)  # type: ignore[arg-type]
    column = INVOICES.column("amount")

    at_once = read_cells(column, cell, Cells(pa.array(texts, pa.string())), None)  # type: ignore[arg-type]
    # One cell that is not plain sends the whole column through the reader of single cells.
    singly = read_cells(column, cell, Cells(pa.array([*texts, "no number"], pa.string())), None)  # type: ignore[arg-type]

    assert at_once.values.to_pylist() == singly.values.to_pylist()[:-1]
    assert not at_once.reasons.any()
    assert singly.reasons.tolist() == [0] * len(texts) + [REASON_CODES["bad_number"]]


def _typed(*texts: str) -> Cells:
    import numpy as np

    return Cells(pa.array(texts), np.ones(len(texts), dtype=bool))
