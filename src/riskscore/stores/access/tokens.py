"""Tokens for machines: `Authorization: Bearer rsk_...`. Kept as digests, limited to a role, expiring, revoked at once."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from riskscore.errors import UsageRefused
from riskscore.stores import audit
from riskscore.stores.access.accounts import Account, account_of, sha256
from riskscore.stores.access.tables import ACCOUNTS, TOKENS
from riskscore.stores.database import reading, writing

PREFIX = "rsk_"  # so that scanners for secrets find one that was left in a file
LONGEST_DAYS = 366
ROLES_OF_MACHINES = ("viewer", "analyst")
"""A machine never approves and never administers, whoever owns its token."""


@dataclass(frozen=True)
class Token:
    """A token without its secret. state: valid, expired or revoked."""

    token_id: str
    account: str
    role: str
    purpose: str
    expires_on: str
    state: str


def issue(engine: Engine, name: str, role: str, purpose: str, *, days: int, by: str, now: int) -> str:
    """A new token of an account, shown this once. role: what it may do at most, never more than its owner may.

    Raises UsageRefused for an account that cannot be used, a role that no machine has, and a life that is too long.
    """
    if role not in ROLES_OF_MACHINES:
        raise UsageRefused(f"token: a machine is {' or '.join(ROLES_OF_MACHINES)}, never {role}: approving takes a person.")
    if not 1 <= days <= LONGEST_DAYS:
        raise UsageRefused(f"token: it lasts 1 to {LONGEST_DAYS} days, not {days}.")
    token_id = secrets.token_hex(6)
    token = f"{PREFIX}{token_id}_{secrets.token_urlsafe(32)}"
    with writing(engine) as connection:
        row = connection.execute(sa.select(ACCOUNTS).where(ACCOUNTS.c.name == name.strip().lower())).one_or_none()
        if row is None or row.disabled:
            raise UsageRefused(f"account {name}: there is none of that name that is in use. riskscore accounts list shows them.")
        facts = {"account": row.name, "role": role, "purpose": purpose, "days": days}
        expires_at = now + days * 86_400
        connection.execute(
            sa.insert(TOKENS).values(
                token_id=token_id, digest=sha256(token), account=row.name, role=role, purpose=purpose, expires_at=expires_at,
                revoked=False,
            )
        )  # fmt: skip
        audit.append(connection, actor=by, action="token.issued", subject=token_id, facts=facts, at=now)
    return token


def bearer(engine: Engine, token: str, *, now: int) -> Account | None:
    """The account a token speaks for, with what both of them may do; null for one that is unknown, expired or revoked."""
    query = (
        sa.select(ACCOUNTS, TOKENS.c.role.label("at_most"))
        .join(TOKENS, TOKENS.c.account == ACCOUNTS.c.name)
        .where(TOKENS.c.digest == sha256(token), TOKENS.c.expires_at > now, ~TOKENS.c.revoked, ~ACCOUNTS.c.disabled)
    )
    with reading(engine) as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        return None
    account = account_of(row)
    role = "viewer" if "viewer" in {account.role, row.at_most} else row.at_most
    return Account(account.name, role, account.state, account.elsewhere)


def revoke(engine: Engine, token_id: str, *, by: str, now: int) -> None:
    """From now on it is worth nothing. Raises UsageRefused where there is none of that id."""
    with writing(engine) as connection:
        found = connection.execute(sa.update(TOKENS).where(TOKENS.c.token_id == token_id).values(revoked=True))
        if not found.rowcount:
            raise UsageRefused(f"token {token_id}: there is none of that id. riskscore accounts tokens shows them.")
        audit.append(connection, actor=by, action="token.revoked", subject=token_id, facts={}, at=now)


def listed(engine: Engine, *, now: int) -> list[Token]:
    """Every token without its secret, by account and time."""
    with reading(engine) as connection:
        rows = connection.execute(sa.select(TOKENS).order_by(TOKENS.c.account, TOKENS.c.expires_at)).all()
    return [
        Token(
            row.token_id, row.account, row.role, row.purpose,
            datetime.fromtimestamp(row.expires_at, UTC).date().isoformat(),
            "revoked" if row.revoked else "valid" if row.expires_at > now else "expired",
        )
        for row in rows
    ]  # fmt: skip
