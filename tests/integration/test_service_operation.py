"""What operators and attackers see of the server: its log and figures, how it stops, and what it refuses before it understands it."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from deciding import ON
from desks import BookDesk
from doors import PASSWORD, account
from leaks import ACCOUNT, NAME
from riskscore.stores.access import tokens
from riskscore.stores.database import open_database
from riskscore_serving import sieve
from riskscore_serving.access.door import Doorkeeper
from riskscore_serving.app import create_app, office_in
from riskscore_serving.operating import Watched
from riskscore_serving.settings import Address
from riskscore_serving.strictness import LARGEST_BODY

pytestmark = pytest.mark.slow

CANARIES = (f"{NAME}-4711", ACCOUNT, PASSWORD)
NOW = 1_782_800_000
APPLICATION = {
    "applicant": {"name": CANARIES[0], "country": "DE", "legal_form": "GmbH", "is_natural_person": False},
    "requested": {"limit": "25000", "terms": 30},
}
KEYS = ["at", "request_id", "actor", "role", "method", "route", "status", "outcome", "bytes", "ms"]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    opened = open_database(f"sqlite:///{tmp_path / 'riskscore.db'}")
    yield opened
    opened.dispose()


@pytest.fixture
def app(engine: sa.Engine) -> Any:
    desk = BookDesk()
    door = Doorkeeper(engine, Address(), clock=lambda: NOW)
    return create_app(lambda: desk, Address(), door, store=lambda: engine, today=lambda: ON)


@pytest.fixture
def client(app: Any) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        yield client


def watched(app: Any) -> Watched:
    while not isinstance(app, Watched):
        app = app.app
    return app


def app_in(app: Any) -> FastAPI:
    while not isinstance(app, FastAPI):
        app = app.app
    return app


@pytest.fixture
def lines(app: Any) -> list[str]:
    """What the server writes into its log of requests."""
    written: list[str] = []
    watched(app).write = written.append
    return written


def asked(client: TestClient, engine: sa.Engine) -> str:
    """Everything in which a person can be named, asked by somebody with an account; the figures afterwards."""
    who = account(engine, CANARIES[1], "analyst", now=NOW)
    token = tokens.issue(engine, who, "analyst", "test", days=1, by="operator", now=NOW)
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": CANARIES[0], "User-Agent": f"{CANARIES[0]}\x1b[31m"}
    client.post("/v1/decisions", json=APPLICATION, headers=headers)
    client.post("/v1/decisions", content=CANARIES[0], headers={**headers, "Content-Type": "application/json"})
    client.get(f"/v1/customers/{CANARIES[0]}?sort={CANARIES[0]}", headers=headers)
    client.get(f"/{CANARIES[0]}/%0d%0a{{}}", headers=headers)
    client.request(CANARIES[1].upper(), "/v1/scores", headers=headers)
    client.post("/sign-in", data={"name": CANARIES[1], "password": PASSWORD}, headers={"Sec-Fetch-Site": "same-origin"})
    return client.get("/metrics", headers=headers).text


def found_in(text: str) -> set[str]:
    return {canary for canary in CANARIES if canary.casefold() in text.casefold()}


def test_a_request_is_one_line_of_json_and_nobody_is_named_in_it_or_in_the_figures(client, engine, lines) -> None:
    figures = asked(client, engine)
    read = [json.loads(line) for line in lines]

    assert len(read) == 7
    assert all(list(line) == KEYS and "\n" not in text for line, text in zip(read, lines, strict=True))
    assert [(line["method"], line["route"], line["status"]) for line in read] == [
        ("POST", "/v1/decisions", 201), ("POST", "/v1/decisions", 400), ("GET", "/v1/customers/{customer_id}", 404),
        ("GET", "none", 404), ("other", "/v1/scores", 405), ("POST", "/sign-in", 403), ("GET", "/metrics", 200),
    ]  # fmt: skip
    assert read[0]["outcome"] == "conditional"
    assert len({line["actor"] for line in read[:3]}) == 1
    assert (found_in("\n".join(lines)), found_in(figures)) == (set(), set())
    assert 'riskscore_requests_total{method="POST",route="/v1/decisions",status="201"} 1.0' in figures
    assert 'riskscore_decisions_total{outcome="conditional"} 1.0' in figures


def test_a_log_that_names_people_is_found(client, engine, lines, monkeypatch) -> None:
    monkeypatch.setattr(Watched, "pseudonym", lambda _, name: name)
    asked(client, engine)

    assert found_in("\n".join(lines)) == {CANARIES[1]}


def test_told_to_stop_it_is_alive_and_no_longer_ready(client, app) -> None:
    before = client.get("/readyz").status_code
    office_in(app).stopping = True

    assert (before, client.get("/readyz").status_code, client.get("/livez").status_code) == (200, 503, 200)


def test_a_body_that_does_not_come_is_not_waited_for(app, monkeypatch) -> None:
    monkeypatch.setattr(sieve, "SLOWEST_BODY", 0.05)
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.sleep(30)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"127.0.0.1:8000"), (b"content-type", b"application/json"), (b"content-length", b"100")]
    scope = {
        "type": "http", "method": "POST", "path": "/v1/scores", "raw_path": b"/v1/scores", "query_string": b"", "headers": headers,
        "http_version": "1.1", "scheme": "http", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000), "root_path": "",
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))

    assert sent[0]["status"] == 400
    assert (b"connection", b"close") in sent[0]["headers"]
    assert b"too slowly" in sent[1]["body"]


FORMS = {
    "a million fields": ("application/x-www-form-urlencoded", b"a=1&" * 50_000),
    "larger than is read": ("application/x-www-form-urlencoded", b"name=" + b"x" * (LARGEST_BODY + 1)),
    "of parts": (
        "multipart/form-data; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 1_000 + b"--b--",
    ),
    "parts after junk": ("multipart/form-data; boundary=b", b"junk" * 10_000 + b"--b--"),
    "no text": ("application/x-www-form-urlencoded", b"name=\xff\xfe"),
    "a NUL": ("application/x-www-form-urlencoded", b"name=ann%00"),
}


@pytest.mark.parametrize("path", ["/sign-in", "/setup"])
@pytest.mark.parametrize("form", FORMS)
def test_a_form_that_is_none_of_ours_is_refused_unread(client, form, path) -> None:
    kind, body = FORMS[form]
    answer = client.post(path, content=body, headers={"Content-Type": kind, "Sec-Fetch-Site": "same-origin"})

    assert answer.status_code in {400, 413}
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.fixture
def port(app: Any) -> Iterator[int]:
    """The server on a real socket, with the settings of the product."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="warning", log_config=None, access_log=False, server_header=False, proxy_headers=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join()
    listener.close()


RAW = {
    "TRACE": (b"TRACE /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", {405}),
    "a method nobody knows": (b"BREW /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", {400, 405}),
    "CONNECT": (b"CONNECT example.com:443 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", {400, 404, 405}),
    "two lengths": (
        b"POST /v1/scores HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400},
    ),
    "two different lengths": (b"POST /v1/scores HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd", {400}),
    "no host": (b"GET /livez HTTP/1.1\r\n\r\n", {400}),
    "another host": (b"GET /livez HTTP/1.1\r\nHost: evil.example\r\n\r\n", {400}),
    "an address of another host": (b"GET http://evil.example/livez HTTP/1.1\r\nHost: evil.example\r\n\r\n", {400}),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {400}),
    "forwarded for somebody else": (
        b"GET /v1/policy HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Host: localhost\r\n\r\n", {401},
    ),
    "a NUL in the address": (b"GET /v1/customers/a%00b/history HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", {404}),
    "a NUL in the query": (b"GET /v1/customers?after=%00 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", {400}),
    "a range": (b"GET /pages.css HTTP/1.1\r\nHost: 127.0.0.1\r\nRange: bytes=" + b"0-1," * 2_000 + b"0-1\r\n\r\n", {200}),
}  # fmt: skip


@pytest.mark.parametrize("sent", RAW)
def test_what_two_servers_could_read_differently_is_refused_on_the_wire(port: int, sent: str) -> None:
    raw, statuses = RAW[sent]
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(raw)
        status = int(line.recv(4096).split(b" ", 2)[1])

    assert status in statuses
