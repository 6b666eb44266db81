"""The eight invariants: what must hold of book, database and anchors at any time, checked from what is stored."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from riskscore.errors import RiskscoreError
from riskscore.stores import anchors, holds, orders, reviews
from riskscore.stores import decisions as log
from riskscore.stores.answers import DECIDED
from riskscore.stores.audit import AUDIT
from riskscore.stores.database import ANSWERS, APPLICANTS, COMPLETIONS, DECISIONS, TABLES, reading
from riskscore.stores.ledgers import Book
from riskscore.stores.ledgers.tablefiles import FileDigest, verify_file
from riskscore.stores.replaying import Replayer

SHORTEST_NAME = 5  # shorter names are words that records hold for other reasons


@dataclass(frozen=True)
class Evidence:
    """What is looked at. book, anchor: null where there is none to look at. replays: how many decisions are made again.

    acknowledged: decision ids that somebody was told are recorded.
    """

    engine: Engine
    replayer: Replayer
    book: Book | None = None
    anchor: Path | None = None
    key: bytes | None = None
    acknowledged: Sequence[str] = ()
    replays: int = 200


@dataclass(frozen=True)
class Finding:
    """One invariant: what it says, and what speaks against it; nothing where it holds."""

    name: str
    says: str
    faults: tuple[str, ...]


def check(evidence: Evidence) -> list[Finding]:
    """Every invariant with what speaks against it. A store that does not answer speaks against it."""
    return [Finding(name, says, tuple(_faults(look, evidence))) for name, (says, look) in INVARIANTS.items()]


def _faults(look: Callable[[Evidence], Iterator[str]], evidence: Evidence) -> Iterator[str]:
    try:
        yield from look(evidence)
    except (RiskscoreError, sa.exc.DBAPIError) as error:
        yield str(error)


def conservation(evidence: Evidence) -> Iterator[str]:
    """Every delivered row and cent was accepted, set aside or is an exact repetition."""
    for source in evidence.book.manifest["sources"] if evidence.book else ():
        kept = sum(source[name] for name in ("accepted", "quarantined", "exact_duplicates"))
        if source["rows"] != kept:
            yield f"{source['name']}: {source['rows']} rows were read, {kept} are accounted for"
        told = [source[f"money_{name}"] for name in ("accepted", "quarantined", "exact_duplicates")]
        for currency, amount in source["money"].items():
            found = sum((Decimal(part.get(currency, "0")) for part in told), Decimal(0))
            if found != Decimal(amount):
                yield f"{source['name']}: {amount} {currency} were read, {found} are accounted for"


def exactly_once(evidence: Evidence) -> Iterator[str]:
    """Every complete run holds as many decisions as it made, one a customer."""
    counted = sa.select(DECISIONS.c.run_id, sa.func.count().label("n")).group_by(DECISIONS.c.run_id).subquery()
    query = sa.select(COMPLETIONS.c.run_id, COMPLETIONS.c.n_decisions, counted.c.n).outerjoin(
        counted, counted.c.run_id == COMPLETIONS.c.run_id
    )
    twice = sa.select(DECISIONS.c.run_id).group_by(DECISIONS.c.run_id, DECISIONS.c.customer_id).having(sa.func.count() > 1)
    with reading(evidence.engine) as connection:
        for run_id, made, there in connection.execute(query):
            if made != (there or 0):
                yield f"run {run_id[:12]}: {made} decisions were made, {there or 0} are recorded"
        for run_id in connection.execute(twice).scalars():
            yield f"run {run_id[:12]}: a customer has two decisions"


def whole_files(evidence: Evidence) -> Iterator[str]:
    """Every published file of the book is there, whole, and the one that was published."""
    book = evidence.book
    for entry in book.manifest["files"] if book else ():
        assert book is not None
        try:
            verify_file(book.folder, FileDigest(entry["path"], entry["rows"], entry["sha256"]))
        except RiskscoreError as error:
            yield str(error)


def same_bytes(evidence: Evidence) -> Iterator[str]:
    """Recorded decisions made again from their record, with the texts and the model of their time, are the same bytes."""
    with reading(evidence.engine) as connection:
        query = sa.select(DECISIONS.c.decision_id).order_by(DECISIONS.c.link).limit(evidence.replays)
        ids = list(connection.execute(query).scalars())
    for decision_id in ids:
        replayed = evidence.replayer(decision_id)
        if replayed is None or not replayed.identical:
            yield f"decision {decision_id} made again differs in {', '.join(replayed.differs if replayed else ())}"


def one_chain(evidence: Evidence) -> Iterator[str]:
    """Both chains hold from their first row, no anchored head is gone; what people did is as the audit log has it."""
    for chain in (log.verify, reviews.verify, orders.verify, holds.verify):  # the second follows the audit log as well
        try:
            chain(evidence.engine)
        except RiskscoreError as error:
            yield str(error)
    if evidence.anchor is not None and evidence.anchor.is_file():
        yield from anchors.faults(evidence.engine, evidence.anchor, key=evidence.key)
    noted = sa.select(AUDIT.c.subject).where(AUDIT.c.action == DECIDED)
    with reading(evidence.engine) as connection:
        unnoted = sa.select(ANSWERS.c.decision_id).where(ANSWERS.c.decision_id.not_in(noted))
        for decision_id in connection.execute(unnoted).scalars():
            yield f"the answer with decision {decision_id} has no row in the audit log"


def no_names(evidence: Evidence) -> Iterator[str]:
    """No applicant's name is in a record, an answer or the audit log."""
    places: Mapping[str, sa.Column[Any]] = {
        "a decision": DECISIONS.c.record, "an answer": ANSWERS.c.body, "the audit log": AUDIT.c.facts,
    }  # fmt: skip
    with reading(evidence.engine) as connection:
        applications = connection.execute(sa.select(APPLICANTS.c.applicant_id, APPLICANTS.c.application)).all()
        for applicant_id, application in applications:
            who = json.loads(application).get("applicant", {}).get("name", "")
            if len(who) < SHORTEST_NAME:
                continue
            for place, column in places.items():
                if connection.execute(sa.select(sa.exists().where(column.contains(who, autoescape=True)))).scalar_one():
                    yield f"the name of {applicant_id} is in {place}"


def sound_store(evidence: Evidence) -> Iterator[str]:
    """The database finds itself whole, and every row refers to rows that are there."""
    with reading(evidence.engine) as connection:
        if connection.dialect.name == "sqlite":
            said = list(connection.exec_driver_sql("pragma integrity_check").scalars())
            yield from (f"integrity_check: {each}" for each in said if each != "ok")
            for row in connection.exec_driver_sql("pragma foreign_key_check"):
                yield f"foreign_key_check: a row of {row[0]} refers to no row of {row[2]}"
            return
        unchecked = connection.exec_driver_sql("select conname from pg_constraint where not convalidated").scalars()
        yield from (f"constraint {name} was never checked" for name in unchecked)
        for table in TABLES.sorted_tables:
            connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def nothing_lost(evidence: Evidence) -> Iterator[str]:
    """Whatever somebody was told is recorded is there, exactly once."""
    orphans = sa.select(ANSWERS.c.decision_id).where(ANSWERS.c.decision_id.not_in(sa.select(DECISIONS.c.decision_id)))
    with reading(evidence.engine) as connection:
        for decision_id in connection.execute(orphans).scalars():
            yield f"decision {decision_id} was answered and is not recorded"
        for decision_id in evidence.acknowledged:
            query = sa.select(sa.func.count()).select_from(DECISIONS).where(DECISIONS.c.decision_id == decision_id)
            if (n := connection.execute(query).scalar_one()) != 1:
                yield f"decision {decision_id} was acknowledged and is recorded {n} times"


INVARIANTS: Mapping[str, tuple[str, Callable[[Evidence], Iterator[str]]]] = {
    name: (str(look.__doc__), look)
    for name, look in {
        "I1": conservation,
        "I2": exactly_once,
        "I3": whole_files,
        "I4": same_bytes,
        "I5": one_chain,
        "I6": no_names,
        "I7": sound_store,
        "I8": nothing_lost,
    }.items()
}
"""Name to what must hold, and how it is looked at."""
