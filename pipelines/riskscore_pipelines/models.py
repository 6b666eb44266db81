"""`riskscore models`: which versions there are, who approved them, how good they were, and which one scores."""

import json as jsonlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import typer
from sqlalchemy.engine import Engine

from riskscore.errors import ModelRefused
from riskscore.stores.approvals import Approval, Rollback, approval_in_force, approvals_of, is_open, rollbacks_of
from riskscore.stores.database import open_database
from riskscore.stores.models import Registry, Version
from riskscore.stores.workplace import Workplace

app = typer.Typer()

HEADLINES = {"auc": "AUC", "log_loss": "log loss", "brier": "Brier", "ece": "ECE"}


@app.command(epilog="Example: riskscore models --json")
def models(
    model: str = typer.Option("late_payment", help="Which model."),
    json: bool = typer.Option(False, "--json", help="Print the result as JSON."),
) -> None:
    """List model versions, approvals and headline figures."""
    workplace = Workplace()
    engine = open_database(workplace.database)
    try:
        registry = Registry.of(workplace)
        described = describe(
            registry.versions(model),
            approvals_of(engine, model),
            rollbacks_of(engine, model),
            _in_force(engine, model),
            registry.aliases(model),
        )
    finally:
        engine.dispose()
    if json:
        print(jsonlib.dumps(described, indent=2))
    else:
        show(model, described)


def describe(
    versions: list[Version],
    approvals: Sequence[Approval],
    rollbacks: Sequence[Rollback],
    approval: Approval | None,
    aliases: Mapping[str, str],
) -> list[dict[str, Any]]:
    """One entry a version: digest, dates, figures, aliases, who proposed and approved it, and whether it is the one in force."""
    in_force = None if approval is None else approval.version
    closed = [row for row in approvals if row.approved_by is None and not is_open(row, approvals, rollbacks)]
    return [
        {
            "version": each.version,
            "digest": each.digest,
            "trained_until": each.trained_until,
            "registered_at": datetime.fromtimestamp(int(each.registered_at) / 1000, UTC).isoformat(timespec="seconds"),
            "status": _status(each, [row for row in approvals if row.version == each.version], closed, in_force),
            "in_force": each.version == in_force,
            "expires_on": approval.last_day.isoformat() if approval is not None and each.version == in_force else None,
            "aliases": sorted(alias for alias, version in aliases.items() if version == each.version),
            "run_id": each.run_id,
            "figures": {name: each.figures[name] for name in HEADLINES if name in each.figures},
        }
        for each in versions
    ]


def show(model: str, described: list[dict[str, Any]]) -> None:
    """The versions as a table."""
    from rich.table import Table

    from riskscore_pipelines.shown import console as standard_output

    console = standard_output()
    if not described:
        console.print(f"No version of {model} is registered. Train one: riskscore train --book book --first")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("version", "digest", "facts until", "registered (UTC)", *HEADLINES.values(), "status"):
        table.add_column(heading, justify="right" if heading in HEADLINES.values() else "left")
    for each in described:
        figures = [f"{each['figures'][name]:.3f}" if name in each["figures"] else "" for name in HEADLINES]
        moment = each["registered_at"][:16].replace("T", " ")
        style = "bold" if each["in_force"] else ""
        table.add_row(each["version"], each["digest"][:12], each["trained_until"], moment, *figures, each["status"], style=style)
    console.print(table)
    for each in described:
        if "champion" in each["aliases"] and not each["in_force"]:
            console.print(
                f"In the registry the alias champion is on version {each['version']}, which is not in force. An alias decides "
                "nothing here; find out who moved it."
            )


def _in_force(engine: Engine, model: str) -> Approval | None:
    try:
        return approval_in_force(engine, model)
    except ModelRefused:
        return None


def _status(version: Version, rows: Sequence[Approval], closed: Sequence[Approval], in_force: str | None) -> str:
    if not rows:
        return "registered; nobody proposed it"
    counting = [row for row in rows if row not in closed]
    if not counting:
        return f"what {rows[-1].proposed_by} proposed counts no more: another version was approved or rolled back since"
    last = counting[-1]
    if last.digest != version.digest:
        return f"proposed by {last.proposed_by} with other bytes: not to be trusted"
    if last.approved_by is None:
        return f"proposed by {last.proposed_by}; a second person must approve it"
    who = f"{last.approved_by}, first version" if last.first else f"{last.approved_by}, proposed by {last.proposed_by}"
    return f"{'in force' if version.version == in_force else 'was in force'}: approved by {who}"
