"""Held runs: kept and not published until two people release them; each row with its row of the audit log."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from riskscore.decisions import Provenance, canonical_bytes
from riskscore.errors import Conflict, StorageFailed, UsageRefused
from riskscore.people import is_same_person, recorded_name
from riskscore.stores import audit
from riskscore.stores import decisions as log
from riskscore.stores.database import COMPLETIONS, RUNS, TABLES, reading, writing

HOLDS = sa.Table(
    "run_holds",
    TABLES,
    sa.Column("run_id", sa.String(64), sa.ForeignKey("runs.run_id"), primary_key=True),
    sa.Column("audit_sequence", sa.Integer, sa.ForeignKey("audit.sequence"), nullable=False, unique=True),
    sa.Column("model", sa.String(100), nullable=False, comment="name of the model whose runs are compared"),
    sa.Column(
        "against",
        sa.String(64),
        sa.ForeignKey("completions.run_id"),
        comment="the run it was compared with; null: there was none",
    ),
    sa.Column("n_decisions", sa.Integer, nullable=False),
    sa.Column("report", sa.Text, nullable=False, comment="canonical JSON: what moved, against what may"),
    sa.Column("held_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
)

PROPOSALS = sa.Table(
    "run_release_proposals",
    TABLES,
    sa.Column(
        "run_id",
        sa.String(64),
        sa.ForeignKey("run_holds.run_id"),
        primary_key=True,
        comment="one a run: of two who propose at once, one comes first",
    ),
    sa.Column("audit_sequence", sa.Integer, sa.ForeignKey("audit.sequence"), nullable=False, unique=True),
    sa.Column("proposed_by", sa.String(100), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("proposed_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
    sa.UniqueConstraint("run_id", "proposed_by", name="uq_run_release_proposals_maker"),
)

RELEASES = sa.Table(
    "run_releases",
    TABLES,
    sa.Column("run_id", sa.String(64), primary_key=True),
    sa.Column("audit_sequence", sa.Integer, sa.ForeignKey("audit.sequence"), nullable=False, unique=True),
    sa.Column("proposed_by", sa.String(100), nullable=False, comment="the maker, tied to the proposal by the foreign key"),
    sa.Column("released_by", sa.String(100), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("released_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
    sa.CheckConstraint("lower(released_by) <> lower(proposed_by)", name="four_eyes"),
    sa.ForeignKeyConstraint(
        ["run_id", "proposed_by"],
        ["run_release_proposals.run_id", "run_release_proposals.proposed_by"],
        name="fk_run_releases_maker",
    ),
)
"""A held run with its row here is published; the database refuses to publish one without."""

OPERATOR = "operator"
"""Whoever has the shell: no person holds a run, the figures do."""

SHORTEST_ID = 8
"""Digits of a run's id that name it, where no other held run begins with them."""


@dataclass(frozen=True)
class Hold:
    """A run that moved too much. against: the run it was compared with; null: there was none. as_of: the day it decides for.

    report: what moved, against what may, as `publishing.report_of` makes it. proposed_by, reason: who wants it released, and why;
    null: nobody yet. released_by: the second person; null: the run is not published.
    """

    run_id: str
    model: str
    as_of: date
    against: str | None
    n_decisions: int
    report: Mapping[str, Any]
    held_at: str
    proposed_by: str | None = None
    reason: str | None = None
    released_by: str | None = None


def hold(
    connection: Connection,
    provenance: Provenance,
    *,
    model: str,
    against: str | None,
    n_decisions: int,
    report: Mapping[str, Any],
) -> None:
    """Keep a run from being published, inside the transaction that found why."""
    log.record_run(connection, provenance)
    row = {
        "run_id": provenance.run_id, "model": model, "against": against, "n_decisions": n_decisions,
        "report": canonical_bytes(report).decode(), "held_at": log.now(),
    }  # fmt: skip
    _append(connection, HOLDS, "run.held", row, OPERATOR)


def release(engine: Engine, run_id: str, *, by: str, reason: str) -> Hold:
    """Propose that a held run is released; or, as the second person, release it: then it is published at once.

    run_id: whole, or so many of its first digits that no other held run begins with them. Raises UsageRefused without a person
    and a reason, where no such run is held, and where the same person proposed it; Conflict where it was released already.
    """
    person, why = recorded_name(by), reason.strip()
    if is_same_person(person, "") or not why:  # unseen signs are no name
        raise UsageRefused("a release needs the name of a person (--by) and a reason (--reason): both are recorded.")
    with writing(engine) as connection:
        audit.lock(connection)
        held = _named(connection, run_id)
        if held.released_by is not None:
            raise Conflict(f"run {held.run_id[:12]} was released by {held.proposed_by} and {held.released_by}: it is published.")
        if held.proposed_by is None:
            row = {"run_id": held.run_id, "proposed_by": person, "reason": why, "proposed_at": log.now()}
            _append(connection, PROPOSALS, "run.release_proposed", row, person)
        else:
            if is_same_person(held.proposed_by, person):
                raise UsageRefused(f"{person} proposed the release of run {held.run_id[:12]}; a second person must release it.")
            row = {
                "run_id": held.run_id, "proposed_by": held.proposed_by, "released_by": person, "reason": why,
                "released_at": log.now(),
            }  # fmt: skip
            _append(connection, RELEASES, "run.released", row, person)
            log.check_whole(connection, held.run_id, held.n_decisions)
            log.complete_in(connection, held.run_id, held.n_decisions)
        return _named(connection, held.run_id)


def named(engine: Engine, run_id: str) -> Hold:
    """The held run of that id, or of those first digits. Raises UsageRefused where there is none, or more than one."""
    with reading(engine) as connection:
        return _named(connection, run_id)


def find(connection: Connection, run_id: str) -> Hold | None:
    """The hold of a run; null where it never was held."""
    held = _found(connection, HOLDS.c.run_id == run_id)
    return held[0] if held else None


def unreleased(engine: Engine) -> list[Hold]:
    """The runs that wait for two people, oldest first."""
    with reading(engine) as connection:
        return _found(connection, RELEASES.c.run_id.is_(None))


def verify(engine: Engine) -> int:
    """Compare every row with its row of the audit log; how many rows. Raises StorageFailed naming the first that differs.

    It also names a held run that is published and that nobody released.
    """
    recorded = {event.sequence: event for event in audit.events(engine) if event.action.startswith("run.")}
    with reading(engine) as connection:
        rows = [
            dict(row._mapping)  # noqa: SLF001  SQLAlchemy's public way to a row's columns by name
            for table in (HOLDS, PROPOSALS, RELEASES)
            for row in connection.execute(sa.select(table))
        ]
        alone = (
            sa.select(HOLDS.c.run_id)
            .join(COMPLETIONS, COMPLETIONS.c.run_id == HOLDS.c.run_id)
            .where(HOLDS.c.run_id.not_in(sa.select(RELEASES.c.run_id)))
        )
        for run_id in connection.execute(alone).scalars():
            raise StorageFailed(f"run {run_id} was held, and is published though nobody released it. Find out who published it.")
    for row in rows:
        event = recorded.pop(row["audit_sequence"], None)
        if event is None or event.facts != _facts(row) or event.subject != row["run_id"]:
            raise StorageFailed(f"the hold of run {row['run_id']} is not what was recorded. Restore the database from a backup.")
    if recorded:
        raise StorageFailed(
            f"audit log: row {min(recorded)} is about a held run that is gone. Restore the database from a backup."
        )
    return len(rows)


def _named(connection: Connection, run_id: str) -> Hold:
    found = _found(connection, HOLDS.c.run_id.startswith(run_id, autoescape=True)) if len(run_id) >= SHORTEST_ID else []
    if len(found) != 1:
        what = "more than one held run begins" if found else "no held run begins"
        raise UsageRefused(f"{what} with {run_id!r}. riskscore release lists those that are held; eight digits or more name one.")
    return found[0]


def _found(connection: Connection, which: sa.ColumnElement[bool]) -> list[Hold]:
    query = (
        sa.select(HOLDS, RUNS.c.as_of, PROPOSALS.c.proposed_by, PROPOSALS.c.reason, RELEASES.c.released_by)
        .join(RUNS, RUNS.c.run_id == HOLDS.c.run_id)
        .outerjoin(PROPOSALS, PROPOSALS.c.run_id == HOLDS.c.run_id)
        .outerjoin(RELEASES, RELEASES.c.run_id == HOLDS.c.run_id)
        .where(which)
        .order_by(HOLDS.c.audit_sequence)
    )
    return [
        Hold(
            row.run_id, row.model, row.as_of, row.against, row.n_decisions, json.loads(row.report), row.held_at,
            row.proposed_by, row.reason, row.released_by,
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def _append(connection: Connection, table: sa.Table, action: str, row: Mapping[str, Any], actor: str) -> None:
    at = int(datetime.now(UTC).timestamp())
    number = audit.append(connection, actor=actor, action=action, subject=row["run_id"], facts=_facts(row), at=at)
    connection.execute(sa.insert(table), {**row, "audit_sequence": number})


def _facts(row: Mapping[str, Any]) -> dict[str, Any]:
    """As the chain holds them: of a free text, which may hold personal data, and of the report its digest."""
    texts = {f"{name}_digest": hashlib.sha256(row[name].encode()).hexdigest() for name in ("reason", "report") if name in row}
    return {name: value for name, value in row.items() if name not in {"audit_sequence", "reason", "report"}} | texts
