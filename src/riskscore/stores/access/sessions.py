"""Sessions of people in a browser: an opaque id in the cookie, its digest here, two clocks that end it."""

import secrets

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from riskscore.stores import audit
from riskscore.stores.access.accounts import Account, account_of, sha256
from riskscore.stores.access.attempts import begin_attempt, forget_attempts
from riskscore.stores.access.passwords import hash_password, is_outdated, matches
from riskscore.stores.access.tables import ACCOUNTS, SESSIONS
from riskscore.stores.database import reading, writing

IDLE = 30 * 60
"""Seconds without a request after which a session ends."""

ABSOLUTE = 12 * 60 * 60
"""Seconds after sign-in at which it ends in any case."""

NOTED_EVERY = 60  # seconds: to note every request would write on every read


def sign_in(engine: Engine, name: str, password: str, *, source: str, now: int) -> str | int | None:
    """The id of a new session; the seconds to wait after too many failures; or null where name or password are not right.

    Which of the two is wrong is not told, and an unknown name takes the same work. source: the address asked from.
    """
    plain = name.strip().lower()
    waits = begin_attempt(engine, plain, source, now=now)
    if waits:
        return waits
    with reading(engine) as connection:
        row = connection.execute(sa.select(ACCOUNTS).where(ACCOUNTS.c.name == plain)).one_or_none()
    if not matches(None if row is None or row.disabled else row.password, password) or row is None:
        return None
    newer = hash_password(password) if is_outdated(row.password) else None
    with writing(engine) as connection:
        forget_attempts(connection, plain, source)
        if newer is not None:  # the same password under today's parameters; no session has to end for that
            connection.execute(sa.update(ACCOUNTS).where(ACCOUNTS.c.name == plain).values(password=newer))
        return begin(connection, plain, row.epoch, now=now)


def begin(connection: Connection, name: str, epoch: int, *, now: int) -> str:
    """Begin a session of somebody who was recognised; its id. Sessions that have ended are swept out."""
    connection.execute(sa.delete(SESSIONS).where((SESSIONS.c.seen_at <= now - IDLE) | (SESSIONS.c.began_at <= now - ABSOLUTE)))
    session = secrets.token_urlsafe(32)
    row = {"digest": sha256(session), "account": name, "epoch": epoch, "began_at": now, "seen_at": now}
    connection.execute(sa.insert(SESSIONS), row)
    audit.append(connection, actor=name, action="session.began", subject=name, facts={}, at=now)
    return session


def owner(engine: Engine, session: str, *, now: int) -> Account | None:
    """Whose session that is; null where it has ended by time, sign-out, or a change of the account."""
    digest = sha256(session)
    query = (
        sa.select(ACCOUNTS, SESSIONS.c.seen_at)
        .join(SESSIONS, (SESSIONS.c.account == ACCOUNTS.c.name) & (SESSIONS.c.epoch == ACCOUNTS.c.epoch))
        .where(
            SESSIONS.c.digest == digest, SESSIONS.c.seen_at > now - IDLE, SESSIONS.c.began_at > now - ABSOLUTE,
            ~ACCOUNTS.c.disabled,
        )
    )  # fmt: skip
    with reading(engine) as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        return None
    if now - row.seen_at >= NOTED_EVERY:
        with writing(engine) as connection:
            connection.execute(sa.update(SESSIONS).where(SESSIONS.c.digest == digest).values(seen_at=now))
    return account_of(row)


def end(engine: Engine, session: str, *, now: int) -> None:
    """Sign out: that id is worth nothing from now on."""
    mine = SESSIONS.c.digest == sha256(session)
    with writing(engine) as connection:
        name = connection.execute(sa.select(SESSIONS.c.account).where(mine)).scalar_one_or_none()
        if name is not None:
            connection.execute(sa.delete(SESSIONS).where(mine))
            audit.append(connection, actor=name, action="session.ended", subject=name, facts={}, at=now)
