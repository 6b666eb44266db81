"""A stream of requests over keep-alive connections to this machine: at a fixed rate (open loop) or as fast as answers come.

Open loop: a request has an intended time, and its latency counts from there, also where every connection was still busy. A
generator that waits for the answer before it sends the next request hides exactly the slow moments it should show.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

Request = tuple[str, str, dict[str, str], bytes]
"""Method, path, headers, body."""

PATIENCE = 30.0  # seconds for one answer


@dataclass
class Heard:
    """latencies in seconds, in the order of the answers; statuses to how often; failures: connections that broke.

    answers: when each was meant to be sent, in seconds from the start, how long it took, and its status; null where none came.
    """

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    failures: int = 0
    answers: list[tuple[float, float, int | None]] = field(default_factory=list)
    start: float = field(default_factory=time.perf_counter)

    def percentile(self, share: float) -> float:
        return float(np.percentile(self.latencies, share)) if self.latencies else float("nan")

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    @property
    def errors(self) -> int:
        """Answers other than 2xx, and none at all."""
        return self.failures + sum(n for status, n in self.statuses.items() if not 200 <= status < 300)


def at_rate(port: int, requests: Iterator[Request], *, rate: float, seconds: float, connections: int = 32) -> Heard:
    """Requests at a fixed rate for so many seconds; each waits for a free connection, and its clock runs meanwhile."""
    return asyncio.run(_at_rate(port, requests, rate, seconds, connections))


def in_turn(port: int, requests: Iterator[Request], *, seconds: float, connections: int = 8) -> Heard:
    """Each connection sends its next request when its last was answered: how much goes through."""
    return asyncio.run(_in_turn(port, requests, seconds, connections))


class Connection:
    """One keep-alive HTTP/1.1 connection; speaks just as much of it as the two servers answer with."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def ask(self, request: Request) -> int:
        """The status of the answer, its body read to the end."""
        if self.reader is not None and self.reader.at_eof():  # the server closes what was idle for a while, as it may
            self.close()
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**22)
        method, path, headers, body = request
        lines = [f"{method} {path} HTTP/1.1", f"host: 127.0.0.1:{self.port}", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        try:
            self.writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), PATIENCE)
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
            await self.reader.readexactly(int(fields.get(b"content-length", b"0")))
        except (OSError, EOFError, TimeoutError):
            self.close()
            raise
        if fields.get(b"connection") == b"close":
            self.close()
        return int(head[9:12])

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


async def _ask(connection: Connection, request: Request, since: float, heard: Heard) -> None:
    try:
        status = await connection.ask(request)
    except (OSError, EOFError, TimeoutError):
        heard.failures += 1
        heard.answers.append((since - heard.start, time.perf_counter() - since, None))
        return
    heard.latencies.append(time.perf_counter() - since)
    heard.answers.append((since - heard.start, heard.latencies[-1], status))
    heard.statuses[status] = heard.statuses.get(status, 0) + 1


async def _at_rate(port: int, requests: Iterator[Request], rate: float, seconds: float, n: int) -> Heard:
    heard = Heard()
    free: asyncio.Queue[Connection] = asyncio.Queue()
    connections = [Connection(port) for _ in range(n)]
    for each in connections:
        free.put_nowait(each)

    async def one(intended: float) -> None:
        connection = await free.get()
        try:
            await _ask(connection, next(requests), intended, heard)
        finally:
            free.put_nowait(connection)

    start = time.perf_counter()
    tasks = []
    for number in range(int(rate * seconds)):
        intended = start + number / rate
        await asyncio.sleep(max(0.0, intended - time.perf_counter()))
        tasks.append(asyncio.create_task(one(intended)))
    await asyncio.gather(*tasks)
    heard.seconds = time.perf_counter() - start
    for each in connections:
        each.close()
    return heard


async def _in_turn(port: int, requests: Iterator[Request], seconds: float, n: int) -> Heard:
    heard = Heard()
    start = time.perf_counter()

    async def one() -> None:
        connection = Connection(port)
        while time.perf_counter() - start < seconds:
            await _ask(connection, next(requests), time.perf_counter(), heard)
        connection.close()

    await asyncio.gather(*(one() for _ in range(n)))
    heard.seconds = time.perf_counter() - start
    return heard


def repeated(make: Callable[[int], Request]) -> Iterator[Request]:
    """An endless stream: the first request is made of 0, the next of 1."""
    number = 0
    while True:
        yield make(number)
        number += 1
