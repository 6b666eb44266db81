"""`riskscore dunning`: whom to remind today, by which step, and whose it is."""

import datetime as dt
import json
from pathlib import Path
from typing import Annotated

import typer

from riskscore.dunning import Ladder, parse, reminders
from riskscore.errors import UsageRefused
from riskscore.phrases import Lang
from riskscore.portfolio import take_open_invoices
from riskscore.stores.rowfiles import refuse_unwritable, write_rows
from riskscore.stores.signed_texts import find_text
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.finance.done import read_done
from riskscore_pipelines.finance.dunning_page import as_plain, page_of, table_of
from riskscore_pipelines.finance.material import standing_of
from riskscore_pipelines.finance.page import print_to, write_page
from riskscore_pipelines.shown import console, progress_bar

app = typer.Typer()

HELP = """Whom to remind today: by e-mail from day 7 past due, by a call from day 15, a letter from day 30, an agency from day 60.

Days and owners are signed in dunning.toml. What is paid is not asked for, what is contested rests, and a customer gets one
action a day. What was done goes into a CSV file with the columns invoice_id, act (email, call, letter or agency) and done_on.

Example:  riskscore dunning --book book --as-of 2026-06-30 --done reminders.csv --out dunning.xlsx
"""


@app.command(help=HELP)
def dunning_verb(
    book: Annotated[Path | None, typer.Option(help="Folder of the book; without it the one of the working folder.")] = None,
    as_of: Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The date; default: the book's last.")] = None,
    done: Annotated[Path | None, typer.Option(help="CSV file of reminders that were sent.")] = None,
    out: Annotated[Path | None, typer.Option(help="File of rows: .xlsx, .csv or .parquet.")] = None,
    html: Annotated[Path | None, typer.Option(help="The same as one HTML page.")] = None,
    model: Annotated[str, typer.Option(help="Whose ladder: a folder of signed texts.")] = "late_payment",
    lang: Annotated[Lang, typer.Option(help="Language of what is shown.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON on stdout.")] = False,
) -> None:
    """Show the reminders and write them where asked."""
    if out is not None:
        refuse_unwritable(out)
    workplace = Workplace()
    ladder = signed_ladder(workplace, model)
    taken = {} if done is None else read_done(done, [step.action for step in ladder.steps])
    with progress_bar() as told:
        standing = standing_of(workplace, book, as_of.date() if as_of else None, told=told, texts=model)
        invoices = take_open_invoices(standing.ledgers(told, "looking at open invoices"), standing.on).to_pylist()
    found = reminders(invoices, taken, ladder, on=standing.on)
    names = {row["customer_id"]: row["name"] for row in standing.customers}
    page = page_of(found, ladder, names, standing.currency, lang, standing.made_with(lang))
    if out is not None:
        write_rows({"dunning": table_of(found, names)}, out)
    if html is not None:
        write_page(page, html)
    if as_json:
        print(json.dumps(as_plain(found, names, standing.currency), indent=1, ensure_ascii=False))
    else:
        print_to(console(), page)


def signed_ladder(workplace: Workplace, model: str) -> Ladder:
    """The ladder that holds in this folder. Raises UsageRefused where it is not sound."""
    path = find_text(f"{model}/dunning.toml", workplace.models)
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageRefused(f"{path}: cannot be read ({error}).") from error
