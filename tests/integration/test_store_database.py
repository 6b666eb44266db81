"""The database: migrated on SQLite and PostgreSQL, append-only for the application, closed to newer schemas."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from riskscore.errors import StorageFailed, UsageRefused
from riskscore.stores import audit, database, holds, orders, reviews
from riskscore.stores.access import tables as access_tables
from riskscore.stores.database import MODEL_APPROVALS, RUNS, TABLES, open_database, reading, writing

APPROVAL = {"name": "late", "version": "1", "digest": "a" * 64, "proposed_by": "ann", "recorded_at": "2026-06-30T00:00:00+00:00"}


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[], sa.Engine]]:
    """Opens the SQLite database of the test, as often as asked; closed at its end."""
    engines: list[sa.Engine] = []

    def again() -> sa.Engine:
        engines.append(open_database(f"sqlite:///{tmp_path / 'riskscore.db'}"))
        return engines[-1]

    yield again
    for engine in engines:
        engine.dispose()


def rows(engine: sa.Engine) -> list[tuple[object, ...]]:
    with reading(engine) as connection:
        return [tuple(row) for row in connection.execute(sa.select(MODEL_APPROVALS).order_by(MODEL_APPROVALS.c.sequence))]


def test_migrations_leave_exactly_the_declared_schema(engine):
    assert {audit.AUDIT, access_tables.ACCOUNTS, reviews.REVIEWS, orders.ANSWERS, holds.HOLDS} <= set(TABLES.sorted_tables), (
        "every room has declared its tables"
    )
    with reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), TABLES) == []


def test_opening_twice_changes_nothing(engine):
    with writing(engine) as connection:
        connection.execute(sa.insert(MODEL_APPROVALS).values(**APPROVAL, first=False))
    open_database(engine.url.render_as_string(hide_password=False)).dispose()

    assert len(rows(engine)) == 1


@pytest.mark.parametrize("statement", ["update model_approvals set name = 'other'", "delete from model_approvals"])
def test_the_application_cannot_change_or_delete_what_was_written(engine, statement):
    with writing(engine) as connection:
        connection.execute(sa.insert(MODEL_APPROVALS).values(**APPROVAL, first=False))
    before = rows(engine)

    with pytest.raises((sa.exc.IntegrityError, StorageFailed), match="append-only"), writing(engine) as connection:
        connection.execute(sa.text(statement))
    assert rows(engine) == before


def test_every_table_of_which_nothing_may_change_has_the_triggers_that_say_so(engine):
    wanted = {(table, verb) for table in TABLES.tables for verb in ("update", "delete") if table not in database.CHANGEABLE}
    with reading(engine) as connection:
        if engine.dialect.name == "sqlite":
            said = connection.exec_driver_sql("select lower(sql) from sqlite_master where type = 'trigger'").scalars()
            words = [each.split() for each in said if "append-only" in each]
            there = {(each[each.index("on") + 1], each[each.index("before") + 1]) for each in words}
        else:
            query = "select event_object_table, lower(event_manipulation) from information_schema.triggers"
            there = {tuple(row) for row in connection.exec_driver_sql(query)}

    assert wanted <= there


@pytest.mark.parametrize("table", ["model_comparisons", "model_rollbacks"])
def test_what_the_gate_found_and_who_rolled_back_stays(engine, table):
    with writing(engine) as connection:
        connection.execute(sa.insert(MODEL_APPROVALS).values(**APPROVAL, first=False))
        connection.execute(sa.insert(MODEL_APPROVALS).values(**APPROVAL, first=False))
        compared = {"digest": "c" * 64, "name": "late", "version": "1", "challenger": "a" * 64, "verdict": "held", "report": "{}"}
        connection.execute(sa.insert(TABLES.tables["model_comparisons"]).values(**compared, recorded_at="x"))
        back = {"name": "late", "newest": 2, "restored": 1, "rolled_back_by": "ann", "reason": "why", "recorded_at": "x"}
        connection.execute(sa.insert(TABLES.tables["model_rollbacks"]).values(**back))

    for statement in (f"update {table} set name = 'other'", f"delete from {table}"):
        with pytest.raises((sa.exc.IntegrityError, StorageFailed), match="append-only"), writing(engine) as connection:
            connection.execute(sa.text(statement))


def test_replacing_a_row_is_deleting_it(opened):
    engine = opened()
    run = {"run_id": "a" * 64, "manifest": "{}", "recorded_at": "x"}
    replace = "insert or replace into runs values (:run_id, '2026-06-30', 'forged', 'x')"
    with writing(engine) as connection:
        connection.execute(sa.text("insert into runs values (:run_id, '2026-06-30', :manifest, :recorded_at)"), run)

    with pytest.raises(sa.exc.IntegrityError, match="append-only"), writing(engine) as connection:
        connection.execute(sa.text(replace), run)
    with reading(engine) as connection:
        assert connection.execute(sa.select(RUNS.c.manifest)).scalar_one() == "{}"


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"approved_by": "ann", "first": False}, "four_eyes"),
        ({"first": True}, "first_is_approved"),
    ],
)
def test_the_database_itself_asks_for_two_people(engine, change, rule):
    with pytest.raises(sa.exc.IntegrityError, match=rule), writing(engine) as connection:
        connection.execute(sa.insert(MODEL_APPROVALS).values({**APPROVAL, **change}))


def test_only_one_version_of_a_name_is_the_first(engine):
    first = {**APPROVAL, "approved_by": "ann", "first": True}
    with writing(engine) as connection:
        connection.execute(sa.insert(MODEL_APPROVALS).values(first))
        connection.execute(sa.insert(MODEL_APPROVALS).values({**first, "name": "other"}))

    with pytest.raises(sa.exc.IntegrityError), writing(engine) as connection:
        connection.execute(sa.insert(MODEL_APPROVALS).values({**first, "version": "2"}))


def _write_and_crash(connection):
    connection.execute(sa.insert(MODEL_APPROVALS).values(**APPROVAL, first=False))
    raise RuntimeError("crash")


def test_failed_transaction_leaves_nothing(engine):
    with pytest.raises(RuntimeError, match="crash"), writing(engine) as connection:
        _write_and_crash(connection)
    assert rows(engine) == []


def test_newer_schema_is_refused_and_not_touched(engine):
    with writing(engine) as connection:
        connection.execute(sa.text("update alembic_version set version_num = '9999'"))

    with pytest.raises(UsageRefused, match="schema 9999 is newer than this version knows"):
        open_database(engine.url.render_as_string(hide_password=False))
    with reading(engine) as connection:
        assert connection.execute(sa.text("select version_num from alembic_version")).scalar_one() == "9999"


def test_migration_that_fails_halfway_leaves_no_table(tmp_path, monkeypatch):
    honest = database.command.upgrade

    def crash(*arguments):
        honest(*arguments)
        raise RuntimeError("killed")

    monkeypatch.setattr(database.command, "upgrade", crash)
    with pytest.raises(RuntimeError, match="killed"):
        open_database(f"sqlite:///{tmp_path / 'riskscore.db'}")

    with closing(sqlite3.connect(tmp_path / "riskscore.db")) as raw:
        assert raw.execute("select name from sqlite_master").fetchall() == []


def test_sqlite_is_opened_so_that_an_acknowledged_commit_survives_power_loss(opened):
    engine = opened()
    with reading(engine) as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"pragma {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }

    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.mark.parametrize("address", ["nonsense", "oracle://host/db"])
def test_address_that_cannot_be_understood_is_refused(address):
    with pytest.raises(UsageRefused, match="database address"):
        open_database(address)


def test_database_that_cannot_be_written_says_where_and_hides_the_password(tmp_path):
    with pytest.raises(StorageFailed, match="unable to open database file"):
        open_database(f"sqlite:///{tmp_path / 'absent' / 'riskscore.db'}")


def test_second_writer_gives_up_with_one_line(opened, monkeypatch):
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 50)
    one, other = opened(), opened()

    with writing(one), pytest.raises(StorageFailed, match="database is locked"), writing(other):
        pass
