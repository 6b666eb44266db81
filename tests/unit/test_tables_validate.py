"""What makes a canonical row unusable by itself, and the reference pages made from the definitions."""

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from riskscore.stores.ledgers.reference import data_dictionary, quarantine_page
from riskscore.tables import EARLIEST, LATEST, REASONS, TABLES, validate

TODAY = dt.date(2026, 6, 30)
DAY = dt.timedelta(days=1)
GOOD: dict[str, dict[str, Any]] = {
    "invoices": {
        "invoice_id": "I1", "customer_id": "C1", "issued_on": dt.date(2026, 1, 1), "due_on": dt.date(2026, 1, 31),
        "amount": 100, "currency": "EUR", "known_on": dt.date(2026, 1, 1),
    },
    "settlements": {
        "settlement_id": "S1", "invoice_id": "I1", "kind": "payment", "settled_on": dt.date(2026, 2, 1), "amount": 100,
        "known_on": dt.date(2026, 2, 1),
    },
    "securities": {
        "customer_id": "C1", "kind": "insurance", "amount": 5000, "currency": "EUR", "cover_share": 0.9,
        "valid_from": dt.date(2026, 1, 1), "known_on": dt.date(2026, 1, 1),
    },
    "statements": {
        "customer_id": "C1", "period_end": dt.date(2025, 12, 31), "published_on": dt.date(2026, 5, 1), "currency": "EUR",
        "known_on": dt.date(2026, 5, 1),
    },
    "limits": {
        "customer_id": "C1", "amount": 1000, "currency": "EUR", "granted_on": dt.date(2026, 1, 1),
        "known_on": dt.date(2026, 1, 1),
    },
    "rates": {"currency": "USD", "to_currency": "EUR", "rate": 0.9, "rated_on": dt.date(2026, 1, 1)},
}  # fmt: skip


def verdict(table: str, **changed: Any) -> tuple[str | None, str | None]:
    row = {**dict.fromkeys(TABLES[table].names), **GOOD[table], **changed}
    rows = pa.Table.from_pylist([row], schema=TABLES[table].arrow_schema)
    found = validate(TABLES[table], rows, today=TODAY).to_pylist()[0]
    return found["column"], found["reason"]


@pytest.mark.parametrize("table", GOOD)
def test_a_sound_row_has_no_fault(table: str) -> None:
    # customer_id of a settlement is filled at ingest, so rows that are asked about it must have it.
    filled = {"customer_id": "C1"} if table == "settlements" else {}

    assert verdict(table, **filled) == (None, None)


@pytest.mark.parametrize(
    ("table", "changed", "fault"),
    [
        ("invoices", {"customer_id": None}, ("customer_id", "missing_required")),
        ("invoices", {"amount": None}, ("amount", "missing_required")),
        ("invoices", {"due_on": dt.date(2025, 12, 31)}, ("due_on", "bad_date")),
        ("invoices", {"due_on": dt.date(2026, 1, 1)}, (None, None)),
        ("invoices", {"due_on": dt.date(2030, 1, 1)}, (None, None)),
        ("invoices", {"known_on": dt.date(2025, 12, 31)}, ("known_on", "bad_date")),
        ("invoices", {"known_on": TODAY}, (None, None)),
        ("invoices", {"known_on": TODAY + DAY}, ("known_on", "future_date")),
        ("invoices", {"due_on": LATEST + DAY}, ("due_on", "date_out_of_range")),
        ("invoices", {"due_on": LATEST}, (None, None)),
        ("invoices", {"issued_on": EARLIEST - DAY}, ("issued_on", "date_out_of_range")),
        ("invoices", {"amount": -5}, (None, None)),
        ("invoices", {"amount": 0}, (None, None)),
        ("settlements", {"customer_id": "C1", "kind": "barter"}, ("kind", "out_of_range")),
        ("securities", {"cover_share": 1.0}, (None, None)),
        ("securities", {"cover_share": 1.01}, ("cover_share", "out_of_range")),
        ("securities", {"cover_share": -0.01}, ("cover_share", "out_of_range")),
        ("securities", {"valid_until": dt.date(2025, 12, 31)}, ("valid_until", "bad_date")),
        ("securities", {"valid_from": TODAY + DAY}, (None, None)),
        ("statements", {"published_on": dt.date(2025, 12, 30)}, ("published_on", "bad_date")),
        ("limits", {"amount": -1}, ("amount", "out_of_range")),
        ("limits", {"amount": 0}, (None, None)),
        ("rates", {"rate": 0.0}, ("rate", "out_of_range")),
    ],
)
def test_a_fault_is_named_with_its_column_and_reason(
    table: str, changed: dict[str, Any], fault: tuple[str | None, str | None]
) -> None:
    assert verdict(table, **changed) == fault


def test_only_the_first_fault_of_a_row_is_named() -> None:
    assert verdict("invoices", customer_id=None, amount=None) == ("customer_id", "missing_required")


def test_every_reason_a_row_can_be_given_is_on_the_closed_list() -> None:
    assert len(REASONS) == 15
    assert set(REASONS) == {
        "row_shape", "bad_number", "non_finite", "out_of_range", "bad_date", "date_out_of_range", "future_date", "bad_currency",
        "no_rate", "bad_encoding", "missing_required", "conflicting_duplicate", "orphan", "merge_cycle", "control_char",
    }  # fmt: skip


def test_the_reference_page_of_the_tables_is_current(repository: Path) -> None:
    assert (repository / "docs/reference/canonical-tables.md").read_text(encoding="utf-8") == data_dictionary()


def test_the_reference_page_of_the_quarantine_is_current(repository: Path) -> None:
    assert (repository / "docs/reference/quarantine.md").read_text(encoding="utf-8") == quarantine_page()
