"""Ingestion of ledgers of growing size: rows per second by stage and the peak memory of the process (reliability A18).

python benchmarks/bench_ingest.py [ROWS ...]      default 1000000 10000000

A ledger of n rows is n/2 invoices and n/2 payments in two CSV files. Each size runs in a process of its own, so that its peak
memory (VmHWM) is its own. The bar: at ten times the rows at most 1.2 times the memory, and at most 1.5 GiB.
"""

import datetime as dt
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from riskscore.stores.ledgers import Delivery, ingest
from riskscore.stores.ledgers.mapping import load

MOST_GIB = 1.5
MOST_TIMES = 1.2


def write_ledger(folder: Path, n_rows: int) -> None:
    """Invoices and their payments, in the canonical shape; the same for the same number of rows."""
    days = [(dt.date(2022, 1, 1) + dt.timedelta(n)).isoformat() for n in range(1000)]
    n_customers = max(n_rows // 200, 50)
    state = 12345
    with (folder / "invoices.csv").open("w") as invoices, (folder / "settlements.csv").open("w") as settlements:
        invoices.write("invoice_id,customer_id,issued_on,due_on,amount,currency,terms,order_id,known_on\n")
        settlements.write("settlement_id,invoice_id,kind,settled_on,amount,known_on\n")
        for n in range(n_rows // 2):
            state = (state * 1103515245 + 12345) % 2147483648
            issued, paid, amount = state % 700, state % 700 + 10 + state % 60, f"{(state >> 3) % 5000000 / 100 + 1:.2f}"
            customer = f"C{(state >> 5) % n_customers:07d}"
            invoices.write(
                f"INV{n:09d},{customer},{days[issued]},{days[issued + 30]},{amount},EUR,NET30,SO{n // 2:09d},{days[issued]}\n"
            )
            settlements.write(f"S{n:09d},INV{n:09d},payment,{days[paid]},{amount},{days[paid]}\n")


def measure(folder: Path, book: Path) -> dict[str, float]:
    """Ingest what lies in the folder; seconds and CPU seconds in all and by stage, and the peak memory of this process."""
    stages: dict[str, float] = {}
    last = ["", time.process_time()]

    def told(what: str, _done: int, _whole: int | None) -> None:
        if what != last[0]:
            stages[str(last[0])] = time.process_time() - float(last[1])
            last[:] = [what, time.process_time()]

    begun, cpu = time.perf_counter(), time.process_time()
    receipt = ingest(Delivery([str(folder)], load("canonical"), dt.date(2026, 1, 1)), book, progress=told)
    told("", 0, None)
    peak = next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return {
        "rows": sum(read.rows for read in receipt.reads),
        "seconds": time.perf_counter() - begun,
        "cpu_seconds": time.process_time() - cpu,
        "peak_mib": peak / 1024,
        **{f"cpu {name}": seconds for name, seconds in stages.items() if name},
    }


def in_own_process(n_rows: int) -> dict[str, float]:
    """The figures for one size."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "exports"
        folder.mkdir()
        write_ledger(folder, n_rows)
        answer = subprocess.run(
            [sys.executable, __file__, "--measure", str(folder), str(Path(place) / "book")],
            check=True,
            capture_output=True,
            text=True,
        )
        return dict(json.loads(answer.stdout))


def main(sizes: list[int]) -> None:
    found = []
    for n_rows in sizes:
        figures = in_own_process(n_rows)
        found.append(figures)
        rate = figures["rows"] / figures["seconds"]
        print(
            f"{figures['rows']:>12,} rows  {figures['seconds']:8.1f} s  {figures['cpu_seconds']:8.1f} CPU s  {rate:>9,.0f} "
            "rows/s",
            end="",
        )
        print(f"  peak {figures['peak_mib']:7.0f} MiB")
        for name, seconds in figures.items():
            if name.startswith("cpu "):
                print(f"{'':14}{name[4:]:45} {seconds:8.1f} CPU s")
    times = found[-1]["peak_mib"] / found[0]["peak_mib"]
    print(f"memory at the largest size is {times:.2f} times that of the smallest (bar: {MOST_TIMES}), bar in all {MOST_GIB} GiB")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(Path(sys.argv[2]), Path(sys.argv[3]))))
    else:
        main([int(size) for size in sys.argv[1:]] or [1_000_000, 10_000_000])
