"""`riskscore replay`: why this limit on that day? The recorded decision made again, with the model and texts of its time."""

import json
from typing import Annotated

import typer

from riskscore.errors import NotReproduced, UsageRefused
from riskscore.stores.database import open_database
from riskscore.stores.replaying import Replayer
from riskscore.stores.workplace import Workplace

app = typer.Typer()

HELP = """Make a recorded decision again, from its record, with the model, grades and policy of its time.

Later models and policies change nothing: score, reasons and limit must come out byte for byte. Exit status 1 where they do not.

Example:  riskscore replay 5f0c9b1e6c1d4f7a8b2e3d4c5a697887
"""


@app.command(help=HELP)
def replay_verb(
    decision_id: Annotated[str, typer.Argument(metavar="DECISION_ID", help="As in the scores file, the API or the history.")],
    as_json: Annotated[bool, typer.Option("--json", help="The decision as made again, as JSON on stdout.")] = False,
) -> None:
    """Replay one decision."""
    workplace = Workplace()
    engine = open_database(workplace.database)
    try:
        found = Replayer(workplace, engine)(decision_id)
    finally:
        engine.dispose()
    if found is None:
        raise UsageRefused(f"there is no decision {decision_id!r} in this database.")
    if as_json:
        print(json.dumps(found.again.record, indent=1, ensure_ascii=False))
    if not found.identical:
        raise NotReproduced(f"decision {decision_id} made again differs in {', '.join(found.differs)}.")
    if not as_json:
        again = found.again
        limit = None if again.recommendation is None else again.recommendation.limit
        print(f"identical: score {again.score}, grade {again.grade}, limit {limit} {again.currency}, as of {again.as_of}")
