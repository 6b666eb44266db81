"""The audit log: who changed what, appended in the transaction of the change, chained by hash, never changed.

It answers for everything that is not itself a decision: accounts, sessions, tokens, reviews. It holds account names and ids,
never a password, a token or personal data of customers.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from riskscore.decisions import canonical_bytes
from riskscore.errors import StorageFailed
from riskscore.stores.database import TABLES, reading

AUDIT = sa.Table(
    "audit",
    TABLES,
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False, comment="place in the chain, from 1, no gaps"),
    sa.Column("actor", sa.String(100), nullable=False, comment="account that did it; `operator`: whoever has the shell"),
    sa.Column("action", sa.String(40), nullable=False),
    sa.Column("subject", sa.Text, nullable=False, comment="what it was done to"),
    sa.Column("facts", sa.Text, nullable=False, comment="canonical JSON"),
    sa.Column("previous", sa.String(64), nullable=False, unique=True, comment="link of the row before: two rows cannot share it"),
    sa.Column("link", sa.String(64), nullable=False, unique=True, comment="SHA-256 over previous and every fact"),
    sa.Column("recorded_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
)

GENESIS = "0" * 64
CHAIN_LOCK = 7_215_420_013  # any constant: PostgreSQL's advisory lock that lets one writer append at a time
CHAINED = ("sequence", "actor", "action", "subject", "facts", "recorded_at")


@dataclass(frozen=True)
class Event:
    """One row: who did what to what, with which facts."""

    sequence: int
    actor: str
    action: str
    subject: str
    facts: Mapping[str, Any]
    recorded_at: str


def lock(connection: Connection) -> None:
    """Let one transaction at a time look at what it is about to change. SQLite holds its write lock already."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(CHAIN_LOCK)))


@dataclass(frozen=True)
class Done:
    """What is to be appended: who did what to what, with which facts."""

    actor: str
    action: str
    subject: str
    facts: Mapping[str, Any]


def append(connection: Connection, *, actor: str, action: str, subject: str, facts: Mapping[str, Any], at: int) -> int:
    """Append one row inside the transaction that makes the change; its sequence. at: seconds since 1970, UTC."""
    return append_all(connection, [Done(actor, action, subject, facts)], at=at)


def append_all(connection: Connection, events: Sequence[Done], *, at: int) -> int:
    """As `append`, many at once; the sequence of the last."""
    lock(connection)
    newest = sa.select(AUDIT.c.sequence, AUDIT.c.link).order_by(AUDIT.c.sequence.desc()).limit(1)
    head = connection.execute(newest).one_or_none()
    sequence, previous = (head.sequence, head.link) if head else (0, GENESIS)
    rows = []
    for event in events:
        sequence += 1
        row = {
            "sequence": sequence,
            "actor": event.actor,
            "action": event.action,
            "subject": event.subject,
            "facts": canonical_bytes(event.facts).decode(),
            "previous": previous,
            "recorded_at": datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds"),
        }
        previous = _link(row)
        rows.append({**row, "link": previous})
    connection.execute(sa.insert(AUDIT), rows)
    return int(sequence)


def events(engine: Engine, *, subject: str | None = None) -> list[Event]:
    """The rows, oldest first; of one subject where it is named."""
    query = sa.select(AUDIT).order_by(AUDIT.c.sequence)
    with reading(engine) as connection:
        rows = connection.execute(query if subject is None else query.where(AUDIT.c.subject == subject))
        return [Event(row.sequence, row.actor, row.action, row.subject, json.loads(row.facts), row.recorded_at) for row in rows]


def verify(engine: Engine) -> int:
    """Follow the chain from its first row; the number of rows. Raises StorageFailed naming the first that does not hold."""
    previous, expected = GENESIS, 1
    query = sa.select(AUDIT).order_by(AUDIT.c.sequence)
    with reading(engine) as connection, connection.execution_options(yield_per=2_000).execute(query) as rows:
        for row in rows:
            facts = dict(row._mapping)  # noqa: SLF001  SQLAlchemy's public way to a row's columns by name
            if facts["sequence"] != expected or facts["previous"] != previous or facts["link"] != _link(facts):
                raise StorageFailed(f"audit log: row {expected} is not what was recorded. Restore the database from a backup.")
            previous, expected = facts["link"], expected + 1
    return expected - 1


def _link(row: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_bytes([row["previous"], *(str(row[name]) for name in CHAINED)])).hexdigest()
