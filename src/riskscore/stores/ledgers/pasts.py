"""What a delivery does to the past a book knew: whose payment moves, goes, or is said to have come long ago; counted per source.

A book only grows, so there are three ways to change what became of an old invoice: another row under the same key (both are set
aside, and the invoice looks unpaid or is gone), a row that lets its invoice go (a contradicted rate), and a booking dated back.
Both versions are compared as they are, whichever way it was. An invoice is compared where the version before knew its fate: it
was settled, or due, by the last day on which that version knew a settlement of the same source. Of the version to come only what
is dated up to that day counts: what came later is no news about the past. What is settled, written off and cancelled is what the
states of an invoice mean by it (`snapshot.states`).
"""

# ruff: noqa: S608 - the names in these statements are our own tables' and columns', and values are quoted or bound.

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from riskscore.positions import MATERIAL_WRITE_OFF
from riskscore.snapshot.states import RESIDUAL
from riskscore.stores.ledgers.crosschecks import BOOK, NEW, key_of

LATE_DAYS = 31
"""A settlement that the book learns of at most so long after its date was booked late; a later one tells of another past.
Bank statements and cheques are booked within days, what is posted once a month within this."""

DATED = re.compile(r"(19|20)\d\d([-_.]?\d\d){0,5}(?!\d)")
"""A date in the name of a file, from the year on."""

EXAMPLES = 3


@dataclass(frozen=True)
class Past:
    """What a delivery makes of the past of one source: the invoices that came in files of one name, dates in it apart.

    known_until: the last day on which the version before knew a settlement of these invoices. compared: invoices it knew, settled
    or due by then. overdue: those of them that were open. rewritten: those whose settlement, write-off, cancellation or due date
    is another one now, that are gone, or that were open and are now closed more than `LATE_DAYS` before that day. booked_late:
    the others that were open and are now closed by that day.
    """

    source: str
    known_until: date
    compared: int
    overdue: int
    rewritten: int
    booked_late: int

    def as_json(self) -> dict[str, Any]:
        """The same as plain data, for a manifest."""
        return {**vars(self), "known_until": self.known_until.isoformat()}


def source_of(name: str) -> str:
    """The source a file belongs to: its name with a `*` for the date in it, so that each month's file is of one source.

    >>> source_of("invoices_2026-06-30.csv"), source_of("invoices_202606.csv"), source_of("plant_1000.csv")
    ('invoices_*.csv', 'invoices_*.csv', 'plant_1000.csv')
    """
    return DATED.sub("*", name)


def compare_pasts(connection: duckdb.DuckDBPyConnection, there: set[str], readings: Sequence[Mapping[str, Any]]) -> list[Past]:
    """Compare what the book said of the past with what its next version says; sorted by source. Leaves the table `changed`.

    Needs the candidates and what `judge` made of them. there: the tables that have candidates. readings: the list of the next
    version. A source of which the book knew no settlement is left out: it could not know what became of its invoices.
    """
    _stood(connection, there, readings)
    _changed(connection)
    found = connection.sql(
        """
        select source, any_value(until), count(*), count(*) filter (is_open), count(*) filter (verdict = 'rewritten'),
               count(*) filter (verdict = 'booked late')
        from compared left join changed using (k, source) group by source order by source
        """
    ).fetchall()
    return [Past(*row) for row in found]


def _stood(connection: duckdb.DuckDBPyConnection, there: set[str], readings: Sequence[Mapping[str, Any]]) -> None:
    """`stood`: invoices of the book with their source; `said`: every settlement of them, in the book and in its next version."""
    invoices, settlements = (f"candidate_{name}" if name in there else f"accepted_{name}" for name in ("invoices", "settlements"))
    names = [source_of(str(reading["name"])) for reading in readings]
    connection.register("sources_arrow", pa.table({"number": pa.array(range(len(names)), pa.int32()), "source": names}))
    connection.execute("create table invoice_sources as select * from sources_arrow")
    connection.unregister("sources_arrow")
    connection.execute(
        f"""
        create table stood as
        select {key_of("invoice_id")} as k, invoice_id, source, due_on, amount
        from {invoices} join invoice_sources on number = _reading where _came = {BOOK} and amount > 0;
        create view booked as
        select {key_of("invoice_id")} as k, settled_on, known_on, kind, amount from {settlements} where _came = {BOOK};
        create view to_be_booked as
        select {key_of("invoice_id")} as k, settled_on, known_on, kind, amount from accepted_settlements;
        create table known_until as
        select source, max(known_on) as until from stood join booked using (k) group by source;
        create view said as
        select k, settled_on, kind, s.amount, before from (
            select *, true as before from booked union all select *, false as before from to_be_booked
        ) as s join stood using (k) join known_until using (source) where settled_on <= until
        """
    )


def _changed(connection: duckdb.DuckDBPyConnection) -> None:
    """`compared`: invoices whose fate the book knew; `changed`: those it is another one of, was and now, with the verdict.

    Sums of hashes tell which invoices have other settlements than before; what became of an invoice is worked out for those only.
    """
    connection.execute(
        f"""
        create table compared as
        with sums as (
            select k, sum(amount) filter (before) as paid,
                   sum(cast(hash(settled_on, kind, amount) as hugeint) * (case when before then 1 else -1 end)) <> 0 as touched
            from said group by k
        )
        select k, invoice_id, source, until, due_on, amount, coalesce(touched, false) as touched,
               (amount - coalesce(paid, 0)) * {RESIDUAL} > amount as is_open
        from stood join known_until using (source) left join sums using (k)
        where not is_open or due_on < until;
        create table moved as
        select c.*, n.due_on as due_now from compared as c left join (
            select {key_of("invoice_id")} as k, due_on from accepted_invoices
        ) as n using (k) where touched or n.due_on is distinct from c.due_on;
        create table fates as
        with days as (
            select k, before, settled_on, any_value(m.amount) as billed, sum(said.amount) as amount,
                   coalesce(sum(said.amount) filter (kind = 'write_off'), 0) as lost,
                   coalesce(sum(said.amount) filter (kind = 'credit_note'), 0) as credited
            from said join moved as m using (k) group by k, before, settled_on
        ), running as (
            select *, sum(amount) over (partition by k, before order by settled_on) as paid from days
        ), marked as (
            select *, max(case when (billed - paid) * {RESIDUAL} > billed then settled_on end)
                      over (partition by k, before) as last_open from running
        )
        select k, before, min(settled_on) filter (last_open is null or settled_on > last_open) as settled_on,
               case when sum(lost) > 0 and sum(lost) * {MATERIAL_WRITE_OFF} >= any_value(billed)
                    then max(settled_on) filter (lost > 0) end as lost_on,
               case when (any_value(billed) - sum(credited)) * {RESIDUAL} <= any_value(billed)
                    then max(settled_on) filter (credited > 0) end as cancelled_on
        from marked group by k, before;
        create table changed as
        with pairs as (
            select m.*, was.settled_on as was_settled, was.lost_on as was_lost, was.cancelled_on as was_cancelled,
                   now.settled_on as now_settled, now.lost_on as now_lost, now.cancelled_on as now_cancelled
            from moved as m left join fates as was on was.k = m.k and was.before left join fates as now on now.k = m.k
            and not now.before
        )
        select k, source, invoice_id, due_on, due_now, was_settled, was_lost, was_cancelled, now_settled, now_lost, now_cancelled,
               case when due_now is distinct from due_on or coalesce(was_settled, was_lost, was_cancelled) is not null
                      or until - least(now_settled, now_lost, now_cancelled) > {LATE_DAYS}
                    then 'rewritten' else 'booked late' end as verdict
        from pairs where due_now is distinct from due_on or was_settled is distinct from now_settled
        or was_lost is distinct from now_lost or was_cancelled is distinct from now_cancelled
        """
    )


def examples_of(connection: duckdb.DuckDBPyConnection, source: str, verdict: str) -> str:
    """Some of the changed invoices of a source, what was and what is said now, in words."""
    rows = connection.execute(
        f"""select invoice_id, due_on, due_now, [was_settled, was_lost, was_cancelled], [now_settled, now_lost, now_cancelled]
        from changed where source = $1 and verdict = $2 order by k limit {EXAMPLES}""",
        [source, verdict],
    ).fetchall()
    return "; ".join(_told(*row) for row in rows)


def files_behind(
    connection: duckdb.DuckDBPyConnection, there: set[str], readings: Sequence[Mapping[str, Any]], past: Past
) -> str:
    """The names of delivered files that hold rows of changed invoices of a source; empty where a file of rates did it."""
    asked = " union ".join(
        f"""select _reading from candidate_{name} where _came = {NEW}
        and {key_of("invoice_id")} in (select k from changed where source = $1)"""
        for name in ("invoices", "settlements")
        if name in there
    )
    found = connection.execute(f"select _reading from ({asked})", [past.source]).fetchall()
    return ", ".join(sorted({str(readings[number]["name"]) for (number,) in found}))


def _told(invoice: str, due: date, due_now: date | None, was: list[date | None], now: list[date | None]) -> str:
    if due_now is None:
        return f"{invoice}: {_fate(was)} -> no longer there"
    return f"{invoice}: {_fate(was)} -> {_fate(now)}" + ("" if due_now == due else f", due {due_now} and not {due}")


def _fate(days: list[date | None]) -> str:
    """When it was settled, written off and cancelled, in words."""
    words = zip(("settled", "written off", "cancelled"), days, strict=True)
    return ", ".join(f"{word} {day}" for word, day in words if day is not None) or "open"
