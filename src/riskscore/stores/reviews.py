"""Reviews: proposals and how they ended, append-only, each row with its row of the audit log in the same transaction."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from riskscore.decisions import Decision
from riskscore.errors import Conflict, StorageFailed
from riskscore.policy import Terms
from riskscore.review import Act, Closing, Delegation, Override, Person, Wanted, check_act, check_wanted, in_force
from riskscore.stores import audit
from riskscore.stores.database import TABLES, reading, writing

REVIEWS = sa.Table(
    "reviews",
    TABLES,
    sa.Column("review_id", sa.String(32), primary_key=True, comment="random"),
    sa.Column("audit_sequence", sa.Integer, sa.ForeignKey("audit.sequence"), nullable=False, unique=True),
    sa.Column("decision_id", sa.String(32), sa.ForeignKey("decisions.decision_id"), nullable=False),
    sa.Column("customer_id", sa.Text, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("decided_for", sa.Date, nullable=False, comment="date of the decision"),
    sa.Column("decided_limit", sa.String(32), comment="decimal as text; null: none was decided"),
    sa.Column("decided_grade", sa.Integer),
    sa.Column("is_natural_person", sa.Boolean, comment="null: not known"),
    sa.Column("limit_wanted", sa.String(32), comment="decimal as text; null: as decided"),
    sa.Column("terms_wanted", sa.String(16), comment="days, prepayment or stop; null: as decided"),
    sa.Column("grade_wanted", sa.Integer, comment="null: as decided"),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("valid_until", sa.Date, nullable=False),
    sa.Column("proposed_by", sa.String(100), nullable=False),
    sa.Column("proposed_on", sa.Date, nullable=False),
    sa.UniqueConstraint("review_id", "proposed_by", name="uq_reviews_maker"),
    sa.Index("ix_reviews_decision_id", "decision_id"),
    sa.Index("ix_reviews_customer_id", "customer_id"),
)

CLOSINGS = sa.Table(
    "review_closings",
    TABLES,
    sa.Column("review_id", sa.String(32), primary_key=True, comment="one a review: of two who act at once, one comes first"),
    sa.Column("audit_sequence", sa.Integer, sa.ForeignKey("audit.sequence"), nullable=False, unique=True),
    sa.Column("proposed_by", sa.String(100), nullable=False, comment="the maker, tied to the proposal by the foreign key"),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("closed_by", sa.String(100), nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("closed_on", sa.Date, nullable=False),
    sa.CheckConstraint("state in ('approved', 'rejected', 'withdrawn')", name="state"),
    sa.CheckConstraint("(state = 'withdrawn') = (closed_by = proposed_by)", name="four_eyes"),
    sa.ForeignKeyConstraint(["review_id", "proposed_by"], ["reviews.review_id", "reviews.proposed_by"], name="fk_closings_maker"),
)

NOT_IN_CHAIN = {"audit_sequence", "reason", "note"}
"""Free text may hold personal data, so the chain holds its digest."""


def propose(engine: Engine, decision: Decision, wanted: Wanted, person: Person, *, now: int) -> Override:
    """Propose an override of a recorded decision.

    Raises UsageRefused where it cannot be put in its place, Conflict where a proposal about the decision is open already.
    """
    today = _day(now)
    check_wanted(wanted, decision, today)
    with writing(engine) as connection:
        audit.lock(connection)
        if any(each.state_on(today) == "proposed" for each in _found(connection, REVIEWS.c.decision_id == decision.decision_id)):
            raise Conflict("A proposal about this decision waits for a second person. Withdraw it or have it decided first.")
        found = decision.recommendation
        row = {
            "review_id": secrets.token_hex(16),
            "decision_id": decision.decision_id,
            "customer_id": decision.customer_id,
            "currency": decision.currency,
            "decided_for": decision.as_of,
            "decided_limit": None if found is None else str(found.limit),
            "decided_grade": decision.grade,
            "is_natural_person": decision.is_natural_person,
            "limit_wanted": None if wanted.limit is None else str(wanted.limit),
            "terms_wanted": None if wanted.terms is None else str(wanted.terms),
            "grade_wanted": wanted.grade,
            "reason": wanted.reason.strip(),
            "valid_until": wanted.valid_until,
            "proposed_by": person.name,
            "proposed_on": today,
        }
        _append(connection, REVIEWS, "review.proposed", row, person.name, now)
        return _found(connection, REVIEWS.c.review_id == row["review_id"])[0]


def close(
    engine: Engine, review_id: str, decision_id: str, act: Act, person: Person, delegation: Delegation, *, note: str, now: int
) -> Override | None:
    """Approve, reject or withdraw; null where the decision has no such review.

    Raises NotAllowed and Conflict as `check_act` does; of two who act at once, the second meets the state the first made.
    """
    with writing(engine) as connection:
        audit.lock(connection)
        mine = (REVIEWS.c.review_id == review_id) & (REVIEWS.c.decision_id == decision_id)
        found = _found(connection, mine)
        if not found:
            return None
        state = check_act(found[0], act, person, delegation, _day(now))
        row = {
            "review_id": review_id, "proposed_by": found[0].proposed_by, "state": state, "closed_by": person.name,
            "note": note.strip(), "closed_on": _day(now),
        }  # fmt: skip
        _append(connection, CLOSINGS, f"review.{state}", row, person.name, now)
        return _found(connection, mine)[0]


def of_decision(engine: Engine, decision_id: str) -> Sequence[Override]:
    """The reviews of a decision, oldest first."""
    with reading(engine) as connection:
        return _found(connection, REVIEWS.c.decision_id == decision_id)


def queue(engine: Engine, *, now: int) -> Sequence[Override]:
    """The proposals that wait for a second person, oldest first."""
    today = _day(now)
    with reading(engine) as connection:
        return [each for each in _found(connection, CLOSINGS.c.review_id.is_(None)) if each.state_on(today) == "proposed"]


def holding(engine: Engine, on: date, *, customer_id: str | None = None) -> Mapping[str, Override]:
    """Customer to the override that holds on a day; of one customer where it is named."""
    approved = CLOSINGS.c.state == "approved"
    with reading(engine) as connection:
        rows = _found(connection, approved if customer_id is None else approved & (REVIEWS.c.customer_id == customer_id))
    by_customer: dict[str, list[Override]] = {}
    for each in rows:
        by_customer.setdefault(each.customer_id, []).append(each)
    found = {customer: in_force(some, on) for customer, some in by_customer.items()}
    return {customer: each for customer, each in found.items() if each is not None}


def verify(engine: Engine) -> int:
    """Compare every row with its row of the audit log; how many. Raises StorageFailed naming the first that differs."""
    audit.verify(engine)
    recorded = {event.sequence: event for event in audit.events(engine) if event.action.startswith("review.")}
    with reading(engine) as connection:
        rows = [dict(row._mapping) for table in (REVIEWS, CLOSINGS) for row in connection.execute(sa.select(table))]  # noqa: SLF001
    for row in rows:
        event = recorded.pop(row["audit_sequence"], None)
        if event is None or event.facts != _facts(row) or event.subject != row["review_id"]:
            raise StorageFailed(f"review {row['review_id']} is not what was recorded. Restore the database from a backup.")
    if recorded:
        raise StorageFailed(f"audit log: row {min(recorded)} is about a review that is gone. Restore the database from a backup.")
    return len(rows)


def _append(connection: Connection, table: sa.Table, action: str, row: Mapping[str, Any], actor: str, now: int) -> None:
    number = audit.append(connection, actor=actor, action=action, subject=row["review_id"], facts=_facts(row), at=now)
    connection.execute(sa.insert(table), {**row, "audit_sequence": number})


def _facts(row: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()}
    texts = {f"{name}_digest": hashlib.sha256(plain[name].encode()).hexdigest() for name in ("reason", "note") if name in plain}
    return {name: value for name, value in plain.items() if name not in NOT_IN_CHAIN} | texts


def _found(connection: Connection, which: sa.ColumnElement[bool]) -> list[Override]:
    columns = [CLOSINGS.c.state, CLOSINGS.c.closed_by, CLOSINGS.c.note, CLOSINGS.c.closed_on]
    joined = sa.select(REVIEWS, *columns).outerjoin(CLOSINGS, CLOSINGS.c.review_id == REVIEWS.c.review_id)
    return [_override(row) for row in connection.execute(joined.where(which).order_by(REVIEWS.c.audit_sequence))]


def _override(row: sa.Row[Any]) -> Override:
    terms = row.terms_wanted
    return Override(
        review_id=row.review_id,
        decision_id=row.decision_id,
        customer_id=row.customer_id,
        currency=row.currency,
        decided_for=row.decided_for,
        decided_limit=_decimal(row.decided_limit),
        decided_grade=row.decided_grade,
        is_natural_person=row.is_natural_person,
        wanted=Wanted(
            limit=_decimal(row.limit_wanted),
            terms=int(terms) if terms is not None and terms.isdigit() else cast("Terms | None", terms),
            grade=row.grade_wanted,
            reason=row.reason,
            valid_until=row.valid_until,
        ),
        proposed_by=row.proposed_by,
        proposed_on=row.proposed_on,
        closing=None if row.state is None else Closing(row.state, row.closed_by, row.note, row.closed_on),
    )


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _day(now: int) -> date:
    return datetime.fromtimestamp(now, UTC).date()
