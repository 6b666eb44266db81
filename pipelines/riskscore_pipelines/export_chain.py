"""`riskscore export-chain`: the record as JSON lines, to be checked without this product."""

import sys
from typing import Annotated, Literal

import typer

from riskscore.stores.chain_export import lines
from riskscore.stores.database import open_database
from riskscore.stores.workplace import Workplace

app = typer.Typer()

HELP = """Write the chain of decisions, or of the audit log, to stdout as JSON lines.

Whoever checks it needs one file of this product and Python: riskscore/stores/verify_chain.py. No name is in it.

Example:  riskscore export-chain > decisions.jsonl && python verify_chain.py decisions.jsonl
"""


@app.command(help=HELP)
def export_chain_verb(chain: Annotated[Literal["decisions", "audit"], typer.Option(help="Which chain.")] = "decisions") -> None:
    """Export one chain."""
    engine = open_database(Workplace().database)
    try:
        for line in lines(engine, chain):
            sys.stdout.write(line + "\n")
    finally:
        engine.dispose()
