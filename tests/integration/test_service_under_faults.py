"""The server as a process, under load, while what it stands on fails: nothing acknowledged is lost, doubled or changed.

Clients keep a history of what they asked and heard (`histories`); afterwards the database must agree with it, and the invariants
of the record must hold with every acknowledged decision named.
"""

import json
import os
import resource
import shutil
import socket
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from clients import Clients, Orderers, Service, until
from databases import Server, postgresql_server
from faulted import APPLICANT, NAME, Company, company_in, killed_under_load, nothing_is_lost, opened, running, unavailable
from gating import compared
from histories import faults, stored, stored_orders
from modelling import trained, twin
from riskscore.model import to_files
from riskscore.model.bundle import sha256
from riskscore.stores.approvals import approve, propose, rollbacks_of
from riskscore.stores.database import open_database
from riskscore.stores.models.approved import keep_copy

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return company_in(tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="module")
def database() -> Iterator[Server]:
    with postgresql_server() as server:
        yield server


@pytest.fixture(scope="module")
def embedded(company: Company) -> Iterator[Service]:
    yield from running(company.service(f"sqlite:///{company.folder / 'riskscore.db'}"))


@pytest.fixture(scope="module")
def shared(company: Company, database: Server) -> Iterator[Service]:
    yield from running(company.service(database.address))


@pytest.fixture(params=["embedded", "shared"])
def service(request: pytest.FixtureRequest) -> Service:
    """On SQLite and on PostgreSQL."""
    found: Service = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def clients(company: Company, service: Service) -> Clients:
    return Clients(service, company.bodies)


def test_fifty_at_once_with_one_key_are_one_decision_and_fifty_equal_answers(company: Company, clients: Clients) -> None:
    key, ready, heard = uuid.uuid4().hex, threading.Barrier(50), []

    def one() -> None:
        connection = clients.connection()
        ready.wait()
        until(
            "it is answered", lambda: (event := clients.ask(connection, key, APPLICANT)).kind == "ok" and not heard.append(event)
        )
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(heard) == 50
    assert len({event.body for event in heard}) == 1
    assert sum(not event.replayed for event in heard) == 1
    assert unavailable(clients) <= {(409, "conflict"), (503, "overloaded"), (503, "storage-unavailable")}
    nothing_is_lost(company, clients)


def test_killed_under_load_and_started_again_every_acknowledged_decision_is_there_once(
    company: Company, clients: Clients
) -> None:
    left_open = killed_under_load(clients)

    assert left_open > 0, "the kill met requests that were being answered"
    assert clients.outcomes & {"approve", "conditional"}
    nothing_is_lost(company, clients)


def test_killed_in_the_midst_of_orders_no_room_is_lost_doubled_or_given_away(
    company: Company, clients: Clients, service: Service
) -> None:
    connection = clients.connection()
    for body in company.bodies[:-1]:
        until("it is decided", lambda body=body: clients.ask(connection, uuid.uuid4().hex, body).kind == "ok")
    connection.close()
    told = [json.loads(event.body) for event in clients.history if event.kind == "ok"]
    free = [each["customer_id"] for each in told if Decimal(each["granted"] or 0) > Decimal(each["exposure"]) + 2_000]
    wanted = [
        {"customer_id": customer, "order": {"amount": amount}, "unbilled": "0", "open_orders": [], "reserve": True}
        for amount in ("10.00", "20.00", "90000.00")
        for customer in free
    ]
    orderers = Orderers(service, wanted)
    left_open = killed_under_load(orderers)

    assert left_open > 0, "the kill met orders that were being checked"
    assert {"allow", "block"} <= orderers.outcomes
    with opened(service) as engine:
        assert len(stored_orders(engine).held) >= 20
    nothing_is_lost(company, clients)


def test_told_to_stop_it_finishes_and_what_was_committed_and_never_sent_is_given_to_whoever_asks_again(
    company: Company, embedded: Service, repository: Path
) -> None:
    clients = Clients(embedded, company.bodies)
    connection, key = clients.connection(), uuid.uuid4().hex
    with clients.asking():
        clients.wait_for(20, "ok")
        stopped = embedded.stop()
    embedded.start([str(repository / "tests" / "dying.py"), "1"])
    first = clients.ask(connection, key, APPLICANT)
    assert embedded.process is not None
    status = embedded.process.wait()
    embedded.start()
    again = clients.ask(connection, key, APPLICANT)
    connection.close()
    clients.settle()

    assert stopped == 0
    assert (first.kind, status) == ("unknown", -9)
    assert (again.kind, again.replayed) == ("ok", True)
    nothing_is_lost(company, clients)


def test_a_client_that_hangs_up_finds_its_one_decision_later(company: Company, clients: Clients, service: Service) -> None:
    key, body = uuid.uuid4().hex, json.dumps(APPLICANT).encode()
    head = (
        f"POST /v1/decisions HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\nContent-Type: application/json\r\n"
        f"Idempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", service.port)) as line:
        line.sendall(head.encode() + body)
    clients.asked[key] = APPLICANT
    clients.settle()

    nothing_is_lost(company, clients)


def test_postgresql_crashes_under_load_and_comes_back(company: Company, shared: Service, database: Server) -> None:
    clients = Clients(shared, company.bodies)
    with clients.asking():
        clients.wait_for(30, "ok")
        database.crash()
        clients.wait_for(clients.n, "unknown")  # whoever was being answered has heard by now
        gone = len(clients.history)
        clients.wait_for(20, "unknown")
        back = len(clients.history)
        alive, ready = shared.get("/livez"), shared.get("/readyz")
        database.start()
        clients.wait_for(30, "ok")
    clients.settle()

    assert {event.kind for event in clients.history[gone:back]} == {"invoke", "unknown"}, "without a store nothing is decided"
    assert unavailable(clients) <= {(503, "storage-unavailable"), (503, "overloaded")}
    assert (alive[0], ready[0]) == (200, 503)
    assert shared.get("/readyz")[0] == 200
    nothing_is_lost(company, clients)


def test_a_postgresql_that_hangs_is_given_up_and_the_process_stays_alive(
    company: Company, shared: Service, database: Server
) -> None:
    clients = Clients(shared, company.bodies, n=3)
    with clients.asking():
        clients.wait_for(5, "ok")
        with database.frozen():
            clients.wait_for(clients.n, "unknown")
            alive, ready = shared.get("/livez")[0], shared.get("/readyz")[0]
        clients.wait_for(5, "ok")
    clients.settle()

    assert (alive, ready) == (200, 503)
    assert unavailable(clients) <= {(503, "storage-unavailable"), (503, "overloaded")}
    nothing_is_lost(company, clients)


def test_a_full_disk_is_said_and_loses_nothing(company: Company, embedded: Service) -> None:
    """No file of the server may grow further: what a full disk does to a write, and it needs no privilege."""
    clients = Clients(embedded, company.bodies)
    assert embedded.process is not None
    _, most = resource.prlimit(embedded.process.pid, resource.RLIMIT_FSIZE)
    files = [each.stat().st_size for each in company.folder.glob("riskscore.db*")]
    with clients.asking():
        clients.wait_for(30, "ok")
        resource.prlimit(embedded.process.pid, resource.RLIMIT_FSIZE, (min(files), most))
        clients.wait_for(20, "unknown")
        full = len(clients.history)
        clients.wait_for(20, "unknown")
        still = len(clients.history)
        resource.prlimit(embedded.process.pid, resource.RLIMIT_FSIZE, (most, most))
        clients.wait_for(30, "ok")
    clients.settle()

    assert {event.kind for event in clients.history[full:still]} == {"invoke", "unknown"}
    assert unavailable(clients) <= {(503, "storage-unavailable"), (503, "overloaded")}
    nothing_is_lost(company, clients)


PERMISSIONLESS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""Root without the right to pass over permissions: as any other user."""


@pytest.mark.skipif(
    os.geteuid() == 0 and shutil.which(PERMISSIONLESS[0]) is None, reason="root may write everywhere, and stays so"
)
def test_a_directory_without_permission_is_said_and_acknowledges_nothing_that_is_not_there(company: Company) -> None:
    place = company.folder / "locked"
    place.mkdir()
    service = company.service(f"sqlite:///{place / 'riskscore.db'}")
    service.before = PERMISSIONLESS if os.geteuid() == 0 else ()
    clients = Clients(service, company.bodies)
    with service.running(), clients.asking():
        clients.wait_for(10, "ok")
        _permit(place, 0o000)
        until("a look is refused", lambda: 503 in looks(service))
        clients.wait_for(5, "ok")  # on files that are open: what is acknowledged is there
        _permit(place, 0o700)
        clients.wait_for(10, "ok")
    _permit(place, 0o000)
    status, said = service.refused_start()
    _permit(place, 0o700)
    with service.running():
        clients.settle()

    assert unavailable(clients) <= {(503, "storage-unavailable"), (503, "overloaded")}
    assert status == 6
    assert "riskscore.db" in said
    nothing_is_lost(company, clients)


def looks(service: Service) -> set[int]:
    """Statuses of so many looks into the store at once that they need more connections than it keeps open."""
    with ThreadPoolExecutor(24) as pool:
        return {status for status, _ in pool.map(lambda _: service.get("/v1/customers/nobody/history"), range(48))}


def _permit(place: Path, mode: int) -> None:
    """The rights to a folder and to everything in it."""
    place.chmod(0o700)
    for each in place.iterdir():
        each.chmod(mode & 0o600)
    place.chmod(mode)


def test_a_model_whose_bytes_were_changed_refers_everybody(company: Company, tmp_path: Path) -> None:
    approved = tmp_path / "approved"
    shutil.copytree(company.folder / "approved_models", approved)
    booster = approved / NAME / trained().model.digest / "booster.txt"
    booster.write_bytes(booster.read_bytes().replace(b"leaf_value=", b"leaf_value=9", 1))
    mlflow = f"sqlite:///{tmp_path / 'nowhere' / 'mlflow.db'}"
    service = company.service(f"sqlite:///{tmp_path / 'riskscore.db'}", RISKSCORE_APPROVED=str(approved), RISKSCORE_MLFLOW=mlflow)
    clients = Clients(service, company.bodies)
    connection = clients.connection()
    with service.running():
        told = [clients.ask(connection, uuid.uuid4().hex, body) for body in company.bodies]
        ready = service.get("/readyz")
        connection.close()

    assert {event.kind for event in told} == {"ok"}
    assert clients.outcomes <= {"refer", "decline"}
    assert {json.loads(event.body)["pd"] for event in told if json.loads(event.body)["outcome"] == "refer"} == {None}
    assert (ready[1]["status"], ready[1]["doubts"], ready[1]["model"]) == ("degraded", ["model_unavailable"], None)
    nothing_is_lost(company, clients)


def test_rolling_back_under_load_drops_no_request_and_is_recorded(company: Company, tmp_path: Path) -> None:
    """One command beside the running server. What a dropped request looks like, the tests that kill it show."""
    service, files = company.service(f"sqlite:///{tmp_path / 'riskscore.db'}"), to_files(trained().model)
    newer = twin(files, "2023-10-30")
    first, second = (sha256(each["manifest.json"]) for each in (files, newer))
    keep_copy(company.workplace("sqlite://"), NAME, newer)
    with opened(service) as engine:
        propose(engine, compared(engine, "2", second, first), by="Ann")
        approve(engine, NAME, "2", second, by="Bo")
    clients = Clients(service, company.bodies, n=3)
    with service.running(), clients.asking():
        clients.wait_for(10, "ok")
        before = answered_by(clients)
        status = service.run("rollback", "--by", "Cy", "--reason", "limits fell by mistake")
        until("the model before answers", lambda: first in answered_by(clients))
        since = len(clients.history)
        clients.wait_for(10, "ok")
    with opened(service) as engine:
        recorded = [(each.rolled_back_by, each.reason) for each in rollbacks_of(engine, NAME)]

    assert status == 0
    assert before == {second}
    assert answered_by(clients, since) <= {first, second}
    # Nobody is cut off. On a busy machine somebody may be told to ask again; that nobody is, the benchmark measures.
    assert clients.n_of("unknown") + clients.n_of("fail") == len(clients.problems)
    assert unavailable(clients) <= {(503, "storage-unavailable"), (503, "overloaded")}
    assert recorded == [("Cy", "limits fell by mistake")]
    nothing_is_lost(company, clients)


def answered_by(clients: Clients, since: int = 0) -> set[str]:
    """Digests of the models that answered."""
    told = [json.loads(event.body)["provenance"]["model"] for event in clients.history[since:] if event.kind == "ok"]
    return {digest for digest in told if digest is not None}


TAMPERED = {
    "dropped": ("delete from answers where rowid = (select min(rowid) from answers)", "acknowledged and lost"),
    "changed": ("update answers set body = replace(body, '\"outcome\":\"', '\"outcome\":\"x') ", "another answer is stored"),
    "doubled": (
        "insert into answers select principal, 'forged', request, decision_id, outcome, body, recorded_at from answers limit 1",
        "nobody asked",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", TAMPERED)
def test_a_database_that_lost_doubled_or_changed_an_answer_is_found(
    company: Company, embedded: Service, tmp_path: Path, fault: str
) -> None:
    clients = Clients(embedded, company.bodies)
    connection = clients.connection()
    for body in company.bodies[-3:]:
        clients.ask(connection, uuid.uuid4().hex, body)
    connection.close()
    statement, said = TAMPERED[fault]
    with (
        closing(sqlite3.connect(company.folder / "riskscore.db")) as whole,
        closing(sqlite3.connect(tmp_path / "copy.db")) as copy,
    ):
        whole.backup(copy)
        keys = "(" + ", ".join(f"'{key}'" for key in clients.asked) + ")"
        for (name,) in copy.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            copy.execute(f"drop trigger {name}")
        copy.execute(f"delete from answers where idempotency_key not in {keys}")
        copy.execute(statement)
        copy.commit()
    engine = open_database(f"sqlite:///{tmp_path / 'copy.db'}")
    found = list(faults(clients.history, stored(engine)))
    engine.dispose()

    assert any(said in fault for fault in found)
