"""Every route is answered in time whatever hangs behind it, what it stands on is looked at by one, and half a form is none.

(reliability C7 for the routes whose work is a plain function; and what a reading of the whole server found.)
"""

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from queue import Full
from typing import Any

import pytest
from starlette.testclient import TestClient

from desks import BookDesk
from doors import Open
from leaks import NAME
from riskscore.errors import StorageFailed
from riskscore_serving import office, waiting
from riskscore_serving.access.matrix import calls_of
from riskscore_serving.actors import Actor
from riskscore_serving.app import create_app, office_in
from riskscore_serving.office import Office, Rules
from riskscore_serving.reception import Reception
from riskscore_serving.settings import Address
from riskscore_serving.sieve import PROBES

FORM = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Known(Open):
    """A door with the clock and the database that some pages ask it for; nothing here gets as far as that."""

    engine: Any = None
    at: Address = field(default_factory=Address)

    def now(self) -> int:
        return 1_782_800_000


DOOR = Known(Actor("ada", "approver"))


class Hung:
    """A store, and everything else that is asked of it, that does not answer until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def __getattr__(self, _: str) -> Any:
        return self()

    def __call__(self, *_: Any) -> Any:
        self.go.wait(30)
        raise StorageFailed("too late for everybody")


@pytest.fixture
def hung(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hung]:
    monkeypatch.setattr(waiting, "PATIENCE", 0.2)
    monkeypatch.setattr(office, "PATIENCE", 0.2)
    monkeypatch.setattr(office, "WORK_PATIENCE", 0.4)
    found = Hung()
    yield found
    found.go.set()


def plain_routes(app: Any) -> list[tuple[str, str, Any]]:
    """Method, an address, and the route, of everything that is worked out by a plain function."""
    while not hasattr(app, "openapi"):
        app = app.app
    found = []
    for method, path, route in calls_of(app.routes):
        if hasattr(route.endpoint, "__wrapped__"):
            found.append((method, path.replace("{decision_id}", "0" * 32).replace("{customer_id}", "acme"), route))
    return found


def test_every_plain_route_is_answered_in_time_however_many_hang_in_it(hung: Hung, monkeypatch) -> None:
    """More at once than there are threads: those that hang in them are given up, and probes are answered meanwhile."""
    app = create_app(BookDesk, Address(), DOOR)
    routes = plain_routes(app)
    honest = Office.worked
    monkeypatch.setattr(Office, "worked", lambda self, _, **where: honest(self, hung, **where))
    took: list[float] = []

    def ask(call: tuple[str, str, Any]) -> int:
        since = time.monotonic()
        status = client.request(call[0], call[1], headers=FORM).status_code
        took.append(time.monotonic() - since)
        return status

    with TestClient(app, base_url="http://127.0.0.1:8000", follow_redirects=False) as client, ThreadPoolExecutor(60) as pool:
        statuses = {(call[0], call[1]): set(pool.map(ask, [call] * 12)) for call in routes if call[1] not in PROBES}
        alive = client.get("/livez").status_code
        hung.go.set()

    assert len(statuses) > 15
    assert {each for found in statuses.values() for each in found} <= {503, 422, 404, 400, 403}, statuses
    assert sum(503 in found for found in statuses.values()) > 8, statuses
    assert alive == 200
    assert max(took) < 10, "twelve at once wait for the same deadline, not one after the other"


def test_pages_where_one_signs_in_hold_up_nobody_who_has(hung: Hung, monkeypatch) -> None:
    """Anybody may call them, and they ask the company's sign-on or hash a password: slow, as often as somebody likes."""
    monkeypatch.setattr(office, "WORK_PATIENCE", 2.0)
    app = create_app(BookDesk, Address(), DOOR)
    honest = Office.worked
    monkeypatch.setattr(Office, "worked", lambda self, work, is_page: honest(self, hung if is_page else work, is_page=is_page))
    with TestClient(app, base_url="http://127.0.0.1:8000") as client, ThreadPoolExecutor(20) as pool:
        signing_in = [pool.submit(client.get, "/sign-in") for _ in range(20)]
        statuses = [client.get("/v1/policy").status_code for _ in range(5)]
        waiting_still = sum(not each.done() for each in signing_in)
        hung.go.set()

    assert (statuses, waiting_still > 0) == ([200] * 5, True)


def test_a_desk_that_hangs_keeps_no_plain_route(hung: Hung) -> None:
    app = create_app(hung, Address(), Open())
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        answers = [client.get(path) for path in ("/v1/customers", "/v1/model", "/v1/policy", "/v1/customers/acme/explanation")]
        hung.go.set()

    assert [answer.status_code for answer in answers] == [503] * 4
    assert all("retry-after" in answer.headers for answer in answers)


def test_a_route_that_waits_for_ever_is_seen(hung: Hung, monkeypatch) -> None:
    """The planted fault: threads in which nobody is given up, as the framework's are."""

    app = create_app(BookDesk, Address(), DOOR)
    monkeypatch.setattr(Office, "worked", lambda *_, **__: asyncio.to_thread(hung))
    threading.Timer(1.0, hung.go.set).start()
    since = time.monotonic()
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        client.get("/v1/model")

    assert time.monotonic() - since >= 0.9


def test_no_route_is_worked_out_by_the_threads_of_the_framework() -> None:
    app: Any = create_app(BookDesk, Address(), Open())
    while not hasattr(app, "openapi"):
        app = app.app
    calls = [route.endpoint for _, _, route in calls_of(app.routes)]
    calls += [each.call for _, _, route in calls_of(app.routes) for each in route.dependant.dependencies]

    assert [call.__name__ for call in calls if not asyncio.iscoroutinefunction(call)] == []


def test_a_decision_of_the_book_before_is_not_remembered_for_the_book_of_today() -> None:
    """One asks the old desk, a newer desk is asked meanwhile, then the answer of the old one comes."""
    entered, go, desks = threading.Event(), threading.Event(), []

    def slow(_: Any) -> None:
        entered.set()
        go.wait(30)

    old, new = BookDesk(before=slow), BookDesk()
    new.made = replace(new.made, book="d" * 64)
    desks.append(old)
    app = create_app(lambda: desks[-1], Address(), Open(), rules=Rules(max_book_age_days=100_000))
    with TestClient(app, base_url="http://127.0.0.1:8000") as client, ThreadPoolExecutor(1) as pool:
        late = pool.submit(client.post, "/v1/scores", json={"customer_id": "acme"})
        assert entered.wait(30)
        desks.append(new)
        client.post("/v1/scores", json={"customer_id": "slow"})
        go.set()
        before = late.result().json()["provenance"]["book"]
        after = client.post("/v1/scores", json={"customer_id": "acme"}).json()["provenance"]["book"]

    assert (before, after) == (old.book_digest, "d" * 64)


def reception(tmp_path: Any, look: Any) -> Reception:
    found = Reception(tmp_path, tmp_path, look_every=60.0, in_background=True)
    found._look, found._open = look, lambda: "the desk"  # type: ignore[method-assign,assignment,return-value]
    return found


def test_what_a_desk_stands_on_is_looked_at_by_one_and_nobody_waits_for_a_second_look(tmp_path) -> None:
    looks, go = [], threading.Event()

    def look() -> tuple[Any, ...]:
        looks.append(1)
        if len(looks) > 1:
            go.wait(30)
        return ("same",)

    desks = reception(tmp_path, look)
    desks.desk()
    desks._looked_at = float("-inf")
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(desks.desk)
        while len(looks) < 2:
            time.sleep(0.01)
        others = [pool.submit(desks.desk) for _ in range(7)]
        heard = [each.result(10) for each in others]
        waits = not first.done()
        go.set()

    assert (heard, waits, len(looks)) == (["the desk"] * 7, True, 2)


def test_half_a_form_does_nothing() -> None:
    app = create_app(BookDesk, Address(), Open())
    sent: list[Any] = []
    parts = iter([{"type": "http.request", "body": b"name=ann&password=x", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(parts)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(name.lower().encode(), value.encode()) for name, value in {"Host": "127.0.0.1:8000", **FORM}.items()]
    scope = {
        "type": "http", "method": "POST", "path": "/sign-in", "raw_path": b"/sign-in", "query_string": b"", "headers": headers,
        "http_version": "1.1", "scheme": "http", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000), "root_path": "",
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))

    assert sent[0]["status"] == 400
    assert b"cut off" in sent[1]["body"]


def test_a_client_that_hangs_up_is_no_bug_and_leaves_no_trace_in_the_log(caplog) -> None:
    app = create_app(BookDesk, Address(), Open())

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(_: Any) -> None: ...

    headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json"), (b"content-length", b"10")]
    scope = {
        "type": "http", "method": "POST", "path": "/v1/scores", "raw_path": b"/v1/scores", "query_string": b"", "headers": headers,
        "http_version": "1.1", "scheme": "http", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000), "root_path": "",
    }  # fmt: skip
    with caplog.at_level(logging.WARNING):
        asyncio.run(app(scope, receive, send))

    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_what_breaks_is_answered_and_reaches_no_server_that_would_print_it(caplog) -> None:
    """The framework raises a bug again after its answer; whatever serves the app would print it with all it holds."""

    class Broken(BookDesk):
        @property
        def params(self) -> Any:
            raise KeyError(NAME)

        @params.setter
        def params(self, _: Any) -> None: ...

    app = create_app(Broken, Address(), Open())
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=True) as client:
        answer = client.get("/v1/policy")

    assert (answer.status_code, answer.json()["type"]) == (500, "urn:riskscore:problem:internal")
    assert answer.json()["instance"] in caplog.text
    assert "KeyError at " in caplog.text
    assert NAME not in caplog.text


def test_a_method_that_is_none_is_told_which_there_are() -> None:
    app = create_app(BookDesk, Address(), Open())
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        answers = [client.put("/v1/scores"), client.delete("/v1/policy")]

    assert [(answer.status_code, answer.headers["allow"]) for answer in answers] == [(405, "POST"), (405, "GET")]


def test_stopping_behind_a_store_that_hangs_with_a_full_queue_ends(monkeypatch) -> None:
    go = threading.Event()
    server = create_app(BookDesk, Address(), Open(), store=lambda: go.wait(30), today=lambda: date(2026, 1, 1))  # type: ignore[arg-type,return-value]
    recorder = office_in(server).recorder
    recorder._start()
    loop = asyncio.new_event_loop()
    loop.close()  # whoever asked has gone
    with suppress(Full):
        while True:
            recorder._jobs.put((None, loop, None), timeout=0.2)  # type: ignore[arg-type]
    since = time.monotonic()
    recorder.stop(patience=0.1)
    took = time.monotonic() - since
    go.set()

    assert took < 5
