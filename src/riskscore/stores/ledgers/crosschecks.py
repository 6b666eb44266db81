"""What can only be seen beside other rows: duplicates, contradictions, orphans, missing rates. Out of core, in DuckDB.

Every candidate, whether it stands in the book, is held from an earlier run or is new, is judged afresh. So the verdict depends
on what was delivered and not on the order it was delivered in: a payment that came before its invoice is an orphan until the
invoice comes. Ids are compared by their match key (the same characters, blanks around them apart), and kept as they were written.
"""

# ruff: noqa: S608 - the names in these statements are our own tables' and columns', and values are quoted or bound.

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from riskscore.stores.engines import connect
from riskscore.stores.ledgers.sql import text
from riskscore.tables import MONEY, TABLES, Table

BOOK, HELD, NEW = 0, 1, 2
"""Where a candidate stood before this run. Of equal rows the one that was there first stays."""

WRITTEN = ("_reading", "_line", "_from_event", "_derived", "_came")
PROVENANCE = (*WRITTEN, "_raw")
"""What stands beside a candidate; an accepted row needs its text no more."""

OWN_CURRENCY = ("limits", "securities", "statements")
OF_INVOICES = ("settlements", "disputes")


def key_of(column: str, prefix: str = "") -> str:
    """SQL for what an id is compared by."""
    return f'nfc_normalize(trim({prefix}"{column}"))'


ORIGINS = pa.schema([("_reading", pa.int32()), ("_line", pa.int64()), ("_from_event", pa.bool_()), ("_derived", pa.bool_())])
"""What the book keeps of where a row came from: the reading (its place in the manifest's list), the line, whether `known_on`
was taken from the event's date, whether it was derived from a row of another table."""

HELD_BESIDE = pa.schema([*ORIGINS, ("_raw", pa.string()), ("_reason", pa.string()), ("_column", pa.string())])
"""The same for a row that is held, with its text and why; without a reason it only waits for a delivered row to be
contradicted."""


SQL_TYPES = {pa.string(): "varchar", pa.date32(): "date", MONEY: "decimal(18, 4)", pa.float64(): "double", pa.bool_(): "boolean"}
BESIDE_TYPES = [
    ("_reading", "integer"),
    ("_line", "bigint"),
    ("_from_event", "boolean"),
    ("_derived", "boolean"),
    ("_came", "integer"),
    ("_raw", "varchar"),
]


ROWS_COMPARED = 200_000
"""Rows compared in full at a time."""


def _columns(table: Table, beside: Sequence[str]) -> str:
    return ", ".join([*(f'"{column}"' for column in table.names), *beside])


def judge(connection: duckdb.DuckDBPyConnection, there: set[str], *, reporting_currency: str, rate_days: int) -> None:
    """From the views `candidate_<table>` make `accepted_<table>`, `held_<table>` (with _reason, _column) and `repeated_<table>`.

    there: the tables that have candidates; of the others there is an empty one each.

    Candidates have the canonical columns and those of PROVENANCE. Accepted rows have the ids of the rows they refer to.
    """
    for name, table in TABLES.items():
        if name in there:
            _part_by_key(connection, table)
        else:
            _nothing(connection, table)
    if "customers" in there:
        _customers(connection)
    if "invoices" in there:
        _invoices(connection, reporting_currency, rate_days)
    for name in there.intersection(OF_INVOICES):
        _of_invoices(connection, TABLES[name])
    for name in there.intersection(OWN_CURRENCY):
        _rated(connection, TABLES[name], f"single_{name}", reporting_currency, rate_days)
    for name in there.intersection(("ratings", "rates")):
        connection.execute(f"create table accepted_{name} as select {_columns(TABLES[name], WRITTEN)} from single_{name}")
    _one_form_per_customer(connection)


def _nothing(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """The same tables for one that nobody delivered anything of."""
    kinds = [(field.name, SQL_TYPES[field.type]) for field in table.arrow_schema]
    empty = ", ".join(f"cast(null as {kind}) as {column}" for column, kind in [*kinds, *BESIDE_TYPES])
    reason = "'' as _reason, '' as _column"
    connection.execute(
        f"""
        create table accepted_{table.name} as select {empty} where false;
        create table judged_{table.name} as select *, false as clashes, 1 as nth_whole from accepted_{table.name};
        create table held_{table.name} as select *, {reason} from accepted_{table.name};
        create view single_{table.name} as select * from accepted_{table.name};
        create view repeated_{table.name} as select * from accepted_{table.name};
        """
    )


def _part_by_key(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """`single_`: one row per key and content; `held_`: contradictions; `repeated_`: rows that say nothing new."""
    name = table.name
    keys = [key_of(column) if table.column(column).kind == "id" else f'"{column}"' for column in table.key]
    later = [column.name for column in table.columns if column.fills_later]
    said = [f'"{column.name}"' for column in table.columns if not column.filled and not column.fills_later]
    whole = [*said, *(f'"{column}"' for column in later)]
    first = ", ".join([*(f'"{column}" nulls last' for column in later), "_came", "_reading", "_line"])
    rows = f"(select * from candidate_{name} where not _derived)" if name == "customers" else f"candidate_{name}"
    hashed = f"hash({', '.join(keys)})"
    clash = " or ".join(["n_contents > 1", *(f"first_{column} is distinct from last_{column}" for column in later)])
    ends = "".join(f', min("{c}") over k as first_{c}, max("{c}") over k as last_{c}' for c in later)
    # Keys are first counted by hash, which is small; only rows that share one are compared in full.
    connection.execute(f"create table shared_{name} as select {hashed} as h from {rows} group by h having count(*) > 1")
    connection.execute(
        f"""create table suspect_{name} as
        select *, {hashed} as h from {rows} where {hashed} in (select h from shared_{name}) order by h"""
    )
    judged = f"""
        with ranked as (
            select *, dense_rank() over (partition by {", ".join(keys)} order by {", ".join(said)}) as content{ends},
                row_number() over (partition by {", ".join(keys)}, {", ".join(said)} order by {first}) as nth_said,
                row_number() over (partition by {", ".join(keys)}, {", ".join(whole)} order by _came, _reading, _line) as
                nth_whole
            from suspect_{name} where h between {{low}} and {{high}}
            window k as (partition by {", ".join(keys)})
        ), counted as (select *, max(content) over (partition by {", ".join(keys)}) as n_contents from ranked)
        select *, {clash} as clashes from counted
        """
    # Windows are held in memory, so a delivery that repeats a whole book is compared in slices of keys.
    connection.execute(f"create table judged_{name} as {judged.format(low=1, high=0)}")
    for low, high in _slices(connection, name):
        connection.execute(f"insert into judged_{name} {judged.format(low=low, high=high)}")
    columns = _columns(table, PROVENANCE)
    connection.execute(
        f"""
        create view single_{name} as
        select {columns} from {rows} where {hashed} not in (select h from shared_{name})
        union all select {columns} from judged_{name} where not clashes and nth_said = 1
        """
    )
    connection.execute(
        f"""create table held_{name} as
        select {columns}, 'conflicting_duplicate' as _reason, '{table.key[0]}' as _column
        from judged_{name} where clashes and nth_whole = 1"""
    )
    connection.execute(
        f"""create table repeated_{name} as
        select {columns} from judged_{name} where nth_said > 1 and not clashes or nth_whole > 1 and clashes"""
    )


def _slices(connection: duckdb.DuckDBPyConnection, name: str) -> Iterator[tuple[int, int]]:
    """Ranges of key hashes that hold about `ROWS_COMPARED` suspects each."""
    n_rows = int(connection.sql(f"select count(*) from suspect_{name}").fetchall()[0][0])
    n_slices = -(-n_rows // ROWS_COMPARED)
    for number in range(n_slices):
        yield number * 2**64 // n_slices, (number + 1) * 2**64 // n_slices - 1


def _customers(connection: duckdb.DuckDBPyConnection) -> None:
    """Delivered customer rows; for customers without any the derived ones, each content from the day it was first seen."""
    table = TABLES["customers"]
    said = ", ".join(f'"{column}"' for column in table.names if column != "known_on")
    first = ", ".join(f"{column} := {column}" for column in ("known_on", "_came", "_reading", "_line", "_from_event", "_derived"))
    connection.execute(
        f"""
        create table derived_customers as
        with seen as (
            select {said}, unnest(min(struct_pack({first}))) from candidate_customers where _derived group by {said}
        ), daily as (
            select *, row_number() over (partition by {key_of("customer_id")}, known_on order by {said}) as nth_of_day from seen
        )
        select {_columns(table, WRITTEN)}, nth_of_day = 1 and {key_of("customer_id")} not in (
            select {key_of("customer_id")} from candidate_customers where not _derived
        ) as stands from daily
        """
    )
    connection.execute(
        f"""create table accepted_customers as
        select {_columns(table, WRITTEN)} from single_customers
        union all select {_columns(table, WRITTEN)} from derived_customers where stands"""
    )
    # Kept, though they do not stand now, because they would if the delivered row turned out to be contradicted elsewhere.
    kept = _columns(table, WRITTEN)
    connection.execute(f"insert into held_customers select {kept}, null, null, null from derived_customers where not stands")


def _invoices(connection: duckdb.DuckDBPyConnection, reporting_currency: str, rate_days: int) -> None:
    """Invoices whose derived settlement is contradicted are held with it: alone they would look unpaid."""
    columns = _columns(TABLES["invoices"], PROVENANCE)
    connection.execute(
        f"""create table tainted as
        select distinct {key_of("invoice_id")} as k from judged_settlements where clashes and _derived"""
    )
    connection.execute(
        f"""insert into held_invoices select {columns}, 'conflicting_duplicate', 'settlements.settled_on'
        from single_invoices where {key_of("invoice_id")} in (select k from tainted)"""
    )
    # The second of two lines that differ in their payment only says the same of the invoice, but it is no exact duplicate.
    clashing = "(select _reading, _line from judged_settlements where clashes and _derived and nth_whole = 1)"
    connection.execute(
        f"""insert into held_invoices select {columns}, 'conflicting_duplicate', 'settlements.settled_on'
        from repeated_invoices where (_reading, _line) in {clashing}"""
    )
    connection.execute(f"delete from repeated_invoices where (_reading, _line) in {clashing}")
    connection.execute(
        f"""create view untainted_invoices as
        select * from single_invoices where {key_of("invoice_id")} not in (select k from tainted)"""
    )
    _rated(connection, TABLES["invoices"], "untainted_invoices", reporting_currency, rate_days)


def _rated(connection: duckdb.DuckDBPyConnection, table: Table, rows: str, reporting_currency: str, rate_days: int) -> None:
    """Rows in the reporting currency, or with a rate to it that was in force, and not stale, on the day the row became known."""
    name = table.name
    columns = _columns(table, PROVENANCE)
    connection.execute(
        f"""
        create table unrated_{name} as
        with wanted as (select distinct currency, known_on from {rows} where currency <> $1)
        select currency, known_on from wanted anti join single_rates as rates
        on rates.currency = wanted.currency and rates.to_currency = $1
        and rates.rated_on <= wanted.known_on and rates.rated_on >= wanted.known_on - {rate_days:d}
        """,
        [reporting_currency],
    )
    unrated = f"unrated_{name} using (currency, known_on)"
    connection.execute(f"create table accepted_{name} as select {_columns(table, WRITTEN)} from {rows} anti join {unrated}")
    connection.execute(f"insert into held_{name} select {columns}, 'no_rate', 'currency' from {rows} semi join {unrated}")


def _of_invoices(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Rows that name an accepted invoice, with its id as the invoice writes it and its customer; the others are orphans."""
    name = table.name
    taken = {"invoice_id": "i.invoice_id", "customer_id": "i.customer_id"}
    columns = ", ".join([*(f'{taken.get(c, f"r.{c}")} as "{c}"' for c in table.names), *(f"r.{c}" for c in WRITTEN)])
    joined = f"single_{name} as r left join accepted_invoices as i on {key_of('invoice_id', 'r.')} = {key_of('invoice_id', 'i.')}"
    connection.execute(f"create table joined_{name} as select {columns} from {joined}")
    connection.execute(f"create view accepted_{name} as select * from joined_{name} where invoice_id is not null")
    connection.execute(
        f"""insert into held_{name} select {_columns(table, PROVENANCE)}, 'orphan', 'invoice_id' from single_{name} as r
        semi join (select _came, _reading, _line from joined_{name} where invoice_id is null) as o
        on r._came = o._came and r._reading = o._reading and r._line = o._line"""
    )


def _one_form_per_customer(connection: duckdb.DuckDBPyConnection) -> None:
    """`customer_forms`: for customer ids that were written in several ways, the one (first in byte order) they all take."""
    forms = " union ".join(
        f"select customer_id from accepted_{name}" for name in TABLES if name not in OF_INVOICES and name != "rates"
    )
    connection.execute(
        f"""
        create table customer_forms as
        with forms as (select customer_id as form from ({forms} union select parent_id from accepted_customers where parent_id
        is not null)), keyed as (select form, min(form) over (partition by {key_of("form")}) as stands from forms)
        select form, stands from keyed where form <> stands
        """
    )


def open_workspace(folder: Path, memory: str) -> duckdb.DuckDBPyConnection:
    """A DuckDB of this run's own, on disk, that spills rather than grows.

    Two threads: each has buffers of its own, so on a machine of many cores more of them would not fit into the memory.
    """
    connection = connect(folder / f"{memory}.duckdb")
    settings: Mapping[str, str] = {
        "memory_limit": memory,
        "threads": "2",
        "temp_directory": str(folder / "spill"),
        "preserve_insertion_order": "false",
    }
    for name, value in settings.items():
        connection.execute(f"set {name} = {text(value)}")
    # One transaction that is never committed: what is computed here is thrown away, so nothing of it has to be flushed.
    connection.execute("begin transaction")
    return connection
