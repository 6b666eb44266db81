"""How good the late-payment model is: every figure beside its floor, its peers on the same rows and, in the simulator, the limit.

    python benchmarks/bench_model.py [--quick] [--only invoices readouts first_invoices customers thin firms]

Each module of `benchmarks/model/` measures one kind of work and returns its rows. The table is printed and written to
`benchmarks/out/model.json`. The public data sets are read from ../shared/data beside this checkout; a row whose data are not
there says so and does not pass. Exit status 1 where a floor is missed.
"""

import argparse
import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
OUT = HERE / "out"
PARTS = ("invoices", "readouts", "first_invoices", "customers", "thin", "firms")
"""The modules of `benchmarks/model/`, in the order in which they are run."""

Row = dict[str, Any]
"""work; measured (figure and interval as text); floor; peers (text); passed; command (what to run for this row alone).

beside: true where the row is another, harder reading of the work than the one its floor was set by (decision record 0022): it is
told, and the exit status does not follow it.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small samples: does it run, not what is it worth")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    wanted = parser.parse_args()
    sys.path.insert(0, str(HERE))
    rows: list[Row] = []
    for part in wanted.only:
        started = time.process_time()
        print(f"measuring {part} ...", file=sys.stderr, flush=True)
        found = import_module(f"model.{part}").rows(wanted.quick)
        rows += [{"part": part, **row} for row in found]
        print(f"measured {part} in {time.process_time() - started:.0f} CPU s", file=sys.stderr, flush=True)
    Console(width=200).print(table_of(rows))
    OUT.mkdir(exist_ok=True)
    written = json.dumps({"quick": wanted.quick, "rows": rows}, indent=2, ensure_ascii=False)
    (OUT / "model.json").write_text(written, encoding="utf-8")
    missed = [row["work"] for row in rows if not row["passed"] and not row.get("beside")]
    short = [row["work"] for row in rows if not row["passed"] and row.get("beside")]
    print("every floor is reached" if not missed else "missed: " + "; ".join(missed))
    if short:
        print("below it by the other reading, which the floor was not set by: " + "; ".join(short))
    return 1 if missed else 0


def table_of(rows: list[Row]) -> Table:
    table = Table("work", "measured", "floor", "peers in the same run", "", title="The late-payment model")
    for row in rows:
        said = (str(row[name]) for name in ("work", "measured", "floor", "peers"))
        table.add_row(*said, verdict(row))
    return table


def verdict(row: Row) -> str:
    if row.get("beside"):
        return "beside: above" if row["passed"] else "beside: BELOW"
    return "reached" if row["passed"] else "MISSED"


if __name__ == "__main__":
    sys.exit(main())
