"""The OpenAPI document: bodies that are read strictly by hand are described there like any other."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from riskscore_serving.asking import EXAMPLES, Wanted

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
        return document

    app.openapi = openapi  # type: ignore[method-assign,assignment]
