"""`riskscore approve`: a second person reads the comparison and puts a proposed version in force."""

from typing import Annotated

import typer

from riskscore.stores.approvals import proposal_of
from riskscore.stores.comparisons import comparison
from riskscore.stores.database import open_database
from riskscore.stores.gate import gate_terms
from riskscore.stores.models import approve_version
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.promoting.shown import show_comparison
from riskscore_pipelines.shown import console

app = typer.Typer()

HELP = """Approve a proposed version: from now on it scores.

Shows the comparison the proposal is bound to. A version that the gate held is put in force only with --release and a reason, and
only if who proposed it gave one too. The approval holds for the days that gate.toml says; then everybody is referred.

Example:  riskscore approve 2 --by 'Bo Chen'
"""


@app.command(help=HELP)
def approve_verb(
    version: Annotated[str, typer.Argument(help="Version of the model, as riskscore models lists it.")],
    by: Annotated[str, typer.Option(help="Who approves it: somebody other than who proposed it.")],
    release: Annotated[str | None, typer.Option(help="Why it may pass although the gate holds it; recorded.")] = None,
    model: Annotated[str, typer.Option(help="Which model.")] = "late_payment",
) -> None:
    """Show the comparison, then approve."""
    workplace = Workplace()
    engine = open_database(workplace.database)
    out = console()
    try:
        validity = gate_terms(workplace, model).validity
        proposed = comparison(engine, proposal_of(engine, model, version).comparison)
        if proposed is not None:
            show_comparison(out, proposed)
        approval = approve_version(
            workplace, engine, model, version,
            by=by, release_reason=release, valid_days=validity.valid_days, review_days=validity.review_days,
        )  # fmt: skip
    finally:
        engine.dispose()
    out.print(
        f"{model} version {version} (digest {approval.digest[:12]}) is in force, approved by {approval.approved_by}, "
        f"until {approval.last_day}.",
        markup=False,
    )
