"""`riskscore erase`: what an applicant told about itself goes; the decision stays, under an id that leads to nobody."""

from typing import Annotated

import typer

from riskscore.errors import UsageRefused
from riskscore.stores.answers import erase
from riskscore.stores.database import open_database
from riskscore.stores.workplace import Workplace

app = typer.Typer()

HELP = """Erase the personal data of an applicant.

The record of the decision stays whole and verifies; it holds figures under a random id. Backups hold the data until they expire.

Example:  riskscore erase applicant-0f3a... --by 'Bo Chen'
"""


@app.command(help=HELP)
def erase_verb(
    applicant_id: Annotated[str, typer.Argument(metavar="APPLICANT_ID", help="The customer_id of the answer.")],
    by: Annotated[str, typer.Option(help="Who erases it; recorded.")],
) -> None:
    """Erase one applicant."""
    engine = open_database(Workplace().database)
    try:
        gone = erase(engine, applicant_id, by=by)
    finally:
        engine.dispose()
    if not gone:
        raise UsageRefused(f"there is nothing kept about {applicant_id!r}: it was erased before, or is no applicant.")
    print(f"{applicant_id}: erased. Backups still hold it until they expire.")
