"""How long until a fault is said? The service at a steady rate while what it stands on fails, and what others notice of attacks.

    python benchmarks/bench_service_faults.py [--customers 150] [--months 22]

PostgreSQL stopped at once and started again, PostgreSQL that hangs, a disk that takes nothing more: every decision that cannot be
recorded is answered 503 within two seconds, everything works again five seconds after the store does, and no acknowledged
decision is missing. Then bodies of tens of megabytes on eight connections at once, and two hundred clients that send a byte a
second: what a score costs everybody else then, beside a calm stretch of the same run, and when the slow ones are cut. Then four
times as many decisions as the server can make, for a minute: how many it makes meanwhile, and how soon all is as before. Last a
rollback of the model under thirty decisions a second: how long the command takes, and whether anybody notices. Open loop,
loopback only. Writes
`benchmarks/out/service_faults.json`; exit status 1 where a bound is broken.
"""

import argparse
import json
import multiprocessing
import os
import resource
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil
import sqlalchemy as sa

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]

from bench_service import customers_of, decisions, scores
from service.servers import free_port, prepare, product_command, serving
from service.stream import Heard, at_rate, in_turn

from databases import postgresql_server
from floods import attacks, send
from gating import compared
from modelling import small_text, twin
from riskscore.model import to_files
from riskscore.model.bundle import sha256
from riskscore.stores.approvals import approval_in_force, approve, approve_first, propose, rollbacks_of
from riskscore.stores.database import ANSWERS, open_database, reading
from riskscore.stores.models.approved import keep_copy, load_of
from riskscore.stores.workplace import Workplace

RATE = 50.0
SAID_WITHIN = 2.0  # seconds to a 503
BACK_WITHIN = 5.0  # seconds from a store that answers to the last refusal
ALIVE_WITHIN = 0.1  # seconds to /livez, at the median of the outage
TIMES_SLOWER = 3.0  # others' 99th percentile under attack
MIB_OF_BODIES = 16.0
SLOW_CLIENTS = 200
CUT_WITHIN = (8.0, 15.0)  # seconds from its connection until a slow client is cut; ten are promised
OVERLOAD = 4  # times the decisions that the server can make
OVERLOAD_SECONDS = 60
GOODPUT = 0.7  # of what it makes without overload
ROLL_BACK_WITHIN = 60.0  # seconds for the command
ROLL_BACK_RATE = 30.0
AGED = {"RISKSCORE_MAX_BOOK_AGE_DAYS": "100000"}  # the invented book ends in the past; here it must answer


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=150)
    parser.add_argument("--months", type=int, default=22)
    wanted = parser.parse_args()
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        print("making a company, its book and its model ...", file=sys.stderr, flush=True)
        prepare(folder, customers=wanted.customers, months=wanted.months, recipe=small_text())
        found |= on_sqlite(folder)
        found |= on_postgresql(folder)
    print(json.dumps(found, indent=2))
    (HERE / "out").mkdir(exist_ok=True)
    (HERE / "out" / "service_faults.json").write_text(json.dumps(found, indent=2))
    broken = [name for name, each in found.items() if not each["passed"]]
    print("broken: " + ", ".join(broken) if broken else "every bound holds")
    return 1 if broken else 0


def on_sqlite(folder: Path) -> dict[str, dict[str, Any]]:
    port, address = free_port(), f"sqlite:///{folder / 'riskscore.db'}"
    with serving(product_command(port), folder, port=port, ready="/livez", RISKSCORE_DATABASE=address, **AGED) as pid:
        customers = customers_of(port)
        at_rate(port, scores(customers), rate=RATE, seconds=5)
        found = {
            "a body that never ends": others_under(lambda: flooding(port), pid, port, customers),
            f"{SLOW_CLIENTS} slow clients": others_under(lambda: dripping(port), pid, port, customers),
        }
        found["slow clients are cut"] = cut(port)
        found["four times too many decisions"] = overloaded(port, customers)
        found["a rollback"] = rolled_back(folder, port, customers, address)
        files = [each.stat().st_size for each in folder.glob("riskscore.db*")]

        def full() -> None:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (min(files), resource.RLIM_INFINITY))

        def room() -> None:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

        found["a full disk"] = outage(port, customers, address, full, room)
    return found


def on_postgresql(folder: Path) -> dict[str, dict[str, Any]]:
    port = free_port()
    engine = open_database(f"sqlite:///{folder / 'riskscore.db'}")
    approval = approval_in_force(engine, "late_payment")
    engine.dispose()
    with postgresql_server() as database:
        engine = open_database(database.address)
        approve_first(engine, "late_payment", approval.version, approval.digest, by="Bench Mark")
        engine.dispose()
        settings = {"RISKSCORE_DATABASE": database.address, **AGED}
        with serving(product_command(port), folder, port=port, ready="/livez", **settings):
            customers = customers_of(port)
            at_rate(port, decisions(customers), rate=RATE, seconds=5)
            stopped = outage(port, customers, database.address, database.crash, database.start)
            frozen = database.frozen()
            hung = outage(
                port,
                customers,
                database.address,
                frozen.__enter__,
                lambda: frozen.__exit__(None, None, None),
                probe=True,
                rate=20.0,
            )
    return {"PostgreSQL stopped": stopped, "PostgreSQL hangs": hung}


def cut(port: int) -> dict[str, Any]:
    """When each of so many clients that send a head, a letter a second, is hung up on."""
    lines = {socket.create_connection(("127.0.0.1", port)): time.perf_counter() for _ in range(SLOW_CLIENTS)}
    start, took = time.perf_counter(), []
    head = iter(b"POST /v1/scores HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: " + b"x" * 100)
    while lines and time.perf_counter() - start < 2 * CUT_WITHIN[1]:
        letter = bytes([next(head)])
        for line in list(lines):
            with suppress(OSError):
                line.send(letter)
        until = time.perf_counter() + 1.0
        while lines and (left := until - time.perf_counter()) > 0:
            for line in select.select(list(lines), [], [], left)[0]:
                took.append(time.perf_counter() - lines.pop(line))
                line.close()
    for line in lines:
        line.close()
    passed = len(took) == SLOW_CLIENTS and CUT_WITHIN[0] <= min(took) and max(took) <= CUT_WITHIN[1]
    return {"cut": len(took), "seconds_least_and_most": [min(took, default=0.0), max(took, default=0.0)], "passed": passed}


def overloaded(port: int, customers: list[str]) -> dict[str, Any]:
    """Decisions at four times the rate that the server reaches by itself, then at half of it: goodput, refusals, recovery."""
    alone = in_turn(port, decisions(customers), seconds=10, connections=32)
    capacity = alone.statuses.get(201, 0) / alone.seconds
    heard = at_rate(port, decisions(customers), rate=OVERLOAD * capacity, seconds=OVERLOAD_SECONDS, connections=500)
    after = at_rate(port, decisions(customers), rate=capacity / 2, seconds=10)
    made = [(when, took) for when, took, status in heard.answers if status == 201 and when + took <= OVERLOAD_SECONDS]
    goodput = len(made) / OVERLOAD_SECONDS
    again = max((when + took for when, took, status in after.answers if status != 201), default=0.0)
    found = {
        "capacity": capacity,
        "asked_a_second": len(heard.answers) / OVERLOAD_SECONDS,
        "goodput": goodput,
        "share_of_capacity": goodput / capacity,
        "statuses": {str(status): n for status, n in heard.statuses.items()},
        "without_an_answer": heard.failures,
        "as_before_after_seconds": again,
    }
    passed = set(heard.statuses) <= {201, 429, 503} and heard.failures == 0 and goodput >= GOODPUT * capacity
    return found | {"passed": passed and again <= BACK_WITHIN and after.failures == 0}


def rolled_back(folder: Path, port: int, customers: list[str], address: str) -> dict[str, Any]:
    """`riskscore rollback` beside the server: to the model it began with, from one with another name on it."""
    workplace, name = Workplace(database=address, approved=folder / "approved_models"), "late_payment"
    engine = open_database(address)
    in_force = approval_in_force(engine, name)
    files = to_files(load_of(workplace, in_force))
    newer = twin(files, "2001-01-01")
    digest = sha256(newer["manifest.json"])
    keep_copy(workplace, name, newer)
    propose(engine, compared(engine, "bench", digest, in_force.digest), by="Bench Mark")
    approve(engine, name, "bench", digest, by="Second Person")
    _until_it_answers_by(port, digest)
    heard: list[Heard] = []
    asking = threading.Thread(target=lambda: heard.append(at_rate(port, decisions(customers), rate=ROLL_BACK_RATE, seconds=40)))
    asking.start()
    time.sleep(2)
    since = time.perf_counter()
    command = [sys.executable, "-m", "riskscore_pipelines", "rollback", "--by", "Cy", "--reason", "a benchmark"]
    subprocess.run(command, cwd=folder, env={**os.environ, "RISKSCORE_DATABASE": address}, check=True, stdout=subprocess.DEVNULL)
    took = time.perf_counter() - since
    answers_after = _until_it_answers_by(port, in_force.digest)
    asking.join()
    recorded = len(rollbacks_of(engine, name))
    engine.dispose()
    passed = took <= ROLL_BACK_WITHIN and heard[0].errors == 0 and recorded == 1
    return {
        "command_seconds": took, "model_before_answers_after_seconds": answers_after, "asked": len(heard[0].answers),
        "not_answered_or_refused": heard[0].errors, "recorded": recorded, "passed": passed,
    }  # fmt: skip


def _until_it_answers_by(port: int, digest: str) -> float:
    since = time.perf_counter()
    while json.loads(urlopen(f"http://127.0.0.1:{port}/readyz").read())["model"] != digest:
        if time.perf_counter() - since > 120:
            sys.exit(f"the server never answered by the model {digest}")
        time.sleep(0.1)
    return time.perf_counter() - since


def outage(
    port: int,
    customers: list[str],
    address: str,
    fail: Callable[[], Any],
    mend: Callable[[], Any],
    *,
    probe: bool = False,
    rate: float = RATE,
) -> dict[str, Any]:
    """Decisions at a steady rate for twenty seconds; the store is gone from the fifth to the twelfth."""
    before = recorded(address)
    heard: list[Heard] = []
    asking = threading.Thread(
        target=lambda: heard.append(at_rate(port, decisions(customers), rate=rate, seconds=20, connections=64))
    )
    start = time.perf_counter()
    asking.start()
    time.sleep(5)
    fail()
    gone = time.perf_counter() - start
    alive, ready = probes(port, 6.0) if probe else ([], [])
    time.sleep(max(start + 12 - time.perf_counter(), 0))
    mend()
    back = time.perf_counter() - start
    asking.join()
    answers = heard[0].answers
    refused = [(when, took) for when, took, status in answers if status == 503]
    n_acknowledged = sum(status == 201 for _, _, status in answers)
    statuses = Counter(status for _, _, status in answers)
    last = max((when + took for when, took in refused), default=0.0)
    missing = n_acknowledged - (recorded(address) - before)
    found = {
        "statuses": {str(status): n for status, n in statuses.items()},
        "gone_and_back_at": [gone, back],
        "said_ms_median_and_most": [1000 * _share([took for _, took in refused], each) for each in (0.5, 1.0)],
        "last_refusal_after_it_was_back": last - back,
        "acknowledged": n_acknowledged,
        "acknowledged_and_missing": max(missing, 0),
    }
    if probe:
        found |= {"livez_ms_median_and_most": [1000 * _share(alive, 0.5), 1000 * max(alive)], "readyz": sorted(set(ready))}
    passed = set(statuses) <= {201, 503} and bool(refused) and max(took for _, took in refused) <= SAID_WITHIN and missing <= 0
    passed = passed and last - back <= BACK_WITHIN and (not probe or (_share(alive, 0.5) <= ALIVE_WITHIN and set(ready) == {503}))
    return found | {"passed": passed}


def probes(port: int, seconds: float) -> tuple[list[float], list[int]]:
    """How long /livez takes, and what /readyz says, meanwhile."""
    alive, ready, until = [], [], time.perf_counter() + seconds
    while time.perf_counter() < until:
        for path in ("/livez", "/readyz"):
            connection, since = HTTPConnection("127.0.0.1", port, timeout=30), time.perf_counter()
            connection.request("GET", path)
            status = connection.getresponse().status
            connection.close()
            if path == "/livez":
                alive.append(time.perf_counter() - since)
            else:
                ready.append(status)
        time.sleep(0.2)
    return alive, ready


def recorded(address: str) -> int:
    """How many answers the database holds."""
    engine = open_database(address)
    with reading(engine) as connection:
        n = connection.execute(sa.select(sa.func.count()).select_from(ANSWERS)).scalar_one()
    engine.dispose()
    return int(n)


def others_under(attack: Callable[[], Any], pid: int, port: int, customers: list[str]) -> dict[str, Any]:
    """Scores at a steady rate, calm and under attack in three rounds: the ratio of the 99th percentiles, and memory."""
    process, ratios, errors, grown = psutil.Process(pid), [], 0, 0.0
    for _ in range(3):
        calm = at_rate(port, scores(customers), rate=RATE, seconds=6)
        before = process.memory_info().rss
        with attack():
            most = [before]
            done = threading.Event()
            watcher = threading.Thread(target=_watch, args=(process, most, done))
            watcher.start()
            heard = at_rate(port, scores(customers), rate=RATE, seconds=6)
            done.set()
            watcher.join()
        ratios.append(heard.percentile(99) / calm.percentile(99))
        errors += heard.errors
        grown = max(grown, (most[0] - before) / 2**20)
    median = sorted(ratios)[1]
    return {
        "ratios": ratios, "median_ratio": median, "errors": errors, "mib_grown": grown,
        "passed": median <= TIMES_SLOWER and errors == 0 and grown <= MIB_OF_BODIES,
    }  # fmt: skip


def _watch(process: psutil.Process, most: list[int], done: threading.Event) -> None:
    while not done.wait(0.02):
        most[0] = max(most[0], process.memory_info().rss)


@contextmanager
def flooding(port: int) -> Iterator[None]:
    """Every attack of the tests, twice a second each, from a process of its own."""
    attacker = multiprocessing.Process(target=_flood, args=(port,), daemon=True)
    attacker.start()
    try:
        yield
    finally:
        attacker.terminate()
        attacker.join()


def _flood(port: int) -> None:
    os.nice(10)

    def one(name: str) -> None:
        while True:
            with suppress(OSError):
                send(port, attacks()[name])
            time.sleep(0.5)

    threads = [threading.Thread(target=one, args=(name,), daemon=True) for name in attacks()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@contextmanager
def dripping(port: int) -> Iterator[None]:
    """So many clients that send the head of a request, a byte a second."""
    lines = [socket.create_connection(("127.0.0.1", port)) for _ in range(SLOW_CLIENTS)]
    done = threading.Event()

    def drip() -> None:
        head = iter(b"POST /v1/scores HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: " + b"x" * 100)
        while not done.wait(1.0):
            letter = bytes([next(head)])
            for line in lines:
                with suppress(OSError):
                    line.send(letter)

    dripper = threading.Thread(target=drip)
    dripper.start()
    try:
        yield
    finally:
        done.set()
        dripper.join()
        for line in lines:
            line.close()


def _share(values: list[float], share: float) -> float:
    return sorted(values)[min(int(share * len(values)), len(values) - 1)] if values else float("nan")


if __name__ == "__main__":
    sys.exit(main())
