"""The OpenAPI document: bodies that are read strictly by hand are described there like any other."""

from collections.abc import Mapping, Sequence
from functools import cache
from threading import Lock
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from riskscore_serving.access.matrix import ANONYMOUS, CALLERS, shipped
from riskscore_serving.asking import EXAMPLES, Wanted
from riskscore_serving.asking_orders import OrderWanted, ReleaseWanted
from riskscore_serving.problems import responses

REF = "#/components/schemas/{model}"
BY_HAND: tuple[type[BaseModel], ...] = (Wanted, OrderWanted, ReleaseWanted)


DECISION, REVIEW = {"decision_id": "$response.body#/provenance/decision_id"}, {"decision_id": "$response.body#/decision_id"}
FIRST_CUSTOMER = {"customer_id": "$response.body#/customers/0/customer_id"}
RESERVED = {"reservation_id": "$response.body#/reservation_id"}
REVIEWED = {"review_id": "$response.body#/review_id"}
LINKS: Mapping[tuple[str, str, str], Sequence[tuple[str, str, Mapping[str, str], Mapping[str, str] | None]]] = {
    ("post", "/v1/decisions", "201"): [
        ("get", "/v1/decisions/{decision_id}", DECISION, None),
        ("get", "/v1/decisions/{decision_id}/replay", DECISION, None),
        ("get", "/v1/decisions/{decision_id}/reviews", DECISION, None),
        ("post", "/v1/decisions/{decision_id}/override", DECISION, None),
    ],
    ("post", "/v1/decisions/{decision_id}/override", "201"): [
        ("post", "/v1/decisions/{decision_id}/approve", REVIEW, REVIEWED),
        ("post", "/v1/decisions/{decision_id}/reject", REVIEW, REVIEWED),
        ("post", "/v1/decisions/{decision_id}/withdraw", REVIEW, REVIEWED),
        ("get", "/v1/decisions/{decision_id}/reviews", REVIEW, None),
    ],
    ("post", "/v1/orders/check", "200"): [("post", "/v1/orders/{reservation_id}/release", RESERVED, {"because": "cancelled"})],
    ("get", "/v1/customers", "200"): [
        ("get", "/v1/customers/{customer_id}", FIRST_CUSTOMER, None),
        ("get", "/v1/customers/{customer_id}/history", FIRST_CUSTOMER, None),
        ("get", "/v1/customers/{customer_id}/explanation", FIRST_CUSTOMER, None),
    ],
}
"""Method, path and status of an answer to what can be asked next, and which of its fields go into that."""


def asks(shape: type[BaseModel], examples: Mapping[str, Any] = EXAMPLES, **headers: str) -> dict[str, Any]:
    """What a route documents that reads its body by hand, and headers: name, with _ for -, to what it is."""
    content = {"application/json": {"schema": {"$ref": REF.format(model=shape.__name__)}, "examples": dict(examples)}}
    documented: dict[str, Any] = {"requestBody": {"required": True, "content": content}}
    if headers:
        documented["parameters"] = [_header(name.replace("_", "-"), says) for name, says in headers.items()]
    return documented


def _header(name: str, says: str) -> dict[str, Any]:
    text = {"anyOf": [{"type": "string"}, {"type": "null"}], "description": says, "title": name.title()}
    return {"name": name, "in": "header", "required": False, "schema": text, "description": says}


def install(app: FastAPI) -> None:
    """Put the shapes of bodies that are read by hand into the app's document."""
    made_by_fastapi = app.openapi

    lock = Lock()  # two that ask first would change one document at once

    def openapi() -> Mapping[str, Any]:
        with lock:
            return made()

    @cache
    def made() -> Mapping[str, Any]:
        document: dict[str, Any] = made_by_fastapi()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for shape in BY_HAND:
            own = shape.model_json_schema(ref_template=REF)
            schemas.update(own.pop("$defs", {}))
            schemas[shape.__name__] = own
        for (method, path, status), following in LINKS.items():
            described = document["paths"][path][method]["responses"][status]
            described["links"] = {_name(*each[:2]): _link(document, *each) for each in following}
        for path, calls in document["paths"].items():
            for method, call in calls.items():
                _add_refusals(call["responses"], shipped().allowed[method.upper(), path])
        return document

    app.openapi = openapi  # type: ignore[method-assign,assignment]


def _name(method: str, path: str) -> str:
    return f"{method} {path}".replace("/", "_").translate({ord(each): None for each in "{} "})


def _link(
    document: Mapping[str, Any], method: str, path: str, parameters: Mapping[str, str], body: Mapping[str, str] | None
) -> dict[str, Any]:
    found = {"operationId": document["paths"][path][method]["operationId"], "parameters": parameters}
    return found | ({} if body is None else {"requestBody": body})


def _add_refusals(described: dict[str, Any], allowed: frozenset[str]) -> None:
    """What is turned away at the gate is told so in the document: another host's name or an address that is no text (400), nobody
    known (401), a role that may not (403).
    """
    turned_away = [400] + ([] if ANONYMOUS in allowed else [401]) + ([] if allowed >= set(CALLERS) - {ANONYMOUS} else [403])
    for status, refusal in responses(*turned_away).items():
        described.setdefault(str(status), {name: refusal[name] for name in ("description", "content")})
