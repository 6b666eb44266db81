"""How long features, positions and outcomes take at monthly cuts, in which memory, on two engines and against bare work.

    python benchmarks/bench_features.py [--customers 2000] [--months 36] [--cuts 24]

The books are simulated (2,000 customers, 36 months: about 200,000 invoices). Each engine runs in a process of its own on one
thread, so that CPU seconds and peak memory are its own. Beside it stand, on the same rows:
  as-of join    what any point-in-time code must do: meet every invoice state with every date, and add up one column;
  pandas, six   a plain pandas loop over the cuts for six of the features, as one would write it first.
The bar: 200,000 invoices, 24 cuts and every feature below 30 CPU seconds on one core.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq

BAR_SECONDS = 30.0
FEATURES_AT = 200_000 * 24
"""The bar is for so many invoices times cuts; a smaller run is held to its share."""

PEERS = ("duckdb", "polars", "as-of join", "pandas, six")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=2000)
    parser.add_argument("--months", type=int, default=36)
    parser.add_argument("--cuts", type=int, default=24)
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--books", type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.run:
        print(json.dumps(measured(wanted.run, wanted.books, wanted.cuts)))
        return 0
    with TemporaryDirectory() as folder:
        n_invoices = write_books(Path(folder), wanted.customers, wanted.months)
        found = {peer: child(peer, Path(folder), wanted.cuts) for peer in PEERS}
    return report(found, n_invoices, wanted.cuts)


def write_books(folder: Path, customers: int, months: int) -> int:
    """Simulated books as Parquet; how many invoices they hold."""
    from riskscore.simulation import simulate

    world = simulate("default", n_customers=customers, n_months=months, seed=7)
    for name, table in world.tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
    return world.tables["invoices"].num_rows


def child(peer: str, folder: Path, cuts: int) -> dict[str, dict[str, float]]:
    """What one peer takes, in a process of its own on one thread."""
    command = [sys.executable, __file__, "--run", peer, "--books", str(folder), "--cuts", str(cuts)]
    alone = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **alone})
    return json.loads(done.stdout.splitlines()[-1])


def measured(peer: str, folder: Path, n_cuts: int) -> dict[str, dict[str, float]]:
    """CPU seconds and rows by stage, and the peak memory of the process, its input included."""
    from riskscore.snapshot import month_ends

    tables = {path.stem: pq.read_table(path) for path in folder.glob("*.parquet")}
    last = max(tables["invoices"]["known_on"].to_pylist())
    cuts = month_ends(date(last.year - 10, 1, 1), last)[-n_cuts:]
    stages = {"duckdb": library, "polars": library, "as-of join": bare_join, "pandas, six": pandas_six}[peer]
    found: dict[str, dict[str, float]] = {}
    for stage, work in stages(peer, tables, cuts).items():
        began = time.process_time()
        rows = work()
        found[stage] = {"seconds": time.process_time() - began, "rows": rows}
    found["memory"] = {"megabytes": peak_memory()}
    return found


def peak_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def library(engine: str, tables: Mapping[str, pa.Table], cuts: list[date]) -> dict[str, Callable[[], int]]:
    """The product's own rooms, one after the other."""
    import duckdb

    from riskscore import features, outcomes, positions
    from riskscore.outcomes import Outcome
    from riskscore.snapshot import customers_known_at, take_snapshot
    from riskscore.stores.engines import ledger_of

    if engine == "duckdb":
        connection = duckdb.connect()
        connection.execute("set threads = 1")
        ledger = ledger_of(tables, "EUR", connection=connection)
    else:
        sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
        from ledger_text import polars_ledger

        ledger = polars_ledger(tables)
    asked = pa.concat_tables([customers_known_at(ledger, cut) for cut in cuts])
    taken = []

    def snapshot() -> int:
        taken.append(take_snapshot(ledger, asked))
        return asked.num_rows

    return {
        "snapshot": snapshot,
        "features": lambda: features.compute(taken[0]).num_rows,
        "positions": lambda: positions.compute(taken[0]).num_rows,
        "outcomes": lambda: outcomes.observe(ledger, asked, Outcome(), until=cuts[-1]).num_rows,
    }


def bare_join(_: str, tables: Mapping[str, pa.Table], cuts: list[date]) -> dict[str, Callable[[], int]]:
    """The floor: every invoice met with every date on which it was known and not yet known to be paid, one sum."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("set threads = 1")
    connection.register("invoices", tables["invoices"])
    connection.register("settlements", tables["settlements"])
    connection.register("cuts", pa.table({"as_of": pa.array(cuts, pa.date32())}))

    def join() -> int:
        query = """
            with states as (
                select i.customer_id, i.known_on as since, min(s.known_on) as until, any_value(i.amount) as amount
                from invoices i left join settlements s using (invoice_id) group by i.invoice_id, i.customer_id, i.known_on)
            select count(*) from (
                select states.customer_id, as_of, sum(amount)
                from states join cuts on as_of >= since and (until is null or as_of < until) group by all)
        """
        return int(connection.sql(query).fetchall()[0][0])

    return {"join and sum": join}


def pandas_six(_: str, tables: Mapping[str, pa.Table], cuts: list[date]) -> dict[str, Callable[[], int]]:
    """Six features (billed, open, overdue share, days beyond terms, share late, worst) cut by cut, no disputes, no currencies."""
    import pandas as pd

    invoices = tables["invoices"].select(["invoice_id", "customer_id", "issued_on", "due_on", "amount", "known_on"]).to_pandas()
    settled = tables["settlements"].select(["invoice_id", "settled_on", "amount", "known_on"]).to_pandas()
    for frame in (invoices, settled):
        frame["amount"] = frame["amount"].astype(float)
        for column in frame.columns[frame.columns.str.endswith("_on")]:
            frame[column] = pd.to_datetime(frame[column])

    def loop() -> int:
        n_rows = 0
        for cut in map(pd.Timestamp, cuts):
            known = invoices[(invoices["known_on"] <= cut)]
            paid = (
                settled[settled["known_on"] <= cut]
                .groupby("invoice_id")
                .agg(paid=("amount", "sum"), paid_on=("settled_on", "max"))
            )
            known = known.join(paid, on="invoice_id")
            left = known["amount"] - known["paid"].fillna(0)
            age = (cut - known["due_on"]).dt.days
            late = (known["paid_on"].where(left <= 0, cut) - known["due_on"]).dt.days
            within = age.between(0, 364)
            rows = pd.DataFrame(
                {
                    "customer_id": known["customer_id"],
                    "billed": known["amount"].where((cut - known["issued_on"]).dt.days < 365, 0),
                    "open": left,
                    "overdue": left.where(age > 0, 0),
                    "due": known["amount"].where(within, 0),
                    "late_days": (known["amount"] * late.clip(lower=0)).where(within, 0),
                    "n_due": within.astype(int),
                    "n_late": (within & (late > 0)).astype(int),
                    "worst": late.where(within),
                }
            )
            sums = rows.groupby("customer_id").agg({name: "max" if name == "worst" else "sum" for name in rows.columns[1:]})
            sums["overdue_share"] = sums["overdue"] / sums["open"].where(sums["open"] > 0)
            sums["days_beyond_terms"] = sums["late_days"] / sums["due"].where(sums["due"] > 0)
            sums["late_share"] = sums["n_late"] / sums["n_due"].where(sums["n_due"] > 0)
            n_rows += len(sums)
        return n_rows

    return {"six features": loop}


def report(found: Mapping[str, Mapping[str, Mapping[str, float]]], n_invoices: int, cuts: int) -> int:
    """Prints what was measured; exit status 1 where the bar is missed."""
    from riskscore.features import CATALOGUE

    print(f"{n_invoices:,} invoices, {cuts} cuts, {len(CATALOGUE)} features; load {os.getloadavg()[0]:.1f}\n")
    print(f"{'peer':<14}{'stage':<16}{'CPU s':>8}{'rows':>10}{'rows/s':>10}{'MB':>8}")
    totals = {}
    for peer, stages in found.items():
        memory = stages["memory"]["megabytes"]
        totals[peer] = sum(stage["seconds"] for name, stage in stages.items() if name != "memory")
        for name, stage in stages.items():
            if name != "memory":
                rate = stage["rows"] / max(stage["seconds"], 1e-9)
                print(f"{peer:<14}{name:<16}{stage['seconds']:>8.2f}{stage['rows']:>10,.0f}{rate:>10,.0f}")
        print(f"{peer:<14}{'in all':<16}{totals[peer]:>8.2f}{'':>20}{memory:>8,.0f}")
    made = sum(found["duckdb"][stage]["seconds"] for stage in ("snapshot", "features"))
    bar = BAR_SECONDS * max(n_invoices * cuts / FEATURES_AT, 0.1)
    print(f"\nall features against the bare join: {made / totals['as-of join']:.1f} x")
    print(f"all features against six of them in pandas: {made / totals['pandas, six']:.2f} x")
    print(f"snapshot and features on one core: {made:.1f} CPU s (bar {bar:.1f})")
    return int(made > bar)


if __name__ == "__main__":
    sys.exit(main())
