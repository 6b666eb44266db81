"""Comparisons that proposals are bound to, releases with their reasons, the day an approval runs out, and rollbacks.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

APPEND_ONLY = ("model_comparisons", "model_rollbacks")


def upgrade() -> None:
    """Create the tables with their guards; give approvals their three columns."""
    op.create_table(
        "model_comparisons",
        sa.Column("digest", sa.String(64), nullable=False, comment="SHA-256 of the report"),
        sa.Column("name", sa.String(100), nullable=False, comment="registered model name"),
        sa.Column("version", sa.String(40), nullable=False, comment="the version proposed"),
        sa.Column("challenger", sa.String(64), nullable=False, comment="digest of the proposed model"),
        sa.Column("champion", sa.String(64), comment="digest of the model in force; null: there was none"),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("report", sa.Text, nullable=False, comment="canonical JSON: every check with its numbers; holds no customer"),
        sa.Column("recorded_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
        sa.CheckConstraint("verdict in ('passed', 'held')", name="ck_model_comparisons_verdict"),
        sa.PrimaryKeyConstraint("digest", name="pk_model_comparisons"),
    )
    op.create_table(
        "model_rollbacks",
        sa.Column("sequence", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(100), nullable=False, comment="registered model name"),
        sa.Column("newest", sa.Integer, nullable=False, comment="the newest approval at the time; a later one ends the rollback"),
        sa.Column("restored", sa.Integer, nullable=False, comment="the approval in force from now on"),
        sa.Column("rolled_back_by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("recorded_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
        sa.CheckConstraint("restored < newest", name="ck_model_rollbacks_backwards"),
        sa.ForeignKeyConstraint(["newest"], ["model_approvals.sequence"], name="fk_model_rollbacks_newest"),
        sa.ForeignKeyConstraint(["restored"], ["model_approvals.sequence"], name="fk_model_rollbacks_restored"),
        sa.PrimaryKeyConstraint("sequence", name="pk_model_rollbacks"),
    )
    # Columns are added in plain SQL: rebuilding the table, as Alembic would for a foreign key on SQLite, loses its triggers.
    op.execute(
        "alter table model_approvals add column comparison varchar(64) "
        "constraint fk_model_approvals_comparison references model_comparisons (digest)"
    )
    op.add_column("model_approvals", sa.Column("release_reason", sa.Text, comment="why a held version was let through"))
    op.add_column("model_approvals", sa.Column("expires_on", sa.Date, comment="last day it scores; null: 400 days from approval"))
    if op.get_bind().dialect.name == "sqlite":
        _guard_on_sqlite()
    else:
        _guard_on_postgresql()


def _guard_on_sqlite() -> None:
    for table in APPEND_ONLY:
        for verb in ("update", "delete"):
            op.execute(
                f"create trigger {table}_no_{verb} before {verb} on {table} "
                f"begin select raise(abort, '{table} is append-only: a correction is a new row'); end"
            )


def _guard_on_postgresql() -> None:
    for table in APPEND_ONLY:
        op.execute(
            f"create trigger {table}_append_only before update or delete or truncate on {table} "
            "for each statement execute function riskscore_append_only()"
        )
