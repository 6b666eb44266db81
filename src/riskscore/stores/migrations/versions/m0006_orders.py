"""Orders: answers, the room they hold and what let it go, append-only.

Revision ID: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

APPEND_ONLY = ("order_answers", "order_reservations", "order_releases")


def upgrade() -> None:
    """Create the tables with their guards."""
    op.create_table(
        "order_answers",
        sa.Column("principal", sa.String(200), nullable=False, comment="who asked"),
        sa.Column("idempotency_key", sa.String(200), nullable=False, comment="chosen by who asked"),
        sa.Column("audit_sequence", sa.Integer, nullable=False),
        sa.Column("request", sa.String(64), nullable=False, comment="SHA-256 of the request"),
        sa.Column("customer_id", sa.Text, nullable=False),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("decision_id", sa.String(32), comment="the decision whose limit it was; null: there was none"),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("body", sa.Text, nullable=False, comment="the first answer, byte for byte"),
        sa.Column("recorded_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
        sa.CheckConstraint("outcome in ('allow', 'warn', 'block', 'prepay')", name="ck_order_answers_outcome"),
        sa.ForeignKeyConstraint(["audit_sequence"], ["audit.sequence"], name="fk_order_answers_audit_sequence"),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.decision_id"], name="fk_order_answers_decision_id"),
        sa.PrimaryKeyConstraint("principal", "idempotency_key", name="pk_order_answers"),
        sa.UniqueConstraint("audit_sequence", name="uq_order_answers_audit_sequence"),
    )
    op.create_table(
        "order_reservations",
        sa.Column("reservation_id", sa.String(32), nullable=False, comment="random"),
        sa.Column("audit_sequence", sa.Integer, nullable=False),
        sa.Column("customer_id", sa.Text, nullable=False),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("amount", sa.String(32), nullable=False, comment="decimal as text"),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("ordered_on", sa.Date, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False, comment="day of delivery"),
        sa.Column("reserved_by", sa.String(200), nullable=False),
        sa.Column("reserved_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
        sa.ForeignKeyConstraint(["audit_sequence"], ["audit.sequence"], name="fk_order_reservations_audit_sequence"),
        sa.PrimaryKeyConstraint("reservation_id", name="pk_order_reservations"),
        sa.UniqueConstraint("audit_sequence", name="uq_order_reservations_audit_sequence"),
    )
    op.create_index("ix_order_reservations_customer_id", "order_reservations", ["customer_id"])
    op.create_table(
        "order_releases",
        sa.Column(
            "reservation_id",
            sa.String(32),
            nullable=False,
            comment="one a reservation: of two who release at once, one comes first",
        ),
        sa.Column("audit_sequence", sa.Integer, nullable=False),
        sa.Column("because", sa.String(16), nullable=False),
        sa.Column("billed_on", sa.Date, comment="date of the invoice; it counts until a book of a later date is read"),
        sa.Column("released_by", sa.String(200), nullable=False),
        sa.Column("released_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
        sa.CheckConstraint("because in ('cancelled', 'billed', 'replaced')", name="ck_order_releases_because"),
        sa.CheckConstraint("(because = 'billed') = (billed_on is not null)", name="ck_order_releases_billed_on"),
        sa.ForeignKeyConstraint(
            ["reservation_id"], ["order_reservations.reservation_id"], name="fk_order_releases_reservation_id"
        ),
        sa.ForeignKeyConstraint(["audit_sequence"], ["audit.sequence"], name="fk_order_releases_audit_sequence"),
        sa.PrimaryKeyConstraint("reservation_id", name="pk_order_releases"),
        sa.UniqueConstraint("audit_sequence", name="uq_order_releases_audit_sequence"),
    )
    for table in APPEND_ONLY:
        _guard(table)


def _guard(table: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            op.execute(
                f"create trigger {table}_no_{verb} before {verb} on {table} "
                f"begin select raise(abort, '{table} is append-only: a correction is a new row'); end"
            )
    else:
        op.execute(
            f"create trigger {table}_append_only before update or delete or truncate on {table} "
            "for each statement execute function riskscore_append_only()"
        )
