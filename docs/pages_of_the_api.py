"""The reference page of the API, written from its own OpenAPI document."""

import json
from typing import Any

from riskscore_serving.access import matrix
from riskscore_serving.api import Desk
from riskscore_serving.app import create_app, document_of
from riskscore_serving.problems import TITLES
from riskscore_serving.settings import Address

PREFACE = """Errors are `application/problem+json` (RFC 9457): `type`, `title`, `status`, `instance` (the id of the request, also
in `X-Request-Id`) and `errors` with JSON pointers, never the values that were sent. Money is exact text; null is not known.
Sentences come in English and Chinese. The whole document, with every shape, is at `GET /openapi.json`.
"""


class _Nobody:
    """A door for a server that is only described."""

    def who(self, connection: object) -> None:
        """Nobody."""


def _no_desk() -> Desk:
    raise AssertionError("a server that is only described decides nothing")


def api_page(note: str) -> str:
    """Every route with who may call it, what it takes and what it answers."""
    document = document_of(create_app(_no_desk, Address(), _Nobody()))
    allowed = matrix.shipped().allowed
    parts = ["# The API\n", note, PREFACE, _problems()]
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            parts.append(_route(method.upper(), path, route, sorted(allowed[(method.upper(), path)])))
    return "\n".join(parts)


def _problems() -> str:
    rows = [f"| {status} | `{kind}` | {title} |" for kind, (status, title) in TITLES.items()]
    return "\n".join(["| status | problem `urn:riskscore:problem:` | meaning |", "|-|-|-|", *rows]) + "\n"


def _route(method: str, path: str, route: dict[str, Any], roles: list[str]) -> str:
    lines = [f"## {method} {path}\n", route.get("description", ""), "", f"Roles: {', '.join(roles)}.", ""]
    lines += [_parameter(each) for each in route.get("parameters", ())]
    body = route.get("requestBody", {}).get("content", {}).get("application/json", {})
    for example in body.get("examples", {}).values():
        text = json.dumps(example["value"], ensure_ascii=False, indent=1)
        lines += ["", f"Example, {example['summary']}:", "", "```json", text, "```"]
    lines += ["", f"Answers: {', '.join(route['responses'])}.", ""]
    return "\n".join(lines)


def _parameter(parameter: dict[str, Any]) -> str:
    required = ", required" if parameter.get("required") else ""
    return f"- `{parameter['name']}` ({parameter['in']}{required}) {parameter.get('description', '')}".rstrip()
