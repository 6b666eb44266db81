"""Exports: the books of a simulated world written as files, as an ERP would deliver them, and the truth beside them.

The shapes and their grammars are described in `riskscore.simulation.shapes`; mappings with the same names read them.
The truth goes to a folder of its own. Only evaluation reads it; ingestion never does.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from riskscore.errors import StorageFailed, UsageRefused
from riskscore.simulation import World, arrow
from riskscore.simulation.mistakes import Mistake, label_table, plant
from riskscore.simulation.oracle import odds_at_issue
from riskscore.simulation.presets import REGIMES, RUN_KINDS
from riskscore.simulation.shapes import canonical_columns, sheets_of

TRUTH = "truth"
"""The folder of the truth, inside that of the exports."""

NOTE = "world.json"
"""Which world it is: preset, seed, law, digest, and the files that were exported."""


@dataclass(frozen=True)
class Written:
    """What was written: files with their number of records, planted errors, and where the truth is."""

    rows: dict[Path, int]
    mistakes: Sequence[Mistake]
    truth: Path


def write_exports(
    world: World,
    folder: Path,
    *,
    shape: str = "canonical",
    file_format: str = "csv",
    error_rate: float = 0.0,
    with_odds: bool = False,
) -> Written:
    """Write the books in a shape (canonical, ibm, sap) as CSV, or canonical as Parquet, and the truth into `truth/`.

    error_rate: share of the rows of invoices and settlements that get a data error; its labels are in `truth/mistakes.csv`.
    with_odds: also write the oracle's chance of every invoice, which takes longer than everything else.
    The files of an earlier simulation in that folder are removed first.
    Raises UsageRefused for a shape or format there is not, for Parquet of another shape or with errors (a typed file cannot hold
    them), for an error rate outside 0 to .5, and for a folder that holds files of another origin; StorageFailed where the folder
    cannot be written.
    """
    if file_format not in ("csv", "parquet"):
        raise UsageRefused(f"format {file_format!r} is unknown. There are: csv, parquet.")
    if not 0 <= error_rate <= 0.5:
        raise UsageRefused(f"The error rate is a share from 0 to 0.5, not {error_rate}.")
    if file_format == "parquet" and (shape != "canonical" or error_rate):
        raise UsageRefused("Parquet is written in the canonical shape and without errors only: typed columns cannot hold them.")
    sheets, mistakes = plant(sheets_of(world, shape), error_rate, world.end_on, world.seed)
    rows: dict[Path, int] = {}
    try:
        _clear(folder)
        if file_format == "parquet":
            for name, table in world.tables.items():
                path = folder / f"{name}.parquet"
                _write_parquet(table.select(canonical_columns(name)), path)
                rows[path] = table.num_rows
        else:
            for sheet in sheets:
                path = folder / f"{sheet.name}.csv"
                path.write_bytes(sheet.text().encode(sheet.grammar.encoding))
                rows[path] = sheet.n_rows
        truth = write_truth(world, folder / TRUTH, mistakes, files=[path.name for path in rows])
        if with_odds:
            _write_parquet(odds_at_issue(world).table(world), truth / "invoice_odds.parquet")
    except (OSError, pa.ArrowException) as error:
        raise StorageFailed(
            f"{folder}: the exports could not be written ({error}). Free space or choose another folder."
        ) from error
    return Written(rows, mistakes, truth)


def _clear(folder: Path) -> None:
    """An empty folder, or the files of an earlier simulation removed from it: a mixture of two would be ingested as one."""
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / TRUTH / NOTE
    if note.is_file():
        for name in json.loads(note.read_text(encoding="utf-8"))["files"]:
            (folder / Path(name).name).unlink(missing_ok=True)
        shutil.rmtree(folder / TRUTH)
    if any(folder.iterdir()):
        raise UsageRefused(f"{folder} holds files that no simulation wrote. Nothing was written; choose an empty folder.")


def write_truth(world: World, folder: Path, mistakes: Sequence[Mistake] = (), files: Sequence[str] = ()) -> Path:
    """Write what only the simulator knows: the law, latent qualities and regimes, true payment days, planted errors.

    files: the names of the exports that it is the truth of.
    """
    folder.mkdir(parents=True)
    for name, table in truth_tables(world).items():
        _write_parquet(table, folder / f"{name}.parquet")
    pyarrow.csv.write_csv(label_table(mistakes), folder / "mistakes.csv")
    summary = {
        "preset": world.preset.name,
        "seed": world.seed,
        "n_customers": len(world.truth.people),
        "n_months": world.truth.calendar.n_months,
        "start_on": world.start_on.isoformat(),
        "end_on": world.end_on.isoformat(),
        "digest": world.digest,
        "files": list(files),
        "law": {
            name: value if np.all(np.isfinite(_numbers(value))) else str(value) for name, value in vars(world.preset).items()
        },
    }
    (folder / NOTE).write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return folder


def truth_tables(world: World) -> dict[str, pa.Table]:
    """Latent values as tables: customers, regimes by month, the macro index, invoices."""
    truth = world.truth
    people, calendar, billing, payments = truth.people, truth.calendar, truth.billing, truth.payments
    months = calendar.month_starts[: calendar.n_months] + calendar.day_zero
    who, month = np.nonzero(truth.regimes >= 0)
    kinds = np.where(people.run_kind == 0, 0, np.where(people.run_kind == 6, 2, 1))
    weekday = (people.run_kind > 0) & (people.run_kind < 6)
    books = world.tables["invoices"].slice(0, len(billing))
    return {
        "customers": pa.table(
            {
                "customer_id": pa.array(people.customer_id),
                "quality": world.preset.quality_nodes[people.quality_node],
                "run_kind": arrow.texts(RUN_KINDS, kinds),
                "run_weekday": pa.array(people.run_kind, mask=~weekday),
                "terms_days": people.terms_days,
                "invoices_a_month": people.volume,
                "size": people.size,
                "joined_on": arrow.dates(months[people.joined_month]),
                "insolvency_announced_on": _dates_within(world, truth.announced_day),
            }
        ),
        "regimes": pa.table(
            {
                "customer_id": arrow.texts(people.customer_id, who),
                "month": arrow.dates(months[month]),
                "regime": arrow.texts(REGIMES, truth.regimes[who, month].astype(np.int64)),
            }
        ),
        "macro": pa.table({"month": arrow.dates(months), "macro": truth.macro}),
        "invoices": pa.table(
            {
                "invoice_id": books["invoice_id"],
                "customer_id": books["customer_id"],
                "rolled_due_on": arrow.dates(billing.rolled_due + calendar.day_zero),
                "z_amount": billing.z_amount,
                "paid_on": _dates_within(world, payments.paid),
                "disputed_on": _dates_within(world, payments.disputed),
            }
        ),
    }


def _write_parquet(table: pa.Table, path: Path) -> None:
    pyarrow.parquet.write_table(table, path, write_page_checksum=True)


def _dates_within(world: World, days: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pa.Array:
    calendar = world.truth.calendar
    return arrow.dates(days + calendar.day_zero, days >= calendar.n_days)


def _numbers(value: object) -> list[float]:
    """The numbers inside a law's value, however nested."""
    if isinstance(value, (int, float)):
        return [float(value)]
    return [number for inner in value for number in _numbers(inner)] if isinstance(value, tuple) else []
