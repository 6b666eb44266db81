"""`riskscore rollback`: the version that scored before scores again, at once."""

from typing import Annotated

import typer

from riskscore.stores.database import open_database
from riskscore.stores.models import roll_back_version
from riskscore.stores.workplace import Workplace

app = typer.Typer()

HELP = """Put the version that was in force before back in force, at once.

One person may do it, with a reason: two people approved those bytes before, and waiting costs more. It holds until the next
approval. Who and why is recorded for good.

Example:  riskscore rollback --by 'Ann Lee' --reason 'limits of retailers were cut by mistake'
"""


@app.command(help=HELP)
def rollback_verb(
    by: Annotated[str, typer.Option(help="Who rolls back.")],
    reason: Annotated[str, typer.Option(help="Why; recorded.")],
    to: Annotated[str | None, typer.Option(help="The version; default: the one in force before this one.")] = None,
    model: Annotated[str, typer.Option(help="Which model.")] = "late_payment",
) -> None:
    """Roll back and say from what to what."""
    workplace = Workplace()
    engine = open_database(workplace.database)
    try:
        was, now = roll_back_version(workplace, engine, model, by=by, reason=reason, to=to)
    finally:
        engine.dispose()
    print(f"{model} version {now.version} (digest {now.digest[:12]}) is in force again, until {now.last_day}.")
    print(f"Version {was.version} scores no more. Its customers are scored anew with: riskscore score")
