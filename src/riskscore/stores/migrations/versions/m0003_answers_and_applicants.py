"""Answers given through the API with their idempotency keys, the texts decisions were made with, and applicants' own data.

Applicants are the one table here whose rows may go: personal data is erased when its time is over.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

APPEND_ONLY = ("answers", "signed_texts")


def upgrade() -> None:
    """Create the tables with their guards."""
    op.create_table(
        "signed_texts",
        sa.Column("digest", sa.String(64), nullable=False, comment="what a manifest names it by"),
        sa.Column("kind", sa.String(16), nullable=False, comment="policy or grades"),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("recorded_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
        sa.PrimaryKeyConstraint("digest", name="pk_signed_texts"),
    )
    op.create_table(
        "answers",
        sa.Column("principal", sa.String(200), nullable=False, comment="who asked"),
        sa.Column("idempotency_key", sa.String(200), nullable=False, comment="chosen by who asked"),
        sa.Column("request", sa.String(64), nullable=False, comment="hash of the request, keyed for applicants"),
        sa.Column("decision_id", sa.String(32), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("body", sa.Text, nullable=False, comment="the first answer, byte for byte; holds no name"),
        sa.Column("recorded_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
        sa.CheckConstraint("outcome in ('approve', 'conditional', 'refer', 'decline')", name="ck_answers_outcome"),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.decision_id"], name="fk_answers_decision_id"),
        sa.PrimaryKeyConstraint("principal", "idempotency_key", name="pk_answers"),
    )
    op.create_index("ix_answers_decision_id", "answers", ["decision_id"])
    op.create_table(
        "applicants",
        sa.Column("applicant_id", sa.String(64), nullable=False, comment="random; what the decision calls the applicant"),
        sa.Column("salt", sa.String(64), nullable=False, comment="goes with the row: the hash in the record then says nothing"),
        sa.Column("application", sa.Text, nullable=False, comment="canonical JSON of what was sent: personal data"),
        sa.Column("recorded_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
        sa.PrimaryKeyConstraint("applicant_id", name="pk_applicants"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for table in APPEND_ONLY:
            for verb in ("update", "delete"):
                op.execute(
                    f"create trigger {table}_no_{verb} before {verb} on {table} "
                    f"begin select raise(abort, '{table} is append-only: a correction is a new row'); end"
                )
        return
    for table in APPEND_ONLY:
        op.execute(
            f"create trigger {table}_append_only before update or delete or truncate on {table} "
            "for each statement execute function riskscore_append_only()"
        )
