"""The tables of who may ask: accounts, one-time invitations, sessions, tokens, failed attempts.

These rows change (a password is replaced, a session ends), so they are not append-only; every change of who may do what is a row
of the audit log in the same transaction. Instants are whole seconds since 1970, UTC. No secret is here in clear: passwords are
argon2id, everything random is a SHA-256.
"""

import sqlalchemy as sa

from riskscore.stores.database import TABLES

ROLES = ("viewer", "analyst", "approver", "admin")
"""Who may do what is said, route by route, in the matrix of the server."""

_A_ROLE = "role in ('viewer', 'analyst', 'approver', 'admin')"

ACCOUNTS = sa.Table(
    "accounts",
    TABLES,
    sa.Column("name", sa.String(100), primary_key=True, comment="lower case; never renamed and never deleted"),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("password", sa.Text, comment="argon2id with its parameters; null: not chosen yet, or signed on elsewhere"),
    sa.Column("issuer", sa.Text, comment="of the company's own sign-on; null: a local account"),
    sa.Column("subject", sa.Text, comment="what that sign-on calls the person for ever"),
    sa.Column("epoch", sa.Integer, nullable=False, comment="counts up where role, password or standing change: sessions end"),
    sa.Column("disabled", sa.Boolean, nullable=False),
    sa.CheckConstraint(_A_ROLE, name="role"),
    sa.CheckConstraint("name = lower(name)", name="lower"),
    sa.CheckConstraint("(issuer is null) = (subject is null)", name="elsewhere"),
    sa.CheckConstraint("issuer is null or password is null", name="one_way_in"),
    sa.UniqueConstraint("issuer", "subject", name="uq_accounts_subject"),
)

INVITATIONS = sa.Table(
    "invitations",
    TABLES,
    sa.Column("digest", sa.String(64), primary_key=True, comment="SHA-256 of the one-time token; the row goes when it is used"),
    sa.Column("account", sa.String(100), sa.ForeignKey("accounts.name"), comment="null: for the first administrator"),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
)

SESSIONS = sa.Table(
    "sessions",
    TABLES,
    sa.Column("digest", sa.String(64), primary_key=True, comment="SHA-256 of the id in the cookie"),
    sa.Column("account", sa.String(100), sa.ForeignKey("accounts.name"), nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False, comment="of the account at sign-in; another one ends the session"),
    sa.Column("began_at", sa.BigInteger, nullable=False),
    sa.Column("seen_at", sa.BigInteger, nullable=False, comment="to the minute"),
    sa.Index("ix_sessions_account", "account"),
)

TOKENS = sa.Table(
    "tokens",
    TABLES,
    sa.Column("token_id", sa.String(16), primary_key=True, comment="public part, for lists and for revoking"),
    sa.Column("digest", sa.String(64), nullable=False, unique=True, comment="SHA-256 of the whole token"),
    sa.Column("account", sa.String(100), sa.ForeignKey("accounts.name"), nullable=False),
    sa.Column("role", sa.String(16), nullable=False, comment="what it may do at most: a machine never approves"),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("revoked", sa.Boolean, nullable=False),
    sa.CheckConstraint("role in ('viewer', 'analyst')", name="role"),
    sa.Index("ix_tokens_account", "account"),
)

FAILURES = sa.Table(
    "sign_in_failures",
    TABLES,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("who", sa.String(64), nullable=False, comment="SHA-256 of account and source together"),
    sa.Column("source", sa.String(64), nullable=False, comment="SHA-256 of the source"),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Index("ix_sign_in_failures_who", "who", "at"),
    sa.Index("ix_sign_in_failures_source", "source", "at"),
)
