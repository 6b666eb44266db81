"""The log of decisions: appended run by run, chained by hash, never changed; the same run twice adds nothing."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection, Engine

from riskscore.decisions import Decision, GradeBefore, Provenance, canonical_bytes, from_record
from riskscore.errors import NotReproduced, StorageFailed, UsageRefused
from riskscore.stores.database import ANSWERS, COMPLETIONS, DECISIONS, RUNS, SIGNED_TEXTS, reading, writing

GENESIS = "0" * 64
"""What the first row of the chain names as the one before it."""

CHAIN_LOCK = 7_215_420_012  # any constant: PostgreSQL's advisory lock that lets one writer append at a time
ROWS_AT_ONCE = 2_000  # read, compared and verified in such portions, so that memory stays bounded

KEPT_FOR = 366
"""Days after which an earlier grade holds nothing back any more."""

CHAINED = ("sequence", "decision_id", "run_id", "customer_id", "as_of", "status", "digest", "recorded_at")
"""What the link of a row covers besides the link before; the record itself through its digest."""

Texts = Mapping[Literal["policy", "grades", "statutes"], str]
NO_TEXTS: Texts = MappingProxyType({})


@dataclass(frozen=True)
class Stored:
    """One decision as it was recorded: the record's text, the manifest of its run, its place in the chain."""

    sequence: int
    record: str
    manifest: Mapping[str, Any]
    recorded_at: str

    @property
    def decision(self) -> Decision:
        """The decision the record was made of."""
        parts = {name: value for name, value in self.manifest.items() if name != "version"}
        provenance = Provenance(**{**parts, "as_of": date.fromisoformat(parts["as_of"])})
        return from_record(json.loads(self.record), provenance)


def append(engine: Engine, decisions: Sequence[Decision], signed: Texts = NO_TEXTS) -> int:
    """Record these decisions of one run in one transaction; how many of them were new.

    signed: the policy and the grades they were made with, kept under their digests so that each can be made again.

    A decision that is there already with the same bytes is left alone. Raises NotReproduced where it is there with other bytes:
    then nothing of this call is recorded. Raises StorageFailed where the database does not take it.
    """
    if not decisions:
        return 0
    with writing(engine) as connection:
        lock_chain(connection)
        return append_in(connection, decisions, signed)


def lock_chain(connection: Connection) -> None:
    """Nobody else appends until this transaction ends; SQLite gave the lock when it began."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(CHAIN_LOCK)))


def append_in(connection: Connection, decisions: Sequence[Decision], signed: Texts = NO_TEXTS) -> int:
    """As `append`, inside a transaction that holds the lock of the chain."""
    provenance = decisions[0].provenance
    made = {decision.customer_id: decision for decision in decisions}
    there = _digests(connection, provenance.run_id, sorted(made))
    for customer, digest in there.items():
        if made[customer].digest != digest:
            raise NotReproduced(
                f"decision {provenance.decision_id(customer)} is recorded with other content than this run computes from the "
                "same manifest. Nothing was recorded. Something outside the manifest decides: report it as a bug."
            )
    _record_texts(connection, provenance, signed)
    new = [decision for decision in decisions if decision.customer_id not in there]
    if new:
        record_run(connection, provenance)
        connection.execute(sa.insert(DECISIONS), _chained(connection, new))
    return len(new)


def complete(engine: Engine, provenance: Provenance, n_decisions: int) -> None:
    """Mark a run complete: from now on it is read. Once is enough; a second time changes nothing.

    Nothing is compared here: see `riskscore.stores.publishing`. Raises StorageFailed where fewer or more decisions of the run are
    recorded than were made.
    """
    with writing(engine) as connection:
        check_whole(connection, provenance.run_id, n_decisions)
        if not is_complete_in(connection, provenance.run_id):
            complete_in(connection, provenance, n_decisions)


def check_whole(connection: Connection, run_id: str, n_decisions: int) -> None:
    """Raises StorageFailed where fewer or more decisions of the run are recorded than were made."""
    counted = sa.select(sa.func.count()).select_from(DECISIONS).where(DECISIONS.c.run_id == run_id)
    there = connection.execute(counted).scalar_one()
    if there != n_decisions:
        raise StorageFailed(f"run {run_id}: {there} decisions are recorded, {n_decisions} were made. Run it again.")


def complete_in(connection: Connection, made: Provenance | str, n_decisions: int) -> None:
    """Publish a run inside a transaction; the database refuses one that is held and was not released.

    made: what it was made with, or the id of one that is recorded already.
    """
    run_id = made if isinstance(made, str) else made.run_id
    if not isinstance(made, str):
        record_run(connection, made)  # of a run without customers nothing is recorded yet
    connection.execute(sa.insert(COMPLETIONS), {"run_id": run_id, "n_decisions": n_decisions, "recorded_at": now()})


def record_run(connection: Connection, provenance: Provenance) -> None:
    """Record what a run is made with, where it is not recorded yet."""
    if connection.execute(sa.select(RUNS.c.run_id).where(RUNS.c.run_id == provenance.run_id)).one_or_none() is None:
        manifest = canonical_bytes(provenance.manifest).decode()
        row = {"run_id": provenance.run_id, "as_of": provenance.as_of, "manifest": manifest, "recorded_at": now()}
        connection.execute(sa.insert(RUNS), row)


def is_complete(engine: Engine, run_id: str) -> bool:
    """Was every decision of that run recorded? Readers look at no other run."""
    with reading(engine) as connection:
        return is_complete_in(connection, run_id)


def is_complete_in(connection: Connection, run_id: str) -> bool:
    """As `is_complete`, inside a transaction."""
    query = sa.select(COMPLETIONS.c.run_id).where(COMPLETIONS.c.run_id == run_id)
    return connection.execute(query).one_or_none() is not None


def find(engine: Engine, decision_id: str) -> Stored | None:
    """The recorded decision with that id; None where there is none."""
    query = sa.select(DECISIONS, RUNS.c.manifest).join(RUNS).where(DECISIONS.c.decision_id == decision_id)
    with reading(engine) as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else _stored(row)


def history(engine: Engine, customer_id: str) -> list[Stored]:
    """The decisions about a customer that were given out, in complete runs or as answers to somebody, oldest first."""
    query = (
        sa.select(DECISIONS, RUNS.c.manifest)
        .join(RUNS)
        .where(DECISIONS.c.customer_id == customer_id)
        .where(
            sa.exists().where(COMPLETIONS.c.run_id == DECISIONS.c.run_id)
            | sa.exists().where(ANSWERS.c.decision_id == DECISIONS.c.decision_id)
        )
        .order_by(DECISIONS.c.as_of, DECISIONS.c.sequence)
    )
    with reading(engine) as connection:
        return [_stored(row) for row in connection.execute(query)]


def given_out(engine: Engine, customer_id: str, *, since: date, until: date) -> list[Decision]:
    """The decisions about a customer that were in force from one day to another, in the order in which they were given out.

    Those for a date after `since` and up to `until`, and those for the newest date up to `since`. One that was given out again
    counts as given out then.
    """
    answered = sa.select(sa.func.max(ANSWERS.c.recorded_at)).where(ANSWERS.c.decision_id == DECISIONS.c.decision_id)
    answered_at = answered.scalar_subquery()
    theirs = (
        sa.select(DECISIONS, RUNS.c.manifest, COMPLETIONS.c.recorded_at.label("completed_at"), answered_at.label("answered_at"))
        .join_from(DECISIONS, RUNS)
        .outerjoin(COMPLETIONS, COMPLETIONS.c.run_id == DECISIONS.c.run_id)
        .where(DECISIONS.c.customer_id == customer_id)
        .where(COMPLETIONS.c.run_id.is_not(None) | answered_at.is_not(None))
    )
    with reading(engine) as connection:
        dates = theirs.where(DECISIONS.c.as_of <= since).with_only_columns(sa.func.max(DECISIONS.c.as_of))
        first = connection.execute(dates).scalar_one() or since
        rows = list(connection.execute(theirs.where(DECISIONS.c.as_of.between(first, until))))
    rows.sort(key=lambda row: (max(row.completed_at or "", row.answered_at or ""), row.sequence))
    return [_stored(row).decision for row in rows]


@dataclass(frozen=True)
class Before:
    """The grades of an earlier run, by customer; those without a grade are left out."""

    run_id: str
    grades: Mapping[str, GradeBefore]


def grades_before(engine: Engine, on: date, scale: str) -> Before | None:
    """The grades of the last complete run over the book before that day; None where there is none within a year.

    scale: the digest of the grades, because grades of other bounds are others. Runs without a model and in doubt do not count.
    Of several at one date the one completed last.
    """
    since = on - timedelta(days=KEPT_FOR)
    runs = (
        sa.select(RUNS.c.run_id, RUNS.c.manifest)
        .join(COMPLETIONS, COMPLETIONS.c.run_id == RUNS.c.run_id)
        .where(RUNS.c.as_of < on, RUNS.c.as_of >= since)
        .order_by(RUNS.c.as_of.desc(), COMPLETIONS.c.recorded_at.desc(), RUNS.c.run_id)
    )
    with reading(engine) as connection:
        for run_id, manifest in connection.execute(runs):
            made = json.loads(manifest)
            if made["grades"] == scale and made["model"] is not None and "doubt" not in made:
                return grades_of(engine, run_id)
    return None


def grades_of(engine: Engine, run_id: str) -> Before:
    """What a run graded its customers, as a later one keeps its grades against."""
    grade, high = (_of_case(engine, name) for name in ("grade", "grade_high"))
    query = sa.select(DECISIONS.c.customer_id, grade, high).where(DECISIONS.c.run_id == run_id)
    with reading(engine) as connection:
        rows = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query)
        return Before(run_id, {who: GradeBefore(int(at), int(top)) for who, at, top in rows if at and top})


def _of_case(engine: Engine, name: str) -> sa.ColumnElement[Any]:
    """A figure of the case, read by the database: whole records of a large book would take their time."""
    if engine.dialect.name == "postgresql":
        found: sa.ColumnElement[Any] = sa.cast(DECISIONS.c.record, JSONB)[("case", name)].astext
        return found
    return sa.func.json_extract(DECISIONS.c.record, f"$.case.{name}")


def of_run(engine: Engine, run_id: str) -> Iterator[Stored]:
    """Every decision of a run, sorted by customer id. Raises UsageRefused where the run is not there or not complete."""
    if not is_complete(engine, run_id):
        raise UsageRefused(f"run {run_id} is not there or was not completed. Score the book again; it goes on where it stopped.")
    query = sa.select(DECISIONS, RUNS.c.manifest).join(RUNS).where(DECISIONS.c.run_id == run_id).order_by(DECISIONS.c.customer_id)
    with reading(engine) as connection:
        for row in connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query):
            yield _stored(row)


def decisions_of(engine: Engine, made: Provenance, at_once: int) -> Iterator[list[Decision]]:
    """The decisions recorded in a run by customer id, so many at once. made: what the run was made with; it may not be complete.

    Each portion is read by itself: one view of the database for a large run would let SQLite's log of writes grow for minutes.
    """
    columns = sa.select(DECISIONS.c.customer_id, DECISIONS.c.record).where(DECISIONS.c.run_id == made.run_id)
    query = columns.order_by(DECISIONS.c.customer_id).limit(at_once)
    rows: Sequence[Any] = ()
    while True:
        with reading(engine) as connection:
            rows = connection.execute(query.where(DECISIONS.c.customer_id > rows[-1].customer_id) if rows else query).all()
        if not rows:
            return
        yield [from_record(json.loads(row.record), made) for row in rows]


def between(engine: Engine, first: date, last: date) -> Iterator[tuple[Provenance, dict[str, Decision]]]:
    """The decisions logged for a day of the period, both ends included, run by run, oldest first; by customer."""
    with reading(engine) as connection:
        query = (
            sa.select(RUNS.c.run_id)
            .where(RUNS.c.as_of.between(first, last))
            .order_by(RUNS.c.as_of, RUNS.c.recorded_at, RUNS.c.run_id)
        )
        run_ids = list(connection.execute(query).scalars())
    for run_id in run_ids:
        rows = sa.select(DECISIONS, RUNS.c.manifest).join(RUNS).where(DECISIONS.c.run_id == run_id)
        with reading(engine) as connection:
            found = [_stored(row).decision for row in connection.execute(rows)]
        if found:
            yield found[0].provenance, {decision.customer_id: decision for decision in found}


def verify(engine: Engine) -> int:
    """Follow the chain from its first row; the number of rows. Raises StorageFailed naming the first sequence that does not hold.

    An edited, deleted, inserted or moved row breaks its own link or the next one; a manifest is checked against its run id.
    """
    with reading(engine) as connection:
        for run_id, manifest in connection.execute(sa.select(RUNS.c.run_id, RUNS.c.manifest)):
            if _sha256(manifest) != run_id:
                raise StorageFailed(f"run {run_id}: its manifest is not the one that was recorded.")
        previous, expected = GENESIS, 1
        rows = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(sa.select(DECISIONS).order_by(DECISIONS.c.sequence))
        for row in rows:
            facts = dict(row._mapping)  # noqa: SLF001  SQLAlchemy's public way to a row's columns by name
            sound = (
                facts["sequence"] == expected
                and facts["previous"] == previous
                and facts["digest"] == _sha256(facts["record"])
                and facts["link"] == _link(previous, facts)
            )
            if not sound:
                raise StorageFailed(f"decision log: row {expected} is not what was recorded. Restore the database from a backup.")
            previous, expected = facts["link"], expected + 1
    return expected - 1


def _chained(connection: Connection, decisions: Sequence[Decision]) -> list[dict[str, Any]]:
    head = connection.execute(
        sa.select(DECISIONS.c.sequence, DECISIONS.c.link).order_by(DECISIONS.c.sequence.desc()).limit(1)
    ).one_or_none()
    sequence, previous = (head.sequence, head.link) if head else (0, GENESIS)
    at = now()
    rows = []
    for decision in sorted(decisions, key=lambda each: each.customer_id):
        sequence += 1
        record = decision.to_bytes().decode()  # written once, for itself and for its digest
        row: dict[str, Any] = {
            "sequence": sequence,
            "decision_id": decision.decision_id,
            "run_id": decision.provenance.run_id,
            "customer_id": decision.customer_id,
            "as_of": decision.as_of,
            "status": decision.status,
            "record": record,
            "digest": _sha256(record),
            "previous": previous,
            "recorded_at": at,
        }
        row["link"] = previous = _link(previous, row)
        rows.append(row)
    return rows


def _record_texts(connection: Connection, provenance: Provenance, signed: Texts) -> None:
    wanted = {getattr(provenance, kind): (kind, text) for kind, text in signed.items()}
    if not wanted:
        return
    there = connection.execute(sa.select(SIGNED_TEXTS.c.digest).where(SIGNED_TEXTS.c.digest.in_(list(wanted)))).scalars()
    for digest in set(wanted) - set(there):
        kind, text = wanted[digest]
        row = {"digest": digest, "kind": kind, "text": text, "recorded_at": now()}
        connection.execute(sa.insert(SIGNED_TEXTS), row)


def text_of(engine: Engine, digest: str) -> str | None:
    """The signed text with that digest; None where no decision was recorded with it."""
    with reading(engine) as connection:
        query = sa.select(SIGNED_TEXTS.c.text).where(SIGNED_TEXTS.c.digest == digest)
        return connection.execute(query).scalar_one_or_none()


def _digests(connection: Connection, run_id: str, customers: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(customers), ROWS_AT_ONCE):
        some = customers[start : start + ROWS_AT_ONCE]
        query = sa.select(DECISIONS.c.customer_id, DECISIONS.c.digest).where(
            DECISIONS.c.run_id == run_id, DECISIONS.c.customer_id.in_(some)
        )
        found.update((row.customer_id, row.digest) for row in connection.execute(query))
    return found


def _stored(row: sa.Row[Any]) -> Stored:
    return Stored(row.sequence, row.record, json.loads(row.manifest), row.recorded_at)


def _link(previous: str, row: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_bytes([previous, *(str(row[name]) for name in CHAINED)])).hexdigest()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def now() -> str:
    """This instant as the stores write it: UTC, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")
