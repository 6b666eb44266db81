"""Answers through the API: decision, answer, idempotency key and applicant in one transaction, many of them at once."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from riskscore.decisions import Decision
from riskscore.errors import NotReproduced
from riskscore.stores import decisions as log
from riskscore.stores.audit import Done, append_all
from riskscore.stores.database import ANSWERS, APPLICANTS, DECISIONS, reading, writing

DECIDED, ERASED = "decided", "erased"
"""What the audit log calls an answer and the erasure of an applicant's data."""

APPLICANT = "applicant-"
"""What the id of somebody begins with who is in no book."""


@dataclass(frozen=True)
class Key:
    """Whose request it is and what they call it: the scope of an idempotency key is its principal."""

    principal: str
    name: str


@dataclass(frozen=True)
class Answer:
    """One answer to be recorded. request: what was asked, as canonical JSON; kept only of an applicant, outside the record.

    body: what is sent, byte for byte. texts: the policy and the grades it was decided with.
    """

    key: Key
    request: str
    decision: Decision
    outcome: str
    body: str
    texts: log.Texts = field(default_factory=dict)


@dataclass(frozen=True)
class Recorded:
    """The answer that holds for a key. replayed: it was given before. same_request: it answers what is asked now."""

    body: str
    decision_id: str
    replayed: bool
    same_request: bool = True


def new_applicant_id() -> str:
    """A random id: it says nothing about whom it stands for, also after everything about them was erased."""
    return APPLICANT + secrets.token_hex(16)


def find(engine: Engine, key: Key, request: str) -> Recorded | None:
    """The answer that was given under that key; None where none was."""
    with reading(engine) as connection:
        row = _there(connection, [key]).get(key)
    return None if row is None else _recorded(row, request)


def record(engine: Engine, answers: Sequence[Answer]) -> list[Recorded | NotReproduced]:
    """Record these answers in one transaction, in their order; what holds for each.

    Where a key was answered before, or by an earlier one of these, that first answer holds and nothing of the later one is
    written. Where one cannot be recorded (`NotReproduced`) the others are. Raises StorageFailed where the database does not take
    them: then nothing was written.
    """
    try:
        with writing(engine) as connection:
            log.lock_chain(connection)
            return list(_record(connection, answers))
    except (NotReproduced, sa.exc.IntegrityError) as error:
        if len(answers) > 1:  # one must not stop the others
            return [found for answer in answers for found in record(engine, [answer])]
        if isinstance(error, NotReproduced):
            return [error]
        raise


def of_decision(engine: Engine, decision_id: str) -> Sequence[str]:
    """The outcomes that were answered with that decision, each once."""
    query = sa.select(ANSWERS.c.outcome).where(ANSWERS.c.decision_id == decision_id).distinct()
    with reading(engine) as connection:
        return sorted(connection.execute(query).scalars())


def erase(engine: Engine, applicant_id: str, *, by: str) -> bool:
    """Erase what an applicant sent; was there anything? The decision stays, under an id that leads to nobody any more.

    Backups still hold it until they expire: say so to whoever asked.
    """
    with writing(engine) as connection:
        gone = connection.execute(sa.delete(APPLICANTS).where(APPLICANTS.c.applicant_id == applicant_id)).rowcount > 0
        if gone:
            append_all(connection, [Done(by, ERASED, applicant_id, {})], at=int(time()))
    if gone and engine.dialect.name == "sqlite":
        raw = engine.raw_connection()  # outside any transaction; the log of the database still holds the page as it was
        try:
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            raw.close()
    return gone


def application_of(engine: Engine, applicant_id: str) -> str | None:
    """What an applicant sent, as canonical JSON; None where it was erased or never there."""
    with reading(engine) as connection:
        query = sa.select(APPLICANTS.c.application).where(APPLICANTS.c.applicant_id == applicant_id)
        return connection.execute(query).scalar_one_or_none()


def _record(connection: Connection, answers: Sequence[Answer]) -> list[Recorded]:
    held = _there(connection, [answer.key for answer in answers])
    new: dict[Key, Answer] = {}
    for answer in answers:
        if answer.key not in held:
            new.setdefault(answer.key, answer)
    runs: dict[str, list[Answer]] = {}
    for answer in new.values():
        runs.setdefault(answer.decision.provenance.run_id, []).append(answer)
    for run in runs.values():
        # Two who ask about the same customer at once are told of the same decision; it is recorded once.
        decisions = {answer.decision.customer_id: answer.decision for answer in run}
        log.append_in(connection, list(decisions.values()), run[0].texts)
    rows = {key: _row(answer) for key, answer in new.items()}
    people = [{name: row[name] for name in ("applicant_id", "salt", "application", "recorded_at")}
              for row in rows.values() if row["applicant_id"]]  # fmt: skip
    if people:
        connection.execute(sa.insert(APPLICANTS), people)
    if rows:
        columns = [column.name for column in ANSWERS.c]
        connection.execute(sa.insert(ANSWERS), [{name: row[name] for name in columns} for row in rows.values()])
        done = [
            Done(row["principal"], DECIDED, row["decision_id"], {name: row[name] for name in ("outcome", "request")})
            for row in rows.values()
        ]
        append_all(connection, done, at=int(time()))
    return [
        Recorded(answer.body, answer.decision.decision_id, replayed=False)
        if new.get(answer.key) is answer
        else _recorded(held.get(answer.key) or rows[answer.key], answer.request)
        for answer in answers
    ]


def _row(answer: Answer) -> dict[str, Any]:
    """The row of an answer, and of the applicant where it is about one."""
    customer = answer.decision.customer_id
    applicant = customer if customer.startswith(APPLICANT) else None
    salt = secrets.token_hex(32) if applicant else ""
    return {
        "principal": answer.key.principal,
        "idempotency_key": answer.key.name,
        "request": _hash(answer.request, salt),
        "decision_id": answer.decision.decision_id,
        "outcome": answer.outcome,
        "body": answer.body,
        "recorded_at": log.now(),
        "applicant_id": applicant,
        "salt": salt,
        "application": answer.request,
    }


def _there(connection: Connection, keys: Sequence[Key]) -> dict[Key, dict[str, Any]]:
    """The answers given under these keys, each with its applicant's salt; the salt of a book's customer is empty."""
    query = (
        sa.select(ANSWERS, DECISIONS.c.customer_id, APPLICANTS.c.salt)
        .join(DECISIONS, DECISIONS.c.decision_id == ANSWERS.c.decision_id)
        .outerjoin(APPLICANTS, APPLICANTS.c.applicant_id == DECISIONS.c.customer_id)
        .where(under(keys))
    )
    found = {}
    for row in connection.execute(query).mappings():
        facts = dict(row)
        if not facts["customer_id"].startswith(APPLICANT):
            facts["salt"] = ""
        found[Key(facts["principal"], facts["idempotency_key"])] = facts
    return found


def under(keys: Sequence[Key]) -> sa.ColumnElement[bool]:
    """The answers under these keys, by principal: SQLite reads every answer there is to find pairs, names it looks up."""
    names: dict[str, list[str]] = {}
    for key in keys:
        names.setdefault(key.principal, []).append(key.name)
    whose, called = ANSWERS.c.principal, ANSWERS.c.idempotency_key
    return sa.or_(sa.false(), *((whose == principal) & called.in_(some) for principal, some in names.items()))


def _recorded(row: Mapping[str, Any], request: str) -> Recorded:
    # Once an applicant was erased nobody can tell any more what was asked: the key still gives the first answer.
    same = row["salt"] is None or hmac.compare_digest(row["request"], _hash(request, row["salt"]))
    return Recorded(row["body"], row["decision_id"], replayed=True, same_request=same)


def _hash(request: str, salt: str) -> str:
    return hmac.new(bytes.fromhex(salt), request.encode(), hashlib.sha256).hexdigest()
