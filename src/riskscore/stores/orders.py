"""Orders: what was answered, what room they hold, what let it go; one customer's orders at a time, each row in the audit log.

A reservation is held until it is released. An order that was billed goes on counting until a book is read in which its invoice
can be: between the two it would otherwise be owed and seen by nobody.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from riskscore.errors import Conflict, StorageFailed
from riskscore.order_check import Answer, Order
from riskscore.stores import audit
from riskscore.stores.answers import Key
from riskscore.stores.database import TABLES, reading, writing

Because = Literal["cancelled", "billed", "replaced"]
"""Why a reservation was let go: there is no order any more; it became an invoice; the order was checked again."""

CUSTOMER_LOCK = 1_815_300_247  # any constant: PostgreSQL's advisory locks of this number are one a customer

ANSWERS = sa.Table(
    "order_answers",
    TABLES,
    sa.Column("principal", sa.String(200), primary_key=True, comment="who asked"),
    sa.Column("idempotency_key", sa.String(200), primary_key=True, comment="chosen by who asked"),
    sa.Column("audit_sequence", sa.Integer, sa.ForeignKey("audit.sequence"), nullable=False, unique=True),
    sa.Column("request", sa.String(64), nullable=False, comment="SHA-256 of the request"),
    sa.Column("customer_id", sa.Text, nullable=False),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column(
        "decision_id",
        sa.String(32),
        sa.ForeignKey("decisions.decision_id"),
        comment="the decision whose limit it was; null: there was none",
    ),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("reason", sa.String(32), nullable=False),
    sa.Column("body", sa.Text, nullable=False, comment="the first answer, byte for byte"),
    sa.Column("recorded_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
    sa.CheckConstraint("outcome in ('allow', 'warn', 'block', 'prepay')", name="outcome"),
)
"""What was answered about an order that was to be reserved, once per principal and idempotency key."""

RESERVATIONS = sa.Table(
    "order_reservations",
    TABLES,
    sa.Column("reservation_id", sa.String(32), primary_key=True, comment="random"),
    sa.Column("audit_sequence", sa.Integer, sa.ForeignKey("audit.sequence"), nullable=False, unique=True),
    sa.Column("customer_id", sa.Text, nullable=False),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("amount", sa.String(32), nullable=False, comment="decimal as text"),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("ordered_on", sa.Date, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False, comment="day of delivery"),
    sa.Column("reserved_by", sa.String(200), nullable=False),
    sa.Column("reserved_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
    sa.Index("ix_order_reservations_customer_id", "customer_id"),
)

RELEASES = sa.Table(
    "order_releases",
    TABLES,
    sa.Column(
        "reservation_id",
        sa.String(32),
        sa.ForeignKey("order_reservations.reservation_id"),
        primary_key=True,
        comment="one a reservation: of two who release at once, one comes first",
    ),
    sa.Column("audit_sequence", sa.Integer, sa.ForeignKey("audit.sequence"), nullable=False, unique=True),
    sa.Column("because", sa.String(16), nullable=False),
    sa.Column("billed_on", sa.Date, comment="date of the invoice; it counts until a book of a later date is read"),
    sa.Column("released_by", sa.String(200), nullable=False),
    sa.Column("released_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
    sa.CheckConstraint("because in ('cancelled', 'billed', 'replaced')", name="because"),
    sa.CheckConstraint("(because = 'billed') = (billed_on is not null)", name="billed_on"),
)

SUBJECTS: Mapping[str, tuple[sa.Table, str]] = {
    "order.answered": (ANSWERS, "order_id"),
    "order.reserved": (RESERVATIONS, "reservation_id"),
    "order.released": (RELEASES, "reservation_id"),
}
"""What the audit log calls a row of each table, and which column it is about."""


@dataclass(frozen=True)
class Held:
    """What holds room of a customer's limit here. open_orders: reserved and not released, in the order of their reservation.

    billed: billed orders that no book shows yet. reservations: order to the id of what is reserved for it. is_sound: false where
    something is held in another currency than that of the book, so that it cannot be added up.
    """

    open_orders: tuple[Order, ...] = ()
    billed: Decimal = Decimal(0)
    reservations: Mapping[str, str] = field(default_factory=dict)
    is_sound: bool = True


@dataclass(frozen=True)
class Asked:
    """One order to be checked. currency, book_on: of the book that says what is owed. decision_id: whose limit is asked."""

    customer_id: str
    order: Order
    currency: str
    book_on: date
    decision_id: str | None = None


@dataclass(frozen=True)
class Given:
    """The answer that holds. replayed: it was given before. same_request: it answers what is asked now."""

    body: str
    outcome: str
    replayed: bool = False
    same_request: bool = True


@dataclass(frozen=True)
class Reservation:
    """Room that is held for an order, and what let it go; null while it is held."""

    reservation_id: str
    customer_id: str
    order_id: str
    amount: Decimal
    currency: str
    due_on: date
    reserved_at: str
    because: Because | None = None
    billed_on: date | None = None
    released_at: str | None = None


Judge = Callable[[Held], Answer]
Tell = Callable[[Answer, Held, str | None], str]
"""The body of an answer: of what was judged, what is held, and the id of the new reservation, if any."""


def find(engine: Engine, key: Key, request: str) -> Given | None:
    """The answer that was given under that key; None where none was."""
    with reading(engine) as connection:
        return _given(connection, key, request)


def look(engine: Engine, asked: Asked, judge: Judge, tell: Tell) -> Given:
    """The answer as of now. Nothing is reserved and nothing recorded: the next to ask may be told the same."""
    with reading(engine) as connection:
        held = _held(connection, asked)
    answer = judge(held)
    return Given(tell(answer, held, None), answer.outcome)


def reserve(engine: Engine, key: Key, request: str, asked: Asked, judge: Judge, tell: Tell, *, now: int) -> Given:
    """Check an order and, where it may be taken, hold its room, in one transaction.

    No other order of the customer is checked meanwhile. Where the key was answered before, that answer holds and nothing is
    written. An order that is reserved already is checked as if it were not, and its reservation replaced. Goods that have left
    are held too, whatever the limit; a prepaid order needs no room.
    Raises StorageFailed where the database does not take it: then nothing was written.
    """
    try:
        with alone_with(engine, asked.customer_id) as connection:
            if (before := _given(connection, key, request)) is not None:
                return before
            held = _held(connection, asked)
            answer = judge(held)
            needs_room = answer.takes_it and not asked.order.prepaid
            reservation_id = secrets.token_hex(16) if needs_room else None
            body = tell(answer, held, reservation_id)
            row = {
                "principal": key.principal, "idempotency_key": key.name, "request": _sha256(request),
                "customer_id": asked.customer_id, "order_id": asked.order.order_id, "decision_id": asked.decision_id,
                "outcome": answer.outcome, "reason": answer.reason, "body": body, "recorded_at": _at(now),
            }  # fmt: skip
            _append(connection, "order.answered", row, key.principal, now)
            if reservation_id is not None:
                _hold(connection, asked, held, reservation_id, key.principal, now)
            return Given(body, answer.outcome)
    except sa.exc.IntegrityError as error:
        if (before := find(engine, key, request)) is not None:  # the same key was used for another customer at the same time
            return before
        raise StorageFailed(f"the store refused an order: {type(error.orig).__name__}") from error


def release(
    engine: Engine, reservation_id: str, because: Because, *, billed_on: date | None, by: str, now: int
) -> Reservation | None:
    """Let go of a reservation; None where there is no such. Saying the same twice changes nothing.

    Raises Conflict where it was let go for another reason.
    """
    with reading(engine) as connection:
        found = _reservation(connection, reservation_id)
    if found is None:
        return None
    with alone_with(engine, found.customer_id) as connection:
        found = _reservation(connection, reservation_id)
        assert found is not None
        if found.because is None:
            _let_go(connection, reservation_id, because, billed_on, by, now)
            found = _reservation(connection, reservation_id)
    if found is not None and (found.because, found.billed_on) != (because, billed_on):
        raise Conflict(f"This reservation is {found.because} already. Check the order again if it needs room.")
    return found


def verify(engine: Engine) -> int:
    """Compare every row with its row of the audit log; how many. Raises StorageFailed naming the first that differs.

    The audit log itself is another's to follow (`audit.verify`).
    """
    recorded = {event.sequence: event for event in audit.events(engine) if event.action in SUBJECTS}
    checked = 0
    with reading(engine) as connection:
        for action, (table, about) in SUBJECTS.items():
            for row in connection.execute(sa.select(table)):
                facts = dict(row._mapping)  # noqa: SLF001  SQLAlchemy's public way to a row's columns by name
                event = recorded.pop(facts["audit_sequence"], None)
                if event is None or (event.action, event.subject, event.facts) != (action, facts[about], _facts(facts)):
                    raise StorageFailed(
                        f"{table.name}: {facts[about]} is not what was recorded. Restore the database from a backup."
                    )
                checked += 1
    if recorded:
        raise StorageFailed(f"audit log: row {min(recorded)} is about an order that is gone. Restore the database from a backup.")
    return checked


@contextmanager
def alone_with(engine: Engine, customer_id: str) -> Iterator[Connection]:
    """A transaction that writes, in which no other one looks at what this customer holds."""
    with writing(engine) as connection:
        lock_customer(connection, customer_id)
        yield connection


def lock_customer(connection: Connection, customer_id: str) -> None:
    """Wait for whoever checks an order of this customer; SQLite gave the lock of everything when the transaction began."""
    if connection.dialect.name == "postgresql":
        number = sa.func.hashtext(customer_id)  # two customers of one number wait for each other, no more
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(CUSTOMER_LOCK, number)))


def _held(connection: Connection, asked: Asked) -> Held:
    """What counts against the customer's limit: held, or billed on a day that the book cannot know whole."""
    counts = RELEASES.c.reservation_id.is_(None) | (RELEASES.c.billed_on >= asked.book_on)
    query = (
        sa.select(RESERVATIONS, RELEASES.c.because)
        .outerjoin(RELEASES, RELEASES.c.reservation_id == RESERVATIONS.c.reservation_id)
        .where(RESERVATIONS.c.customer_id == asked.customer_id, counts)
        .order_by(RESERVATIONS.c.audit_sequence)
    )
    rows = list(connection.execute(query))
    held = [row for row in rows if row.because is None]
    return Held(
        open_orders=tuple(Order(row.order_id, Decimal(row.amount), row.ordered_on, row.due_on) for row in held),
        billed=sum((Decimal(row.amount) for row in rows if row.because is not None), Decimal(0)),
        reservations={row.order_id: row.reservation_id for row in held},
        is_sound=all(row.currency == asked.currency for row in rows),
    )


def _hold(connection: Connection, asked: Asked, held: Held, reservation_id: str, by: str, now: int) -> None:
    replaced = held.reservations.get(asked.order.order_id)
    if replaced is not None:
        _let_go(connection, replaced, "replaced", None, by, now)
    row = {
        "reservation_id": reservation_id, "customer_id": asked.customer_id, "order_id": asked.order.order_id,
        "amount": str(asked.order.amount), "currency": asked.currency, "ordered_on": asked.order.ordered_on,
        "due_on": asked.order.due_on, "reserved_by": by, "reserved_at": _at(now),
    }  # fmt: skip
    _append(connection, "order.reserved", row, by, now)


def _let_go(connection: Connection, reservation_id: str, because: Because, billed_on: date | None, by: str, now: int) -> None:
    row = {
        "reservation_id": reservation_id, "because": because, "billed_on": billed_on, "released_by": by, "released_at": _at(now),
    }  # fmt: skip
    _append(connection, "order.released", row, by, now)


def _append(connection: Connection, action: str, row: Mapping[str, Any], actor: str, now: int) -> None:
    table, about = SUBJECTS[action]
    number = audit.append(connection, actor=actor, action=action, subject=row[about], facts=_facts(row), at=now)
    connection.execute(sa.insert(table), {**row, "audit_sequence": number})


def _facts(row: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()}
    digests = {"body_digest": _sha256(plain.pop("body"))} if "body" in plain else {}
    return {name: value for name, value in plain.items() if name != "audit_sequence"} | digests


def _given(connection: Connection, key: Key, request: str) -> Given | None:
    mine = (ANSWERS.c.principal == key.principal) & (ANSWERS.c.idempotency_key == key.name)
    row = connection.execute(sa.select(ANSWERS).where(mine)).one_or_none()
    return None if row is None else Given(row.body, row.outcome, replayed=True, same_request=row.request == _sha256(request))


def _reservation(connection: Connection, reservation_id: str) -> Reservation | None:
    columns: Sequence[sa.Column[Any]] = [RELEASES.c.because, RELEASES.c.billed_on, RELEASES.c.released_at]
    joined = sa.select(RESERVATIONS, *columns).outerjoin(RELEASES, RELEASES.c.reservation_id == RESERVATIONS.c.reservation_id)
    row = connection.execute(joined.where(RESERVATIONS.c.reservation_id == reservation_id)).one_or_none()
    if row is None:
        return None
    return Reservation(
        row.reservation_id, row.customer_id, row.order_id, Decimal(row.amount), row.currency, row.due_on, row.reserved_at,
        row.because, row.billed_on, row.released_at,
    )  # fmt: skip


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _at(now: int) -> str:
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
