"""Accounts, invitations, sessions, tokens, failed sign-ins; and the audit log, append-only.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

A_ROLE = "role in ('viewer', 'analyst', 'approver', 'admin')"


def upgrade() -> None:
    """Create the tables, and the triggers of the audit log."""
    op.create_table(
        "audit",
        sa.Column("sequence", sa.Integer, autoincrement=False, nullable=False, comment="place in the chain, from 1, no gaps"),
        sa.Column("actor", sa.String(100), nullable=False, comment="account that did it; `operator`: whoever has the shell"),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("subject", sa.Text, nullable=False, comment="what it was done to"),
        sa.Column("facts", sa.Text, nullable=False, comment="canonical JSON"),
        sa.Column("previous", sa.String(64), nullable=False, comment="link of the row before: two rows cannot share it"),
        sa.Column("link", sa.String(64), nullable=False, comment="SHA-256 over previous and every fact"),
        sa.Column("recorded_at", sa.String(32), nullable=False, comment="UTC, ISO 8601"),
        sa.PrimaryKeyConstraint("sequence", name="pk_audit"),
        sa.UniqueConstraint("previous", name="uq_audit_previous"),
        sa.UniqueConstraint("link", name="uq_audit_link"),
    )
    _guard("audit")
    _accounts()
    _ways_in()


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("name", sa.String(100), nullable=False, comment="lower case; never renamed and never deleted"),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password", sa.Text, comment="argon2id with its parameters; null: not chosen yet, or signed on elsewhere"),
        sa.Column("issuer", sa.Text, comment="of the company's own sign-on; null: a local account"),
        sa.Column("subject", sa.Text, comment="what that sign-on calls the person for ever"),
        sa.Column("epoch", sa.Integer, nullable=False, comment="counts up where role, password or standing change: sessions end"),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.CheckConstraint(A_ROLE, name="ck_accounts_role"),
        sa.CheckConstraint("name = lower(name)", name="ck_accounts_lower"),
        sa.CheckConstraint("(issuer is null) = (subject is null)", name="ck_accounts_elsewhere"),
        sa.CheckConstraint("issuer is null or password is null", name="ck_accounts_one_way_in"),
        sa.PrimaryKeyConstraint("name", name="pk_accounts"),
        sa.UniqueConstraint("issuer", "subject", name="uq_accounts_subject"),
    )
    op.create_table(
        "invitations",
        sa.Column("digest", sa.String(64), nullable=False, comment="SHA-256 of the one-time token; the row goes when it is used"),
        sa.Column("account", sa.String(100), comment="null: for the first administrator"),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.name"], name="fk_invitations_account"),
        sa.PrimaryKeyConstraint("digest", name="pk_invitations"),
    )


def _ways_in() -> None:
    op.create_table(
        "sessions",
        sa.Column("digest", sa.String(64), nullable=False, comment="SHA-256 of the id in the cookie"),
        sa.Column("account", sa.String(100), nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False, comment="of the account at sign-in; another one ends the session"),
        sa.Column("began_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False, comment="to the minute"),
        sa.ForeignKeyConstraint(["account"], ["accounts.name"], name="fk_sessions_account"),
        sa.PrimaryKeyConstraint("digest", name="pk_sessions"),
    )
    op.create_index("ix_sessions_account", "sessions", ["account"])
    op.create_table(
        "tokens",
        sa.Column("token_id", sa.String(16), nullable=False, comment="public part, for lists and for revoking"),
        sa.Column("digest", sa.String(64), nullable=False, comment="SHA-256 of the whole token"),
        sa.Column("account", sa.String(100), nullable=False),
        sa.Column("role", sa.String(16), nullable=False, comment="what it may do at most: a machine never approves"),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("revoked", sa.Boolean, nullable=False),
        sa.CheckConstraint("role in ('viewer', 'analyst')", name="ck_tokens_role"),
        sa.ForeignKeyConstraint(["account"], ["accounts.name"], name="fk_tokens_account"),
        sa.PrimaryKeyConstraint("token_id", name="pk_tokens"),
        sa.UniqueConstraint("digest", name="uq_tokens_digest"),
    )
    op.create_index("ix_tokens_account", "tokens", ["account"])
    op.create_table(
        "sign_in_failures",
        sa.Column("number", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("who", sa.String(64), nullable=False, comment="SHA-256 of account and source together"),
        sa.Column("source", sa.String(64), nullable=False, comment="SHA-256 of the source"),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_sign_in_failures"),
    )
    op.create_index("ix_sign_in_failures_who", "sign_in_failures", ["who", "at"])
    op.create_index("ix_sign_in_failures_source", "sign_in_failures", ["source", "at"])


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
