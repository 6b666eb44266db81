"""How the decision service stands under load, beside an application that only answers, on the same server in the same run.

    python benchmarks/bench_service.py [--rounds 5] [--seconds 8] [--soak-minutes 10] [--plant-leak]

Open loop: requests come at a fixed rate over 32 connections, latency counts from the intended time; interleaved rounds of the
bare answer, a score with its explanation, a durable decision, and what an analyst opens (a customer, the page of proposals that
wait); the figure is the median of the rounds' ratios of the 99th percentile. Then throughput on 8 connections, and a soak of
mixed requests whose memory must not grow. `--plant-leak` starts the
service with 2 KB kept of every request: the soak must then fail, or it measures nothing. Loopback only. Writes
`benchmarks/out/service.json`; exit status 1 where a bound is broken.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import urlopen

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from service.servers import bare_command, free_port, prepare, product_command, serving
from service.soak import handles_of, memory_of, slope_of
from service.stream import Heard, Request, at_rate, in_turn, repeated

LATENCY_BOUNDS = {"score": 3.0, "decision": 8.0, "customer": 15.0, "page": 15.0}  # times the bare answer's 99th percentile
THROUGHPUT_BOUNDS = {"score": 1 / 10, "decision": 1 / 40}  # of the bare answer's rate
SLOPE_BOUND = 0.5  # MiB a minute, upper 95 % bound
PROPOSALS = 10  # that wait on the page
WARM_SECONDS = 5
RATE = 50.0
SOAK_RATE = 30.0
JSON = {"content-type": "application/json"}


def bare() -> Iterator[Request]:
    return repeated(lambda _: ("GET", "/", {}, b""))


def scores(customers: list[str]) -> Iterator[Request]:
    return repeated(lambda n: ("POST", "/v1/scores", JSON, _about(customers[n % len(customers)])))


def decisions(customers: list[str]) -> Iterator[Request]:
    return repeated(
        lambda n: (
            "POST", "/v1/decisions", {**JSON, "idempotency-key": uuid.uuid4().hex}, _about(customers[n % len(customers)])
        )
    )  # fmt: skip


def looked_at(customers: list[str]) -> Iterator[Request]:
    return repeated(lambda n: ("GET", f"/v1/customers/{customers[n % len(customers)]}", {}, b""))


def pages() -> Iterator[Request]:
    return repeated(lambda _: ("GET", "/reviews", {}, b""))


def propose(port: int, customers: list[str]) -> None:
    """Have so many proposals wait for a second person."""
    until = (datetime.now(UTC).date() + timedelta(days=30)).isoformat()
    wanted = {"limit": "1000.00", "reason": "The parent company guarantees it; see the file.", "valid_until": until}
    for customer in customers:
        decided = told(port, "/v1/decisions", {"customer_id": customer}, **{"idempotency-key": uuid.uuid4().hex})
        told(port, f"/v1/decisions/{decided['provenance']['decision_id']}/override", wanted)


def told(port: int, path: str, body: Any, **headers: str) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), {**JSON, **headers}, method="POST"
    )
    with urlopen(request) as answer:
        return json.load(answer)


def mixed(customers: list[str]) -> Iterator[Request]:
    """Seven scores, two decisions, one page of a customer in ten requests."""
    score, decision = scores(customers), decisions(customers)

    def make(n: int) -> Request:
        if n % 10 < 7:
            return next(score)
        return next(decision) if n % 10 < 9 else ("GET", f"/v1/customers/{customers[n % len(customers)]}", {}, b"")

    return repeated(make)


def _about(customer: str) -> bytes:
    return json.dumps({"customer_id": customer}).encode()


def latency(ports: dict[str, int], streams: dict[str, Any], rounds: int, seconds: float) -> list[dict[str, Heard]]:
    for name, port in ports.items():
        at_rate(port, streams[name], rate=RATE, seconds=WARM_SECONDS)
    found = []
    for number in range(rounds):
        print(f"round {number + 1} of {rounds} ...", file=sys.stderr, flush=True)
        found.append({name: at_rate(port, streams[name], rate=RATE, seconds=seconds) for name, port in ports.items()})
    return found


def soak(pid: int, port: int, stream: Iterator[Request], minutes: float) -> dict[str, Any]:
    """Memory every five seconds under steady load, after two minutes of warming up."""
    at_rate(port, stream, rate=SOAK_RATE, seconds=min(120.0, minutes * 24))
    times, sizes, done = [], [], threading.Event()
    handles = handles_of(pid)
    start = time.monotonic()

    def watch() -> None:
        while not done.wait(5):
            times.append((time.monotonic() - start) / 60)
            sizes.append(memory_of(pid))
            print(f"  {times[-1]:5.1f} min  {sizes[-1]:7.1f} MiB", file=sys.stderr, flush=True)

    watcher = threading.Thread(target=watch)
    watcher.start()
    heard = at_rate(port, stream, rate=SOAK_RATE, seconds=minutes * 60)
    done.set()
    watcher.join()
    slope = slope_of(times, sizes)
    return {
        "minutes": minutes,
        "requests": len(heard.latencies),
        "errors": heard.errors,
        "mib_a_minute": slope.per_minute,
        "mib_a_minute_upper": slope.upper,
        "last_third_over_first": slope.thirds,
        "handles_before_and_after": [handles, handles_of(pid)],
        "passed": slope.within(SLOPE_BOUND) and heard.errors == 0,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=300)
    parser.add_argument("--months", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--soak-minutes", type=float, default=10.0)
    parser.add_argument("--plant-leak", action="store_true", help="only the soak, on a service that keeps 2 KB of every request")
    wanted = parser.parse_args()
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        folder = Path(scratch)
        print("making a company, its book and its model ...", file=sys.stderr, flush=True)
        prepare(folder, customers=wanted.customers, months=wanted.months)
        port, empty = free_port(), free_port()
        command = product_command(port)
        aged = {"RISKSCORE_MAX_BOOK_AGE_DAYS": "100000"}  # the invented book ends in the past; here it must answer
        if wanted.plant_leak:
            command = [sys.executable, str(HERE / "service" / "leaking.py"), "--book", "book", "--port", str(port)]
        pid = stack.enter_context(serving(command, folder, port=port, ready="/livez", **aged))
        customers = customers_of(port)
        if not wanted.plant_leak:
            size = len(urlopen(f"http://127.0.0.1:{port}/v1/customers/{customers[0]}").read())
            stack.enter_context(serving(bare_command(empty), folder, port=empty, ready="/", BARE_BYTES=str(size)))
            propose(port, customers[:PROPOSALS])
            ports = {"bare": empty} | dict.fromkeys(LATENCY_BOUNDS, port)
            streams = {
                "bare": bare(), "score": scores(customers), "decision": decisions(customers), "customer": looked_at(customers),
                "page": pages(),
            }  # fmt: skip
            result |= judged_latency(latency(ports, streams, wanted.rounds, wanted.seconds))
            result |= judged_throughput(ports, streams, wanted.rounds, wanted.seconds / 2)
        if wanted.soak_minutes:
            result["soak"] = soak(pid, port, mixed(customers), wanted.soak_minutes)
    print(json.dumps(result, indent=2))
    out = HERE / "out"
    out.mkdir(exist_ok=True)
    (out / ("service_leak.json" if wanted.plant_leak else "service.json")).write_text(json.dumps(result, indent=2))
    broken = [name for name, each in result.items() if not each["passed"]]
    print("broken: " + ", ".join(broken) if broken else "every bound holds")
    return 1 if broken else 0


def judged_latency(rounds: list[dict[str, Heard]]) -> dict[str, Any]:
    """p99 in ms by what was asked, the ratio of each round, and their median against the bound."""
    found = {}
    for name, bound in LATENCY_BOUNDS.items():
        ratios = [each[name].percentile(99) / each["bare"].percentile(99) for each in rounds]
        errors = sum(each[name].errors for each in rounds)
        found[f"latency of a {name}"] = {
            "p50_ms": median(1000 * each[name].percentile(50) for each in rounds),
            "p99_ms": median(1000 * each[name].percentile(99) for each in rounds),
            "bare_p99_ms": median(1000 * each["bare"].percentile(99) for each in rounds),
            "ratios": ratios,
            "median_ratio": median(ratios),
            "bound": bound,
            "errors": errors,
            "passed": median(ratios) <= bound and errors == 0,
        }
    return found


def judged_throughput(ports: dict[str, int], streams: dict[str, Any], rounds: int, seconds: float) -> dict[str, Any]:
    heard: dict[str, list[Heard]] = {name: [] for name in ("bare", *THROUGHPUT_BOUNDS)}
    for number in range(rounds):
        print(f"throughput, round {number + 1} of {rounds} ...", file=sys.stderr, flush=True)
        for name, mine in heard.items():
            mine.append(in_turn(ports[name], streams[name], seconds=seconds))
    found = {}
    for name, bound in THROUGHPUT_BOUNDS.items():
        shares = [mine.rate / empty.rate for mine, empty in zip(heard[name], heard["bare"], strict=True)]
        errors = sum(each.errors for each in heard[name])
        found[f"throughput of a {name}"] = {
            "requests_a_second": median(each.rate for each in heard[name]),
            "bare_a_second": median(each.rate for each in heard["bare"]),
            "median_share": median(shares),
            "bound": bound,
            "errors": errors,
            "passed": median(shares) >= bound and errors == 0,
        }
    return found


def customers_of(port: int) -> list[str]:
    with urlopen(f"http://127.0.0.1:{port}/v1/customers") as answer:
        return [each["customer_id"] for each in json.load(answer)["customers"]]


if __name__ == "__main__":
    sys.exit(main())
