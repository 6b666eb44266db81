"""The server as a process of its own: it answers over a real socket what a run over the book decides, and refuses before it listens."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from riskscore.simulation import simulate
from riskscore.stores.desk import in_force, open_desk
from riskscore.stores.exports import write_exports
from riskscore.stores.ledgers import Delivery, ingest, open_book
from riskscore.stores.ledgers.mapping import load
from riskscore.stores.workplace import Workplace

pytestmark = pytest.mark.slow

PATIENCE = 60  # seconds: several test processes share two cores


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("company")
    world = simulate("default", n_customers=60, n_months=18, seed=3)
    write_exports(world, folder / "exports")
    ingest(Delivery(places=[str(folder / "exports")], mapping=load("canonical"), extracted_on=world.end_on), folder / "book")
    return folder


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "riskscore_pipelines", "serve", "--book", "book", "--no-model", *arguments]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def server(workplace: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = start(workplace, "--port", str(port))
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(PATIENCE * 5):
            if process.poll() is not None:
                pytest.fail(process.stderr.read() if process.stderr else "the server stopped")
            try:
                get(address + "/livez")
                break
            except OSError:
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, "a server told to stop finishes what it has and says that all is well"


def get(address: str) -> dict[str, Any]:
    with urlopen(address, timeout=PATIENCE) as answer:
        body: dict[str, Any] = json.load(answer)
        return body


def test_the_server_answers_what_the_desk_decides(server: str, workplace: Path) -> None:
    book = open_book(workplace / "book")
    signed = in_force(Workplace(models=workplace / "models"), None, book.last_known_on, model_name="late_payment")
    desk = open_desk(book, book.last_known_on, signed, told=lambda *_: None)
    customer = book.customer_ids()[0]
    expected = desk.decide(customer)
    body = get(f"{server}/v1/customers/{customer}")

    assert expected is not None
    assert body["provenance"]["decision_id"] == expected.decision_id
    assert body["exposure"] == str(expected.exposure)
    assert body["status"] == "referred"
    assert get(server + "/readyz")["book"] == book.digest


def test_an_address_of_another_machine_is_refused_before_anything_is_opened(tmp_path: Path) -> None:
    process = start(tmp_path, "--host", "192.168.1.4")
    _, said = process.communicate(timeout=PATIENCE)

    assert process.returncode == 2
    assert said.startswith("riskscore: serve: at 192.168.1.4 others than this machine could reach the server, so it needs TLS")
    assert len(said.splitlines()) == 1


def test_a_book_that_is_not_there_is_refused_before_it_listens(tmp_path: Path) -> None:
    process = start(tmp_path)
    _, said = process.communicate(timeout=PATIENCE)

    assert process.returncode == 3
    assert "there is no book here" in said
