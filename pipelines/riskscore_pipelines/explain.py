"""`riskscore explain`: why one customer has its score, limit and terms, in a terminal or as a page."""

import datetime as dt
import json
from pathlib import Path
from typing import Annotated

import typer

from riskscore.decisions import Decision
from riskscore.errors import UsageRefused
from riskscore.phrases import Lang
from riskscore.stores import decisions as log
from riskscore.stores.database import open_database
from riskscore.stores.desk import Told, in_force, name_of, open_desk
from riskscore.stores.files import appearing_at
from riskscore.stores.ledgers import Book, open_book
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.days import day_to_look_at
from riskscore_pipelines.explaining import explanation_of, html_of, print_to
from riskscore_pipelines.shown import console, progress_bar

app = typer.Typer()

HELP = """Say why one customer has its score, limit and terms.

Shows the recorded decision where the book was scored at that date with the same model and policy; otherwise computes it. Nothing
is recorded by asking.

Example:  riskscore explain --book book --as-of 2026-06-30 0000100007 --lang zh --html customer.html
"""


@app.command(help=HELP)
def explain_verb(
    customer_id: Annotated[str, typer.Argument(metavar="CUSTOMER_ID", help="The customer's id, byte for byte.")],
    book: Annotated[Path | None, typer.Option(help="Folder of the book; without it the one of the working folder.")] = None,
    as_of: Annotated[
        dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Date to decide for; default: the book's last.")
    ] = None,
    model: Annotated[str, typer.Option(help="Which model, grades and policy: a folder of signed texts.")] = "late_payment",
    no_model: Annotated[bool, typer.Option("--no-model", help="Ask no model: what the rules alone allow.")] = False,
    lang: Annotated[Lang, typer.Option(help="Language of the explanation.")] = "en",
    html: Annotated[Path | None, typer.Option(help="Write the explanation as a page to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The record of the decision as JSON on stdout.")] = False,
) -> None:
    """Explain one customer."""
    workplace = Workplace()
    opened = open_book(book or workplace.book)
    on = day_to_look_at(opened, as_of.date() if as_of else None)
    with progress_bar() as told:
        decision = decision_about(workplace, opened, on, customer_id, model=None if no_model else model, texts=model, told=told)
    explanation = explanation_of(decision, name_of(opened, customer_id, on), lang)
    if html is not None:
        with appearing_at(html) as draft:
            draft.write_text(html_of(explanation), encoding="utf-8")
    if as_json:
        print(json.dumps(decision.record, indent=1, ensure_ascii=False))
    elif html is not None:
        print(f"{html}: written")
    else:
        print_to(console(), explanation)


def decision_about(
    workplace: Workplace,
    book: Book,
    on: dt.date,
    customer_id: str,
    *,
    model: str | None = "late_payment",
    texts: str = "late_payment",
    told: Told,
) -> Decision:
    """The decision about one customer: as recorded, or computed where this was not scored yet.

    Raises UsageRefused where nothing was known of that customer at the date.
    """
    engine = open_database(workplace.database)
    try:
        signed = in_force(workplace, None if model is None else engine, on, model_name=texts)
        recorded = log.find(engine, signed.provenance(book, on).decision_id(customer_id))
    finally:
        engine.dispose()
    if recorded is not None:
        return recorded.decision
    if customer_id not in book.customer_ids():
        raise UsageRefused(f"there is no customer {customer_id!r} in this book. Ids are text, byte for byte, with leading zeros.")
    decision = open_desk(book, on, signed, told).decide(customer_id)
    if decision is None:
        raise UsageRefused(f"nothing was known of customer {customer_id!r} on {on}. Ask for a later date (--as-of).")
    return decision
