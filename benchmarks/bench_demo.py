"""How long the demo takes and how much memory: stages, rows a second, peak resident memory, against what is promised.

    python benchmarks/bench_demo.py [--customers 2000] [--months 36]

Promised for 2,000 customers and 36 months on two cores: below 120 s after installation, below 2 GB. Exit status 1 where broken.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

PROMISED_SECONDS = 120
PROMISED_BYTES = 2 * 1024**3


def resident(root: psutil.Process) -> int:
    """Resident memory of the process and its children.

    A child that has not begun its own program yet still lies in its parent's memory, under its parent's command line: counting
    that a second time would tell of gigabytes that nobody used.
    """
    begun = [each for each in root.children(recursive=True) if each.cmdline() != root.cmdline()]
    return sum(each.memory_info().rss for each in [root, *begun])


def watch_memory(pid: int, peak: list[int], done: threading.Event) -> None:
    """Highest sum of resident memory over the process and its children, looked at ten times a second."""
    while not done.wait(0.1):
        try:
            seen = resident(psutil.Process(pid))
        except psutil.NoSuchProcess:
            continue
        peak[0] = max(peak[0], seen)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=2000)
    parser.add_argument("--months", type=int, default=36)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "riskscore_pipelines", "demo", "--json", "--out", str(Path(scratch) / "demo")]
        command += ["--customers", str(wanted.customers), "--months", str(wanted.months)]
        began = time.perf_counter()
        peak, done = [0], threading.Event()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            watcher = threading.Thread(target=watch_memory, args=(process.pid, peak, done))
            watcher.start()
            told, _ = process.communicate()
            used = time.perf_counter() - began
            done.set()
            watcher.join()
        if process.returncode:
            return process.returncode
        spent = psutil.Process().cpu_times()
    result = json.loads(told)
    print(f"riskscore demo, {wanted.customers:,} customers, {wanted.months} months, {result['invoices']:,} invoices")
    print(f"Python {platform.python_version()}, {psutil.cpu_count()} cores, load {psutil.getloadavg()[0]:.1f}\n")
    print(f"{'stage':<28}{'seconds':>9}{'rows':>12}{'rows/s':>12}")
    for stage, figures in result["stages"].items():
        print(f"{stage:<28}{figures['seconds']:>9.1f}{figures['rows']:>12,}{figures['rows_per_second']:>12,}")
    for stage, figures in result["score_stages"].items():
        print(
            f"  score: {stage:<19}{figures['seconds']:>9.1f}{figures['customers']:>12,}{figures['customers_per_second']:>12,.0f}"
        )
    cpu = spent.children_user + spent.children_system
    print(f"\n{'whole command, wall':<28}{used:>9.1f} s   (promised < {PROMISED_SECONDS})")
    print(f"{'whole command, CPU':<28}{cpu:>9.1f} s")
    print(f"{'peak resident memory':<28}{peak[0] / 1024**2:>9.0f} MB  (promised < {PROMISED_BYTES // 1024**2})")
    return int(used > PROMISED_SECONDS or peak[0] > PROMISED_BYTES)


if __name__ == "__main__":
    sys.exit(main())
