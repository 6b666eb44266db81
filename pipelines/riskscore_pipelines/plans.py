"""`riskscore plans`: what a customer could do today to get a better grade, a higher limit or longer terms."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from riskscore.errors import UsageRefused
from riskscore.phrases import (
    Lang,
    event_sentences,
    goal_name,
    money,
    outlook_sentence,
    plan_notes,
    plan_sentence,
    plan_word,
    search_notes,
    why_none_sentence,
)
from riskscore.plans import Event, Kind, Outlook, Plan, Plans, Publish, Secure, Settle, Target
from riskscore.stores.database import open_database
from riskscore.stores.desk import in_force, open_desk
from riskscore.stores.ledgers import open_book
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.days import day_to_look_at
from riskscore_pipelines.finance.numbers import decimal_of
from riskscore_pipelines.shown import console, progress_bar

app = typer.Typer()

HELP = """What a customer could do today to get a better grade, a higher limit or longer terms; the least cost first.

Plans are made of events of the ledger: settle these invoices, give a guarantee, pay in a deposit, publish accounts. Each is put
into the customer's ledger as known at the date and decided again on the path of every decision; only what reaches the target is
shown. Accounts are proposed where none are known or they are too old, with the figures they are assumed to show. Where nothing
reaches the target, the rule or reason that holds it is named.

Example:  riskscore plans --book book --customer 0000100007 --target limit --limit 150000
"""


@app.command(help=HELP)
def plans_verb(
    customer: Annotated[str, typer.Option(metavar="CUSTOMER_ID", help="The customer's id, byte for byte.")],
    book: Annotated[Path | None, typer.Option(help="Folder of the book; without it the one of the working folder.")] = None,
    as_of: Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The date; default: the book's last.")] = None,
    target: Annotated[Kind | None, typer.Option(help="What to reach; default: each of them.")] = None,
    limit: Annotated[str | None, typer.Option(help="The limit wanted, with --target limit; default: a step up.")] = None,
    most_replays: Annotated[int, typer.Option(min=1, max=10_000, help="Try no more sets of events than this, per target.")] = 200,
    model: Annotated[str, typer.Option(help="Which model, grades and policy: a folder of signed texts.")] = "late_payment",
    no_model: Annotated[bool, typer.Option("--no-model", help="Ask no model: what the rules alone allow.")] = False,
    lang: Annotated[Lang, typer.Option(help="Language of what is shown.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON on stdout.")] = False,
) -> None:
    """Show the plans."""
    if limit is not None and target != "limit":
        raise UsageRefused("--limit: says which limit to reach, and needs --target limit.")
    wanted = None if limit is None else decimal_of("--limit", limit)
    workplace = Workplace()
    opened = open_book(book or workplace.book)
    on = day_to_look_at(opened, as_of.date() if as_of else None)
    if customer not in opened.customer_ids():
        raise UsageRefused(f"there is no customer {customer!r} in this book. Ids are text, byte for byte, with leading zeros.")
    engine = open_database(workplace.database)
    try:
        signed = in_force(workplace, None if no_model else engine, on, model_name=model)
    finally:
        engine.dispose()
    with progress_bar() as told:
        rehearsal = open_desk(opened, on, signed, told).rehearsal(customer)
        if rehearsal is None:
            raise UsageRefused(f"nothing was known of customer {customer!r} on {on}. Ask for a later date (--as-of).")
        kinds: tuple[Kind, ...] = ("grade", "limit", "terms") if target is None else (target,)
        found = []
        for place, kind in enumerate(kinds):
            told("trying plans", place, len(kinds))
            found.append(rehearsal.plans(Target(kind, wanted if kind == "limit" else None), most_replays=most_replays))
    if as_json:
        print(json.dumps([as_plain(each, lang) for each in found], indent=1, ensure_ascii=False))
    else:
        print_to(console(), found, lang)


def print_to(out: Console, found: list[Plans], lang: Lang) -> None:
    """Every target with its plans, or with why there is none."""
    first = found[0]
    out.print(Text(plan_word("title", lang, customer=first.customer_id), style="bold"))
    if first.now is not None:
        out.print(Text("  " + outlook_sentence(first.now, lang, first.currency)))
    for each in found:
        out.print(Text(goal_name(each, lang), style="bold"))
        for number, plan in enumerate(each.plans, start=1):
            assert each.now is not None
            out.print(Padding(Text(f"{number}. {plan_sentence(plan, each.now, lang, each.currency)}"), (0, 0, 0, 2)))
            out.print(Padding(Text(_cost(plan, lang, each.currency)), (0, 0, 0, 5)))
            for note in plan_notes(plan, lang):
                out.print(Padding(Text(note, style="yellow"), (0, 0, 0, 5)))
        for note in filter(None, (why_none_sentence(each, lang), *search_notes(each, lang))):
            out.print(Padding(Text(note, style="yellow"), (0, 0, 0, 2)))


def as_plain(found: Plans, lang: Lang) -> dict[str, Any]:
    """The plans as JSON can hold them: money as text in the reporting currency unless a currency stands beside it."""
    return {
        "customer_id": found.customer_id,
        "as_of": found.as_of.isoformat(),
        "currency": found.currency,
        "target": found.target.kind,
        "wanted": _text(found.target.limit),
        "now": None if found.now is None else _outlook(found.now),
        "plans": [
            {
                "says": "" if found.now is None else plan_sentence(plan, found.now, lang, found.currency),
                "notes": list(plan_notes(plan, lang)),
                "events": [
                    {**_event(each), "says": event_sentences([each], lang, found.currency)[0]} for each in plan.events
                ],
                "cash": str(plan.cost.cash),
                "guaranteed": str(plan.cost.guaranteed),
                "then": _outlook(plan.after),
                "minimal": plan.minimal,
            }
            for plan in found.plans
        ],
        "why_none": found.why_none,
        "held_by": found.held_by,
        "says": why_none_sentence(found, lang),
        "notes": list(search_notes(found, lang)),
        "replays": found.n_replays,
        "replays_spent": found.spent,
    }  # fmt: skip


def _cost(plan: Plan, lang: Lang, currency: str) -> str:
    cash, guaranteed = (money(each, currency, lang) for each in (plan.cost.cash, plan.cost.guaranteed))
    return plan_word("cost", lang, cash=cash, guaranteed=guaranteed)


def _event(event: Event) -> dict[str, Any]:
    if isinstance(event, Settle):
        return {"event": "settle", "invoice_id": event.invoice_id, "amount": str(event.amount), "currency": event.currency}
    if isinstance(event, Secure):
        return {"event": event.kind, "amount": str(event.amount), "currency": event.currency}
    assert isinstance(event, Publish)
    return {
        "event": "publish", "period_end": event.period_end.isoformat(), "currency": event.currency,
        "assumption": event.assumption, "figures": {name: str(amount) for name, amount in event.figures},
    }  # fmt: skip


def _outlook(found: Outlook) -> dict[str, Any]:
    return {"grade": found.grade, "limit": str(found.limit), "terms": found.terms, "pd": found.pd}


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)
