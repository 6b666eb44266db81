"""The reminders told: the page, the rows of the file, and the same as plain JSON values."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa

from riskscore.dunning import Action, Ladder, Reminders
from riskscore.phrases import Lang, day, money, number, say
from riskscore_pipelines.finance.page import Figure, Page, Sheet

MOST_ROWS = 50
MONEY = pa.decimal128(18, 2)
ZERO = Decimal(0)
Names = Mapping[str, str | None]


def page_of(
    found: Reminders, ladder: Ladder, names: Names, currency: str, lang: Lang, made_with: tuple[tuple[str, str], ...]
) -> Page:
    """The page in one language. names: customer to name, where known."""
    amount = sum((each.amount for each in found.actions), ZERO)
    resting = sum(found.resting.values(), ZERO)
    return Page(
        lang=lang,
        title=say("dunning_title", lang),
        subtitle=(say("as_of", lang, on=day(found.on, lang)), say("amounts_in", lang, currency=currency)),
        figures=(
            Figure(say("to_remind", lang), number(len(found.actions), lang)),
            Figure(say("asked_for", lang), money(amount, currency, lang)),
            Figure(say("resting", lang), money(resting, currency, lang), say("resting_note", lang)),
        ),
        notes=(),
        sheets=(_by_step(found, ladder, currency, lang), _list(found, names, currency, lang)),
        made_with=made_with,
    )


def _by_step(found: Reminders, ladder: Ladder, currency: str, lang: Lang) -> Sheet:
    rows = []
    for step in ladder.steps:
        held = [each for each in found.actions if each.step == step]
        amount = sum((each.amount for each in held), ZERO)
        rows.append(
            (
                say(f"action_{step.action}", lang), step.owner, number(step.from_day, lang), number(len(held), lang),
                money(amount, currency, lang),
            )
        )  # fmt: skip
    return Sheet(
        title=say("steps", lang),
        headings=tuple(say(key, lang) for key in ("action", "owner", "from_day", "customers", "amount")),
        rows=tuple(rows),
        figures=3,
    )


def _list(found: Reminders, names: Names, currency: str, lang: Lang) -> Sheet:
    def line(each: Action) -> tuple[str, ...]:
        name = names.get(each.customer_id)
        return (
            f"{name} ({each.customer_id})" if name else each.customer_id, say(f"action_{each.step.action}", lang),
            each.step.owner, day(each.since, lang), number(each.oldest_days, lang), number(len(each.invoices), lang),
            money(each.amount, currency, lang),
        )  # fmt: skip

    n = len(found.actions)
    return Sheet(
        title=say("whom_to_remind", lang),
        note=say("first_of", lang, shown=number(MOST_ROWS, lang), n=number(n, lang)) if n > MOST_ROWS else "",
        headings=tuple(say(key, lang) for key in ("customer", "action", "owner", "since", "oldest_days", "invoices", "amount")),
        rows=tuple(map(line, found.actions[:MOST_ROWS])),
        figures=3,
        empty=say("nobody_to_remind", lang),
    )


ACTIONS = pa.schema(
    {
        "customer_id": pa.string(), "name": pa.string(), "action": pa.string(), "owner": pa.string(), "since": pa.date32(),
        "oldest_days": pa.int32(), "n_invoices": pa.int32(), "amount": MONEY, "resting": MONEY, "invoices": pa.string(),
    }
)  # fmt: skip


def table_of(found: Reminders, names: Names) -> pa.Table:
    """The rows of the file, in the order of the list. resting: what of the customer's is contested. invoices: ids, by blanks."""
    rows = [
        {
            "customer_id": each.customer_id, "name": names.get(each.customer_id), "action": each.step.action,
            "owner": each.step.owner, "since": each.since, "oldest_days": each.oldest_days, "n_invoices": len(each.invoices),
            "amount": each.amount, "resting": found.resting.get(each.customer_id, ZERO), "invoices": " ".join(each.invoices),
        }
        for each in found.actions
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, ACTIONS)


def as_plain(found: Reminders, names: Names, currency: str) -> dict[str, Any]:
    """The reminders as JSON can hold them: money as text, dates as ISO."""
    kept = (str, int, type(None))
    rows = table_of(found, names).to_pylist()
    return {
        "as_of": found.on.isoformat(),
        "currency": currency,
        "resting": str(sum(found.resting.values(), ZERO)),
        "actions": [{name: cell if isinstance(cell, kept) else str(cell) for name, cell in row.items()} for row in rows],
    }
