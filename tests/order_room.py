"""A server that checks orders, over a desk that knows how much room is left, and one line to ask it each question."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from starlette.testclient import TestClient

from deciding import ON
from desks import BookDesk
from doors import Open
from riskscore.decisions import Decision
from riskscore_serving.actors import Actor
from riskscore_serving.app import create_app
from riskscore_serving.settings import Address


@dataclass
class Room(BookDesk):
    """Everybody owes 20,000; of acme's limit of 120,000 that leaves 100,000."""

    owed: Decimal | None = Decimal(20_000)
    book_on: date = ON

    @property
    def as_of(self) -> date:
        return self.book_on

    def decide(self, customer_id: str, doubt: Any = None) -> Decision | None:
        found = super().decide(customer_id, doubt)
        return (
            None if found is None else replace(found, exposure=self.owed, provenance=replace(found.provenance, as_of=self.as_of))
        )


def served(desk: Any, engine: sa.Engine, *, days_later: int = 0) -> TestClient:
    app = create_app(
        lambda: desk,
        Address(),
        Open(Actor("erp", "analyst")),
        store=lambda: engine,
        today=lambda: ON + timedelta(days=days_later),
    )
    return TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False)


def decide(client: TestClient, customer: str = "acme") -> Any:
    return client.post("/v1/decisions", json={"customer_id": customer}, headers={"Idempotency-Key": f"d-{customer}"}).json()


def wanted(amount: str, name: str, customer: str = "acme", **facts: Any) -> dict[str, Any]:
    rest = {each: facts.pop(each) for each in ("unbilled", "open_orders", "reserve") if each in facts}
    about = {"unbilled": "0", "open_orders": [], "reserve": False} | rest
    return {"customer_id": customer, "order": {"order_id": name, "amount": amount} | facts, **about}


def ask(client: TestClient, amount: str = "5000", name: str = "SO-1", customer: str = "acme", **facts: Any) -> Any:
    """Check an order without reserving it."""
    return client.post("/v1/orders/check", json=wanted(amount, name, customer, **facts)).json()


def reserve(client: TestClient, amount: str = "5000", name: str = "SO-1", key: str | None = None, **facts: Any) -> Any:
    """Check an order and reserve it."""
    body = wanted(amount, name, reserve=True, **facts)
    return client.post("/v1/orders/check", json=body, headers={"Idempotency-Key": key or f"{name}-{amount}"})
