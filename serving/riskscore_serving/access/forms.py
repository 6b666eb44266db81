"""Forms of our own pages: each carries a token that only this browser's page can know, and is read once."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import Message, Receive, Scope, Send

from riskscore_serving.access.gate import RuledRoute
from riskscore_serving.problems import Refusal
from riskscore_serving.settings import Address

LARGEST_FORM = 16 * 1024  # bytes; the longest form has a note of 2,000 characters
MOST_FIELDS = 20
OUT_OF_DATE = "The form is out of date. Load the page again and repeat it."


class PageRoute(RuledRoute):
    """A page or its form. Whoever is not signed in is led to the page where one signs in; a form is read here, once."""

    is_page = True

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the form where there is one, then as every route."""
        if scope["method"] == "POST":
            scope["riskscore_form"] = await _fields(scope, receive)
        try:
            await super().handle(scope, receive, send)
        except Refusal as refusal:
            if refusal.kind != "unauthenticated":
                raise
            await RedirectResponse("/sign-in", 303)(scope, receive, send)


def form_of(connection: HTTPConnection) -> Mapping[str, str]:
    """The fields of the form that was sent."""
    found: Mapping[str, str] = connection.scope["riskscore_form"]
    return found


def cookie(at: Address, what: str) -> str:
    """The name of a cookie. `__Host-` makes browsers refuse it from a neighbour or without TLS; on loopback there is no TLS."""
    return f"__Host-{what}" if at.is_secure else what


SESSION, VISIT, TRIP = "riskscore", "riskscore-visit", "riskscore-trip"


def set_cookie(response: Response, at: Address, what: str, value: str) -> None:
    """Give the browser a cookie that no script reads and no other site's form sends; it goes when the browser closes."""
    response.set_cookie(cookie(at, what), value, httponly=True, secure=at.is_secure, samesite="lax", path="/")


def drop_cookie(response: Response, at: Address, what: str) -> None:
    """Take it back."""
    response.delete_cookie(cookie(at, what), httponly=True, secure=at.is_secure, samesite="lax", path="/")


def bound_to(connection: HTTPConnection, at: Address) -> str:
    """What form tokens of this browser are made for: its session, else its visit; empty where it has neither."""
    return connection.cookies.get(cookie(at, SESSION)) or connection.cookies.get(cookie(at, VISIT)) or ""


def new_visit() -> str:
    """A random name for a browser that is not signed in."""
    return secrets.token_urlsafe(32)


def form_token(at: Address, binding: str) -> str:
    """The token of a form for that session or visit."""
    return hmac.new(at.secret, b"form\0" + binding.encode(), hashlib.sha256).hexdigest()


def check_form_token(connection: HTTPConnection, at: Address) -> None:
    """Raises Refusal where neither the form nor the X-CSRF-Token header carries the token of this browser."""
    sent = connection.scope.get("riskscore_form", {}).get("csrf_token") or connection.headers.get("x-csrf-token", "")
    binding = bound_to(connection, at)
    if not binding or not hmac.compare_digest(sent.encode(), form_token(at, binding).encode()):
        raise Refusal("forbidden", OUT_OF_DATE)


async def _fields(scope: Scope, receive: Receive) -> dict[str, str]:
    kind = HTTPConnection(scope).headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/x-www-form-urlencoded":
        raise Refusal("invalid-request", "This is a form of a page: application/x-www-form-urlencoded.")
    body = b""
    more = True
    while more:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect  # half of a form is no form, and must not do what the whole one would
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > LARGEST_FORM:
            raise Refusal("too-large", headers={"Connection": "close"})
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise Refusal("invalid-request", "The form cannot be read.") from error
    if any("\0" in text for pair in pairs for text in pair):
        raise Refusal("invalid-request", "The form holds a character that is no text.")
    if len(dict(pairs)) != len(pairs):
        raise Refusal("invalid-request", "A field of the form was sent twice.")
    return dict(pairs)
