"""`riskscore promote`: one person proposes a registered version for approval."""

import typer

from riskscore.stores.database import open_database
from riskscore.stores.models import promote_version
from riskscore.stores.workplace import Workplace

app = typer.Typer()


@app.command(epilog="Example: riskscore promote 2 --by 'Ann Lee'")
def promote(
    version: str = typer.Argument(..., help="Version of the model, as riskscore models lists it."),
    by: str = typer.Option(..., help="Who proposes it."),
    model: str = typer.Option("late_payment", help="Which model."),
) -> None:
    """Propose a registered version for approval; a second person approves it."""
    workplace = Workplace()
    engine = open_database(workplace.database)
    try:
        proposal = promote_version(workplace, engine, model, version, by=by)
    finally:
        engine.dispose()
    print(f"{model} version {version} (digest {proposal.digest[:12]}) is proposed by {proposal.proposed_by}.")
    print(f"Somebody else: riskscore approve {version} --by NAME")
