"""Reviews and their closings, append-only; the database itself keeps maker and checker apart.

Revision ID: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

APPEND_ONLY = ("reviews", "review_closings")


def upgrade() -> None:
    """Create the tables with their guards."""
    op.create_table(
        "reviews",
        sa.Column("review_id", sa.String(32), nullable=False, comment="random"),
        sa.Column("audit_sequence", sa.Integer, nullable=False),
        sa.Column("decision_id", sa.String(32), nullable=False),
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
        sa.ForeignKeyConstraint(["audit_sequence"], ["audit.sequence"], name="fk_reviews_audit_sequence"),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.decision_id"], name="fk_reviews_decision_id"),
        sa.PrimaryKeyConstraint("review_id", name="pk_reviews"),
        sa.UniqueConstraint("audit_sequence", name="uq_reviews_audit_sequence"),
        sa.UniqueConstraint("review_id", "proposed_by", name="uq_reviews_maker"),
    )
    op.create_index("ix_reviews_decision_id", "reviews", ["decision_id"])
    op.create_index("ix_reviews_customer_id", "reviews", ["customer_id"])
    op.create_table(
        "review_closings",
        sa.Column("review_id", sa.String(32), nullable=False, comment="one a review: of two who act at once, one comes first"),
        sa.Column("audit_sequence", sa.Integer, nullable=False),
        sa.Column("proposed_by", sa.String(100), nullable=False, comment="the maker, tied to the proposal by the foreign key"),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("closed_by", sa.String(100), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("closed_on", sa.Date, nullable=False),
        sa.CheckConstraint("state in ('approved', 'rejected', 'withdrawn')", name="ck_review_closings_state"),
        sa.CheckConstraint("(state = 'withdrawn') = (closed_by = proposed_by)", name="ck_review_closings_four_eyes"),
        sa.ForeignKeyConstraint(["audit_sequence"], ["audit.sequence"], name="fk_review_closings_audit_sequence"),
        sa.ForeignKeyConstraint(
            ["review_id", "proposed_by"], ["reviews.review_id", "reviews.proposed_by"], name="fk_closings_maker"
        ),
        sa.PrimaryKeyConstraint("review_id", name="pk_review_closings"),
        sa.UniqueConstraint("audit_sequence", name="uq_review_closings_audit_sequence"),
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
