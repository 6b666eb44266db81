"""`riskscore migration`: where the customers of each grade stand later."""

import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from riskscore.decisions import Decision
from riskscore.errors import UsageRefused
from riskscore.migration import Graded, migration
from riskscore.phrases import Lang
from riskscore.stores.rowfiles import refuse_unwritable, write_rows
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.finance.material import accounts_of
from riskscore_pipelines.finance.migration_page import Moved, as_plain, page_of, table_of
from riskscore_pipelines.finance.page import print_to, write_page
from riskscore_pipelines.shown import console, progress_bar

app = typer.Typer()

HELP = """Where the customers of each grade stand later: the migration matrix between two dates.

Each date sees only what was known by it. Both are graded by the model, grades and policy in force today, so that a move is the
customer's and not a new model's.

Example:  riskscore migration --book book --since 2025-12-31 --as-of 2026-06-30 --out migration.xlsx
"""


@app.command(help=HELP)
def migration_verb(
    since: Annotated[dt.datetime, typer.Option(formats=["%Y-%m-%d"], help="The first date.")],
    book: Annotated[Path | None, typer.Option(help="Folder of the book; without it the one of the working folder.")] = None,
    as_of: Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The second; default: the book's last.")] = None,
    out: Annotated[Path | None, typer.Option(help="File of rows: .xlsx, .csv or .parquet.")] = None,
    html: Annotated[Path | None, typer.Option(help="The same as one HTML page.")] = None,
    model: Annotated[str, typer.Option(help="Which model, grades and policy: a folder of signed texts.")] = "late_payment",
    lang: Annotated[Lang, typer.Option(help="Language of what is shown.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON on stdout.")] = False,
) -> None:
    """Show the matrix and write it where asked."""
    if out is not None:
        refuse_unwritable(out)
    workplace = Workplace()
    with progress_bar() as told:
        later = accounts_of(workplace, book, as_of.date() if as_of else None, told=told, model=model, texts=model)
        if since.date() >= later.on:
            raise UsageRefused(f"--since {since.date()}: it must lie before {later.on}. Nothing was computed.")
        earlier = accounts_of(workplace, book, since.date(), told=told, model=model, texts=model)
    moved = Moved(earlier.on, later.on, later.currency, migration(_graded(earlier.decisions), _graded(later.decisions)))
    page = page_of(moved, lang, later.made_with(lang))
    if out is not None:
        write_rows({"migration": table_of(moved)}, out)
    if html is not None:
        write_page(page, html)
    if as_json:
        print(json.dumps(as_plain(moved), indent=1, ensure_ascii=False))
    else:
        print_to(console(), page)


def _graded(decisions: Mapping[str, Decision]) -> dict[str, Graded]:
    return {customer: Graded(decision.grade, decision.exposure or Decimal(0)) for customer, decision in decisions.items()}
