"""Failed sign-ins: how many there were for an account from a source, and how long the next one has to wait.

The count is of account and source together, so that nobody can lock somebody else out; a second count of the source alone stops
one machine that tries many names. Waiting ends by itself: nothing is locked for good.
"""

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from riskscore.stores.access.accounts import sha256
from riskscore.stores.access.tables import FAILURES
from riskscore.stores.database import writing

WINDOW = 15 * 60
"""Seconds that a failure counts."""

MOST_PER_ACCOUNT = 10
MOST_PER_SOURCE = 100

COUNTING_LOCK = 7_215_420_014
"""Any constant: PostgreSQL's advisory lock that lets one attempt count at a time. SQLite writes one at a time as it is."""


def begin_attempt(engine: Engine, name: str, source: str, *, now: int) -> int:
    """0 where the attempt may go on; else the seconds to wait.

    It counts as failed from its beginning and is forgotten when it succeeds: fifty at once are fifty.
    """
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(COUNTING_LOCK)))
        connection.execute(sa.delete(FAILURES).where(FAILURES.c.at <= now - WINDOW))
        both, alone = _keys(name, source)
        waits = max(
            _wait(connection, FAILURES.c.who == both, MOST_PER_ACCOUNT, now),
            _wait(connection, FAILURES.c.source == alone, MOST_PER_SOURCE, now),
        )
        if not waits:
            connection.execute(sa.insert(FAILURES).values(who=both, source=alone, at=now))
        return waits


def forget_attempts(connection: Connection, name: str, source: str) -> None:
    """It was the right person after all."""
    connection.execute(sa.delete(FAILURES).where(FAILURES.c.who == _keys(name, source)[0]))


def _wait(connection: Connection, same: sa.ColumnElement[bool], most: int, now: int) -> int:
    newest_first = sa.select(FAILURES.c.at).where(same).order_by(FAILURES.c.at.desc()).limit(most)
    failures = connection.execute(newest_first).scalars().all()
    return failures[-1] + WINDOW - now if len(failures) == most else 0


def _keys(name: str, source: str) -> tuple[str, str]:
    return sha256(f"{name}\0{source}"), sha256(source)
