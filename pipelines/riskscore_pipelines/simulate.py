"""`riskscore simulate`: write the exports of an invented company, and the truth behind them."""

import json
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from riskscore.simulation import PRESETS, simulate
from riskscore.simulation.mistakes import counts
from riskscore.stores.exports import write_exports
from riskscore.stores.ledgers.mapping import Limits

app = typer.Typer()

ERRORS = f"""Share of invoices and settlements with a data error, 0 to 0.5. Ingest refuses a table that loses more than
{Limits().quarantined_rows:.0%} of its rows or {Limits().quarantined_amount:.1%} of its money (exit status 4): stay well below,
the more so in a tiny company, where a few rows are as much; or allow more in the mapping."""


@app.command(epilog="Example: riskscore simulate --out exports --customers 500 --months 24 --shape sap --errors 0.001")
def run(
    out: Annotated[Path, typer.Option("--out", help="Folder for the exports; the truth goes into its subfolder truth/.")],
    preset: Annotated[str, typer.Option(help=f"Which law the customers follow: {', '.join(PRESETS)}.")] = "default",
    customers: Annotated[int, typer.Option(min=1, help="How many customers.")] = 2000,
    months: Annotated[int, typer.Option(min=1, help="How many months.")] = 36,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal files.")] = 7,
    shape: Annotated[str, typer.Option(help="Whose export it looks like: canonical, ibm or sap.")] = "canonical",
    file_format: Annotated[str, typer.Option("--format", help="csv, or parquet for the canonical shape.")] = "csv",
    errors: Annotated[float, typer.Option(help=ERRORS)] = 0.0,
    odds: Annotated[
        bool, typer.Option("--odds", help="Also write the oracle's chance of lateness of every invoice (slow).")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Write the exports of an invented company, and the truth behind them."""
    began = time.perf_counter()
    world = simulate(preset, n_customers=customers, n_months=months, seed=seed)
    print(f"simulated {world.start_on} to {world.end_on}, writing {out}", file=sys.stderr)
    written = write_exports(world, out, shape=shape, file_format=file_format, error_rate=errors, with_odds=odds)
    summary = {
        "preset": world.preset.name,
        "seed": seed,
        "start_on": world.start_on.isoformat(),
        "end_on": world.end_on.isoformat(),
        "digest": world.digest,
        "shape": shape,
        "rows": {path.name: n_rows for path, n_rows in written.rows.items()},
        "mistakes": counts(written.mistakes),
        "truth": str(written.truth),
        "seconds": round(time.perf_counter() - began, 3),
    }
    if as_json:
        print(json.dumps(summary, ensure_ascii=False))
        return
    print(f"{out}: {preset} world of {customers} customers, {world.start_on} to {world.end_on}, seed {seed}")
    for path, n_rows in written.rows.items():
        print(f"  {path.name:<28}{n_rows:>10} rows")
    for name, number in counts(written.mistakes).items():
        print(f"  {'planted ' + name:<48}{number:>10}")
    print(f"  the truth is in {written.truth}")
