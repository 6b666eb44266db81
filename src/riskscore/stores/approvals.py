"""Approvals: which bytes may score, and until when. Two people, in rows the database never changes; an alias is nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from riskscore.errors import HeldForReview, ModelRefused, UsageRefused
from riskscore.people import is_same_person, recorded_name
from riskscore.stores.comparisons import Comparison, find
from riskscore.stores.database import MODEL_APPROVALS, MODEL_ROLLBACKS, reading, writing

VALID_DAYS = 400
"""How long an approval holds where nobody said: a year, and five weeks to review it in."""

APPROVALS_LOCK = 7_215_420_015  # any constant: PostgreSQL's advisory lock that lets one person act at a time


@dataclass(frozen=True)
class Approval:
    """One row: a version proposed (`approved_by` is null) or approved, with the digest of exactly the bytes that were meant.

    first: the first version of a name, approved by one person alone because there was nothing to compare it with.
    comparison: digest of what the gate found; null for the first. release_reason: why this person lets a held version through.
    expires_on: the last day it scores. proposal: sequence of the proposal that an approval used up; null in a proposal, the first
    and rows from before this was told. sequence: its place among all rows, from 1.
    """

    name: str
    version: str
    digest: str
    proposed_by: str
    approved_by: str | None
    first: bool
    recorded_at: str
    comparison: str | None = None
    release_reason: str | None = None
    expires_on: date | None = None
    proposal: int | None = None
    sequence: int = 0

    @property
    def last_day(self) -> date:
        """The last day it scores, also where the row does not say."""
        return self.expires_on or datetime.fromisoformat(self.recorded_at).date() + timedelta(days=VALID_DAYS)


@dataclass(frozen=True)
class Rollback:
    """A return to an earlier approval. newest, restored: sequences of approvals; it holds until an approval after `newest`.

    newest_row: sequence of the newest row of the name, proposals too; null in a rollback from before this was told.
    """

    name: str
    newest: int
    restored: int
    rolled_back_by: str
    reason: str
    recorded_at: str
    newest_row: int | None = None


def propose(engine: Engine, comparison: Comparison, *, by: str, release_reason: str | None = None) -> Approval:
    """Ask for the version of a kept comparison to be approved, bound to the bytes and the report of that comparison.

    Raises UsageRefused without a name of a person.
    """
    row = Approval(
        comparison.name, comparison.version, comparison.challenger, _person(by), None, first=False, recorded_at=_now(),
        comparison=comparison.digest, release_reason=_said(release_reason),
    )  # fmt: skip
    with writing(engine) as connection:
        _lock(connection)
        return _append(connection, row)


def approve(
    engine: Engine,
    name: str,
    version: str,
    digest: str,
    *,
    by: str,
    release_reason: str | None = None,
    valid_days: int = VALID_DAYS,
) -> Approval:
    """Approve a proposed version: from now on it is the one in force, and its proposal is used up.

    digest: of the bytes as they lie in the registry now. Raises UsageRefused where nobody proposed the version, the same person
    did, or its proposal counts no more (see `is_open`); ModelRefused where the bytes are not those that were proposed;
    HeldForReview where the gate held it and not both people gave a reason to let it through.
    """
    person, reason = _person(by), _said(release_reason)
    with writing(engine) as connection:
        _lock(connection)
        proposal = _open_proposal(connection, name, version)
        if proposal.digest != digest:
            raise ModelRefused(
                f"{name} version {version} is not what {proposal.proposed_by} proposed: its digest is {digest[:12]}, "
                f"proposed was {proposal.digest[:12]}. Nothing was approved; find out who changed the registry."
            )
        if is_same_person(proposal.proposed_by, person):
            raise UsageRefused(f"{person} proposed {name} version {version}; a second person must approve it.")
        _check_comparison(connection, proposal, reason)
        now = _now()
        row = replace(
            proposal,
            approved_by=person,
            recorded_at=now,
            release_reason=reason,
            expires_on=_last_day(now, valid_days),
            proposal=proposal.sequence,
            sequence=0,
        )
        return _append(connection, row)


def approve_first(engine: Engine, name: str, version: str, digest: str, *, by: str, valid_days: int = VALID_DAYS) -> Approval:
    """Approve the first version of a name in one step, recorded as such. Raises UsageRefused where any row of the name exists."""
    person, now = _person(by), _now()
    with writing(engine) as connection:
        _lock(connection)
        if _rows(connection, name):
            raise UsageRefused(FIRST_IS_GONE.format(name=name))
        row = Approval(name, version, digest, person, person, first=True, recorded_at=now, expires_on=_last_day(now, valid_days))
        return _append(connection, row)


FIRST_IS_GONE = (
    "{name} has been proposed or approved before, so --first does not apply. "
    "Train without it, then two people: riskscore promote, riskscore approve."
)

UNNAMED = "late_payment"
"""The model that commands speak of where none is named."""


def asked_of(name: str, version: str) -> str:
    """How a command line names that version: `2`, or `2 --model NAME` where it is not of the model taken by default."""
    return version if name == UNNAMED else f"{version} --model {name}"


def roll_back(engine: Engine, name: str, *, by: str, reason: str, to: str | None = None) -> tuple[Approval, Approval]:
    """Put an earlier approval back in force, at once and by one person: two people approved those bytes before.

    to: the version; null: the one in force before this one. Returns what was in force and what is. Raises UsageRefused without a
    person and a reason, or where there is no such earlier approval; ModelRefused where it has expired.
    """
    person, why = _person(by), _said(reason)
    if why is None:
        raise UsageRefused("a rollback needs a reason (--reason): it is recorded.")
    with writing(engine) as connection:
        _lock(connection)
        rows = _rows(connection, name)
        now_in_force = _in_force(rows, _rollbacks(connection, name))
        if now_in_force is None:
            raise ModelRefused(NOTHING_APPROVED.format(name=name))
        compared = find(connection, now_in_force.comparison)
        replaced = compared.champion if compared is not None else None
        earlier = [row for row in rows if row.approved_by is not None and row.sequence < now_in_force.sequence]
        if to is not None:
            earlier = [row for row in earlier if row.version == to]
        else:
            others = [row for row in earlier if row.digest != now_in_force.digest]
            earlier = [row for row in others if row.digest == replaced] or others
        if not earlier:
            wanted = "another version" if to is None else f"version {to}"
            raise UsageRefused(f"{name}: {wanted} was not in force before version {now_in_force.version}. Nothing was changed.")
        target = earlier[-1]
        if target.last_day < datetime.now(UTC).date():
            raise ModelRefused(f"{name} version {target.version} expired on {target.last_day}: it would refer everybody.")
        newest = max(row.sequence for row in rows if row.approved_by is not None)
        rollback = Rollback(name, newest, target.sequence, person, why, _now(), rows[-1].sequence)
        connection.execute(sa.insert(MODEL_ROLLBACKS).values(**rollback.__dict__))
        return now_in_force, target


NOTHING_APPROVED = (
    "no approved version of {name}. Train the first one (riskscore train --first), or have a second person approve one "
    "(riskscore models, riskscore approve). Meanwhile riskscore score --no-model refers everybody, with what the rules allow; "
    "report, explain, plans, reviews, provision, backtest and serve have the option too."
)


def approval_in_force(engine: Engine, name: str) -> Approval:
    """The version that scores: the newest approval of the name, or the one rolled back to. Raises ModelRefused without one."""
    with reading(engine) as connection:
        found = _in_force(_rows(connection, name), _rollbacks(connection, name))
    if found is None:
        raise ModelRefused(NOTHING_APPROVED.format(name=name))
    return found


def approval_in_force_on(engine: Engine, name: str, day: date) -> Approval | None:
    """The version that scored on a past day: as `approval_in_force`, of what was recorded by then; None where nothing was."""
    with reading(engine) as connection:
        rows = [row for row in _rows(connection, name) if datetime.fromisoformat(row.recorded_at).date() <= day]
        returns = [each for each in _rollbacks(connection, name) if datetime.fromisoformat(each.recorded_at).date() <= day]
    return _in_force(rows, returns)


def approvals_of(engine: Engine, name: str) -> Sequence[Approval]:
    """Every proposal and approval of a name, in the order in which they were recorded."""
    with reading(engine) as connection:
        return _rows(connection, name)


def approvals_by_digest(engine: Engine, digest: str) -> Sequence[Approval]:
    """Every approval of exactly these bytes, whatever their name, in the order in which they were recorded."""
    columns = [MODEL_APPROVALS.c[field] for field in Approval.__dataclass_fields__]
    bytes_of = (MODEL_APPROVALS.c.digest == digest) & MODEL_APPROVALS.c.approved_by.is_not(None)
    with reading(engine) as connection:
        query = sa.select(*columns).where(bytes_of).order_by(MODEL_APPROVALS.c.sequence)
        return [Approval(*row) for row in connection.execute(query)]


def rollbacks_of(engine: Engine, name: str) -> Sequence[Rollback]:
    """Every rollback of a name, in the order in which they were recorded."""
    with reading(engine) as connection:
        return _rollbacks(connection, name)


def proposal_of(engine: Engine, name: str, version: str) -> Approval:
    """The newest proposal of a version. Raises UsageRefused where nobody proposed it, or the proposal counts no more."""
    with reading(engine) as connection:
        return _open_proposal(connection, name, version)


def is_open(proposal: Approval, rows: Sequence[Approval], rollbacks: Sequence[Rollback]) -> bool:
    """May somebody else still approve the proposal? An approval uses it up, and so does a later one or a rollback of the name.

    rows, rollbacks: of the name. What a person proposed was meant for what was in force then; whatever changed that since asks
    for a new proposal, even where it was changed back.
    """
    return not (
        any(row.approved_by is not None and row.sequence > proposal.sequence for row in rows)
        or any(_overtakes(each, proposal) for each in rollbacks)
    )


def _overtakes(rollback: Rollback, proposal: Approval) -> bool:
    if rollback.newest_row is None:  # from before it was told: by the clock, and in doubt a new proposal is needed
        return rollback.recorded_at >= proposal.recorded_at
    return rollback.newest_row >= proposal.sequence


def _open_proposal(connection: Connection, name: str, version: str) -> Approval:
    rows = _rows(connection, name)
    proposed = [row for row in rows if row.version == version and row.approved_by is None and row.comparison is not None]
    if not proposed:
        raise UsageRefused(
            f"{name} version {version} was not proposed. Somebody else promotes it first: riskscore promote "
            f"{asked_of(name, version)} --by NAME."
        )
    if not is_open(proposed[-1], rows, _rollbacks(connection, name)):
        raise UsageRefused(
            f"{name} version {version}: what {proposed[-1].proposed_by} proposed counts no more, because a version was approved "
            f"or rolled back after it. Nothing was approved. Propose it again: riskscore promote {asked_of(name, version)} --by "
            "NAME; somebody else approves it."
        )
    return proposed[-1]


def _check_comparison(connection: Connection, proposal: Approval, reason: str | None) -> None:
    compared = find(connection, proposal.comparison)
    current = _in_force(_rows(connection, proposal.name), _rollbacks(connection, proposal.name))
    if compared is None or compared.champion != (None if current is None else current.digest):
        raise UsageRefused(
            f"{proposal.name} version {proposal.version} was not compared with what is in force now. "
            f"Propose it again: riskscore promote {asked_of(proposal.name, proposal.version)}."
        )
    if compared.verdict == "held" and (proposal.release_reason is None or reason is None):
        which = asked_of(proposal.name, proposal.version)
        raise HeldForReview(
            f"{proposal.name} version {proposal.version} was held by the gate. Two people may release it, each with a reason: "
            f"riskscore promote {which} --by NAME --release REASON, riskscore approve {which} --by OTHER --release REASON. "
            "Nothing was approved."
        )


def _in_force(rows: Sequence[Approval], rollbacks: Sequence[Rollback]) -> Approval | None:
    approved = {row.sequence: row for row in rows if row.approved_by is not None}
    if not approved:
        return None
    newest = max(approved)
    holding = [each.restored for each in rollbacks if each.newest == newest]
    return approved[holding[-1] if holding else newest]


def _rows(connection: Connection, name: str) -> list[Approval]:
    columns = [MODEL_APPROVALS.c[field] for field in Approval.__dataclass_fields__]
    query = sa.select(*columns).where(MODEL_APPROVALS.c.name == name).order_by(MODEL_APPROVALS.c.sequence)
    return [Approval(*row) for row in connection.execute(query)]


def _rollbacks(connection: Connection, name: str) -> list[Rollback]:
    columns = [MODEL_ROLLBACKS.c[field] for field in Rollback.__dataclass_fields__]
    query = sa.select(*columns).where(MODEL_ROLLBACKS.c.name == name).order_by(MODEL_ROLLBACKS.c.sequence)
    return [Rollback(*row) for row in connection.execute(query)]


def _append(connection: Connection, row: Approval) -> Approval:
    values = {name: value for name, value in row.__dict__.items() if name != "sequence"}  # the database numbers the rows
    key = connection.execute(sa.insert(MODEL_APPROVALS).values(**values)).inserted_primary_key
    return replace(row, sequence=int(key[0]) if key else 0)


def _lock(connection: Connection) -> None:
    # What was read of a name must still hold when its next row is written. SQLite holds its write lock already.
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(APPROVALS_LOCK)))


def _last_day(recorded_at: str, valid_days: int) -> date:
    return datetime.fromisoformat(recorded_at).date() + timedelta(days=valid_days)


def _person(by: str) -> str:
    name = recorded_name(by)
    if is_same_person(name, ""):  # unseen signs are no name
        raise UsageRefused("an approval needs the name of a person (--by).")
    return name


def _said(reason: str | None) -> str | None:
    return reason.strip() or None if reason is not None else None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
