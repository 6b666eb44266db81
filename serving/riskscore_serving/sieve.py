"""What is turned away before it is understood: another name, a text that is none, a body too large or too slow, a crowd."""

import asyncio
import re
from time import monotonic

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from riskscore_serving import problems
from riskscore_serving.problems import Refusal
from riskscore_serving.strictness import LARGEST_BODY

SLOWEST_BODY = 10.0
"""Seconds in which a body must have arrived."""

MOST_AT_ONCE = 128
"""Requests that are worked on at once. Who comes after them would only wait until the answer is of no use to anybody."""

CROWD = "riskscore_crowd"
"""What a connection says of a request: how many others had come and were not answered when it came. See `connection`."""

WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})
PROBES = frozenset({"/livez", "/readyz", "/metrics"})
"""Answered in any crowd: a server that is only busy must not be taken for a dead one."""

HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::\d{1,5})?", re.ASCII)
"""A Host header: a name or an address, and perhaps a port."""

CLOSING = {"Connection": "close"}
COME_BACK = {"Retry-After": "1"}


class Sieve:
    """Lets through what this server may be asked at all, and no more at once than it can answer in time.

    Whoever still sends a body waits beside the crowd and not in it: two hundred slow ones keep nobody out.
    """

    def __init__(self, app: ASGIApp, allowed_hosts: frozenset[str]) -> None:
        self.app = app
        self.allowed_hosts = allowed_hosts
        self._inside = 0  # requests that came in and are not answered
        self.sending = 0  # of them: those whose body is still on its way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            answer = problems.answer_of(refusal, scope)
            await answer(scope, receive, send)
            return
        self._inside += 1
        try:
            await self.app(scope, self._bounded(scope, receive), send)
        finally:
            self._inside -= 1

    def _refusal(self, scope: Scope) -> Refusal | None:
        if host_of(Headers(scope=scope).get("host", "")) not in self.allowed_hosts:
            return Refusal("invalid-request", "This server is not called by that name.")
        if "\0" in scope["path"]:  # nothing is called so, whoever asks
            return Refusal("not-found")
        if b"%00" in scope["query_string"]:
            return Refusal("invalid-request", "The address holds a character that is no text.")
        if scope["path"] not in PROBES and max(self._inside, scope.get(CROWD, 0)) - self.sending >= MOST_AT_ONCE:
            return Refusal("overloaded", headers=COME_BACK)
        return None

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        """The body as it arrives, refused as soon as it is larger or slower than this server reads; nothing is kept of it."""
        if scope["method"] not in WITH_BODY:
            return receive
        declared = Headers(scope=scope).get("content-length", "0")
        left = LARGEST_BODY
        until = monotonic() + SLOWEST_BODY

        async def receive_bounded() -> Message:
            nonlocal left
            if declared.isdigit() and int(declared[:20]) > LARGEST_BODY:
                raise Refusal("too-large", headers=CLOSING)
            self.sending += 1
            try:
                async with asyncio.timeout(max(until - monotonic(), 0.001)):
                    message = await receive()
            except TimeoutError:
                raise Refusal("invalid-request", "The body came too slowly.", headers=CLOSING) from None
            finally:
                self.sending -= 1
            left -= len(message.get("body", b""))
            if left < 0:
                raise Refusal("too-large", headers=CLOSING)
            if self._inside - self.sending > MOST_AT_ONCE:  # many were on their way and have all arrived
                raise Refusal("overloaded", headers=COME_BACK)
            return message

        return receive_bounded


def host_of(header: str) -> str:
    """The name in a Host header, without the port; brackets of an IPv6 address stay. Empty for anything else.

    >>> host_of("localhost:8000"), host_of("[::1]:8000"), host_of("127.0.0.1"), host_of("127.0.0.1:80@evil.example")
    ('localhost', '[::1]', '127.0.0.1', '')
    """
    found = HOST.fullmatch(header)
    return found[1] if found else ""
