"""The matrix: route and method to the roles that may call it, read from one file, strictly."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, ClassVar, Literal

from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, ConfigDict, Field
from starlette.routing import BaseRoute

ANONYMOUS = "anonymous"
Caller = Literal["anonymous", "viewer", "analyst", "approver", "admin"]
CALLERS: tuple[Caller, ...] = ("anonymous", "viewer", "analyst", "approver", "admin")


class _Text(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    groups: dict[str, Annotated[list[Caller], Field(min_length=1)]]
    routes: dict[str, str]


@dataclass(frozen=True)
class Matrix:
    """allowed: `(method, path with its parameters' names)` to roles. What is not in it is allowed to nobody."""

    allowed: Mapping[tuple[str, str], frozenset[str]]

    def may(self, caller: str, method: str, path: str) -> bool:
        """May somebody of that role, or nobody in particular (`anonymous`), call it?"""
        return caller in self.allowed.get((method, path), frozenset())


def parse(text: str) -> Matrix:
    """The matrix of a text. Raises ValueError for an unknown key, role, group or shape of a route."""
    found = _Text.model_validate(tomllib.loads(text))
    allowed = {}
    for line, group in found.routes.items():
        method, _, path = line.partition(" ")
        if not method.isupper() or not path.startswith("/"):
            raise ValueError(f"matrix: {line!r} is not a method and a path")
        if group not in found.groups:
            raise ValueError(f"matrix: {line!r} names the group {group!r}, which is not in [groups]")
        allowed[method, path] = frozenset(found.groups[group])
    return Matrix(allowed)


@cache
def shipped() -> Matrix:
    """The matrix of this server."""
    return parse((files("riskscore_serving.access") / "matrix.toml").read_text(encoding="utf-8"))


def calls_of(routes: list[BaseRoute]) -> list[tuple[str, str, BaseRoute]]:
    """Every method, path and route that an app answers, those of included routers too."""
    found = []
    for context in iter_route_contexts(routes):
        path = context.path_format or context.path or ""
        found += [(method, path, context.original_route) for method in sorted(context.methods or {"*"})]
    return found
