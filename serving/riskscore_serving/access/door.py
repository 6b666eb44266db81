"""The door: who asks, from a bearer token, a session's cookie, or, on a machine without accounts, from being there."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from sqlalchemy.engine import Engine
from starlette.requests import HTTPConnection

from riskscore.stores.access import Account, is_sign_on_required, sessions, tokens
from riskscore_serving.access.company import Company
from riskscore_serving.access.forms import SESSION, check_form_token, cookie
from riskscore_serving.access.origin import check_same_origin, is_unsafe
from riskscore_serving.actors import LOCAL, Actor, Role
from riskscore_serving.settings import Address

FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
LOOKED_AGAIN_AFTER = 1.0  # seconds: until then a machine without accounts is taken to have none yet


@dataclass
class Doorkeeper:
    """Knows the accounts of a database. clock: seconds since 1970."""

    engine: Engine
    at: Address
    clock: Callable[[], float] = time.time
    company: Company | None = field(init=False)
    _open_until: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        sign_on = self.at.exposure.sign_on
        self.company = None if sign_on is None else Company(sign_on, self.at)

    def glance(self, connection: HTTPConnection) -> Actor | None:
        """Who asks, where that needs no look into the database: nobody has an account here, and the request claims none.

        Null where it does need one. Raises Refusal as `who` does.
        """
        claims = ("authorization", "cookie", *FORWARDED)
        if self.clock() >= self._open_until or any(name in connection.headers for name in claims):
            return None
        if is_unsafe(connection):
            check_same_origin(connection)
        return None if "riskscore_form" in connection.scope else LOCAL

    def who(self, connection: HTTPConnection) -> Actor | None:
        """Who asks; null where nobody is known.

        A browser sends its cookies, and reaches this machine, also for a page of another site; so what changes something must
        come from a page of our own. Raises Refusal where it does not.
        """
        kind, _, token = connection.headers.get("authorization", "").partition(" ")
        if kind.casefold() == "bearer":
            return _actor(tokens.bearer(self.engine, token.strip(), now=self.now()), is_machine=True)
        session = connection.cookies.get(cookie(self.at, SESSION))
        if is_unsafe(connection):
            check_same_origin(connection)
            if session or "riskscore_form" in connection.scope:
                check_form_token(connection, self.at)
        if session and (account := sessions.owner(self.engine, session, now=self.now())):
            return _actor(account)
        return LOCAL if self._is_open() and not any(name in connection.headers for name in FORWARDED) else None

    def now(self) -> int:
        """The second it is."""
        return int(self.clock())

    def _is_open(self) -> bool:
        """Nobody but this machine's users reaches it, and nobody was ever given an account.

        A forwarded request is none of theirs: somebody put a proxy in front without saying so.
        """
        if self.at.is_exposed or self.company is not None:
            return False
        now = self.clock()
        if now < self._open_until:
            return True
        if is_sign_on_required(self.engine):
            return False
        self._open_until = now + LOOKED_AGAIN_AFTER
        return True


def _actor(account: Account | None, *, is_machine: bool = False) -> Actor | None:
    # The database keeps the role to these four.
    return None if account is None else Actor(account.name, cast("Role", account.role), is_machine)
