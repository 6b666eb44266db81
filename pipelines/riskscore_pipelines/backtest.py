"""`riskscore backtest`: a past period under another policy, month by month, with bounds for what the old one hid."""

import datetime as dt
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.engine import Engine

from riskscore import policy as policies
from riskscore.backtest import Economics, backtest
from riskscore.errors import NotReproduced, UsageRefused
from riskscore.model import Model
from riskscore.phrases import Lang, word
from riskscore.policy.entries import read_entries
from riskscore.stores.approvals import approval_in_force_on
from riskscore.stores.backtests import Looking, buyers_of, cuts_of, period_of
from riskscore.stores.database import open_database
from riskscore.stores.desk import Signed, Told, in_force
from riskscore.stores.ledgers import open_book
from riskscore.stores.replaying import Replayer
from riskscore.stores.reproducing import reproduce
from riskscore.stores.rowfiles import refuse_unwritable, write_rows
from riskscore.stores.sources import code_version
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.finance.backtest_page import Replayed, as_plain, page_of, tables_of
from riskscore_pipelines.finance.page import print_to, write_page
from riskscore_pipelines.shown import console, progress_bar

app = typer.Typer()

IN_FORCE = "in force"

HELP = """Replay a past period under another policy: limits, terms, lost margin, losses, DSO, and who would change.

Each month is decided by what was known at the end of the one before, on the path of 'riskscore score', with the model in force
then, from the ledger the policy would have left. An order that does not fit under its limit is turned away. What the old limits
turned away nobody wrote down: every measure is an interval, from "nobody was ever turned away" to "all that must have been comes
again".

First every decision logged for the period is made again from the book: what differs is listed, and the exit status is 1.

--policy may be repeated; the first is what the others are compared with. A single one is compared with the policy in force. A
text counts month by month, by what holds in the month; with --on as it holds on that day: what 'riskscore policy measure'
proposes holds from the day of the measurement on.

Example:  riskscore backtest --book book --policy tighter.toml --from 2026-01-01 --to 2026-06-30 --html backtest.html

Example:  riskscore backtest --book book --policy proposed.toml --on 2026-07-01 --from 2026-01-01 --to 2026-06-30
"""


@app.command(help=HELP)
def backtest_verb(
    first: Annotated[dt.datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day of the first month.")],
    last: Annotated[dt.datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day of the last month.")],
    book: Annotated[Path | None, typer.Option(help="Folder of the book; without it the one of the working folder.")] = None,
    policy: Annotated[list[Path] | None, typer.Option(help="Text of a policy; may be repeated.")] = None,
    on: Annotated[
        dt.datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Read the named policies as they hold on that day; default: month by month."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File of rows: .xlsx (with months and customers), .csv or .parquet.")] = None,
    html: Annotated[Path | None, typer.Option(help="The same as one HTML page.")] = None,
    draws: Annotated[int, typer.Option(min=99, max=9999, help="How often the orders nobody saw are drawn.")] = 199,
    seed: Annotated[int, typer.Option(min=0, help="The draws' seed; the same gives the same answer.")] = 0,
    model: Annotated[str, typer.Option(help="Which model, grades and policy: a folder of signed texts.")] = "late_payment",
    no_model: Annotated[bool, typer.Option("--no-model", help="Ask no model: what the rules alone allow.")] = False,
    lang: Annotated[Lang, typer.Option(help="Language of what is shown.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON on stdout.")] = False,
) -> None:
    """Replay, show, and write where asked."""
    if out is not None:
        refuse_unwritable(out)
    texts = _texts(policy or [])
    # The last month is decided at the end of the one before: what begins within it decides nothing of the period.
    for note in () if on else _later_notes(texts, last.date().replace(day=1) - dt.timedelta(days=1), lang):
        print(f"riskscore: {note}", file=sys.stderr)
    with progress_bar() as told:
        found = replayed(
            Workplace(), book, texts, first.date(), last.date(), model=None if no_model else model, texts_of=model,
            read_on=on.date() if on else None, n_draws=draws, seed=seed, told=told,
        )  # fmt: skip
    page = page_of(found, lang)
    if out is not None:
        write_rows(tables_of(found), out)
    if html is not None:
        write_page(page, html)
    if as_json:
        print(json.dumps(as_plain(found), indent=1, ensure_ascii=False))
    else:
        print_to(console(), page)
    if differing := found.reproduction.differences:
        raise NotReproduced(
            f"{len(differing)} of {found.reproduction.n_decisions} logged decisions come out differently; the first is "
            f"{differing[0].decision_id} of {differing[0].as_of}, in {', '.join(differing[0].fields)}. See all: --json, --html."
        )


def replayed(
    workplace: Workplace,
    folder: Path | None,
    texts: Mapping[str, str],
    first: dt.date,
    last: dt.date,
    *,
    model: str | None,
    texts_of: str,
    read_on: dt.date | None,
    n_draws: int,
    seed: int,
    told: Told,
) -> Replayed:
    """The period under the policies. texts: by name; with fewer than two the policy in force comes first.

    model: null asks none. read_on: the day on which the texts are read for all months; null reads each month's own. texts_of: the
    folder of grades and of the policy in force. Raises what opening the book, texts and models raise, UsageRefused for a period
    of no whole months.
    """
    book = open_book(folder or workplace.book)
    cuts = cuts_of(first, last, book.last_known_on)
    engine = open_database(workplace.database)
    try:
        replayer = Replayer(workplace, engine)
        reproduction = reproduce(replayer, book, cuts[0], last, code=code_version(), told=told)
        then = _Then(workplace, engine, replayer, model, texts_of)
        signed: dict[str, Callable[[dt.date], Signed]] = {} if len(texts) > 1 else {IN_FORCE: then.signed}
        signed |= {name: then.under(text, read_on) for name, text in texts.items()}
        looking = Looking(book, cuts, signed, told)
        params = next(iter(signed.values()))(cuts[0]).params
        economics = Economics(float(params.profit_margin), float(params.profit_capital_cost))
        customers = buyers_of(book, last, told=told)
        found = backtest(
            customers, list(signed), looking, period_of(cuts), economics, n_draws=n_draws, seed=seed, told=told
        )  # fmt: skip
    finally:
        engine.dispose()
    n_unlimited = sum(not customer.limits for customer in customers)
    return Replayed(
        first, last, book.reporting_currency, tuple(looking.months), found, reproduction, economics, tuple(then.hindsight),
        n_draws, n_unlimited,
    )  # fmt: skip


class _Then:
    """What decided on a past day: the texts as they hold on it, and the model that was in force on it.

    hindsight: the days on which no model was in force yet, so that the one of today answers: it may have learned from what came
    after.
    """

    def __init__(self, workplace: Workplace, engine: Engine, replayer: Replayer, model: str | None, texts_of: str) -> None:
        self.workplace, self.engine, self.replayer, self.model, self.texts_of = workplace, engine, replayer, model, texts_of
        self.hindsight: list[dt.date] = []
        self._signed: dict[dt.date, Signed] = {}

    def signed(self, on: dt.date) -> Signed:
        """The policy that decides here, with the model of that day."""
        if on not in self._signed:
            self._signed[on] = self._made(on)
        return self._signed[on]

    def _made(self, on: dt.date) -> Signed:
        approval = None if self.model is None else approval_in_force_on(self.engine, self.model, on)
        now = in_force(self.workplace, None if self.model is None or approval else self.engine, on, model_name=self.texts_of)
        now = replace(now, before=None)  # a life keeps its own grades from month to month
        if self.model is None:
            return now
        if approval is None:
            self.hindsight.append(on)
            return now
        answering: Model | None = self.replayer.model(approval.digest) if approval.last_day >= on else None
        return Signed(answering, now.grades, now.params, texts=now.texts, doubt=None if answering else "model_unavailable")

    def under(self, text: str, read_on: dt.date | None) -> Callable[[dt.date], Signed]:
        """Another policy's text, as it holds on the day of the decision or on `read_on`; grades, law and model are that day's."""

        def signed(on: dt.date) -> Signed:
            now = self.signed(on)
            params = policies.parse(text, on=read_on or on, law=now.texts.get("statutes"))
            return Signed(now.model, now.grades, params, texts={**now.texts, "policy": text}, doubt=now.doubt)

        return signed


def _later_notes(texts: Mapping[str, str], last: dt.date, lang: Lang) -> Iterator[str]:
    """What of these texts begins after the last day that decides: it would be compared with itself, and nobody would see why."""
    for name, text in texts.items():
        later = [entry.since for entry in read_entries(text) if entry.since > last]
        if later:
            yield word("policy_later", lang, file=name, n=str(len(later)), last=last.isoformat(), on=max(later).isoformat())


def _texts(paths: list[Path]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageRefused(f"--policy {path}: cannot be read ({error}). Name a text of a policy.") from error
        if str(path) in found:
            raise UsageRefused(f"--policy {path}: is named twice. Compare two different policies.")
        found[str(path)] = text
    return found
