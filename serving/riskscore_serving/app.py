"""The server: the guard every request passes first, and the app behind it."""

import re
import uuid
from collections.abc import Callable

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from riskscore import __version__
from riskscore_serving import problems
from riskscore_serving.access import matrix, pages
from riskscore_serving.access.gate import Door, rule
from riskscore_serving.api import Desk, router
from riskscore_serving.settings import Address

HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""On every answer, the errors included; a page says more precisely what it may load."""

ONLY_TLS = {"strict-transport-security": "max-age=31536000"}


HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::\d{1,5})?", re.ASCII)
"""A Host header: a name or an address, and perhaps a port."""


class Guard:
    """Gives the request an id, turns away a name this server is not called by, and puts the safe headers on the answer."""

    def __init__(self, app: ASGIApp, at: Address) -> None:
        self.app = app
        self.allowed_hosts = at.allowed_hosts
        self.headers = {**HEADERS, **(ONLY_TLS if at.is_secure else {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex
        scope["riskscore_request_id"] = request_id

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        if host_of(Headers(scope=scope).get("host", "")) not in self.allowed_hosts:
            refusal = problems.problem("invalid-request", request_id, detail="This server is not called by that name.")
            await refusal(scope, receive, send_guarded)
            return
        await self.app(scope, receive, send_guarded)


def host_of(header: str) -> str:
    """The name in a Host header, without the port; brackets of an IPv6 address stay. Empty for anything else.

    >>> host_of("localhost:8000"), host_of("[::1]:8000"), host_of("127.0.0.1"), host_of("127.0.0.1:80@evil.example")
    ('localhost', '[::1]', '127.0.0.1', '')
    """
    found = HOST.fullmatch(header)
    return found[1] if found else ""


def create_app(desk: Callable[[], Desk], at: Address, door: Door) -> ASGIApp:
    """The server over a desk. desk: gives what answers; called for every request, so that a newer book is seen. door: who asks.

    There is no page with the documentation: it would fetch a script. The document itself is at /openapi.json.
    Raises ValueError where a route has no rule in the matrix.
    """
    # The document is a route of ours, so that it is under the matrix like every other.
    app = FastAPI(title="riskscore", version=__version__, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.desk = desk
    app.include_router(router)
    app.include_router(pages.router)
    problems.install(app)
    rule(app, matrix.shipped(), door)
    guarded = Guard(app, at)
    proxies = [str(network) for network in at.exposure.proxies]
    return ProxyHeadersMiddleware(guarded, trusted_hosts=proxies) if proxies else guarded  # type: ignore[arg-type,return-value]
