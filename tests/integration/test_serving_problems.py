"""Whatever goes wrong behind whatever route, the answer is a problem of RFC 9457 with the request's id, and says nothing else."""

import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

from desks import BookDesk
from doors import Open
from riskscore.errors import ModelRefused, NotReproduced, StorageFailed
from riskscore_serving import problems
from riskscore_serving.access.matrix import ANONYMOUS, calls_of
from riskscore_serving.actors import Actor
from riskscore_serving.app import create_app
from riskscore_serving.problems import TITLES, Refusal
from riskscore_serving.settings import Address

SECRET = "Goldammer-4711"  # no canary: the words of some of these errors are ours, and are logged
ERRORS: dict[str, tuple[Callable[[], Exception], int]] = {
    **{f"refused as {kind}": (lambda kind=kind: Refusal(kind), status) for kind, (status, _) in TITLES.items()},
    **{f"HTTP {status}": (lambda status=status: HTTPException(status, SECRET), status)
       for status in sorted({status for status, _ in TITLES.values()})},
    "no store": (lambda: StorageFailed(SECRET), 503),
    "no model": (lambda: ModelRefused(SECRET), 503),
    "not reproduced": (lambda: NotReproduced(SECRET), 500),
    "a bug": (lambda: RuntimeError(SECRET), 500),
}  # fmt: skip


DOOR = Open()


@pytest.fixture(scope="module")
def app() -> Any:
    return create_app(BookDesk, Address(), DOOR)


@pytest.fixture(scope="module")
def client(app: Any) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


def routes_of(app: Any) -> list[tuple[str, str, Any]]:
    while not hasattr(app, "openapi"):
        app = app.app
    return [(method, re.sub(r"\{.*?\}", "0" * 32, path), route) for method, path, route in calls_of(app.routes)]


def allowed_in(app: Any) -> Any:
    while not hasattr(app, "openapi"):
        app = app.app
    return app.state.matrix.allowed


def answers_to(error: Callable[[], Exception], app: Any, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What every route answers to everybody when that goes wrong behind its gate."""

    async def fails(*_: Any) -> None:
        raise error()

    calls = routes_of(app)
    for _, _, route in calls:
        monkeypatch.setattr(route, "endpoint", fails)  # what a raw route calls
    monkeypatch.setattr(APIRoute, "handle", fails)  # what every other does behind the gate
    found, own = [], {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
    for method, path, route in calls:
        role = min(allowed_in(app)[method, route.path_format])
        DOOR.actor = None if role == ANONYMOUS else Actor("ada", role)
        found.append(client.request(method, path, headers=own))
    return found


def wrong_with(answer: Any, status: int) -> set[str]:
    """What of an answer is not as a problem has to be. Whoever is nobody is led from a page to the page where one signs in."""
    if status == 401 and (answer.status_code, answer.headers.get("location")) == (303, "/sign-in"):
        return set()
    if answer.headers.get("content-type") != problems.MEDIA_TYPE:
        return {"media type"}
    if answer.request.method == "HEAD":
        return {"status"} - ({"status"} if answer.status_code == status else set())
    body = answer.json()
    found = {
        "status": answer.status_code == body["status"] == status,
        "kind": TITLES.get(body["type"].removeprefix("urn:riskscore:problem:"), (0, ""))[0] == status,
        "instance": body["instance"] == answer.headers["x-request-id"] != "",
        "secret": SECRET not in answer.text and "Traceback" not in answer.text,
        "headers": answer.headers["cache-control"] == "no-store" and answer.headers["x-content-type-options"] == "nosniff",
    }
    return {name for name, good in found.items() if not good}


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_behind_every_route_is_a_problem_with_the_id_of_its_request(app, client, monkeypatch, error) -> None:
    raised, status = ERRORS[error]
    answers = answers_to(raised, app, client, monkeypatch)

    assert len(answers) > 30
    assert {
        f"{each.request.method} {each.request.url.path}": wrong_with(each, status) for each in answers if wrong_with(each, status)
    } == {}


def test_the_trace_of_a_bug_stands_in_the_log_under_the_id_of_the_request(app, client, monkeypatch, caplog) -> None:
    with caplog.at_level(logging.ERROR, problems.__name__):
        answers = answers_to(lambda: RuntimeError(SECRET), app, client, monkeypatch)
    written = {record.getMessage().partition(" ")[0]: record.getMessage() for record in caplog.records}

    assert set(written) == {each.headers["x-request-id"] for each in answers}
    assert all("RuntimeError at " in line and "test_serving_problems.py:" in line for line in written.values())
    assert SECRET not in caplog.text


def test_an_answer_that_tells_the_error_is_found(app, client, monkeypatch) -> None:
    """The planted fault: whoever builds the problem puts the error's own words into it."""
    honest = problems.problem
    monkeypatch.setattr(
        problems, "problem", lambda kind, request_id, **more: honest(kind, request_id, **{**more, "detail": SECRET})
    )
    answers = answers_to(lambda: RuntimeError(SECRET), app, client, monkeypatch)

    assert {frozenset(wrong_with(each, 500)) for each in answers if each.request.method != "HEAD"} == {frozenset({"secret"})}
