"""`riskscore release`: look at a run that was held, and publish it; one person proposes it, another one releases it."""

import json
from dataclasses import asdict
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.console import Console

from riskscore.errors import UsageRefused
from riskscore.stores import holds
from riskscore.stores.database import open_database
from riskscore.stores.holds import Hold
from riskscore.stores.publishing import failed_of
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.columns import money_of, table_of
from riskscore_pipelines.shown import console, plain

app = typer.Typer()

HELP = """Look at a run that `riskscore score` held, and publish it; one person proposes it, another one releases it.

Without RUN the held runs are listed; with RUN alone it shows what moved, and the customers whose limits moved most. With --by and
--reason the first person proposes the release, and a second one, with the same command, publishes the run. Both are recorded.
Then `riskscore score` writes the file.

Example:  riskscore release 5f0c9b1e6c1d --by 'Ann Lee' --reason 'policy of 1 July, minutes 12'
"""


@app.command(help=HELP)
def release_verb(
    run: Annotated[str | None, typer.Argument(help="The run's id, or its first digits (eight or more).")] = None,
    by: Annotated[str | None, typer.Option(help="Who proposes or releases it.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why it may be published; recorded.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON on stdout.")] = False,
) -> None:
    """List, show, or release."""
    if run is None and (by is not None or reason is not None):
        raise UsageRefused("name the run that is to be released; riskscore release lists those that are held.")
    engine = open_database(Workplace().database)
    try:
        if run is None:
            found = holds.unreleased(engine)
        elif by is None and reason is None:
            found = [holds.named(engine, run)]
        else:
            found = [holds.release(engine, run, by=by or "", reason=reason or "")]
    finally:
        engine.dispose()
    if as_json:
        print(json.dumps([as_plain(each) for each in found], indent=1, ensure_ascii=False))
    elif run is None:
        _list(console(), found)
    else:
        _show(console(), found[0])


def as_plain(held: Hold) -> dict[str, Any]:
    """The hold for programs."""
    return {**asdict(held), "as_of": held.as_of.isoformat(), "moved": failed_of(held)}


def _list(out: Console, found: list[Hold]) -> None:
    if not found:
        out.print("No run is held.", markup=False)
        return
    rows = table_of("Held runs", "run", "as of", "what moved", "proposed by")
    for each in found:
        rows.add_row(each.run_id[:12], str(each.as_of), "; ".join(failed_of(each)), plain(each.proposed_by or ""))
    out.print(rows)


def _show(out: Console, held: Hold) -> None:
    report = held.report
    out.print(f"Run {held.run_id} as of {held.as_of}, {held.n_decisions:,} customers", markup=False)
    if held.against is not None:
        out.print(
            f"against run {held.against[:12]}: {report['n_customers']:,} customers are in both, {report['n_new']:,} are new, "
            f"{report['n_gone']:,} gone",
            markup=False,
        )
        figures = table_of("Moved", "", "before", "after")
        figures.add_row("decided without a person, with credit", *(f"{report[f'approved_{at}']:,}" for at in ("before", "after")))
        figures.add_row("sum of all limits", *(money_of(Decimal(report[f"limits_{at}"])) for at in ("before", "after")))
        out.print(figures)
    for sentence in failed_of(held):
        out.print(f"HELD: {sentence}", markup=False)
    for title, rows in (("More than twice the one before", report["doubled"]), ("Moved most", report["largest"])):
        if rows:
            table = table_of(title, "customer", "limit before", "limit after")
            for customer, before, after in rows:
                table.add_row(plain(customer), money_of(Decimal(before)), money_of(Decimal(after)))
            out.print(table)
    if report["above_cap"]:
        out.print(f"Above a cap of the policy: {', '.join(report['above_cap'])}", markup=False)
    out.print(_standing(held), markup=False)


def _standing(held: Hold) -> str:
    short = held.run_id[:12]
    if held.released_by is not None:
        return f"Released by {held.proposed_by} and {held.released_by}: it is published. The file: riskscore score again."
    how = f"riskscore release {short} --by NAME --reason REASON"
    if held.proposed_by is not None:
        return f"{held.proposed_by} proposed its release ({held.reason}). Somebody else: {how}"
    return f"Nobody has proposed its release: {how}"
