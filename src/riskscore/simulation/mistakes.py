"""Mistakes: data errors planted into an export, each labelled with the reason for which ingestion must set the row aside.

Errors go into invoices and settlements, the tables that are filled by the hundred thousand. A row has at most one. Settlements
and disputes of an invoice that is set aside name an invoice nobody has: they follow it as orphans and are labelled too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from riskscore.simulation.randomness import Ints, chosen, uniforms
from riskscore.simulation.sheets import Grammar, Sheet, date_text

EXACT_DUPLICATE = "exact_duplicate"
"""Not a reason of quarantine: the second copy is counted, and the first one is used."""


@dataclass(frozen=True)
class Mistake:
    """One label: where the row is (line 1 is the header), its key, and what must become of it.

    column: canonical column; None where the whole row is meant. follows: the row itself is sound, but its invoice is set aside.
    """

    file: str
    line: int
    table: str
    key: str
    column: str | None
    reason: str
    follows: bool = False


@dataclass(frozen=True)
class _Kind:
    table: str
    column: str | None
    reason: str
    becomes: str | None = None
    """What the cell becomes: one of the cases of `_mistaken`."""


KINDS = (
    _Kind("invoices", "issued_on", "bad_date", "30 February"),
    _Kind("invoices", "due_on", "bad_date", "before it was issued"),
    _Kind("invoices", "issued_on", "future_date", "in 400 days"),
    _Kind("invoices", "due_on", "date_out_of_range", "in 1812"),
    _Kind("invoices", "amount", "bad_number", "letter O for a digit"),
    _Kind("invoices", "amount", "non_finite", "NaN"),
    _Kind("invoices", "amount", "missing_required", "nothing"),
    _Kind("invoices", "customer_id", "missing_required", "nothing"),
    _Kind("invoices", "currency", "bad_currency", "EURO"),
    _Kind("invoices", "currency", "no_rate", "JPY"),
    _Kind("invoices", "order_id", "control_char", "with a bell"),
    _Kind("invoices", None, "row_shape"),
    _Kind("invoices", None, EXACT_DUPLICATE),
    _Kind("invoices", "amount", "conflicting_duplicate"),
    _Kind("settlements", "settled_on", "bad_date", "30 February"),
    _Kind("settlements", "settled_on", "future_date", "in 400 days"),
    _Kind("settlements", "amount", "bad_number", "letter O for a digit"),
    _Kind("settlements", "amount", "missing_required", "nothing"),
    _Kind("settlements", "invoice_id", "orphan", "0000000000"),
    _Kind("settlements", None, "row_shape"),
    _Kind("settlements", None, EXACT_DUPLICATE),
    _Kind("settlements", "amount", "conflicting_duplicate"),
)


def _mistaken(becomes: str, text: str, grammar: Grammar, last_day: date) -> str | None:
    later = last_day + timedelta(days=400)
    wrong_days = {
        "30 February": (last_day.year - 1, 2, 30),
        "in 400 days": (later.year, later.month, later.day),
        "in 1812": (1812, 1, 31),
        "before it was issued": (1999, 12, 31),
    }
    if becomes in wrong_days:
        return date_text(*wrong_days[becomes], grammar.date_format)
    altered = {"letter O for a digit": text.rstrip("-")[:-1] + "O", "with a bell": text + "\x07", "nothing": None}
    return altered.get(becomes, becomes)


KEYS = {"invoices": "invoice_id", "settlements": "settlement_id", "disputes": "invoice_id"}


def plant(sheets: Sequence[Sheet], rate: float, last_day: date, seed: int) -> tuple[list[Sheet], list[Mistake]]:
    """The sheets with errors in about `rate` of the rows of invoices and settlements, and their labels in order of file and line.

    last_day: the day of the export; a future date lies after it. Zero plants nothing.
    """
    planted = list(sheets)
    labels: list[Mistake] = []
    for number, sheet in enumerate(planted):
        if sheet.table == "invoices":
            picked = _picked(np.arange(sheet.n_rows), rate, seed, sheet)
            planted[number], found = _changed(sheet, picked, last_day, seed)
            labels += found
    lost = {label.key for label in labels if label.reason != EXACT_DUPLICATE}
    for number, sheet in enumerate(planted):
        if sheet.table == "settlements":
            picked = _picked(_sound_settlements(sheet, lost), rate, seed, sheet)
            planted[number], found = _changed(sheet, picked, last_day, seed)
            labels += found
    labels += [label for sheet in planted for label in _followers(sheet, lost)]
    return planted, sorted(labels, key=lambda label: (label.file, label.line))


def label_table(labels: Sequence[Mistake]) -> pa.Table:
    """The labels as a table."""
    kinds: dict[str, pa.DataType] = {"line": pa.int64(), "follows": pa.bool_()}
    schema = pa.schema([(field.name, kinds.get(field.name, pa.string())) for field in fields(Mistake)])
    return pa.Table.from_pylist([vars(label) for label in labels], schema=schema)


def _picked(rows: Ints, rate: float, seed: int, sheet: Sheet) -> Ints:
    wanted = round(rate * len(rows))
    order = np.argsort(uniforms(seed, f"mistake in {sheet.name}", rows), kind="stable")
    return np.sort(rows[order[:wanted]])


def _sound_settlements(sheet: Sheet, lost: set[str]) -> Ints:
    named = sheet.cells[sheet.meaning["invoice_id"]].to_pylist()
    return np.array([row for row, invoice in enumerate(named) if invoice not in lost], dtype=np.int64)


def _changed(sheet: Sheet, rows: Ints, last_day: date, seed: int) -> tuple[Sheet, list[Mistake]]:
    kinds = [kind for kind in KINDS if kind.table == sheet.table and (kind.column is None or kind.column in sheet.meaning)]
    picks = chosen(uniforms(seed, f"kind of mistake in {sheet.name}", rows), np.ones(len(kinds)))
    cells = {header: column.to_pylist() for header, column in sheet.cells.items()}
    broken = dict(sheet.broken)
    labels = []
    n_records = sheet.n_rows
    key = sheet.meaning[KEYS[sheet.table]]
    for row, pick in zip(rows.tolist(), picks.tolist(), strict=True):
        kind = kinds[pick]
        label = Mistake(sheet.name, row + 2, sheet.table, cells[key][row], kind.column, kind.reason)
        if kind.reason == "row_shape":
            broken[row] = sheet.grammar.delimiter + "x"
        elif kind.becomes is not None and kind.column is not None:
            column = cells[sheet.meaning[kind.column]]
            column[row] = _mistaken(kind.becomes, column[row] or "", sheet.grammar, last_day)
        else:
            # A second record at the end of the file: the same, or with another amount.
            for texts in cells.values():
                texts.append(texts[row])
            if kind.column is not None:
                cells[sheet.meaning[kind.column]][-1] = _other_number(cells[sheet.meaning[kind.column]][row])
                labels.append(label)
            label = replace(label, line=n_records + 2)
            n_records += 1
        labels.append(label)
    arrays = {header: pa.array(column, pa.string()) for header, column in cells.items()}
    return replace(sheet, cells=arrays, broken=broken), labels


def _other_number(text: str) -> str:
    place = next(k for k, mark in enumerate(text) if mark.isdigit())
    return f"{text[:place]}{int(text[place]) % 9 + 1}{text[place + 1 :]}"


def _followers(sheet: Sheet, lost: set[str]) -> list[Mistake]:
    if sheet.table not in ("settlements", "disputes"):
        return []
    names = sheet.cells[sheet.meaning["invoice_id"]].to_pylist()
    keys = sheet.cells[sheet.meaning[KEYS[sheet.table]]].to_pylist()
    return [
        Mistake(sheet.name, row + 2, sheet.table, key, "invoice_id", "orphan", follows=True)
        for row, (name, key) in enumerate(zip(names, keys, strict=True))
        if name in lost
    ]


def counts(labels: Sequence[Mistake]) -> Mapping[str, int]:
    """How many rows each reason takes, by `table: reason`."""
    total: dict[str, int] = {}
    for label in labels:
        name = f"{label.table}: {label.reason}"
        total[name] = total.get(name, 0) + 1
    return dict(sorted(total.items()))
