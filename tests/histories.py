"""What clients of the server saw, and whether what is stored agrees: nothing acknowledged is lost, doubled or changed.

Every request is an event before it is sent and another when it ended: `ok` (decided, with the bytes of the answer), `fail` (certain
to have had no effect), `unknown` (no answer, or one that leaves it open). An unknown request may have had its effect or not.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import sqlalchemy as sa

from riskscore.stores import orders
from riskscore.stores.answers import DECIDED
from riskscore.stores.audit import AUDIT
from riskscore.stores.database import ANSWERS, DECISIONS, reading


@dataclass(frozen=True)
class Event:
    """One line of the history. body: the answer of an `ok`; replayed: did it say that it was given before?"""

    kind: Literal["invoke", "ok", "fail", "unknown"]
    key: str
    body: str = ""
    replayed: bool = False


@dataclass(frozen=True)
class Stored:
    """What the database holds afterwards. answers: key, decision and bytes of each; decisions, noted: ids of rows in their tables."""

    answers: Sequence[tuple[str, str, str]]
    decisions: Sequence[str]
    noted: Sequence[str]


def stored(engine: sa.Engine) -> Stored:
    """As it stands in the database now."""
    with reading(engine) as connection:
        answers = connection.execute(sa.select(ANSWERS.c.idempotency_key, ANSWERS.c.decision_id, ANSWERS.c.body)).all()
        decisions = connection.execute(sa.select(DECISIONS.c.decision_id)).scalars().all()
        noted = connection.execute(sa.select(AUDIT.c.subject).where(AUDIT.c.action == DECIDED)).scalars().all()
    return Stored([(key, decision, body) for key, decision, body in answers], decisions, noted)


@dataclass(frozen=True)
class StoredOrders:
    """What the database holds of orders. answers: key and bytes of each; held: reservation, customer and amount of each."""

    answers: Sequence[tuple[str, str]]
    held: Sequence[tuple[str, str, Decimal]]


def stored_orders(engine: sa.Engine) -> StoredOrders:
    """As it stands in the database now."""
    with reading(engine) as connection:
        answers = connection.execute(sa.select(orders.ANSWERS.c.idempotency_key, orders.ANSWERS.c.body)).all()
        columns = (orders.RESERVATIONS.c.reservation_id, orders.RESERVATIONS.c.customer_id, orders.RESERVATIONS.c.amount)
        held = connection.execute(sa.select(*columns)).all()
    return StoredOrders([(key, body) for key, body in answers], [(name, who, Decimal(amount)) for name, who, amount in held])


def order_faults(history: Sequence[Event], found: StoredOrders) -> Iterator[str]:
    """Everything in which they disagree about orders: an answer, the room it took, and room that nobody was told of or that is not there.

    No reservation was let go meanwhile.
    """
    yield from _answered(history, found.answers)
    told = [json.loads(body) for _, body in found.answers]
    names = Counter(body["reservation_id"] for body in told if body["reservation_id"] is not None)
    held = Counter(name for name, _, _ in found.held)
    for name in sorted(names.keys() | held.keys()):
        if (names[name], held[name]) != (1, 1):
            yield f"{name}: told {names[name]} times and held {held[name]} times"
    for body in told:
        taken = sum((amount for _, who, amount in found.held if who == body["customer_id"]), Decimal(0))
        if body["limit"] is not None and taken + Decimal(body["receivables"]) > Decimal(body["limit"]) and taken > 0:
            yield f"{body['customer_id']}: more is held than is free"


def faults(history: Sequence[Event], found: Stored) -> Iterator[str]:
    """Everything in which the two disagree; nothing where every client can rely on what it was told."""
    yield from _answered(history, [(key, body) for key, _, body in found.answers])
    answered = Counter(decision for _, decision, _ in found.answers)
    for name, ids in (("decision", Counter(found.decisions)), ("audit row", Counter(found.noted))):
        wanted = dict.fromkeys(answered, 1) if name == "decision" else answered
        for each in sorted(ids.keys() | wanted.keys()):
            if ids[each] != wanted.get(each, 0):
                yield f"{each}: {ids[each]} times a {name}, {wanted.get(each, 0)} times is right"


def _answered(history: Sequence[Event], answers: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Key by key: what was said about it, and what is stored under it."""
    said: dict[str, list[Event]] = defaultdict(list)
    for event in history:
        said[event.key].append(event)
    rows: dict[str, list[str]] = defaultdict(list)
    for key, body in answers:
        rows[key].append(body)
    for key, events in said.items():
        yield from _of_one(key, events, rows[key])
    yield from (f"{key}: nobody asked, and it is answered" for key in rows if key not in said)


def _of_one(key: str, events: Sequence[Event], bodies: Sequence[str]) -> Iterator[str]:
    """One key: what was said about it, and the answers stored under it."""
    kinds = Counter(event.kind for event in events)
    told = [event for event in events if event.kind == "ok"]
    may_be_there = kinds["ok"] + kinds["unknown"] > 0 or kinds["invoke"] > sum(kinds.values()) - kinds["invoke"]
    if len(bodies) > 1:
        yield f"{key}: answered {len(bodies)} times"
    if told and not bodies:
        yield f"{key}: acknowledged and lost"
    if bodies and not may_be_there:
        yield f"{key}: refused, and answered all the same"
    if {event.body for event in told} - set(bodies) and bodies:
        yield f"{key}: another answer is stored than was given"
    if sum(not event.replayed for event in told) > 1:
        yield f"{key}: decided anew although it was answered before"
