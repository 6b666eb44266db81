"""One connection of a client: how long it may take over the head of a request, and how many connections there may be."""

import asyncio
import secrets
from collections.abc import Iterator
from functools import partial
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from riskscore_serving import sieve
from riskscore_serving.operating import Watched
from riskscore_serving.sieve import CROWD, PROBES, Sieve

SLOWEST_HEAD = 10.0
"""Seconds in which the head of a request must be whole, counted from the connection or from the end of the answer before."""

MOST_CONNECTIONS = 800
"""Of all clients together, well below the thousand files that a process may commonly open."""

MOST_TOLD = 100
"""Of the connections beyond: those that are given the time to read why they are refused."""

SLOWEST_TO_LEAVE = 1.0
"""Seconds they have for it."""

_TOLD = b'{"type":"urn:riskscore:problem:overloaded","title":"There are too many connections.","status":503,"instance":"none"}'
TOO_MANY = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nretry-after: 1\r\n"
    b"cache-control: no-store\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s" % (len(_TOLD), _TOLD)
)


_REFUSED = (
    b'{"type":"urn:riskscore:problem:overloaded","title":"More is asked than can be answered just now; try again.",'
    b'"status":503,"instance":"%s"}'
)
_REFUSED_HEADERS = [
    (b"content-type", b"application/problem+json"),
    (b"content-length", str(len(_REFUSED % (b"0" * 32))).encode()),
    (b"retry-after", b"1"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]
_REFUSED_HEAD = b"HTTP/1.1 503 Service Unavailable\r\n%sx-request-id: %%s\r\nconnection: %%s\r\n\r\n" % b"".join(
    name + b": " + value + b"\r\n" for name, value in _REFUSED_HEADERS
)
MOST_UNREAD = 2**16
"""Bytes of refusals that a client may leave unread before it is hung up on."""

_PROBES = frozenset(path.encode() for path in PROBES)


async def turned_away(_: Scope, __: Receive, send: Send) -> None:
    """What is answered in a crowd to a request that has to wait its turn on its line."""
    request_id = secrets.token_hex(16).encode()
    await send({"type": "http.response.start", "status": 503, "headers": [*_REFUSED_HEADERS, (b"x-request-id", request_id)]})
    await send({"type": "http.response.body", "body": _REFUSED % request_id})


class Connection(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it, cut where a client is slower than anybody needs to be.

    uvicorn closes a connection that is idle after an answer, but waits for ever for the end of a head that has begun: a few
    hundred clients that send a letter a second would keep everybody else out.
    """

    _slow: asyncio.TimerHandle | None = None
    _refused = False
    _dropping = False

    def __init__(self, *given: Any, sieved: Sieve, watched: Watched, **more: Any) -> None:
        super().__init__(*given, **more)
        self._sieved, self._turned_away = sieved, watched.figures.turned_away

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody is there."""
        super().connection_made(transport)
        beyond = len(self.connections) - MOST_CONNECTIONS
        if beyond <= 0:
            self._expect_head()
            return
        transport.write(TOO_MANY)
        if beyond > MOST_TOLD or not transport.can_write_eof():
            transport.close()
            return
        # What is on its way is taken and dropped: a line closed on unread bytes is reset, and the answer lost with it.
        self._refused = True
        transport.write_eof()
        self.loop.call_later(SLOWEST_TO_LEAVE, transport.close)

    def data_received(self, data: bytes) -> None:
        """Something came."""
        if self._refused:
            return
        super().data_received(data)
        # uvicorn forgets that the connection was idle with the first letter; what is no head by then must become one in time.
        if self._slow is None and (self.cycle is None or self.cycle.response_complete):
            self._expect_head()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._expect_nothing()
        crowd = len(self.tasks)
        self.scope[CROWD] = crowd  # type: ignore[literal-required]
        if crowd - self._sieved.sending < sieve.MOST_AT_ONCE or self.url.partition(b"?")[0] in _PROBES:
            super().on_headers_complete()
            return
        self._turned_away.inc()
        if self.cycle is None or self.cycle.response_complete:
            self._turn_away()
            return
        whole, self.app = self.app, turned_away  # in its turn, behind what was asked on this line before
        try:
            super().on_headers_complete()
        finally:
            self.app = whole

    def on_body(self, body: bytes) -> None:
        """A piece of a body came."""
        if not self._dropping:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        if not self._dropping:
            super().on_message_complete()
        self._dropping = False

    def _turn_away(self) -> None:
        """Refuse at once, with neither a task nor an app, and drop what comes of the request yet: that is what a crowd costs."""
        self._dropping = True
        stays = self.parser.get_http_version() == "1.1" and self.parser.should_keep_alive()
        request_id = secrets.token_hex(16).encode()
        body = b"" if self.parser.get_method() == b"HEAD" else _REFUSED % request_id
        self.transport.write(_REFUSED_HEAD % (request_id, b"keep-alive" if stays else b"close") + body)
        if not stays or self.transport.get_write_buffer_size() > MOST_UNREAD:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self._expect_nothing()
        super().connection_lost(exc)

    def timeout_keep_alive_handler(self) -> None:
        """It was idle after an answer. Who has not even taken that answer is not waited for either."""
        super().timeout_keep_alive_handler()
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    def _expect_head(self) -> None:
        self._slow = self.loop.call_later(SLOWEST_HEAD, self._cut)

    def _expect_nothing(self) -> None:
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None

    def _cut(self) -> None:
        self._slow = None
        if not self.transport.is_closing():
            self.transport.close()


def settings(server: Any) -> dict[str, Any]:
    """What uvicorn is told so that it serves that server over such connections. The bounds are theirs and not uvicorn's."""
    parts = list(_parts(server))
    sieved = next(each for each in parts if isinstance(each, Sieve))
    watched = next(each for each in parts if isinstance(each, Watched))
    return {"http": partial(Connection, sieved=sieved, watched=watched), "ws": "none", "limit_concurrency": None}


def _parts(server: Any) -> Iterator[Any]:
    while server is not None:
        yield server
        server = getattr(server, "app", None)
