"""The two hot routes are reached without asking route after route: by the very same address, and through the same gate."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from desks import BookDesk
from doors import Open
from riskscore_serving.access.gate import RawRoute, Straight
from riskscore_serving.actors import Actor
from riskscore_serving.app import create_app
from riskscore_serving.office import Office, Rules
from riskscore_serving.settings import Address

WANTED = {"customer_id": "acme"}
HOT = ("/v1/scores", "/v1/decisions")


@pytest.fixture
def door() -> Open:
    return Open()


@pytest.fixture
def client(door: Open) -> Iterator[TestClient]:
    desk = BookDesk()
    app = create_app(lambda: desk, Address(), door, rules=Rules(max_book_age_days=100_000))
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


def problem_of(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


def told(client: TestClient, door: Open, actor: Actor | None, path: str) -> tuple[int, str]:
    door.actor = actor
    return problem_of(client.post(path, json=WANTED, headers={"Idempotency-Key": "k"}))


def test_a_request_for_a_hot_route_goes_straight_to_it(client: TestClient, monkeypatch: pytest.MonkeyPatch):
    straight: list[str] = []
    handled = Straight._handled

    async def seen(self: Straight, scope: Any, receive: Any, send: Any) -> None:
        straight.append(scope["path"])
        await handled(self, scope, receive, send)

    monkeypatch.setattr(Straight, "_handled", seen)
    with_it = create_app(lambda: BookDesk(), Address(), Open(), rules=Rules(max_book_age_days=100_000))
    with TestClient(with_it, base_url="http://127.0.0.1:8000") as client:
        first = client.post("/v1/scores", json=WANTED)
        through_the_app = TestClient(with_it, base_url="http://127.0.0.1:8000", root_path="/v1").post("/v1/scores", json=WANTED)
        client.get("/v1/scores")

    assert straight == ["/v1/scores"]
    assert first.status_code == 200
    assert through_the_app.status_code in {200, 404}, "an address under a prefix is the app's to understand"


@pytest.mark.parametrize("path", ["/v1/scores/", "/v1//scores", "/V1/scores", "/v1/scores%2f", "/v1/scores;a=b"])
def test_an_address_that_is_not_the_very_same_is_no_address(client: TestClient, path: str):
    assert problem_of(client.post(path, json=WANTED)) == (404, "not-found")


@pytest.mark.parametrize("path", HOT)
def test_another_method_is_refused_as_by_the_app(client: TestClient, path: str):
    assert problem_of(client.put(path, json=WANTED)) == (405, "method-not-allowed")


def test_nobody_passes_the_gate_of_a_hot_route_who_may_not(client: TestClient, door: Open):
    assert [told(client, door, None, path) for path in HOT] == [(401, "unauthenticated")] * 2
    assert told(client, door, Actor("vera", "viewer"), "/v1/decisions") == (403, "forbidden")


def test_a_planted_way_past_the_gate_is_seen(client: TestClient, door: Open, monkeypatch: pytest.MonkeyPatch):
    async def ungated(self: RawRoute, scope: Any, receive: Any, send: Any) -> None:
        await (await self.endpoint(Request(scope, receive)))(scope, receive, send)

    monkeypatch.setattr(RawRoute, "handle", ungated)
    door.actor = None

    assert client.post("/v1/scores", json=WANTED).status_code == 200


def test_what_breaks_on_a_hot_route_is_a_problem_that_shows_nothing(client: TestClient, monkeypatch: pytest.MonkeyPatch):
    def breaks(*_: Any) -> str:
        raise KeyError("Kanarienvogel")

    monkeypatch.setattr(Office, "told", breaks)
    answer = client.post("/v1/scores", json=WANTED)

    assert problem_of(answer) == (500, "internal")
    assert "Kanarienvogel" not in answer.text
