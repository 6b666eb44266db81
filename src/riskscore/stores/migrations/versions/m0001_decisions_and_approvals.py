"""Runs, decisions, completions and model approvals, each append-only.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

APPEND_ONLY = ("runs", "decisions", "completions", "model_approvals")


def upgrade() -> None:
    """Create the tables and the triggers that keep them append-only."""
    op.create_table(
        "runs",
        sa.Column("run_id", sa.String(64), nullable=False, comment="SHA-256 of the manifest"),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("manifest", sa.Text, nullable=False, comment="canonical JSON: what went into the run"),
        sa.Column("recorded_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
        sa.PrimaryKeyConstraint("run_id", name="pk_runs"),
    )
    op.create_table(
        "decisions",
        sa.Column("sequence", sa.Integer, autoincrement=False, nullable=False, comment="place in the chain, from 1, no gaps"),
        sa.Column("decision_id", sa.String(32), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("customer_id", sa.Text, nullable=False),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("record", sa.Text, nullable=False, comment="canonical JSON of the decision; holds no name"),
        sa.Column("digest", sa.String(64), nullable=False, comment="SHA-256 of the record"),
        sa.Column("previous", sa.String(64), nullable=False, comment="link of the row before: two rows cannot share it"),
        sa.Column("link", sa.String(64), nullable=False, comment="SHA-256 over previous, sequence and every fact"),
        sa.Column("recorded_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
        sa.CheckConstraint("status in ('scored', 'referred', 'not_scored')", name="ck_decisions_status"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name="fk_decisions_run_id"),
        sa.PrimaryKeyConstraint("sequence", name="pk_decisions"),
        sa.UniqueConstraint("decision_id", name="uq_decisions_decision_id"),
        sa.UniqueConstraint("link", name="uq_decisions_link"),
        sa.UniqueConstraint("previous", name="uq_decisions_previous"),
        sa.UniqueConstraint("run_id", "customer_id", name="uq_decisions_run_customer"),
    )
    op.create_index("ix_decisions_customer", "decisions", ["customer_id", "as_of"])
    op.create_table(
        "completions",
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("n_decisions", sa.Integer, nullable=False),
        sa.Column("recorded_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name="fk_completions_run_id"),
        sa.PrimaryKeyConstraint("run_id", name="pk_completions"),
    )
    op.create_table(
        "model_approvals",
        sa.Column("sequence", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(100), nullable=False, comment="registered model name"),
        sa.Column("version", sa.String(40), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False, comment="SHA-256 of the model's manifest"),
        sa.Column("proposed_by", sa.Text, nullable=False),
        sa.Column("approved_by", sa.Text, comment="null: proposed, not approved; the approval is a second row"),
        sa.Column("first", sa.Boolean, nullable=False, comment="the one approval a person may give alone: the first of a name"),
        sa.Column("recorded_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
        sa.CheckConstraint("approved_by is null or first or approved_by <> proposed_by", name="ck_model_approvals_four_eyes"),
        sa.CheckConstraint("approved_by is not null or not first", name="ck_model_approvals_first_is_approved"),
        sa.PrimaryKeyConstraint("sequence", name="pk_model_approvals"),
    )
    op.create_index("ix_model_approvals_digest", "model_approvals", ["digest"])
    op.create_index(
        "uq_model_approvals_first",
        "model_approvals",
        ["name"],
        unique=True,
        sqlite_where=sa.text("first"),
        postgresql_where=sa.text("first"),
    )
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
    op.execute(
        "create function riskscore_append_only() returns trigger language plpgsql as $$ begin "
        "raise insufficient_privilege using message = tg_table_name || ' is append-only: a correction is a new row'; "
        "end $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"create trigger {table}_append_only before update or delete or truncate on {table} "
            "for each statement execute function riskscore_append_only()"
        )
