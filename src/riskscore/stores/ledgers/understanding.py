"""Chunks of text to canonical rows: every row of a source ends as rows of its table, or as one reject with column and reason.

A row stands or falls as a whole: where the payment date of a flat invoice line cannot be read, the invoice is set aside with it,
because an invoice without its payment would look unpaid.
"""

from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskscore.errors import InputRefused
from riskscore.stores.ledgers.cells import FINE, REASON_CODES, Typed, read_cells
from riskscore.stores.ledgers.mapping import Cell, Choice, Mapping, Source
from riskscore.stores.ledgers.origins import cells_for, cleaned, lacking
from riskscore.stores.ledgers.reading import Chunk, Reader
from riskscore.stores.ledgers.reports import ColumnReport
from riskscore.tables import ARROW_TYPES, REASONS, TABLES, Table, validate

REJECTS = pa.schema(
    [
        ("line", pa.int64()),
        ("raw", pa.string()),
        ("column", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("amount", ARROW_TYPES["money"]),
        ("currency", pa.string()),
    ]
)
"""A row set aside while it was read by itself."""

JOINED = ("customer_id", "invoice_id")
"""Ids by which people look a row up: shown where they are put together from several cells of the record."""

REASON_NAMES = np.array([None, *REASONS], dtype=object)
Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Understood:
    """What became of one chunk.

    tables: accepted rows of the source's own table and of the derived ones, each with `line`, `raw` and `known_on_from_event`
    beside. rejects: the others. money: amounts of all rows that have one, accepted or not. n_left_out: rows the mapping does
    not mean.
    """

    tables: dict[str, pa.Table]
    rejects: pa.Table
    money: pa.Table
    n_rows: int
    n_left_out: int


@dataclass
class _Rows:
    """The typed columns of one table for the rows of a chunk, and the first fault of each row."""

    table: Table
    columns: dict[str, pa.Array]
    fault: np.ndarray[Any, np.dtype[np.int8]]
    fault_column: np.ndarray[Any, np.dtype[np.object_]]
    from_event: Mask

    def blame(self, column: str, reasons: np.ndarray[Any, np.dtype[np.int8]]) -> None:
        """Note these faults where the row has none yet."""
        new = (reasons != FINE) & (self.fault == FINE)
        self.fault[new] = reasons[new]
        self.fault_column[new] = column

    def arrow(self) -> pa.Table:
        """The rows as the canonical table has them; columns that are filled at ingest are null."""
        n_rows = len(self.fault)
        return pa.table(
            [self.columns.get(field.name, pa.nulls(n_rows, field.type)) for field in self.table.arrow_schema],
            schema=self.table.arrow_schema,
        )


class Understanding:
    """How one source is read: made once from its header, then asked chunk by chunk.

    Raises InputRefused where a column is lacking.
    """

    def __init__(self, reader: Reader, source: Source, mapping: Mapping, extracted_on: date) -> None:
        self.source = source
        self._mapping = mapping
        self._extracted_on = extracted_on
        self._name = reader.name
        self._header = reader.header
        for said in source.choices:
            if said.column not in reader.header:
                what = f"column {said.column!r}, which says which rows are meant,"
                raise InputRefused(lacking(reader.name, what, said.column, reader.header))
        self._rules: dict[str, dict[str, Cell]] = {
            source.table: cells_for(TABLES[source.table], source.columns, source, reader.header, reader.name)
        }
        for name, cells in source.derived.items():
            table = TABLES[name]
            self._rules[name] = cells_for(_lenient(table, cells), cells, source, reader.header, reader.name)
        self.reports = {
            (table, column): ColumnReport(table, column, cell)
            for table, cells in self._rules.items()
            for column, cell in cells.items()
        }

    def ignored(self) -> list[str]:
        """Columns of the source that nothing reads."""
        used = {name for cells in self._rules.values() for cell in cells.values() for name in cell.sources}
        used |= {said.column for said in self.source.choices}
        return [name for name in self._header if name not in used]

    def read(self, chunk: Chunk) -> Understood:
        """Accepted rows and rejects of one chunk.

        Raises InputRefused where no value of a column fits what was declared for it.
        """
        chunk, n_left_out = self._kept(chunk)
        primary = self._typed(self.source.table, chunk)
        whole = primary.arrow()
        self._judge(primary, whole)
        derived = {name: self._derived(name, primary, chunk) for name in self.source.derived}
        for name, (rows, there) in derived.items():
            reasons = np.zeros(len(primary.fault), dtype=np.int8)
            reasons[there] = rows.fault
            names = np.full(len(primary.fault), None, dtype=object)
            names[there] = [f"{name}.{column}" for column in rows.fault_column]
            new = (reasons != FINE) & (primary.fault == FINE)
            primary.fault[new], primary.fault_column[new] = reasons[new], names[new]
        for report in self.reports.values():
            report.refuse_if_misunderstood(self._name)
        good = primary.fault == FINE
        tables: dict[str, pa.Table] = {self.source.table: self._accepted(primary, whole, chunk, good)}
        for name, (rows, there) in derived.items():
            part = Chunk(chunk.lines[there], {}, chunk.raw.filter(pa.array(there)))
            tables[name] = self._accepted(rows, rows.arrow(), part, good[there])
        return Understood(
            tables, self._rejects(primary, whole, chunk, good), _money(whole), len(chunk.lines) + len(chunk.misshapen), n_left_out
        )

    def _kept(self, chunk: Chunk) -> tuple[Chunk, int]:
        n_rows = len(chunk.lines)
        if (keep := self.source.keep) is not None:
            chunk = chunk.filtered(_holds(chunk, keep))
        if (leave := self.source.leave_out) is not None:
            chunk = chunk.filtered(pc.invert(_holds(chunk, leave)))
        return chunk, n_rows - len(chunk.lines)

    def _typed(self, name: str, chunk: Chunk) -> _Rows:
        table, rules, n_rows = TABLES[name], self._rules[name], len(chunk.lines)
        rows = _Rows(
            table, {}, np.zeros(n_rows, dtype=np.int8), np.full(n_rows, None, dtype=object), np.zeros(n_rows, dtype=bool)
        )
        for column in table.columns:
            if column.name not in rules:
                continue
            cell = rules[column.name]
            cells, unknown = cleaned(cell, chunk, self._mapping, self._extracted_on)
            typed = read_cells(column, cell, cells, self._mapping.zone)
            if unknown is not None:
                typed = Typed(typed.values, np.where(unknown, np.int8(REASON_CODES["out_of_range"]), typed.reasons))
            self.reports[name, column.name].note(cells, typed, chunk)
            rows.columns[column.name] = typed.values
            rows.blame(column.name, typed.reasons)
        if name == self.source.table:
            self._complete(rows)
        return rows

    def _complete(self, rows: _Rows) -> None:
        """Due dates from terms, the floors of dates, and the event's date where nobody said when it became known."""
        rules = self._rules[rows.table.name]
        if rows.table.name == "invoices":
            self._impute_due_dates(rows, rules.get("due_on"))
        for name, cell in rules.items():
            if cell.not_before:
                rows.columns[name] = _not_before(rows.columns[name], rows.columns[cell.not_before])
        if "known_on" in rows.table.names:
            _know(rows, rows.columns.get(rows.table.event_on))

    def _impute_due_dates(self, rows: _Rows, cell: Cell | None) -> None:
        n_rows = len(rows.fault)
        imputed = rows.columns.get("due_imputed", pa.repeat(pa.scalar(False), n_rows))
        if cell is not None and (cell.terms or cell.otherwise_days is not None):
            days = pa.nulls(n_rows, pa.int32())
            if cell.terms and "terms" in rows.columns:
                at = pc.index_in(rows.columns["terms"], pa.array(list(self._mapping.terms_days), pa.string()))
                days = pa.array(list(self._mapping.terms_days.values()), pa.int32()).take(at)
            if cell.otherwise_days is not None:
                days = pc.fill_null(days, cell.otherwise_days)
            from_terms = pc.add(rows.columns["issued_on"].cast(pa.int32()), days).cast(pa.date32())
            open_ = pc.and_(pc.and_(pc.is_null(rows.columns["due_on"]), pc.is_valid(from_terms)), pa.array(rows.fault == FINE))
            rows.columns["due_on"] = pc.if_else(open_, from_terms, rows.columns["due_on"])
            imputed = pc.or_(pc.fill_null(imputed, False), open_)
        rows.columns["due_imputed"] = pc.fill_null(imputed, False)

    def _derived(self, name: str, primary: _Rows, chunk: Chunk) -> tuple[_Rows, Mask]:
        """The derived rows of those source rows that have one, and which these are."""
        rows = self._typed(name, chunk)
        invoice = primary.columns
        anchor = {"settlements": "settled_on", "disputes": "opened_on"}.get(name)
        defaults: dict[str, Any] = {"invoice_id": invoice["invoice_id"], "customer_id": invoice["customer_id"]}
        if name == "settlements":
            defaults["settlement_id"] = pc.binary_join_element_wise(invoice["invoice_id"], "paid", "/")
            defaults["kind"] = pa.repeat(pa.scalar("payment"), len(chunk.lines))
            defaults["amount"] = invoice["amount"]
        for column, values in defaults.items():
            if column in rows.table.names and not rows.table.column(column).filled:
                rows.columns.setdefault(column, values)
        for column, cell in self._rules[name].items():
            if cell.not_before:
                rows.columns[column] = _not_before(rows.columns[column], {**invoice, **rows.columns}[cell.not_before])
        # Nobody can book a payment to an invoice, or contest one, before the invoice is there.
        event = invoice["known_on"] if anchor is None else _not_before(rows.columns[anchor], invoice["known_on"])
        _know(rows, event)
        there = np.ones(len(chunk.lines), dtype=bool)
        if anchor is not None:
            there = pc.is_valid(rows.columns[anchor]).to_numpy(zero_copy_only=False) | (rows.fault != FINE)
        mask = pa.array(there)
        part = _Rows(
            rows.table,
            {column: values.filter(mask) for column, values in rows.columns.items()},
            rows.fault[there],
            rows.fault_column[there],
            rows.from_event[there],
        )
        # A derived row of an invoice that is at fault itself is judged with it and needs no second verdict.
        self._judge(part, part.arrow(), unless=primary.fault[there] != FINE)
        return part, there

    def _judge(self, rows: _Rows, whole: pa.Table, unless: Mask | None = None) -> None:
        verdict = validate(rows.table, _without_filled(whole, rows.table), today=self._extracted_on)
        codes = pc.index_in(verdict["reason"].combine_chunks(), pa.array(list(REASONS), pa.string()))
        found = (pc.fill_null(codes, -1).to_numpy(zero_copy_only=False) + 1).astype(np.int8)
        if unless is not None:
            found[unless] = FINE
        new = (found != FINE) & (rows.fault == FINE)
        rows.fault[new] = found[new]
        rows.fault_column[new] = np.array(verdict["column"].to_pylist(), dtype=object)[new]

    def _accepted(self, rows: _Rows, whole: pa.Table, chunk: Chunk, good: Mask) -> pa.Table:
        beside = whole.append_column("line", pa.array(chunk.lines)).append_column("raw", chunk.raw)
        return beside.append_column("known_on_from_event", pa.array(rows.from_event)).filter(pa.array(good))

    def _details(self, rows: _Rows, chunk: Chunk, good: Mask) -> list[str | None]:
        """Of each row set aside: ids that its record does not show as they stand; how a number that is none had to be written."""
        bad = pa.array(~good)
        said: list[list[str]] = [[] for _ in range(int((~good).sum()))]
        raws = chunk.raw.filter(bad).to_pylist()
        for name in [name for name in JOINED if name in rows.columns]:
            for parts, found, raw in zip(said, rows.columns[name].filter(bad).to_pylist(), raws, strict=True):
                if found is not None and found not in raw:
                    parts.append(f"{name} is {found}")
        for parts, code, column in zip(said, rows.fault[~good], rows.fault_column[~good], strict=True):
            if code == REASON_CODES["bad_number"]:
                table, _, name = column.rpartition(".")
                parts.append(self.reports[table or self.source.table, name].number_told)
        return ["; ".join(parts) or None for parts in said]

    def _rejects(self, rows: _Rows, whole: pa.Table, chunk: Chunk, good: Mask) -> pa.Table:
        bad = pa.array(~good)
        judged = pa.table(
            [
                pa.array(chunk.lines).filter(bad),
                chunk.raw.filter(bad),
                pa.array(rows.fault_column[~good], pa.string()),
                pa.array(REASON_NAMES[rows.fault[~good]], pa.string()),
                pa.array(self._details(rows, chunk, good), pa.string()),
                *(column.filter(bad) for column in _money(whole).columns),
            ],
            schema=REJECTS,
        )
        broken = chunk.misshapen
        shapeless = pa.table(
            {
                "line": [record.line for record in broken],
                "raw": [record.raw for record in broken],
                "column": pa.nulls(len(broken), pa.string()),
                "reason": [record.reason for record in broken],
                "detail": [record.why for record in broken],
                "amount": pa.nulls(len(broken), ARROW_TYPES["money"]),
                "currency": pa.nulls(len(broken), pa.string()),
            },
            schema=REJECTS,
        )
        return pa.concat_tables([judged, shapeless])


def _holds(chunk: Chunk, said: Choice) -> pa.Array:
    """Which rows hold one of the values; an empty cell is the empty text."""
    return pc.is_in(pc.fill_null(chunk.cells[said.column].text, ""), pa.array(said.values, pa.string()))


def _money(whole: pa.Table) -> pa.Table:
    """Amount and currency of each row; where the table has no currency of its own, the text is empty."""
    n_rows = whole.num_rows
    amount = whole["amount"] if "amount" in whole.column_names else pa.nulls(n_rows, ARROW_TYPES["money"])
    currency = whole["currency"] if "currency" in whole.column_names else pa.repeat(pa.scalar(""), n_rows)
    return pa.table({"amount": amount, "currency": currency})


def _know(rows: _Rows, event: pa.Array | None) -> None:
    """`known_on` where it was delivered, else the day of the event; and which of the two it was."""
    nothing = pa.nulls(len(rows.fault), pa.date32())
    said = rows.columns.get("known_on", nothing)
    event = nothing if event is None else event
    rows.columns["known_on"] = pc.coalesce(said, event)
    rows.from_event |= (pc.is_null(said).to_numpy(zero_copy_only=False)) & (rows.fault == FINE)


def _not_before(dates: pa.Array, floor: pa.Array) -> pa.Array:
    """The later of the two days; null where the date is."""
    return pc.if_else(pc.fill_null(pc.less(dates, floor), False), floor, dates)


def _lenient(table: Table, cells: AbstractMapping[str, Cell]) -> Table:
    """The table asking only for what a derived row must be told; the rest follows from the invoice."""
    kept = tuple(column for column in table.columns if not column.required or column.name in cells)
    return Table(table.name, table.meaning, table.key, table.event_on, kept)


def _without_filled(whole: pa.Table, table: Table) -> pa.Table:
    return whole.select([column.name for column in table.columns if not column.filled])
