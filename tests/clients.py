"""A server as a process of its own under test, and clients that ask it for decisions and keep a history of what they saw."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import Any, ClassVar

from histories import Event

PATIENCE = 60  # seconds: several test processes share two cores
COMMAND = ("-m", "riskscore_pipelines", "serve")
UNDECIDED = {"conflict", "overloaded"}
"""Problems after which nothing was recorded by this request."""


def until(what: str, holds: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Wait until it holds."""
    end = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < end, f"waited {patience} s in vain until {what}"
        time.sleep(0.02)


@dataclass
class Service:
    """`riskscore serve` in a company's working folder, on one port for all its lives.

    settings: its environment variables. before: what starts its process, such as `setpriv`. clients, orderers: everybody who ever asked it, for a decision or for an order; its database
    holds the answers to all of them.
    """

    folder: Path
    settings: Mapping[str, str]
    port: int = 0
    process: "subprocess.Popen[bytes] | None" = None
    before: Sequence[str] = ()
    clients: "list[Clients]" = field(default_factory=list)
    orderers: "list[Clients]" = field(default_factory=list)

    def __post_init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])

    def start(self, command: Sequence[str] = COMMAND) -> None:
        """Start it, and wait until it answers."""
        self._launch(command)
        try:
            until("the server answers", self._is_up, 2 * PATIENCE)
        except AssertionError:
            self.kill()
            raise

    def refused_start(self, command: Sequence[str] = COMMAND) -> tuple[int, str]:
        """Start it although it cannot; its exit status and the last it said."""
        self._launch(command)
        assert self.process is not None
        return self.process.wait(PATIENCE), self._log().read_text().splitlines()[-1]

    def _launch(self, command: Sequence[str]) -> None:
        environment = {**os.environ, **self.settings, "OMP_NUM_THREADS": "1"}
        with self._log().open("ab") as told:
            self.process = subprocess.Popen(
                [*self.before, sys.executable, *command, "--book", "book", "--port", str(self.port)],
                cwd=self.folder, env=environment, stdout=told, stderr=told,
            )  # fmt: skip

    def run(self, *command: str) -> int:
        """A command of the product beside the server, in its folder and with its settings; its exit status."""
        program = [sys.executable, "-m", "riskscore_pipelines", *command]
        with self._log().open("ab") as told:
            return subprocess.run(
                program, cwd=self.folder, env={**os.environ, **self.settings}, stdout=told, stderr=told, check=False
            ).returncode  # fmt: skip

    def _log(self) -> Path:
        return self.folder / f"server-{self.port}.log"

    def _is_up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self._log().read_text()[-2000:]
        try:
            return self.get("/livez")[0] == 200
        except OSError:
            return False

    def kill(self) -> None:
        """As by `kill -9`; one that has ended stays so."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    @contextmanager
    def running(self, command: Sequence[str] = COMMAND) -> Iterator[None]:
        """It runs meanwhile, and nothing of it stays behind."""
        self.start(command)
        try:
            yield
        finally:
            self.kill()

    def stop(self) -> int:
        """Tell it to stop; its exit status."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def get(self, path: str) -> tuple[int, Any]:
        """Status and body of a page."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())


@dataclass
class Clients:
    """So many clients, each asking for one decision after the other, and for each by the same key until it is answered."""

    service: Service
    bodies: Sequence[dict[str, Any]]
    n: int = 8
    history: list[Event] = field(default_factory=list)
    problems: list[tuple[int, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    asked: dict[str, dict[str, Any]] = field(default_factory=dict)
    outcomes: set[str] = field(default_factory=set)
    path: ClassVar[str] = "/v1/decisions"
    acknowledged: ClassVar[int] = 201

    def __post_init__(self) -> None:
        self.service.clients.append(self)

    def body(self, number: int) -> dict[str, Any]:
        """What is asked for by the n-th new key."""
        return self.bodies[number % len(self.bodies)]

    def ask(self, connection: http.client.HTTPConnection, key: str, body: dict[str, Any]) -> Event:
        """Ask once; what is known of it afterwards. The history has it."""
        self.asked[key] = body
        self.history.append(Event("invoke", key))
        event = Event("unknown", key)
        try:
            connection.request("POST", self.path, json.dumps(body),
                               {"Content-Type": "application/json", "Idempotency-Key": key})  # fmt: skip
            answer = connection.getresponse()
            said = answer.read().decode()
            headers = {name.lower(): value for name, value in answer.getheaders()}
        except (OSError, http.client.HTTPException):
            connection.close()  # the next request opens it again
        else:
            if answer.status == self.acknowledged:
                event = Event("ok", key, said, replayed="idempotency-replayed" in headers)
                self.outcomes.add(json.loads(said)["outcome"])
            else:
                problem = json.loads(said)
                self.problems.append((answer.status, headers, problem))
                kind = problem["type"].rpartition(":")[2]
                event = Event("fail" if kind in UNDECIDED or answer.status < 500 else "unknown", key)
        self.history.append(event)
        return event

    def connection(self) -> http.client.HTTPConnection:
        """A connection to the server that is not open yet."""
        return http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=PATIENCE)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """All of them ask meanwhile."""
        enough = Flag()

        def one(number: int) -> None:
            connection = self.connection()
            while not enough.is_set():
                key, body = uuid.uuid4().hex, self.body(len(self.asked) + number)
                while self.ask(connection, key, body).kind != "ok" and not enough.wait(0.1):
                    pass
            connection.close()

        threads = [Thread(target=one, args=(number,)) for number in range(self.n)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            enough.set()
            for thread in threads:
                thread.join()

    def n_of(self, kind: str, since: int = 0) -> int:
        """How many requests ended so, from a place of the history on."""
        return sum(event.kind == kind for event in self.history[since:])

    def wait_for(self, n: int, kind: str) -> None:
        """Until so many more ended so."""
        since = len(self.history)
        until(f"{n} more are {kind}", lambda: self.n_of(kind, since) >= n)

    def settle(self) -> None:
        """Ask again for whatever has no answer, by the same keys, until it has one."""
        answered = {event.key for event in self.history if event.kind == "ok"}
        connection = self.connection()
        for key, body in list(self.asked.items()):
            if key not in answered:
                until(f"{key} is answered", lambda key=key, body=body: self.ask(connection, key, body).kind == "ok")
        connection.close()


@dataclass
class Orderers(Clients):
    """Clients that each have one order after the other checked and its room held. bodies: orders; each gets a number of its own."""

    numbers: Iterator[int] = field(default_factory=count)
    path: ClassVar[str] = "/v1/orders/check"
    acknowledged: ClassVar[int] = 200

    def __post_init__(self) -> None:
        self.service.orderers.append(self)

    def body(self, number: int) -> dict[str, Any]:
        wanted = self.bodies[number % len(self.bodies)]
        return {**wanted, "order": {**wanted["order"], "order_id": f"SO-{next(self.numbers)}"}}
