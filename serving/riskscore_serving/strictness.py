"""Reading a JSON body as strictly as money deserves: what two readers could understand differently is refused unread."""

import json
import math
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from riskscore_serving.problems import Refusal

Shape = TypeVar("Shape", bound=BaseModel)

LARGEST_BODY = 256 * 1024
"""Bytes. Twenty statements with every line item are a tenth of it."""

LONGEST_NUMBER = 30  # characters; no amount, count or share is longer
SAYS_JSON = "application/json"


class _Ambiguous(ValueError):
    pass


async def body_of(request: Request, shape: type[Shape]) -> tuple[Shape, Any]:
    """The body as that shape, and as plain JSON values. Refuses what is not one unambiguous JSON text of that shape.

    Raises Refusal (invalid-request) for what is no JSON, has a key twice, a number that is not finite or far too long, or a
    character that is none; RequestValidationError where fields are wrong, missing or unknown.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != SAYS_JSON:
        raise Refusal("invalid-request", "The body must be JSON and say so: Content-Type: application/json.")
    raw = await request.body()
    try:
        text = raw.decode("utf-8")
        plain = json.loads(text, object_pairs_hook=_once, parse_constant=_refused, parse_float=_finite, parse_int=_short)
        if "\\u" in text:  # half of a surrogate pair is no text, and only written so does it get through the decoding
            json.dumps(plain, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:  # UnicodeError and JSONDecodeError are ValueErrors
        raise Refusal("invalid-request", "The body is not one unambiguous JSON text.") from error
    try:
        return shape.model_validate_json(raw), plain
    except ValidationError as error:
        raise RequestValidationError(_located(error)) from None


def _located(error: ValidationError) -> list[dict[str, Any]]:
    """Where and why, without what was sent; the name of an unknown field is something that was sent."""
    return [
        {"loc": ("body", *(each["loc"][:-1] if each["type"] == "extra_forbidden" else each["loc"])), "type": each["type"]}
        for each in error.errors(include_input=False, include_url=False, include_context=False)
    ]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Ambiguous
    return found


def _refused(_: str) -> float:
    raise _Ambiguous


def _short(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise _Ambiguous
    return int(text)


def _finite(text: str) -> float:
    if len(text) > LONGEST_NUMBER or not math.isfinite(value := float(text)):
        raise _Ambiguous
    return value
