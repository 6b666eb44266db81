"""Doors for tests of what lies behind them, and accounts made in one step."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy.engine import Engine
from starlette.requests import HTTPConnection

from deciding import ON, shipped
from leaks import PASSWORD
from riskscore.stores.access import accounts
from riskscore_serving.actors import LOCAL, Actor


@dataclass
class EmptyDesk:
    """A desk without a model that knows nobody."""

    as_of: date = ON
    model: None = None
    book_digest: str = "b" * 64
    params: Any = field(default_factory=shipped)

    reporting_currency: str = "EUR"
    n_customers: int = 0
    doubt: None = None
    texts: Any = field(default_factory=dict)

    def decide(self, customer_id: str, doubt: Any = None) -> None:
        return None

    def rehearsal(self, customer_id: str) -> None:
        return None

    def listed(self, store: Any = None) -> tuple[()]:
        return ()


@dataclass
class Open:
    """Lets everybody in as one actor, who may be changed on the way; None is nobody."""

    actor: Actor | None = LOCAL

    def glance(self, connection: HTTPConnection) -> Actor | None:
        return self.actor

    def who(self, connection: HTTPConnection) -> Actor | None:
        return self.actor


def account(engine: Engine, name: str, role: str, *, now: int = 1_000_000) -> str:
    """An account with `PASSWORD`; its name."""
    token = accounts.add(engine, name, role, by="operator", now=now)
    return accounts.redeem(engine, token, PASSWORD, name=None, now=now)
