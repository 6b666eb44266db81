"""Steps on DuckDB over few rows, each planned once and asked again of other rows: a plan costs many times what such rows cost."""

import atexit
from collections.abc import Sequence
from functools import cache, cached_property, lru_cache
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import duckdb
import narwhals.stable.v2 as nw
import pyarrow as pa

from riskscore.tables import DRAWN, Frame, Step, rows_of

FEW = 100_000
"""Rows up to which a kept plan is asked. It does not know how many rows it will read, so over many one of their own is better."""

WRITES_SQL = int(duckdb.__version__.partition(".")[0]) >= 2
"""Is the text of a relation the SQL it runs, so that it can be prepared? Before DuckDB 2 each question is planned anew."""


class Rows:
    """The rows that one ledger's DuckDB computed, and how a step is asked of them.

    Arrow in memory, not temporary tables: DuckDB scans it without a copy and no name has to be invented or dropped. What nobody
    asks for any more is let go.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._computed: WeakKeyDictionary[Any, pa.Table] = WeakKeyDictionary()

    def lift(self, rows: pa.Table) -> Frame:
        """The frame of rows that are there."""
        relation = self._connection.from_arrow(rows)
        self._computed[relation] = rows
        return nw.from_native(relation)

    def stage(self, frame: Frame) -> Frame:
        """The same rows, computed."""
        relation = frame.to_native()
        return frame if relation in self._computed else self.lift(relation.to_arrow_table())

    def rows(self, frame: Frame) -> pa.Table:
        """The rows of a frame, as Arrow."""
        known = self._computed.get(frame.to_native())
        return rows_of(frame) if known is None else known

    def prepare(self, step: Step, *frames: Frame) -> Frame:
        """What a step makes of these frames: of few rows that are there computed at once, else when it is asked for."""
        sources = [self._computed.get(frame.to_native()) for frame in frames]
        rows = [source for source in sources if source is not None]
        if len(rows) < len(sources) or sum(each.num_rows for each in rows) > FEW:
            return step(*frames)
        return self.lift(_plan_of(step, tuple(each.schema for each in rows))(rows))


class _Exchanged:
    """Rows that DuckDB reads through Arrow's own interface, and that can be others the next time."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self.rows = schema.empty_table()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.rows.__arrow_c_stream__(requested_schema)


class _Kept:
    """The plan of a step over sources whose rows are exchanged. Nobody's rows stay with it."""

    def __init__(self, step: Step, schemas: Sequence[pa.Schema]) -> None:
        self._is_drawn = step in DRAWN
        self._sources = [_Exchanged(schema) for schema in schemas]
        self._one_at_a_time = Lock()
        self._connection = _planning().cursor()
        self._relation = step(*(nw.from_native(self._connection.from_arrow(source)) for source in self._sources)).to_native()
        if WRITES_SQL:
            self._connection.execute(f"prepare kept as {self._relation.sql_query()}")

    def _asked(self) -> pa.Table:
        asked: Any = self._connection.sql("execute kept") if WRITES_SQL else self._relation
        made: pa.Table = asked.to_arrow_table()
        return made

    @cached_property
    def _of_nothing(self) -> pa.Table:
        return self._asked()

    def __call__(self, rows: Sequence[pa.Table]) -> pa.Table:
        """What the step makes of these rows. To wait while somebody else asks takes less than to make another plan."""
        with self._one_at_a_time:
            if all(each.num_rows == 0 for each in (rows[:1] if self._is_drawn else rows)):
                return self._of_nothing
            for source, each in zip(self._sources, rows, strict=True):
                source.rows = each
            try:
                return self._asked()
            finally:
                for source in self._sources:
                    source.rows = source.schema.empty_table()


@lru_cache(maxsize=256)
def _plan_of(step: Step, schemas: tuple[pa.Schema, ...]) -> _Kept:
    return _Kept(step, schemas)


@cache
def _planning() -> duckdb.DuckDBPyConnection:
    """The database in which plans are kept: it holds no rows."""
    connection = duckdb.connect()
    connection.execute("set enable_progress_bar = false")
    return connection


# At the end nothing of DuckDB may be held from where Python's collector does not look: it would complain on stderr.
atexit.register(_planning.cache_clear)
atexit.register(_plan_of.cache_clear)
