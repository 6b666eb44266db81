"""Accounts: added by an invitation, never with a default password; every change ends what was open and is in the audit log."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from riskscore.errors import UsageRefused
from riskscore.stores import audit
from riskscore.stores.access.passwords import check_password, hash_password
from riskscore.stores.access.tables import ACCOUNTS, INVITATIONS, ROLES, SESSIONS, TOKENS
from riskscore.stores.database import reading, writing

INVITATION_LASTS = 30 * 60
"""Seconds within which a one-time token must be used."""

OPERATOR = "operator"
"""Who acts on the command line: whoever has the shell and the database. No account may have that name."""

RESERVED = frozenset({OPERATOR, "local", "anonymous", "riskscore"})
NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,99}")
NO_INVITATION = (
    "this one-time token is not known, was used or is older than 30 minutes. Ask for another: riskscore accounts reset"
)


class InvitationRefused(UsageRefused):
    """A one-time token that does not hold."""


@dataclass(frozen=True)
class Account:
    """Who may ask. name: unique, lower case, for ever. state: active, invited (no password chosen yet) or disabled."""

    name: str
    role: str
    state: str
    elsewhere: bool
    """Signed on by the company's own sign-on, so there is no password here."""


def is_sign_on_required(engine: Engine) -> bool:
    """Has anybody been given an account, or been invited to make the first one? From then on nobody asks without."""
    with reading(engine) as connection:
        found = [connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)) for table in (ACCOUNTS, INVITATIONS)]
        return any(rows.first() is not None for rows in found)


def invite_first(engine: Engine, *, now: int) -> str:
    """A one-time token with which the first administrator chooses a name and a password; earlier ones no longer hold.

    Raises UsageRefused where there is an account already.
    """
    with writing(engine) as connection:
        if connection.execute(sa.select(ACCOUNTS.c.name).limit(1)).first() is not None:
            raise UsageRefused("there are accounts already. Add another with: riskscore accounts add NAME --role ROLE")
        audit.append(connection, actor=OPERATOR, action="account.first_invited", subject="-", facts={}, at=now)
        return _invite(connection, None, now)


def add(engine: Engine, name: str, role: str, *, by: str, now: int) -> str:
    """Add an account and give the one-time token with which its owner chooses a password.

    Raises UsageRefused for a name or role that cannot be, and for a name that is taken.
    """
    plain = name_of(name)
    _check_role(role)
    with writing(engine) as connection:
        if _row(connection, plain) is not None:
            raise UsageRefused(f"account {plain}: there is one of that name. Names are never given twice.")
        connection.execute(sa.insert(ACCOUNTS).values(name=plain, role=role, epoch=0, disabled=False))
        audit.append(connection, actor=by, action="account.added", subject=plain, facts={"role": role}, at=now)
        return _invite(connection, plain, now)


def redeem(engine: Engine, token: str, password: str, *, name: str | None, now: int) -> str:
    """Use a one-time token: the password is set, and the name of the account is given back.

    name: asked for where the token is the first administrator's. Raises UsageRefused for a token that does not hold, a name that
    cannot be and a password that is not taken.
    """
    digest = sha256(token)
    with reading(engine) as connection:
        owner = _invited(connection, digest, now)
    plain = name_of(name or "") if owner is None else owner
    hashed = hash_password(check_password(password, plain))  # before the database is locked: it takes a while
    with writing(engine) as connection:
        if _invited(connection, digest, now) is None and _row(connection, plain) is not None:
            raise UsageRefused(f"account {plain}: there is one of that name. Names are never given twice.")
        connection.execute(sa.delete(INVITATIONS).where(INVITATIONS.c.digest == digest))
        if owner is None:
            connection.execute(sa.insert(ACCOUNTS).values(name=plain, role="admin", epoch=0, disabled=False))
            audit.append(connection, actor=plain, action="account.added", subject=plain, facts={"role": "admin"}, at=now)
        connection.execute(
            sa.update(ACCOUNTS).where(ACCOUNTS.c.name == plain).values(password=hashed, epoch=ACCOUNTS.c.epoch + 1)
        )
        audit.append(connection, actor=plain, action="account.password_chosen", subject=plain, facts={}, at=now)
    return plain


def from_company(engine: Engine, issuer: str, subject: str, name: str, role: str, *, now: int) -> tuple[str, int]:
    """The account of somebody whom the company's sign-on knows, made or brought to that role; its name and epoch.

    It is found by what the sign-on calls the person for ever, never by name: a name there that is taken here by another account
    opens nothing. Raises UsageRefused for such a name, one that cannot be, and an account that is disabled here.
    """
    _check_role(role)
    with writing(engine) as connection:
        mine = (ACCOUNTS.c.issuer == issuer) & (ACCOUNTS.c.subject == subject)
        row = connection.execute(sa.select(ACCOUNTS).where(mine)).one_or_none()
        if row is None:
            plain = name_of(name)
            if _row(connection, plain) is not None:
                raise UsageRefused(f"account {plain}: there is one of that name, and it is not this person's.")
            row_of = {"name": plain, "role": role, "issuer": issuer, "subject": subject, "epoch": 0, "disabled": False}
            connection.execute(sa.insert(ACCOUNTS), row_of)
            facts = {"role": role, "issuer": issuer}
            audit.append(connection, actor=plain, action="account.came_from_company", subject=plain, facts=facts, at=now)
            return plain, 0
        if row.disabled:
            raise UsageRefused(f"account {row.name} is disabled.")
        if row.role != role:
            _change(connection, row.name, role=role)
            facts = {"role": role, "before": row.role, "issuer": issuer}
            audit.append(connection, actor=row.name, action="account.role_changed", subject=row.name, facts=facts, at=now)
        return row.name, row.epoch + (row.role != role)


def reset(engine: Engine, name: str, *, by: str, now: int) -> str:
    """Take the password away, end every session and token, and give a one-time token for a new one.

    Raises UsageRefused for an account that is not here or signs on elsewhere.
    """
    with writing(engine) as connection:
        row = _existing(connection, name)
        if row.issuer is not None:
            raise UsageRefused(f"account {row.name} signs on with the company's own sign-on; its password is kept there.")
        _change(connection, row.name, password=None)
        _revoke_tokens(connection, row.name)
        audit.append(connection, actor=by, action="account.reset", subject=row.name, facts={}, at=now)
        return _invite(connection, row.name, now)


def change_role(engine: Engine, name: str, role: str, *, by: str, now: int) -> None:
    """Give another role and end every session. Raises UsageRefused for an account or role that is not."""
    _check_role(role)
    with writing(engine) as connection:
        row = _existing(connection, name)
        _change(connection, row.name, role=role)
        facts = {"role": role, "before": row.role}
        audit.append(connection, actor=by, action="account.role_changed", subject=row.name, facts=facts, at=now)


def set_disabled(engine: Engine, name: str, *, disabled: bool, by: str, now: int) -> None:
    """Disable (sessions, tokens and invitations end at once) or enable again. Raises UsageRefused for an unknown account."""
    with writing(engine) as connection:
        row = _existing(connection, name)
        _change(connection, row.name, disabled=disabled)
        if disabled:
            _revoke_tokens(connection, row.name)
            connection.execute(sa.delete(INVITATIONS).where(INVITATIONS.c.account == row.name))
        action = "account.disabled" if disabled else "account.enabled"
        audit.append(connection, actor=by, action=action, subject=row.name, facts={}, at=now)


def listed(engine: Engine) -> list[Account]:
    """Every account, by name."""
    with reading(engine) as connection:
        return [account_of(row) for row in connection.execute(sa.select(ACCOUNTS).order_by(ACCOUNTS.c.name))]


def account_of(row: sa.Row[Any]) -> Account:
    """The account of a row of the table."""
    invited = row.password is None and row.issuer is None
    state = "disabled" if row.disabled else "invited" if invited else "active"
    return Account(row.name, row.role, state, elsewhere=row.issuer is not None)


def name_of(text: str) -> str:
    """The name as it is kept. Raises UsageRefused for one that cannot be."""
    plain = text.strip().lower()
    if not NAME.fullmatch(plain) or plain in RESERVED:
        raise UsageRefused(
            "account: a name has 2 to 100 of a-z 0-9 . _ @ + - and starts with a letter or digit; "
            f"{', '.join(sorted(RESERVED))} are taken."
        )
    return plain


def sha256(text: str) -> str:
    """The digest under which a random secret is kept; it has 256 bits of its own, so no salt and no slow hash."""
    return hashlib.sha256(text.encode()).hexdigest()


def _invite(connection: Connection, name: str | None, now: int) -> str:
    same = INVITATIONS.c.account.is_(None) if name is None else INVITATIONS.c.account == name
    connection.execute(sa.delete(INVITATIONS).where(same))
    token = secrets.token_urlsafe(32)
    row = {"digest": sha256(token), "account": name, "expires_at": now + INVITATION_LASTS}
    connection.execute(sa.insert(INVITATIONS), row)
    return token


def _invited(connection: Connection, digest: str, now: int) -> str | None:
    row = connection.execute(sa.select(INVITATIONS).where(INVITATIONS.c.digest == digest)).one_or_none()
    if row is None or row.expires_at <= now:
        raise InvitationRefused(NO_INVITATION)
    owner: str | None = row.account
    return owner


def _row(connection: Connection, name: str) -> sa.Row[Any] | None:
    return connection.execute(sa.select(ACCOUNTS).where(ACCOUNTS.c.name == name)).one_or_none()


def _existing(connection: Connection, name: str) -> sa.Row[Any]:
    row = _row(connection, name.strip().lower())
    if row is None:
        raise UsageRefused(f"account {name}: there is none of that name. riskscore accounts list shows them.")
    return row


def _change(connection: Connection, name: str, **values: object) -> None:
    connection.execute(sa.update(ACCOUNTS).where(ACCOUNTS.c.name == name).values(**values, epoch=ACCOUNTS.c.epoch + 1))
    connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.account == name))


def _revoke_tokens(connection: Connection, name: str) -> None:
    connection.execute(sa.update(TOKENS).where(TOKENS.c.account == name).values(revoked=True))


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise UsageRefused(f"role {role!r}: there are {', '.join(ROLES)}.")
