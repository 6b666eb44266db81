"""Operation: is it alive, may it be asked, figures for monitoring, and one line in the log for every request."""

import hmac
import json
import logging
import secrets
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from riskscore.stores.database import reading
from riskscore_serving.access.gate import RuledRoute
from riskscore_serving.answering import WithOffice
from riskscore_serving.api import Out
from riskscore_serving.office import Office
from riskscore_serving.problems import Refusal, responses

router = APIRouter(route_class=RuledRoute)
requests_log = logging.getLogger("riskscore.requests")

BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
UNROUTED = "none"
"""What stands for an address that is no route: what was asked for is not repeated in figures or logs."""


class Health(Out):
    """Is it there, what does it answer from, and what is not as it should be."""

    status: str
    book: str | None = None
    model: str | None = None
    store: str | None = None
    doubts: tuple[str, ...] = ()


class Figures:
    """What is counted of one app."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter("riskscore_requests", "Requests answered", labels, registry=self.registry)
        self.seconds = Histogram(
            "riskscore_request_seconds", "Seconds to the end of the answer", ("route",), registry=self.registry, buckets=BUCKETS
        )
        self.outcomes = Counter("riskscore_decisions", "Decisions answered", ("outcome",), registry=self.registry)
        self.turned_away = Counter(
            "riskscore_turned_away",
            "Requests refused in a crowd; they have no line in the log",
            registry=self.registry,
        )
        self.orders = Counter("riskscore_orders", "Orders checked", ("outcome",), registry=self.registry)


class Watched:
    """Counts every request and writes one line about it: who in a pseudonym, what by its route, never what was in it."""

    def __init__(self, app: ASGIApp, write: Callable[[str], None] | None = None) -> None:
        self.app = app
        self.write = write or requests_log.info
        self.figures = Figures()
        self._pseudonyms = secrets.token_bytes(32)  # new with every process: a log alone leads to nobody

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope["riskscore_figures"] = self.figures
        since, status, size = perf_counter(), 500, 0

        async def send_watched(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, send_watched)
        finally:
            self._note(scope, status, size, perf_counter() - since)

    def _note(self, scope: Scope, status: int, size: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", UNROUTED)
        method = scope["method"] if scope["method"] in {"GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"} else "other"
        self.figures.requests.labels(method, route, status).inc()
        self.figures.seconds.labels(route).observe(seconds)
        outcome = scope.get("riskscore_outcome")
        if outcome is not None:
            self.figures.outcomes.labels(outcome).inc()
        order = scope.get("riskscore_order")
        if order is not None:
            self.figures.orders.labels(order).inc()
        actor = scope.get("riskscore_actor")
        line = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "request_id": scope.get("riskscore_request_id"),
            "actor": None if actor is None else self.pseudonym(actor.name),
            "role": None if actor is None else actor.role,
            "method": method,
            "route": route,
            "status": status,
            "outcome": outcome or order,
            "bytes": size,
            "ms": round(seconds * 1000, 2),
        }
        self.write(json.dumps(line, separators=(",", ":")))

    def pseudonym(self, name: str) -> str:
        """The same name is the same pseudonym in one life of the server."""
        return hmac.digest(self._pseudonyms, name.encode(), "sha256").hex()[:12]


def log_requests() -> None:
    """Have the lines written to stdout, one JSON text each."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    requests_log.addHandler(handler)
    requests_log.setLevel(logging.INFO)
    requests_log.propagate = False


@router.get("/livez", tags=["operations"])
async def alive() -> Health:
    """The process answers. It looks at nothing."""
    return Health(status="alive")


@router.get("/readyz", tags=["operations"], responses=responses(503))
async def ready(office: WithOffice) -> Health:
    """Book and store answer, the schema is this version's. A doubt about model or book is said: then decisions are referred.

    503 as soon as the server was told to stop, and where book or store do not answer.
    """
    if office.stopping:
        raise Refusal("overloaded", "This server is stopping.", headers={"Retry-After": "5"})
    desk = await office.open_desk()
    await office.within(lambda: _ask(office))
    silent = "model_unavailable" if office.model_is_silent else None
    doubts = [doubt for doubt in (getattr(desk, "doubt", None), silent, office.staleness(desk)) if doubt is not None]
    return Health(
        status="degraded" if doubts else "ready",
        book=desk.book_digest,
        model=None if desk.model is None else desk.model.digest,
        store="up",
        doubts=tuple(dict.fromkeys(doubts)),
    )


@router.get("/metrics", tags=["operations"], response_class=Response)
async def metrics(request: Request) -> Response:
    """Figures for Prometheus."""
    figures: Figures = request.scope["riskscore_figures"]
    return Response(generate_latest(figures.registry), media_type=CONTENT_TYPE_LATEST)


@router.get("/openapi.json", include_in_schema=False)
def openapi(request: Request) -> Mapping[str, Any]:
    """What can be asked and what is answered, as OpenAPI."""
    found: Mapping[str, Any] = request.app.openapi()
    return found


def _ask(office: Office) -> None:
    with reading(office.store()) as connection:
        connection.execute(sa.text("select version_num from alembic_version")).scalar_one()
