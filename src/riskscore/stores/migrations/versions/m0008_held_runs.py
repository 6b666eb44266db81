"""Held runs and their releases, append-only; no held run is published without a release, whoever writes the row.

Revision ID: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

APPEND_ONLY = ("run_holds", "run_release_proposals", "run_releases")

HELD = "a held run is published by two people: riskscore release"
WHEN_HELD = (
    "exists (select 1 from run_holds where run_id = new.run_id) "
    "and not exists (select 1 from run_releases where run_id = new.run_id)"
)


def upgrade() -> None:
    """Create the tables with their guards."""
    op.create_table(
        "run_holds",
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("audit_sequence", sa.Integer, nullable=False),
        sa.Column("model", sa.String(100), nullable=False, comment="name of the model whose runs are compared"),
        sa.Column("against", sa.String(64), comment="the run it was compared with; null: there was none"),
        sa.Column("n_decisions", sa.Integer, nullable=False),
        sa.Column("report", sa.Text, nullable=False, comment="canonical JSON: what moved, against what may"),
        sa.Column("held_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name="fk_run_holds_run_id"),
        sa.ForeignKeyConstraint(["audit_sequence"], ["audit.sequence"], name="fk_run_holds_audit_sequence"),
        sa.ForeignKeyConstraint(["against"], ["completions.run_id"], name="fk_run_holds_against"),
        sa.PrimaryKeyConstraint("run_id", name="pk_run_holds"),
        sa.UniqueConstraint("audit_sequence", name="uq_run_holds_audit_sequence"),
    )
    op.create_table(
        "run_release_proposals",
        sa.Column("run_id", sa.String(64), nullable=False, comment="one a run: of two who propose at once, one comes first"),
        sa.Column("audit_sequence", sa.Integer, nullable=False),
        sa.Column("proposed_by", sa.String(100), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("proposed_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
        sa.ForeignKeyConstraint(["run_id"], ["run_holds.run_id"], name="fk_run_release_proposals_run_id"),
        sa.ForeignKeyConstraint(["audit_sequence"], ["audit.sequence"], name="fk_run_release_proposals_audit_sequence"),
        sa.PrimaryKeyConstraint("run_id", name="pk_run_release_proposals"),
        sa.UniqueConstraint("audit_sequence", name="uq_run_release_proposals_audit_sequence"),
        sa.UniqueConstraint("run_id", "proposed_by", name="uq_run_release_proposals_maker"),
    )
    op.create_table(
        "run_releases",
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("audit_sequence", sa.Integer, nullable=False),
        sa.Column("proposed_by", sa.String(100), nullable=False, comment="the maker, tied to the proposal by the foreign key"),
        sa.Column("released_by", sa.String(100), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("released_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
        sa.CheckConstraint("lower(released_by) <> lower(proposed_by)", name="ck_run_releases_four_eyes"),
        sa.ForeignKeyConstraint(
            ["run_id", "proposed_by"],
            ["run_release_proposals.run_id", "run_release_proposals.proposed_by"],
            name="fk_run_releases_maker",
        ),
        sa.ForeignKeyConstraint(["audit_sequence"], ["audit.sequence"], name="fk_run_releases_audit_sequence"),
        sa.PrimaryKeyConstraint("run_id", name="pk_run_releases"),
        sa.UniqueConstraint("audit_sequence", name="uq_run_releases_audit_sequence"),
    )
    for table in APPEND_ONLY:
        _guard(table)
    _publish_only_what_is_released()


def _publish_only_what_is_released() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"create trigger completions_held before insert on completions when {WHEN_HELD} "
            f"begin select raise(abort, '{HELD}'); end"
        )
        return
    op.execute(
        "create function riskscore_publish_only_what_is_released() returns trigger language plpgsql as $$ begin "
        f"if {WHEN_HELD} then raise exception '{HELD}' using errcode = 'integrity_constraint_violation'; end if; "
        "return new; end $$"
    )
    op.execute(
        "create trigger completions_held before insert on completions "
        "for each row execute function riskscore_publish_only_what_is_released()"
    )


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
