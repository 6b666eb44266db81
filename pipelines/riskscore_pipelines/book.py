"""`riskscore book`: what a book holds, and what was set aside on the way into it."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from riskscore.stores.ledgers import open_book
from riskscore.stores.ledgers.quarantine import rejects_in
from riskscore_pipelines.shown import console, contents_of, rejects_of
from riskscore_pipelines.unpaid import told_in

app = typer.Typer()

HELP = """Show what a book holds: tables, rows, dates, money per currency, and what was set aside.

Example:  riskscore book book --quarantine
"""


@app.command(help=HELP)
def book_verb(
    book: Annotated[Path, typer.Argument(help="Folder of the book.")],
    quarantine: Annotated[bool, typer.Option("--quarantine", help="Show what was set aside, by reason, with examples.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON on stdout.")] = False,
) -> None:
    """Show a book."""
    opened = open_book(book)
    rejects = rejects_in(opened) if quarantine else {}
    if as_json:
        shown = {**opened.manifest, **({"rejects": rejects} if quarantine else {})}
        json.dump(shown, sys.stdout, indent=1, ensure_ascii=False, default=str)
        print()
        return
    out = console()
    out.print(contents_of(opened.manifest))
    out.print(f"digest {opened.digest[:12]}, {len(opened.manifest['sources'])} sources", markup=False)
    for sentence in told_in(opened.manifest):
        print(f"riskscore: {sentence}", file=sys.stderr)
    if quarantine:
        out.print(rejects_of(rejects) if rejects else "Nothing was set aside.")
