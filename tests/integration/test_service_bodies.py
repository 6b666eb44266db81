"""Bodies that are meant to fill the server's memory, on raw sockets: refused while they arrive, and everybody else is served."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import psutil
import pytest

from clients import Service
from floods import JSON, MIB, PIECE, Body, attacks, pieces, send
from riskscore.simulation import simulate
from riskscore.stores.exports import write_exports
from riskscore.stores.ledgers import Delivery, ingest
from riskscore.stores.ledgers.mapping import load

pytestmark = pytest.mark.slow

MOST_GROWTH = 16 * MIB


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bodies")
    world = simulate("default", n_customers=6, n_months=12, seed=5)
    write_exports(world, folder / "exports")
    ingest(Delivery(places=[str(folder / "exports")], mapping=load("canonical"), extracted_on=world.end_on), folder / "book")
    return folder


@contextmanager
def running(folder: Path, *command: str) -> Iterator[Service]:
    service = Service(folder, {"RISKSCORE_DATABASE": f"sqlite:///{folder / 'riskscore.db'}"})
    with service.running([*command, "--no-model"]):
        yield service


@pytest.fixture(scope="module")
def service(company: Path) -> Iterator[Service]:
    with running(company, "-m", "riskscore_pipelines", "serve") as service:
        yield service


@contextmanager
def growth_of(service: Service) -> Iterator[list[int]]:
    """By how many bytes the server's memory rose at most meanwhile; the list holds it afterwards."""
    assert service.process is not None
    process, done, found = psutil.Process(service.process.pid), Event(), [0]
    before = process.memory_info().rss

    def watch() -> None:
        while not done.wait(0.01):
            found[0] = max(found[0], process.memory_info().rss - before)

    watcher = Thread(target=watch)
    watcher.start()
    try:
        yield found
    finally:
        done.set()
        watcher.join()


@contextmanager
def others(service: Service) -> Iterator[list[int]]:
    """Somebody else who asks one thing after the other; the statuses."""
    done, heard = Event(), []

    def ask() -> None:
        while not done.is_set():
            heard.append(service.get("/v1/customers?limit=1")[0])

    asker = Thread(target=ask)
    asker.start()
    try:
        yield heard
    finally:
        done.set()
        asker.join()


def attacked(service: Service, bodies: dict[str, Body]) -> tuple[dict[str, tuple[int | None, bool]], int]:
    """Send all of them at once; how each ended, and by how much memory grew."""
    with growth_of(service) as growth, ThreadPoolExecutor(len(bodies)) as pool:
        ended = dict(zip(bodies, pool.map(lambda body: send(service.port, body), bodies.values()), strict=True))
        time.sleep(0.05)
    return ended, growth[0]


def test_no_body_fills_the_memory_and_others_are_served_meanwhile(service: Service) -> None:
    attacked(service, attacks())  # what is imported and made at first use is not what grows
    with others(service) as heard:
        rounds = [attacked(service, attacks()) for _ in range(2)]

    for ended, growth in rounds:
        assert {status for status, _ in ended.values()} <= {400, 413}, ended
        assert {name for name, (_, whole) in ended.items() if whole} == set(), "the answer came before the body was over"
        assert growth < MOST_GROWTH
    assert set(heard) == {200}


def test_many_ranges_of_a_file_are_the_file_once(service: Service) -> None:
    ranges = "bytes=" + ",".join(f"{start}-{start + 1}" for start in range(0, 8_000, 2))
    request = f"GET /pages.css HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nRange: {ranges}\r\n\r\n"
    said = b""
    with growth_of(service) as growth, socket.create_connection(("127.0.0.1", service.port), timeout=60) as line:
        line.sendall(request.encode())
        while part := line.recv(PIECE):
            said += part

    assert int(said.split(b" ", 2)[1]) in {200, 400, 431}
    assert b"multipart/byteranges" not in said
    assert len(said) < MIB
    assert growth[0] < MOST_GROWTH


def test_a_server_that_takes_bodies_in_whole_is_found(company: Path, repository: Path) -> None:
    with running(company, str(repository / "tests" / "hoarding.py")) as service:
        attacked(service, {"small": ("/v1/scores", JSON, pieces(b" " * PIECE, MIB), None)})
        _, growth = attacked(service, {name: attacks()[name] for name in ("no length", "no length where orders are checked")})

    assert growth > MOST_GROWTH
