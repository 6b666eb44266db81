"""Engines: how a ledger's tables become lazy frames that features can be asked of. DuckDB here."""

import atexit
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache, partial
from pathlib import Path
from threading import Lock
from typing import Any

import duckdb
import narwhals.stable.v2 as nw
import pyarrow as pa
import pyarrow.dataset as ds

from riskscore.stores.prepared import Rows
from riskscore.tables import DRAWN, TABLES, Frame, Ledger, Step, Table


def connect(path: str | Path = ":memory:", **options: Any) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection that never draws its progress bar: it would stand on stdout, between the results of a command."""
    connection = duckdb.connect(path, **options)
    connection.execute("set enable_progress_bar = false")
    return connection


def ledger_of(
    tables: Mapping[str, pa.Table],
    reporting_currency: str,
    *,
    connection: duckdb.DuckDBPyConnection | None = None,
) -> Ledger:
    """A ledger over Arrow tables in memory, on DuckDB.

    tables: canonical tables by name (see `riskscore.tables`); an absent one is empty, an absent optional column null.
    Raises KeyError for a table that is not canonical.
    """
    if strangers := set(tables) - set(TABLES):
        raise KeyError(f"not canonical tables: {sorted(strangers)}")
    held = Rows(connection or connect())
    frames = {}
    for name, table in TABLES.items():
        rows = as_canonical(table, tables[name]) if name in tables else table.arrow_schema.empty_table()
        frames[name] = held.lift(_in_day_numbers(rows, table))
    return _duckdb_ledger(held, frames, reporting_currency)


def ledger_of_files(
    files: Mapping[str, Sequence[str]],
    reporting_currency: str,
    *,
    connection: duckdb.DuckDBPyConnection | None = None,
) -> Ledger:
    """A ledger over Parquet files that hold canonical tables, read as they are asked for and with their page checksums compared.

    files: paths by table; a table without any is empty.
    """
    connection = connection or connect()
    verified = ds.ParquetFileFormat(default_fragment_scan_options=ds.ParquetFragmentScanOptions(page_checksum_verification=True))
    frames = {}
    for name, table in TABLES.items():
        rows = ds.dataset(list(files.get(name, ())), schema=table.arrow_schema, format=verified) if files.get(name) else None
        source = table.arrow_schema.empty_table() if rows is None else rows
        frames[name] = nw.from_native(_day_numbers(connection.from_arrow(source), table))
    return _duckdb_ledger(Rows(connection), frames, reporting_currency)


def _duckdb_ledger(held: Rows, frames: Mapping[str, Frame], reporting_currency: str) -> Ledger:
    return Ledger(
        frames=frames,
        stage=held.stage,
        lift=held.lift,
        reporting_currency=reporting_currency,
        prepare=held.prepare,
        rows=held.rows,
        aside=aside,
    )


def aside(ledger: Ledger) -> Ledger:
    """The rows of the ledger in memory, on Polars where it is installed: quicker for questions about a few customers.

    The expressions are the same, and so are the bits.
    """
    try:
        import polars as pl
    except ImportError:
        return ledger

    memory = _Memory()
    frames = {name: memory.keep(pl.DataFrame(pl.from_arrow(ledger.rows(frame)))) for name, frame in ledger.frames.items()}
    return _ledger_of_memory(memory, frames, ledger.reporting_currency)


def ledger_in_memory(tables: Mapping[str, pa.Table], reporting_currency: str) -> Ledger:
    """A ledger of a few rows, on Polars where it is installed (a single customer costs it a fifth of the time), else on DuckDB.

    The expressions are the same, and so are the bits. Tables as for `ledger_of`.
    """
    try:
        import polars as pl
    except ImportError:
        return ledger_of(tables, reporting_currency)

    memory = _Memory()

    def frame(table: Table) -> Frame:
        if table.name not in tables or not tables[table.name].num_rows:
            return memory.hold(_nothing_of(table.name))
        return memory.keep(pl.DataFrame(pl.from_arrow(_in_day_numbers(as_canonical(table, tables[table.name]), table))))

    return _ledger_of_memory(memory, {name: frame(table) for name, table in TABLES.items()}, reporting_currency)


@dataclass(frozen=True, eq=False)
class _Computed:
    """Rows that are there (a DataFrame), the lazy frame that stands for them, and the number of their names and types."""

    rows: Any
    frame: Frame
    shape: int

    @cached_property
    def as_arrow(self) -> pa.Table:
        """The rows, as Arrow."""
        found: pa.Table = self.rows.to_arrow()
        return found

    @classmethod
    def of(cls, rows: Any) -> "_Computed":
        schema = rows.schema
        return cls(rows, nw.from_native(rows.lazy()), _SHAPES.setdefault(tuple(schema.items()), len(_SHAPES)))


_SHAPES: dict[tuple[tuple[str, Any], ...], int] = {}
"""Names and types of frames, numbered: a number is compared sooner. There are as many as steps and tables."""


class _Memory:
    """The frames of one ledger that are computed: asking Polars for them again costs more than a step over one customer."""

    def __init__(self) -> None:
        self._computed: dict[int, tuple[Any, _Computed]] = {}

    def keep(self, rows: Any) -> Frame:
        """A frame of rows that are there already."""
        return self.hold(_Computed.of(rows))

    def hold(self, computed: _Computed) -> Frame:
        """The frame of these rows, known again when it is asked of."""
        lazy = computed.frame.to_native()
        self._computed[id(lazy)] = (lazy, computed)  # the frame itself is held too, so that no other can get its number
        return computed.frame

    def computed(self, frame: Frame) -> _Computed:
        """The rows of a frame, computed if they have to be."""
        lazy = frame.to_native()
        known = self._computed.get(id(lazy))
        return _Computed.of(lazy.collect()) if known is None else known[1]

    def prepared(self, step: Step, *frames: Frame) -> Frame:
        """What a step makes of these frames, by the plan that was kept of it for frames of these columns."""
        sources = [self.computed(frame) for frame in frames]
        plan = _plan_of(step, tuple(each.shape for each in sources))
        rows = [each.rows for each in sources]
        return self.hold(plan.of_nothing) if plan.draws_nothing(rows) else self.keep(plan(rows))


class _Kept:
    """The plan of a step over sources whose rows can be exchanged: a plan costs many times what computing one customer costs.

    It is run as it was written: to look for a better one costs more than a few rows can save. Of no rows at all, and of no rows
    to draw from, a step makes the same every time, so that is kept.
    """

    def __init__(self, step: Step, schemas: Sequence[Any]) -> None:
        import polars as pl
        from polars.io.plugins import register_io_source

        self._as_written = pl.QueryOptFlags.none()
        self._is_drawn = step in DRAWN
        self._schemas = schemas
        self._rows: list[Any] = [None] * len(schemas)
        self._one_at_a_time = Lock()
        sources = [register_io_source(partial(_read, self._rows, place), schema=schema) for place, schema in enumerate(schemas)]
        self._plan = step(*(nw.from_native(source) for source in sources)).to_native()
        self._plan.collect_schema()  # Polars keeps what it resolves here, and does not resolve it again in every run

    def draws_nothing(self, rows: Sequence[Any]) -> bool:
        """Is there nothing that a row could come from?"""
        return not (rows[0].height if self._is_drawn else any(each.height for each in rows))

    @cached_property
    def of_nothing(self) -> _Computed:
        """What the step makes of no rows."""
        import polars as pl

        return _Computed.of(self([pl.DataFrame(schema=schema) for schema in self._schemas]))

    def __call__(self, rows: Sequence[Any]) -> Any:
        with self._one_at_a_time:
            self._rows[:] = rows
            try:
                return self._plan.collect(engine="in-memory", optimizations=self._as_written)
            finally:
                self._rows[:] = [None] * len(rows)  # nobody's data stay with the plan


def _read(
    sources: Sequence[Any], place: int, columns: Any, predicate: Any, n_rows: int | None, _batch: int | None
) -> Iterator[Any]:
    rows = sources[place]
    if columns is not None:
        rows = rows.select(columns)
    if predicate is not None:
        rows = rows.filter(predicate)
    yield rows if n_rows is None else rows.head(n_rows)


def _ledger_of_memory(memory: _Memory, frames: Mapping[str, Frame], reporting_currency: str) -> Ledger:
    import polars as pl

    return Ledger(
        frames=frames,
        stage=lambda frame: memory.hold(memory.computed(frame)),
        lift=lambda rows: memory.keep(pl.DataFrame(pl.from_arrow(rows))),
        reporting_currency=reporting_currency,
        prepare=memory.prepared,
        rows=lambda frame: memory.computed(frame).as_arrow,
    )


@lru_cache(maxsize=256)
def _plan_of(step: Step, shapes: tuple[int, ...]) -> _Kept:
    schemas = list(_SHAPES)
    return _Kept(step, [dict(schemas[shape]) for shape in shapes])


# A plan holds this module from where Python's collector does not look, and the module the plan: at the end that circle is broken,
# or DuckDB complains on stderr, below the answer, of objects that nobody gave back.
atexit.register(_plan_of.cache_clear)


@cache
def _nothing_of(table: str) -> _Computed:
    """A canonical table without rows, on Polars."""
    import polars as pl

    return _Computed.of(pl.DataFrame(pl.from_arrow(_in_day_numbers(TABLES[table].arrow_schema.empty_table(), TABLES[table]))))


def _in_day_numbers(rows: pa.Table, table: Table) -> pa.Table:
    fields = [pa.field(column.name, pa.int32()) if column.kind == "date" else rows.schema.field(column.name)
              for column in table.columns]  # fmt: skip
    return rows.cast(pa.schema(fields))


def as_canonical(table: Table, rows: pa.Table) -> pa.Table:
    """The rows with the table's columns, order and types; a missing column becomes null, `known_on` the event's date."""
    columns = []
    for field in table.arrow_schema:
        if field.name in rows.column_names:
            columns.append(rows[field.name].cast(field.type))
        elif field.name == "known_on":
            columns.append(rows[table.event_on].cast(field.type))
        else:
            columns.append(pa.nulls(rows.num_rows, field.type))
    return pa.Table.from_arrays(columns, schema=table.arrow_schema)


def _day_numbers(relation: duckdb.DuckDBPyRelation, table: Table) -> duckdb.DuckDBPyRelation:
    return relation.project(
        ", ".join(
            f'cast("{column.name}" - date \'1970-01-01\' as integer) as "{column.name}"'
            if column.kind == "date"
            else f'"{column.name}"'
            for column in table.columns
        )
    )
