"""The OpenAPI document: bodies that are read strictly by hand are described there like any other."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from riskscore_serving.access.matrix import ANONYMOUS, CALLERS, shipped
from riskscore_serving.asking import EXAMPLES, Wanted
from riskscore_serving.problems import responses

REF = "#/components/schemas/{model}"
BY_HAND: tuple[type[BaseModel], ...] = (Wanted,)


def asks(shape: type[BaseModel]) -> dict[str, Any]:
    """What a route documents that reads its body by hand."""
    content = {"application/json": {"schema": {"$ref": REF.format(model=shape.__name__)}, "examples": EXAMPLES}}
    return {"requestBody": {"required": True, "content": content}}


def install(app: FastAPI) -> None:
    """Put the shapes of bodies that are read by hand into the app's document."""
    made_by_fastapi = app.openapi

    def openapi() -> Mapping[str, Any]:
        document: dict[str, Any] = made_by_fastapi()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for shape in BY_HAND:
            own = shape.model_json_schema(ref_template=REF)
            schemas.update(own.pop("$defs", {}))
            schemas[shape.__name__] = own
        for path, calls in document["paths"].items():
            for method, call in calls.items():
                _add_refusals(call["responses"], shipped().allowed[method.upper(), path])
        return document

    app.openapi = openapi  # type: ignore[method-assign,assignment]


def _add_refusals(described: dict[str, Any], allowed: frozenset[str]) -> None:
    """Who is turned away at the gate is told so in the document: nobody known (401), or a role that may not (403)."""
    turned_away = ([] if ANONYMOUS in allowed else [401]) + ([] if allowed >= set(CALLERS) - {ANONYMOUS} else [403])
    for status, refusal in responses(*turned_away).items():
        described.setdefault(str(status), {name: refusal[name] for name in ("description", "content")})
