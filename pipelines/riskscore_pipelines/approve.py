"""`riskscore approve`: a second person puts a proposed version in force."""

import typer

from riskscore.stores.database import open_database
from riskscore.stores.models import approve_version
from riskscore.stores.workplace import Workplace

app = typer.Typer()


@app.command(epilog="Example: riskscore approve 2 --by 'Bo Chen'")
def approve(
    version: str = typer.Argument(..., help="Version of the model, as riskscore models lists it."),
    by: str = typer.Option(..., help="Who approves it: somebody other than who proposed it."),
    model: str = typer.Option("late_payment", help="Which model."),
) -> None:
    """Approve a proposed version: from now on it scores. Approving a former version again rolls back to it."""
    workplace = Workplace()
    engine = open_database(workplace.database)
    try:
        approval = approve_version(workplace, engine, model, version, by=by)
    finally:
        engine.dispose()
    print(f"{model} version {version} (digest {approval.digest[:12]}) is in force, approved by {approval.approved_by}.")
