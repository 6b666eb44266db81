"""The gate in every route: who asks is established and measured against the matrix before anything of the request is read.

It sits in the route itself, after routing, so that there is one understanding of the path. Guards that look at the address again
have been fooled by it more than once (CVE-2026-48710, CVE-2026-54282).
"""

import inspect
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from functools import partial, wraps
from typing import Any, ClassVar, Protocol

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from riskscore_serving.access.matrix import ANONYMOUS, Matrix, calls_of
from riskscore_serving.access.origin import is_unsafe
from riskscore_serving.actors import Actor
from riskscore_serving.office import Office
from riskscore_serving.problems import Refusal


class Door(Protocol):
    """What knows people and machines."""

    def glance(self, connection: HTTPConnection) -> Actor | None:
        """Who asks, where that can be said at once; null where it takes a look into the database. Raises as `who` does."""

    def who(self, connection: HTTPConnection) -> Actor | None:
        """Who asks; null where nobody is known. Raises Refusal where a request must not be served whoever it is from."""


_office: ContextVar[Office] = ContextVar("office")
"""The office of the request that is answered."""


class RuledRoute(APIRoute):
    """A route that nobody passes but whom the matrix lets. Every router of this server is made of them.

    An endpoint that is a plain function is worked off the event loop, with a deadline, by the office; the framework would give it
    one of forty threads, and once a store hangs in all of them nothing more is answered, by nobody and for ever.
    is_page: worked beside the others, in threads of its own: whoever may only sign in yet holds up nobody who has.
    """

    is_page: ClassVar[bool] = False

    def __init__(self, path: str, endpoint: Callable[..., Any], **described: Any) -> None:
        super().__init__(path, in_time(endpoint, is_page=self.is_page), **described)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through or refuse, then answer."""
        if scope["method"] in (self.methods or ()):
            await _admit(scope, self.path_format)
        _office.set(scope["app"].state.office)
        await super().handle(scope, receive, send)


def in_time(endpoint: Callable[..., Any], *, is_page: bool = False) -> Callable[..., Any]:
    """The endpoint, waited for as long as the office waits for work; one that waits itself is left as it is."""
    if inspect.iscoroutinefunction(endpoint):
        return endpoint

    @wraps(endpoint)
    async def waited_for(**given: Any) -> Any:
        return await _office.get().worked(partial(endpoint, **given), is_page=is_page)

    return waited_for


class RawRoute(RuledRoute):
    """A ruled route whose endpoint takes the request and gives the answer, both as they are.

    FastAPI describes it in the document; what it would do for every request besides costs more than to answer from memory.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through or refuse, then answer."""
        if scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)  # says which methods there are
            return
        await _admit(scope, self.path_format)
        answer = await self.endpoint(Request(scope, receive))
        await answer(scope, receive, send)


class Straight:
    """Takes what is asked of a raw route to it at once; everything else goes through the app, which asks route after route.

    The address is compared whole, letter by letter, with the route's own, and the gate in the route is the same either way.
    """

    def __init__(self, app: FastAPI, routes: Iterable[BaseRoute]) -> None:
        self.app = app
        self._routes = {(method, route.path_format): route for route in routes if isinstance(route, RawRoute)
                        for method in route.methods or ()}  # fmt: skip
        handlers = dict(app.exception_handlers)
        bug = handlers.pop(Exception)
        self._answered: ASGIApp = ServerErrorMiddleware(ExceptionMiddleware(self._handled, handlers=handlers), handler=bug)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        route = None if scope["type"] != "http" or scope.get("root_path") else self._route_of(scope)
        if route is None:
            await self.app(scope, receive, send)
            return
        scope.update(app=self.app, route=route, endpoint=route.endpoint, path_params={})
        await self._answered(scope, receive, send)

    def _route_of(self, scope: Scope) -> RawRoute | None:
        return self._routes.get((scope["method"], scope["path"]))

    async def _handled(self, scope: Scope, receive: Receive, send: Send) -> None:
        await scope["route"].handle(scope, receive, send)


def rule(app: FastAPI, matrix: Matrix, door: Door) -> None:
    """Put the matrix in force over the whole app. Raises ValueError naming every route that has no rule or no gate."""
    calls = calls_of(app.routes)
    unruled = [f"{method} {path}" for method, path, _ in calls if (method, path) not in matrix.allowed]
    ungated = [f"{method} {path}" for method, path, route in calls if not _is_gated(route, path)]
    if unruled or ungated:
        raise ValueError(f"routes without a rule in the matrix: {unruled}; routes without a gate: {ungated}")
    app.state.matrix, app.state.door = matrix, door


def _is_gated(route: object, path: str) -> bool:
    # A prefix given where a router is included would make the route's own path another than the one it is called by.
    return isinstance(route, RuledRoute) and route.path_format == path


async def _admit(scope: Scope, path: str) -> None:
    state = scope["app"].state
    connection = HTTPConnection(scope)
    if state.matrix.may(ANONYMOUS, scope["method"], path) and not is_unsafe(connection):
        return  # a probe is answered whatever became of the database in which people are known
    actor: Actor | None = state.door.glance(connection) or await state.office.within(partial(state.door.who, connection))
    if state.matrix.may(ANONYMOUS if actor is None else actor.role, scope["method"], path):
        if actor is not None:
            scope["riskscore_actor"] = actor
        return
    if actor is None:
        raise Refusal("unauthenticated", headers={"WWW-Authenticate": "Bearer"})
    raise Refusal("forbidden")
