"""Approvals: which bytes may score. Two people, a row each that the database never changes; an alias elsewhere is nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from riskscore.errors import ModelRefused, UsageRefused
from riskscore.stores.database import MODEL_APPROVALS, reading, writing


@dataclass(frozen=True)
class Approval:
    """One row: a version proposed (`approved_by` is null) or approved, with the digest of exactly the bytes that were meant.

    first: the first version of a name, approved by one person alone because there was nothing to compare it with.
    """

    name: str
    version: str
    digest: str
    proposed_by: str
    approved_by: str | None
    first: bool
    recorded_at: str


def propose(engine: Engine, name: str, version: str, digest: str, *, by: str) -> Approval:
    """Ask for a version to be approved. Raises UsageRefused without a name of a person."""
    with writing(engine) as connection:
        return _append(connection, Approval(name, version, digest, _person(by), None, first=False, recorded_at=_now()))


def approve(engine: Engine, name: str, version: str, digest: str, *, by: str) -> Approval:
    """Approve a proposed version: from now on it is the one in force.

    digest: of the bytes as they lie in the registry now. Approving a former version again is how one rolls back.
    Raises UsageRefused where nobody proposed the version or the same person did; ModelRefused where the bytes are not those that
    were proposed.
    """
    person = _person(by)
    with writing(engine) as connection:
        rows = [row for row in _rows(connection, name) if row.version == version]
        if not rows:
            raise UsageRefused(f"{name} version {version} was not proposed. Somebody else promotes it first: riskscore promote.")
        proposal = rows[-1]
        if proposal.digest != digest:
            raise ModelRefused(
                f"{name} version {version} is not what {proposal.proposed_by} proposed: its digest is {digest[:12]}, "
                f"proposed was {proposal.digest[:12]}. Nothing was approved; find out who changed the registry."
            )
        if proposal.proposed_by.casefold() == person.casefold():
            raise UsageRefused(f"{person} proposed {name} version {version}; a second person must approve it.")
        return _append(connection, Approval(name, version, digest, proposal.proposed_by, person, first=False, recorded_at=_now()))


def approve_first(engine: Engine, name: str, version: str, digest: str, *, by: str) -> Approval:
    """Approve the first version of a name in one step, recorded as such. Raises UsageRefused where any row of the name exists."""
    person = _person(by)
    with writing(engine) as connection:
        if _rows(connection, name):
            raise UsageRefused(FIRST_IS_GONE.format(name=name))
        return _append(connection, Approval(name, version, digest, person, person, first=True, recorded_at=_now()))


FIRST_IS_GONE = (
    "{name} has been proposed or approved before, so --first does not apply. "
    "Train without it, then two people: riskscore promote, riskscore approve."
)


def approval_in_force(engine: Engine, name: str) -> Approval:
    """The newest approval of a name: the version that scores. Raises ModelRefused where there is none."""
    approved = [row for row in approvals_of(engine, name) if row.approved_by is not None]
    if not approved:
        raise ModelRefused(
            f"no approved version of {name}. Train the first one (riskscore train --first), or have a second person approve one "
            "(riskscore models, riskscore approve)."
        )
    return approved[-1]


def approvals_of(engine: Engine, name: str) -> Sequence[Approval]:
    """Every proposal and approval of a name, in the order in which they were recorded."""
    with reading(engine) as connection:
        return _rows(connection, name)


def _rows(connection: Connection, name: str) -> list[Approval]:
    columns = [MODEL_APPROVALS.c[field] for field in Approval.__dataclass_fields__]
    query = sa.select(*columns).where(MODEL_APPROVALS.c.name == name).order_by(MODEL_APPROVALS.c.sequence)
    return [Approval(*row) for row in connection.execute(query)]


def _append(connection: Connection, row: Approval) -> Approval:
    connection.execute(sa.insert(MODEL_APPROVALS).values(**row.__dict__))
    return row


def _person(by: str) -> str:
    if not by.strip():
        raise UsageRefused("an approval needs the name of a person (--by).")
    return by.strip()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
