"""More clients than the server can serve, and clients slower than anybody needs to be: told so or cut, and everybody else is served.

(reliability C13, C14; the sizes and times are in benchmarks/bench_service_faults.py.)
"""

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from threading import Event
from typing import Any

import pytest

from deciding import ON
from desks import BookDesk
from doors import Open
from listening import listening
from riskscore_serving import connection, office, operating, sieve
from riskscore_serving.app import create_app, office_in
from riskscore_serving.settings import Address

HEAD = b"POST /v1/scores HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
PATIENCE = 30.0  # seconds until a test gives up


class Held:
    """Keeps every decision about whom it is asked until it is let go."""

    def __init__(self) -> None:
        self.go, self.n = Event(), 0

    def __call__(self, _: Any) -> None:
        self.n += 1
        self.go.wait(PATIENCE)


@pytest.fixture
def held() -> Iterator[Held]:
    found = Held()
    yield found
    found.go.set()


@pytest.fixture
def app(held: Held) -> Any:
    desk = BookDesk(before=held)
    return create_app(lambda: desk, Address(), Open(), today=lambda: ON)


def score(port: int, customer: str = "acme") -> tuple[int, dict[str, str], Any]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as line:
        line.request("POST", "/v1/scores", json.dumps({"customer_id": customer}), {"Content-Type": "application/json"})
        answer = line.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, json.loads(answer.read())


def alive(port: int) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as line:
        line.request("GET", "/livez")
        return line.getresponse().status


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def figures_of(app: Any) -> operating.Figures:
    while not isinstance(app, operating.Watched):
        app = app.app
    return app.figures


@contextmanager
def crowd(port: int, held: Held, n: int) -> Iterator[list[Any]]:
    """So many whose decisions are being made; their answers, once they are let go."""
    heard: list[Any] = []
    with ThreadPoolExecutor(n) as pool:
        asked = [pool.submit(score, port) for _ in range(n)]
        until(lambda: held.n >= min(n, office.WORKERS))
        time.sleep(0.1)
        yield heard
        held.go.set()
        heard += [each.result() for each in asked]


def test_who_comes_into_a_crowd_is_told_at_once_and_those_inside_are_served(app, held, monkeypatch) -> None:
    monkeypatch.setattr(sieve, "MOST_AT_ONCE", 6)
    with listening(app) as port:
        with crowd(port, held, 6) as inside:
            refused, probe = [score(port) for _ in range(3)], alive(port)
        after = score(port)

        assert b"riskscore_turned_away_total 3.0" in operating.generate_latest(figures_of(app).registry)

    assert [(status, told["type"].rpartition(":")[2]) for status, _, told in refused] == [(503, "overloaded")] * 3
    assert all(headers["retry-after"] == "1" and headers["x-request-id"] == told["instance"] for _, headers, told in refused)
    assert {status for status, _, _ in inside} == {200}
    assert (probe, after[0]) == (200, 200)


def test_who_is_turned_away_keeps_the_line_and_may_ask_again(app, held, monkeypatch) -> None:
    """Two requests and a head alone on one line, one of them with its body in pieces; a line that is to be closed is."""
    monkeypatch.setattr(sieve, "MOST_AT_ONCE", 6)
    body = b'{"customer_id":"acme"}'
    asked = HEAD + b"Content-Length: %d\r\n\r\n" % len(body)
    with listening(app) as port, socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as line:
        with crowd(port, held, 6):
            heard = []
            for pieces in ([asked + body], [asked, body[:3], body[3:]], [asked.replace(b"POST", b"HEAD") + body]):
                for piece in pieces:
                    line.sendall(piece)
                    time.sleep(0.05)
                heard.append(line.recv(4096))
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as other:
                other.sendall(asked.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + body)
                last = b"".join(iter(lambda: other.recv(4096), b""))
        line.sendall(asked + body)
        served = line.recv(4096)

    assert [each.split(b" ", 2)[1] for each in heard] == [b"503"] * 3
    assert [each.endswith(b"\r\n\r\n") for each in heard] == [False, False, True], "the answer to a HEAD has no body"
    assert served.split(b" ", 2)[1] == b"200"
    assert last.split(b" ", 2)[1] == b"503"
    assert b"connection: close" in last


def test_a_server_that_lets_everybody_in_is_seen(app, held, monkeypatch) -> None:
    monkeypatch.setattr(sieve, "MOST_AT_ONCE", 10_000)
    with listening(app) as port:
        with crowd(port, held, 6) as inside, ThreadPoolExecutor(1) as pool:
            late = pool.submit(score, port)
            time.sleep(0.3)
            waits = not late.done()
            held.go.set()
        assert inside
    assert waits


def test_many_slow_bodies_are_no_crowd(app, held, monkeypatch) -> None:
    held.go.set()
    monkeypatch.setattr(sieve, "MOST_AT_ONCE", 4)
    with listening(app) as port, ExitStack() as slow:
        for _ in range(40):
            line = slow.enter_context(socket.create_connection(("127.0.0.1", port)))
            line.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
        time.sleep(0.1)
        heard = [score(port)[0] for _ in range(5)]

    assert heard == [200] * 5


def test_bodies_that_arrive_together_are_a_crowd(app, held, monkeypatch) -> None:
    monkeypatch.setattr(sieve, "MOST_AT_ONCE", 4)
    body = b'{"customer_id":"acme"}'
    with listening(app) as port, ExitStack() as slow:
        lines = [slow.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)) for _ in range(8)]
        for line in lines:
            line.sendall(HEAD + b"Content-Length: %d\r\n\r\n{" % len(body))
        time.sleep(0.1)
        for line in lines:
            line.sendall(body[1:])
        until(lambda: held.n >= 4)
        time.sleep(0.1)
        held.go.set()
        statuses = sorted(int(line.recv(4096).split(b" ", 2)[1]) for line in lines)

    assert statuses == [200] * 4 + [503] * 4


def test_one_connection_too_many_is_told_so(app, held, monkeypatch) -> None:
    held.go.set()
    monkeypatch.setattr(connection, "MOST_CONNECTIONS", 3)
    with listening(app) as port, ExitStack() as idle:
        for _ in range(3):
            idle.enter_context(socket.create_connection(("127.0.0.1", port)))
        time.sleep(0.1)
        refused = score(port)
        idle.close()
        until(lambda: score(port)[0] == 200)

    status, headers, told = refused
    assert (status, told["status"], told["type"].rpartition(":")[2]) == (503, 503, "overloaded")
    assert headers["retry-after"] == "1"
    assert headers["content-type"] == "application/problem+json"


def slowly(line: socket.socket, text: bytes, pause: float) -> float:
    """Send a letter at a time; the seconds until the other side hung up, infinite where it took everything."""
    since = time.monotonic()
    line.settimeout(pause)
    for place in range(len(text)):
        try:
            line.sendall(text[place : place + 1])
            if line.recv(4096) == b"":
                return time.monotonic() - since
        except TimeoutError:
            continue
        except OSError:
            return time.monotonic() - since
    return float("inf")


SLOW = {
    "nothing at all": b"",
    "a head": HEAD + b"X-Slow: " + b"x" * 200,
    "blank lines": b"\r\n" * 200,
}


@pytest.mark.parametrize("after", ["a new connection", "an answer"])
@pytest.mark.parametrize("sent", SLOW)
def test_a_slow_head_is_cut_and_others_are_served(app, held, monkeypatch, sent: str, after: str) -> None:
    held.go.set()
    monkeypatch.setattr(connection, "SLOWEST_HEAD", 0.4)
    with listening(app, timeout_keep_alive=1) as port, socket.create_connection(("127.0.0.1", port)) as line:
        if after == "an answer":
            line.sendall(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert line.recv(4096).startswith(b"HTTP/1.1 200")
        took = slowly(line, SLOW[sent] or b"", 0.02) if SLOW[sent] else _idle(line)
        served = score(port)[0]

    assert took < 5.0
    assert served == 200


def _idle(line: socket.socket) -> float:
    since = time.monotonic()
    line.settimeout(PATIENCE)
    while line.recv(4096):
        pass
    return time.monotonic() - since


def test_a_body_that_nobody_waits_for_is_cut(app, held, monkeypatch) -> None:
    """Refused before its body was read, a client could go on sending a letter now and then."""
    held.go.set()
    monkeypatch.setattr(connection, "SLOWEST_HEAD", 0.4)
    with listening(app, timeout_keep_alive=1) as port, socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(b"PUT /v1/scores HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n")
        assert line.recv(4096).startswith(b"HTTP/1.1 405")
        took = slowly(line, b"x" * 400, 0.02)

    assert took < 5.0


def test_a_server_that_waits_for_ever_for_a_head_is_seen(app, held, monkeypatch) -> None:
    """The planted fault: uvicorn's own connections, as they come."""
    held.go.set()
    monkeypatch.setattr(connection, "SLOWEST_HEAD", 0.2)
    with listening(app, http="httptools") as port, socket.create_connection(("127.0.0.1", port)) as line:
        took = slowly(line, SLOW["a head"][:60], 0.02)

    assert took == float("inf")


def test_a_head_in_time_starts_no_clock_that_cuts_its_answer(app, held, monkeypatch) -> None:
    monkeypatch.setattr(connection, "SLOWEST_HEAD", 0.2)
    with listening(app) as port, crowd(port, held, 1) as inside:
        time.sleep(0.6)
    assert [status for status, _, _ in inside] == [200]


def test_what_the_office_holds_is_bounded_by_those_inside(app, held, monkeypatch) -> None:
    """No queue behind the sieve grows with who is turned away."""
    monkeypatch.setattr(sieve, "MOST_AT_ONCE", 6)
    with listening(app) as port, crowd(port, held, 6), ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: score(port), range(60)))
        waiting = office_in(app)._deciders._work_queue.qsize()
    assert waiting <= 6
