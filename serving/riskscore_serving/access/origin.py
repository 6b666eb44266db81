"""Requests that change something must come from a page of this server, or from no page at all."""

from starlette.requests import HTTPConnection

from riskscore_serving.problems import Refusal

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
FOREIGN = "This was sent from a page of another site."


def is_unsafe(connection: HTTPConnection) -> bool:
    """May it change something?"""
    return connection.scope["method"] not in SAFE


def check_same_origin(connection: HTTPConnection) -> None:
    """Refuse what a page of another site sends. Programs send neither header; browsers always send one of the two.

    Raises Refusal.
    """
    fetched, origin = connection.headers.get("sec-fetch-site"), connection.headers.get("origin")
    # The Host header was checked against the names of this server before; the scheme is what the declared proxy says.
    own = f"{connection.scope['scheme']}://{connection.headers.get('host', '')}"
    if (fetched if fetched is not None else "same-origin") != "same-origin" or (origin is not None and origin != own):
        raise Refusal("forbidden", FOREIGN)
