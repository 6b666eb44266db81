"""The server: the guard every request passes first, and the app behind it."""

import logging
import secrets
from asyncio import create_task
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import date
from functools import partial
from typing import Any

from fastapi import FastAPI
from sqlalchemy.engine import Engine
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from riskscore import __version__, review
from riskscore.errors import StorageFailed
from riskscore.review import Delegation, Override
from riskscore.stores import reviews
from riskscore.stores.replaying import Replayed
from riskscore.stores.signed_texts import find_text
from riskscore_serving import answering, document, looking, operating, ordering, planning, problems, review_pages, reviewing
from riskscore_serving.access import matrix, pages
from riskscore_serving.access.gate import Door, Straight, rule
from riskscore_serving.api import Desk, router
from riskscore_serving.logs import trace_of
from riskscore_serving.office import Office, Rules
from riskscore_serving.settings import Address
from riskscore_serving.sieve import Sieve
from riskscore_serving.waiting import begin

log = logging.getLogger(__name__)

HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""On every answer, the errors included; a page says more precisely what it may load."""

ONLY_TLS = {"strict-transport-security": "max-age=31536000"}


class Guard:
    """Gives the request an id and puts the safe headers on the answer. Nothing that breaks behind it gets any further."""

    def __init__(self, app: ASGIApp, at: Address) -> None:
        self.app = app
        headers = {**HEADERS, **(ONLY_TLS if at.is_secure else {})}
        self.headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = secrets.token_hex(16)
        scope["riskscore_request_id"] = request_id
        begin()
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                given = message["headers"]
                there = {name for name, _ in given}
                ours = [header for header in self.headers if header[0] not in there]
                message["headers"] = [*given, (b"x-request-id", request_id.encode()), *ours]
            await send(message)

        try:
            await self.app(scope, receive, send_guarded)
        except Exception as error:  # noqa: BLE001  the framework raises it again after its answer, for servers that print it whole
            if not started:
                log.error("%s failed: %s", request_id, trace_of(error))  # noqa: TRY400  the text of the exception may name somebody
                await problems.problem("internal", request_id)(scope, receive, send_guarded)


def create_app(
    desk: Callable[[], Desk],
    at: Address,
    door: Door,
    *,
    store: Callable[[], Engine] | None = None,
    rules: Rules | None = None,
    replay: Callable[[str], Replayed | None] | None = None,
    today: Callable[[], date] | None = None,
    delegated: Callable[[date], Delegation] | None = None,
    at_hand: Callable[[], Desk | None] = lambda: None,
) -> ASGIApp:
    """The server over a desk. desk: gives what answers; called for every request, so that a newer book is seen. door: who asks.

    store: the database of decisions; without one nothing can be recorded or looked up, and who asks for that is told so.
    at_hand: the desk where it was looked at lately, at no cost. replay: makes a recorded decision again.
    delegated: the delegation of authority on a day; without it the shipped one.

    There is no page with the documentation: it would fetch a script. The document itself is at /openapi.json.
    Raises ValueError where a route has no rule in the matrix.
    """
    office = Office(desk, store or _no_store, rules, at_hand=at_hand, **({} if today is None else {"today": today}))

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        listing = create_task(office.lister.keep_up(office.open_desk))
        yield
        listing.cancel()
        office.close()

    # The document is a route of ours, so that it is under the matrix like every other.
    app = FastAPI(
        title="riskscore",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=life,
    )
    app.state.overridden = partial(_overridden, store, office)
    app.state.planner = planning.Planner()
    app.state.delegated = delegated or shipped_delegation
    app.state.desk, app.state.office, app.state.replay = desk, office, replay
    looked_at = (router, answering.raw, answering.router, looking.router, operating.router, pages.router, planning.router)
    for part in (*looked_at, ordering.router, reviewing.router, review_pages.router):
        app.include_router(part)
    problems.install(app)
    document.install(app)
    rule(app, matrix.shipped(), door)
    guarded = Guard(operating.Watched(Sieve(Straight(app, answering.raw.routes), at.allowed_hosts)), at)
    proxies = [str(network) for network in at.exposure.proxies]
    return ProxyHeadersMiddleware(guarded, trusted_hosts=proxies) if proxies else guarded  # type: ignore[arg-type,return-value]


def _overridden(store: Callable[[], Engine] | None, office: Office, customer_id: str) -> Override | None:
    return None if store is None else reviews.holding(store(), office.today(), customer_id=customer_id).get(customer_id)


def _no_store() -> Engine:
    raise StorageFailed("this server was started without a database")


def office_in(server: Any) -> Office:
    """The office of a server that `create_app` made."""
    office: Office = _inside(server).state.office
    return office


def shipped_delegation(on: date) -> Delegation:
    """The delegation of authority that comes with the product."""
    return review.parse(find_text("late_payment/delegation.toml").read_text(encoding="utf-8"), on=on)


def document_of(server: Any) -> Mapping[str, Any]:
    """The OpenAPI document of a server that `create_app` made."""
    return _inside(server).openapi()


def _inside(server: Any) -> FastAPI:
    while not isinstance(server, FastAPI):
        server = server.app
    return server
