"""Every route that takes a body takes it strictly: what two readers could understand differently is refused, and nothing is stored."""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from deciding import ON
from desks import BookDesk
from doors import Open
from riskscore.stores.database import TABLES, open_database, reading
from riskscore_serving import answering, asking_orders, ordering, reviewing
from riskscore_serving.actors import Actor
from riskscore_serving.app import create_app, document_of
from riskscore_serving.asking import EXAMPLES
from riskscore_serving.settings import Address

CANARY = "Kanarienvogel-4711"
ACT = {"review_id": "0" * 32, "note": CANARY}
APPLICATION: dict[str, Any] = deepcopy(EXAMPLES["an applicant with accounts"]["value"])
APPLICATION["applicant"]["name"] = CANARY
ORDER: dict[str, Any] = deepcopy(asking_orders.ORDER_EXAMPLES["only check, with what the ERP knows besides"]["value"])
ORDER["customer_id"] = "acme"
OVERRIDE = {"limit": "1000", "reason": f"{CANARY} guarantees it, see the file", "valid_until": "2026-12-31"}
SOUND: dict[str, dict[str, Any]] = {
    "/v1/scores": APPLICATION,
    "/v1/decisions": APPLICATION,
    "/v1/orders/check": {**ORDER, "reserve": True},
    "/v1/orders/{reservation_id}/release": {"because": "billed", "billed_on": "2026-06-29"},
    "/v1/decisions/{decision_id}/override": OVERRIDE,
    "/v1/decisions/{decision_id}/approve": ACT,
    "/v1/decisions/{decision_id}/reject": ACT,
    "/v1/decisions/{decision_id}/withdraw": ACT,
}
"""A body for each route that could be understood."""

LEAVES = {
    "NaN": "NaN", "infinity": "Infinity", "minus infinity": "-Infinity", "beyond floats": "1e309", "23 digits": "9" * 23,
    "5,000 digits": "9" * 5_000, "half a character": '"\\ud800"', "an object": '{"a": 1}', "a list": '["a"]',
    "deep": "[" * 5_000 + "]" * 5_000, "a control character": '"Kanari\\u0000vogel guarantees it"', "not quoted": "acme", "a bool": "true",
}  # fmt: skip
"""What stands where text, a number or money should: JSON text as it is sent."""

WHOLE = {
    "nothing": "", "blank": "  ", "no JSON": CANARY, "null": "null", "a list": "[{0}]", "text": '"{0}"', "cut": "{0}"[:-1],
    "two texts": "{0}{0}", "more behind": "{0}x", "single quotes": "{'a': 1}", "deep": "[" * 100_000,
    "deep and closed": "[" * 100_000 + "]" * 100_000,
}  # fmt: skip


def variants(sound: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Bodies that mean nothing or several things, made of one that is sound."""
    text = json.dumps(sound)
    for name, shape in WHOLE.items():
        yield name, shape.replace("{0}", text).encode()
    yield "cut in the midst", text[:-1].encode()
    yield "UTF-16", text.encode("utf-16")
    yield "a byte that is no text", text.encode().replace(b'": ', b'\xff": ', 1)
    yield "a mark in front", b"\xef\xbb\xbf" + text.encode()
    first = next(iter(sound))
    yield "a key twice", text.replace("{", "{" + f'"{first}": {json.dumps(sound[first])}, ', 1).encode()
    yield "an unknown field", text.replace("{", f'{{"{CANARY}": 1, ', 1).encode()
    yield "somebody else's field", text.replace("{", '{"approved_by": "anna", ', 1).encode()
    for name, token in LEAVES.items():
        for path in leaves(sound):
            if name != "a bool" or not isinstance(at(sound, path), bool):
                yield f"{name} at {path}", replaced(sound, path, token).encode()


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where the values of a body are; four of them, from the first to the last."""
    found: list[tuple[Any, ...]] = []
    for key, below in value.items() if isinstance(value, dict) else enumerate(value):
        found += leaves(below, (*path, key)) if isinstance(below, dict | list) else [(*path, key)]
    return found if path else found[:: max(len(found) // 4, 1)][:4]


def at(body: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        body = body[key]
    return body


def replaced(sound: dict[str, Any], path: tuple[Any, ...], token: str) -> str:
    body = deepcopy(sound)
    at(body, path[:-1])[path[-1]] = "\x01here"
    return json.dumps(body).replace(json.dumps("\x01here"), token)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    opened = open_database(f"sqlite:///{tmp_path / 'riskscore.db'}")
    yield opened
    opened.dispose()


class Doored(Open):
    """The doors of a review need a store and a clock too."""

    engine: sa.Engine

    def now(self) -> int:
        return 1_782_800_000


@pytest.fixture
def app(engine: sa.Engine) -> Any:
    desk, door = BookDesk(), Doored(Actor("anna", "analyst"))
    door.engine = engine
    return create_app(lambda: desk, Address(), door, store=lambda: engine, today=lambda: ON)


@pytest.fixture
def client(app: Any) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        yield client


def rows(engine: sa.Engine) -> int:
    """How many rows there are in the whole database."""
    with reading(engine) as connection:
        return sum(
            connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in TABLES.sorted_tables
        )


def not_refused(client: TestClient, path: str) -> list[str]:
    """The bodies that this route did not refuse as it should."""
    address = path.replace("{decision_id}", "0" * 32).replace("{reservation_id}", "0" * 32)
    headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    found = []
    for name, body in variants(SOUND[path]):
        answer = client.post(address, content=body, headers=headers)
        is_problem = answer.headers.get("content-type") == "application/problem+json"
        if answer.status_code not in {400, 422} or not is_problem or CANARY in answer.text:
            found.append(f"{name}: {answer.status_code}")
    return found


def test_every_route_that_takes_a_body_is_looked_at(app: Any) -> None:
    document = document_of(app)
    takes = {path for path, methods in document["paths"].items() for each in methods.values() if "requestBody" in each}

    assert takes == set(SOUND)


@pytest.mark.parametrize("path", SOUND)
def test_what_can_be_misunderstood_is_refused_not_repeated_and_leaves_nothing(
    client: TestClient, engine: sa.Engine, path: str
) -> None:
    before = rows(engine)

    assert len(list(variants(SOUND[path]))) >= 45
    assert not_refused(client, path) == []
    assert rows(engine) == before


@pytest.mark.parametrize("path", SOUND)
def test_a_sound_body_is_understood(client: TestClient, path: str) -> None:
    address = path.replace("{decision_id}", "0" * 32).replace("{reservation_id}", "0" * 32)
    answer = client.post(address, json=SOUND[path], headers={"Idempotency-Key": "k"})

    assert answer.status_code in {200, 201, 403, 404}, answer.text


@pytest.mark.parametrize("room", [answering, ordering, reviewing])
def test_a_route_that_reads_as_the_libraries_do_is_found(client: TestClient, monkeypatch: pytest.MonkeyPatch, room: Any) -> None:
    async def lenient(request: Any, shape: Any) -> Any:
        plain = json.loads((await request.body()).decode("utf-8", "replace"))
        return shape.model_validate(plain, strict=False), plain

    monkeypatch.setattr(room, "body_of", lenient)
    path = next(path for path in SOUND if {answering: "scores", ordering: "check", reviewing: "override"}[room] in path)

    assert {name.partition(" at ")[0].partition(":")[0] for name in not_refused(client, path)} >= {"a key twice"}
