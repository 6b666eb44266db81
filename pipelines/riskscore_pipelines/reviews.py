"""`riskscore reviews`: who is to be looked at again by a date, and why."""

import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from riskscore.phrases import Lang
from riskscore.policy import cadence_of
from riskscore.portfolio import take_open_invoices
from riskscore.review_calendar import due_list
from riskscore.review_events import Use, events_of, standings_of
from riskscore.stores.database import open_database
from riskscore.stores.desk import Told
from riskscore.stores.reviews import holding
from riskscore.stores.rowfiles import refuse_unwritable, write_rows
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.finance.material import Accounts, accounts_of
from riskscore_pipelines.finance.page import print_to, write_page
from riskscore_pipelines.finance.reviews_page import Listed, Reviews, as_plain, page_of, table_of
from riskscore_pipelines.shown import console, progress_bar

app = typer.Typer()

ZERO = Decimal(0)

HELP = """Who is to be looked at again by a date, and why: the calendar of its risk, or an event since the last look.

The policy says how often: high risk monthly, medium quarterly, low yearly, a new customer first after six months. The last look
is the day the limit was last granted, or the date of the decision that an override in force replaces. Events: accounts published,
a rating changed, cover ended or cut, a write-off, an invoice severely overdue, a limit exceeded or nearly used.

Example:  riskscore reviews --book book --as-of 2026-06-30 --ahead 30 --out reviews.xlsx
"""


@app.command(help=HELP)
def reviews_verb(
    book: Annotated[Path | None, typer.Option(help="Folder of the book; without it the one of the working folder.")] = None,
    as_of: Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The date; default: the book's last.")] = None,
    ahead: Annotated[int, typer.Option(min=0, max=366, help="Also what the calendar brings within so many days.")] = 0,
    out: Annotated[Path | None, typer.Option(help="File of rows: .xlsx, .csv or .parquet.")] = None,
    html: Annotated[Path | None, typer.Option(help="The same as one HTML page.")] = None,
    model: Annotated[str, typer.Option(help="Which model, grades and policy: a folder of signed texts.")] = "late_payment",
    no_model: Annotated[bool, typer.Option("--no-model", help="Ask no model: without a grade everybody is high risk.")] = False,
    lang: Annotated[Lang, typer.Option(help="Language of what is shown.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON on stdout.")] = False,
) -> None:
    """Show the list and write it where asked."""
    if out is not None:
        refuse_unwritable(out)
    with progress_bar() as told:
        workplace = Workplace()
        accounts = accounts_of(
            workplace, book, as_of.date() if as_of else None, told=told, model=None if no_model else model, texts=model
        )
        found = reviews_of(accounts, looks_recorded(workplace, accounts.on), ahead, told)
    page = page_of(found, lang, accounts.made_with(lang))
    if out is not None:
        write_rows({"reviews": table_of(found.listed, lang)}, out)
    if html is not None:
        write_page(page, html)
    if as_json:
        print(json.dumps(as_plain(found, lang), indent=1, ensure_ascii=False))
    else:
        print_to(console(), page)


def looks_recorded(workplace: Workplace, on: dt.date) -> dict[str, dt.date]:
    """Customer to the date of the decision that two people put another in place of, where that one holds on the day."""
    engine = open_database(workplace.database)
    try:
        return {customer: override.decided_for for customer, override in holding(engine, on).items()}
    finally:
        engine.dispose()


def reviews_of(accounts: Accounts, looked_on: Mapping[str, dt.date], ahead_days: int, told: Told) -> Reviews:
    """The reviews of the book due within so many days of the date, on what was known by the date."""
    on, book, decisions = accounts.on, accounts.book, accounts.decisions
    standings, events = [], []
    for bucket in book.buckets():
        told("reading what happened", bucket, len(book.buckets()))
        tables, ledger = book.tables(bucket=bucket), book.ledger(bucket=bucket)
        who = {row for row in tables["customers"]["customer_id"].to_pylist() if row in decisions}
        who |= {row for row in tables["invoices"]["customer_id"].to_pylist() if row in decisions}
        standings += standings_of(tables, {customer: decisions[customer].grade for customer in who}, looked_on, on=on)
        uses = [Use(each, decisions[each].exposure or ZERO, decisions[each].limit_now) for each in sorted(who)]
        events += events_of(tables, take_open_invoices(ledger, on).to_pylist(), uses, on=on)
    names = {row["customer_id"]: row["name"] for row in accounts.customers}
    reviewed = {standing.customer_id: standing.reviewed_on for standing in standings}
    until = on + dt.timedelta(days=ahead_days)
    listed = [
        Listed(due, decisions[due.customer_id], names.get(due.customer_id), reviewed[due.customer_id])
        for due in due_list(standings, events, on=until, cadence=cadence_of(accounts.signed.params))
    ]
    # Of those that wait equally long, the largest first.
    listed.sort(key=lambda each: (each.due.due_on, -(each.decision.exposure or ZERO)))
    return Reviews(on, until, accounts.currency, len(standings), tuple(listed))
