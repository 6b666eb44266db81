"""The database of decisions and approvals: its tables, how it is opened, and how one reads and writes it.

SQLite by default, PostgreSQL where a company has one; the tables and the migrations are the same. Every table is append-only:
the database itself refuses to change or delete a row, so a correction is a new row.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import ConnectionPoolEntry

from riskscore.errors import StorageFailed, UsageRefused

TABLES = sa.MetaData(
    naming_convention={
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)
"""What the newest migration leaves behind; a test compares the two."""

RUNS = sa.Table(
    "runs",
    TABLES,
    sa.Column("run_id", sa.String(64), primary_key=True, comment="SHA-256 of the manifest"),
    sa.Column("as_of", sa.Date, nullable=False),
    sa.Column("manifest", sa.Text, nullable=False, comment="canonical JSON: what went into the run"),
    sa.Column("recorded_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
)

DECISIONS = sa.Table(
    "decisions",
    TABLES,
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False, comment="place in the chain, from 1, no gaps"),
    sa.Column("decision_id", sa.String(32), nullable=False, unique=True),
    sa.Column("run_id", sa.String(64), sa.ForeignKey("runs.run_id"), nullable=False),
    sa.Column("customer_id", sa.Text, nullable=False),
    sa.Column("as_of", sa.Date, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("record", sa.Text, nullable=False, comment="canonical JSON of the decision; holds no name"),
    sa.Column("digest", sa.String(64), nullable=False, comment="SHA-256 of the record"),
    sa.Column("previous", sa.String(64), nullable=False, unique=True, comment="link of the row before: two rows cannot share it"),
    sa.Column("link", sa.String(64), nullable=False, unique=True, comment="SHA-256 over previous, sequence and every fact"),
    sa.Column("recorded_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
    sa.CheckConstraint("status in ('scored', 'referred', 'not_scored')", name="status"),
    sa.UniqueConstraint("run_id", "customer_id", name="uq_decisions_run_customer"),
    sa.Index("ix_decisions_customer", "customer_id", "as_of"),
)

COMPLETIONS = sa.Table(
    "completions",
    TABLES,
    sa.Column("run_id", sa.String(64), sa.ForeignKey("runs.run_id"), primary_key=True),
    sa.Column("n_decisions", sa.Integer, nullable=False),
    sa.Column("recorded_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
)
"""A run is complete when it has its row here; readers look at no other run."""

MODEL_COMPARISONS = sa.Table(
    "model_comparisons",
    TABLES,
    sa.Column("digest", sa.String(64), primary_key=True, comment="SHA-256 of the report"),
    sa.Column("name", sa.String(100), nullable=False, comment="registered model name"),
    sa.Column("version", sa.String(40), nullable=False, comment="the version proposed"),
    sa.Column("challenger", sa.String(64), nullable=False, comment="digest of the proposed model"),
    sa.Column("champion", sa.String(64), comment="digest of the model in force; null: there was none"),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("report", sa.Text, nullable=False, comment="canonical JSON: every check with its numbers; holds no customer"),
    sa.Column("recorded_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
    sa.CheckConstraint("verdict in ('passed', 'held')", name="verdict"),
)

MODEL_APPROVALS = sa.Table(
    "model_approvals",
    TABLES,
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("name", sa.String(100), nullable=False, comment="registered model name"),
    sa.Column("version", sa.String(40), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, comment="SHA-256 of the model's manifest"),
    sa.Column("proposed_by", sa.Text, nullable=False),
    sa.Column("approved_by", sa.Text, comment="null: proposed, not approved; the approval is a second row"),
    sa.Column("first", sa.Boolean, nullable=False, comment="the one approval a person may give alone: the first of a name"),
    sa.Column("recorded_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
    sa.Column("comparison", sa.String(64), sa.ForeignKey("model_comparisons.digest")),
    sa.Column("release_reason", sa.Text, comment="why a held version was let through"),
    sa.Column("expires_on", sa.Date, comment="last day it scores; null: 400 days from approval"),
    # The proposal that an approval uses up; null: a proposal, the first, or a row from before the column. A trigger asks for it.
    sa.Column("proposal", sa.Integer, sa.ForeignKey("model_approvals.sequence")),
    sa.CheckConstraint("approved_by is null or first or approved_by <> proposed_by", name="four_eyes"),
    sa.CheckConstraint("approved_by is not null or not first", name="first_is_approved"),
    sa.Index("ix_model_approvals_digest", "digest"),
    sa.Index("uq_model_approvals_proposal", "proposal", unique=True),
    sa.Index("uq_model_approvals_first", "name", unique=True, sqlite_where=sa.text("first"), postgresql_where=sa.text("first")),
)

MODEL_ROLLBACKS = sa.Table(
    "model_rollbacks",
    TABLES,
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("name", sa.String(100), nullable=False, comment="registered model name"),
    sa.Column(
        "newest",
        sa.Integer,
        sa.ForeignKey("model_approvals.sequence"),
        nullable=False,
        comment="the newest approval at the time; a later one ends the rollback",
    ),
    sa.Column(
        "restored",
        sa.Integer,
        sa.ForeignKey("model_approvals.sequence"),
        nullable=False,
        comment="the approval in force from now on",
    ),
    sa.Column("rolled_back_by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
    sa.Column("newest_row", sa.Integer, comment="newest row of the model's approvals then; proposals up to it are closed"),
    sa.CheckConstraint("restored < newest", name="backwards"),
)
"""A rollback holds until the next approval of the name."""

SIGNED_TEXTS = sa.Table(
    "signed_texts",
    TABLES,
    sa.Column("digest", sa.String(64), primary_key=True, comment="what a manifest names it by"),
    sa.Column("kind", sa.String(16), nullable=False, comment="policy or grades"),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
)
"""The texts decisions were made with, kept as long as the decisions: without them none could be made again."""

ANSWERS = sa.Table(
    "answers",
    TABLES,
    sa.Column("principal", sa.String(200), primary_key=True, comment="who asked"),
    sa.Column("idempotency_key", sa.String(200), primary_key=True, comment="chosen by who asked"),
    sa.Column("request", sa.String(64), nullable=False, comment="hash of the request, keyed for applicants"),
    sa.Column("decision_id", sa.String(32), sa.ForeignKey("decisions.decision_id"), nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("body", sa.Text, nullable=False, comment="the first answer, byte for byte; holds no name"),
    sa.Column("recorded_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
    sa.CheckConstraint("outcome in ('approve', 'conditional', 'refer', 'decline')", name="outcome"),
    sa.Index("ix_answers_decision_id", "decision_id"),
)
"""What was answered through the API, once per principal and idempotency key."""

APPLICANTS = sa.Table(
    "applicants",
    TABLES,
    sa.Column("applicant_id", sa.String(64), primary_key=True, comment="random; what the decision calls the applicant"),
    sa.Column("salt", sa.String(64), nullable=False, comment="goes with the row: the hash in the record then says nothing"),
    sa.Column("application", sa.Text, nullable=False, comment="canonical JSON of what was sent: personal data"),
    sa.Column("recorded_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
)
"""Personal data, outside every chain and erasable: the one table here whose rows may go."""

APP_ROLE = "riskscore_app"
"""The PostgreSQL role that servers and runs use; the owner of the database makes it, see the how-to on deploying."""

CHANGEABLE = {
    "applicants": "delete",
    "accounts": "update",
    "invitations": "delete",
    "sessions": "update, delete",
    "tokens": "update",
    "sign_in_failures": "delete",
}
"""What that role may do besides reading and appending: erase applicants, keep accounts and sessions."""

MIGRATION_LOCK = 7_215_420_011  # any constant: PostgreSQL's advisory lock that keeps two openers from migrating at once
BUSY_TIMEOUT_MS = 10_000  # how long a writer waits for another writer's chunk before it gives up


def open_database(url: str) -> Engine:
    """The database at that SQLAlchemy address, created where there is none, its schema brought to this version's.

    Raises UsageRefused for an address that cannot be understood and for a schema newer than this version of the product;
    StorageFailed where the database cannot be reached or written.
    """
    try:
        engine = sa.create_engine(url, hide_parameters=True, **_patience(url))
    except (sa.exc.ArgumentError, ImportError) as error:
        raise UsageRefused(f"database address {url.partition('://')[0]}://...: {error}") from error
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    try:
        _migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _patience(url: str) -> dict[str, Any]:
    """What makes a PostgreSQL client find out by itself that nobody is there any more; what the address says counts first.

    A server whose machine is gone or whose line is cut sends no goodbye: without it a thread would wait for a quarter of an hour.
    """
    address = sa.make_url(url)
    if not address.get_driver_name().startswith("psycopg"):
        return {}
    probes = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}  # seconds, seconds, unanswered probes
    wanted = {"connect_timeout": 5, "tcp_user_timeout": 10_000, **probes}
    return {
        "connect_args": {name: value for name, value in wanted.items() if name not in address.query},
        "max_overflow": 25,  # no thread of a server waits for another one's connection
    }


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that writes: all of it or nothing. SQLite takes the write lock at its start, so what was read still holds.

    Raises StorageFailed where the database does not take it (full disk, another writer for too long, connection lost).
    """
    with _storage_errors(engine), engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent view for reading; it waits for no writer. Raises StorageFailed where the database does not answer."""
    with _storage_errors(engine), engine.connect().execution_options(reads_only=True) as connection:
        yield connection


@contextmanager
def _storage_errors(engine: Engine) -> Iterator[None]:
    try:
        yield
    except sa.exc.IntegrityError:
        raise  # a broken rule of the schema is the caller's to explain
    except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise StorageFailed(
            f"{engine.url.render_as_string(hide_password=True)}: {cause}. Nothing of this step was written; run it again."
        ) from error


def _migrate(engine: Engine) -> None:
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        script = _scripts()
        there = MigrationContext.configure(connection).get_current_revision()
        if there is not None and there not in {revision.revision for revision in script.walk_revisions()}:
            raise UsageRefused(
                f"{engine.url.render_as_string(hide_password=True)}: schema {there} is newer than this version knows "
                f"({script.get_current_head()}). Nothing was touched. Install the newer version of riskscore."
            )
        if there != script.get_current_head():
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            _let_the_application_append(connection)


def _let_the_application_append(connection: Connection) -> None:
    """Where a PostgreSQL server has a role of `APP_ROLE`, it may read and append; it changes and deletes only what a table says.

    The migrations are run by the owner of the tables, the server and the runs as that role: then no fault of theirs can change
    what was recorded, and the triggers are a second lock and not the only one.
    """
    if connection.dialect.name != "postgresql":
        return
    if connection.exec_driver_sql("select 1 from pg_roles where rolname = %s", (APP_ROLE,)).one_or_none() is None:
        return
    connection.exec_driver_sql(f"grant usage on schema public to {APP_ROLE}")
    connection.exec_driver_sql(f"grant select, insert on all tables in schema public to {APP_ROLE}")
    connection.exec_driver_sql(f"grant usage on all sequences in schema public to {APP_ROLE}")
    connection.exec_driver_sql(f"revoke insert on alembic_version from {APP_ROLE}")
    for table, verbs in CHANGEABLE.items():
        connection.exec_driver_sql(f"grant {verbs} on {table} to {APP_ROLE}")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("riskscore.stores") / "migrations"))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _prepare_sqlite(connection: Any, _: ConnectionPoolEntry) -> None:
    # sqlite3 would open transactions by its own rules, and not around DDL; `_begin_sqlite` opens every one instead.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",  # NORMAL can lose an acknowledged commit at power loss
        "foreign_keys = ON",
        "secure_delete = ON",  # what is erased is overwritten, not only unlinked
        "recursive_triggers = ON",  # without it INSERT OR REPLACE deletes the old row unseen by the append-only triggers
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE unless a reader says so: reading the head of the chain and appending to it must be one locked step.
    reads_only = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
