"""`riskscore insurance`: what of the exposure is insured and secured at a date, and which notices are due or missed."""

import datetime as dt
import json
from pathlib import Path
from typing import Annotated

import typer

from riskscore.phrases import Lang
from riskscore.portfolio import take_open_invoices
from riskscore.stores.rowfiles import refuse_unwritable, write_rows
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.finance.done import read_done
from riskscore_pipelines.finance.insurance_page import as_plain, page_of, tables_of
from riskscore_pipelines.finance.insured import ACTS, insured_of
from riskscore_pipelines.finance.material import standing_of
from riskscore_pipelines.finance.page import print_to, write_page
from riskscore_pipelines.shown import console, progress_bar

app = typer.Typer()

HELP = """What of the exposure is insured and secured at a date, what stays with the seller, and which notices are due or missed.

The registers are the book's table of securities, as known by the date. Haircuts come from the policy. Notices that were given go
into a CSV file with the columns invoice_id, act (notice or hand_over) and done_on.

Example:  riskscore insurance --book book --as-of 2026-06-30 --done notices.csv --out insurance.xlsx
"""


@app.command(help=HELP)
def insurance_verb(
    book: Annotated[Path | None, typer.Option(help="Folder of the book; without it the one of the working folder.")] = None,
    as_of: Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The date; default: the book's last.")] = None,
    done: Annotated[Path | None, typer.Option(help="CSV file of notices and hand-overs that were done.")] = None,
    ahead: Annotated[int, typer.Option(min=0, max=365, help="Tell of what is due within so many days.")] = 7,
    out: Annotated[Path | None, typer.Option(help="File of rows: .xlsx (all sheets), .csv or .parquet (the customers).")] = None,
    html: Annotated[Path | None, typer.Option(help="The same as one HTML page.")] = None,
    model: Annotated[str, typer.Option(help="Which policy: a folder of signed texts.")] = "late_payment",
    lang: Annotated[Lang, typer.Option(help="Language of what is shown.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON on stdout.")] = False,
) -> None:
    """Show the registers and write them where asked."""
    if out is not None:
        refuse_unwritable(out)
    acts = {} if done is None else read_done(done, ACTS)
    with progress_bar() as told:
        standing = standing_of(Workplace(), book, as_of.date() if as_of else None, told=told, texts=model)
        invoices = take_open_invoices(standing.ledgers(told, "looking at open invoices"), standing.on).to_pylist()
        found = insured_of(
            standing.customers, standing.register(told), invoices, acts, currency=standing.currency, ahead_days=ahead
        )
    page = page_of(found, lang, standing.made_with(lang))
    if out is not None:
        write_rows(tables_of(found), out)
    if html is not None:
        write_page(page, html)
    if as_json:
        print(json.dumps(as_plain(found, lang), indent=1, ensure_ascii=False))
    else:
        print_to(console(), page)
