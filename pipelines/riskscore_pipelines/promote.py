"""`riskscore promote`: one person proposes a registered version, and the gate says what it thinks of it."""

import json as jsonlib
from pathlib import Path
from typing import Annotated

import typer

from riskscore.errors import HeldForReview
from riskscore.stores.approvals import asked_of
from riskscore.stores.database import open_database
from riskscore.stores.ledgers import open_book
from riskscore.stores.models import promote_version
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.promoting.comparing import compare_version
from riskscore_pipelines.promoting.shown import show_comparison
from riskscore_pipelines.shown import console, progress_bar

app = typer.Typer()

HELP = """Compare a registered version with the one in force, and propose it for approval.

Both answer for the same matured rows of the book. The version passes where its log loss is lower beyond chance (of customers, or
of invoices with customers no worse), it is no worse in profit, calibration, any segment, newcomers and invoices, it is ahead of
the rules of thumb and not clearly behind a scorecard, and not too much moves at once (gate.toml). Otherwise it is held (status
8): two people may release it, each with --release and a reason. The comparison is kept and bound to the proposal.

Example:  riskscore promote 2 --by 'Ann Lee' --book book
"""


@app.command(help=HELP)
def promote_verb(
    version: Annotated[str, typer.Argument(help="Version of the model, as riskscore models lists it.")],
    by: Annotated[str, typer.Option(help="Who proposes it.")],
    book: Annotated[Path | None, typer.Option(help="Folder of the book; without it the one of the working folder.")] = None,
    release: Annotated[str | None, typer.Option(help="Why it may pass although the gate holds it; recorded.")] = None,
    model: Annotated[str, typer.Option(help="Which model.")] = "late_payment",
    as_json: Annotated[bool, typer.Option("--json", help="The comparison as JSON on stdout.")] = False,
) -> None:
    """Compare, keep the comparison, propose."""
    workplace = Workplace()
    opened = open_book(book or workplace.book)
    engine = open_database(workplace.database)
    try:
        with progress_bar() as told:
            comparison = compare_version(workplace, engine, model, version, opened, told=told)
        proposal = promote_version(workplace, engine, comparison, by=by, release_reason=release)
    finally:
        engine.dispose()
    if as_json:
        shown = {"comparison": comparison.digest, "proposed_by": proposal.proposed_by, **comparison.facts}
        print(jsonlib.dumps(shown, indent=1, ensure_ascii=False))
    else:
        out = console()
        show_comparison(out, comparison)
        out.print(
            f"{model} version {version} (digest {proposal.digest[:12]}) is proposed by {proposal.proposed_by}.", markup=False
        )
        released = " --release REASON" if release else ""
        out.print(f"Somebody else: riskscore approve {asked_of(model, version)} --by NAME{released}", markup=False)
    if comparison.verdict == "held" and proposal.release_reason is None:
        failed = ", ".join(check["name"] for check in comparison.facts["checks"] if not check["passed"])
        raise HeldForReview(
            f"{model} version {version} is held by the gate ({failed}). Two people may release it: propose it again with "
            "--release and a reason; the other approves it with --release and another."
        )
