"""`riskscore train`: a book and a recipe in, a judged and registered model version out."""

import getpass
import json as jsonlib
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import typer

from riskscore.errors import HeldForReview, UsageRefused
from riskscore.grades import parse as parse_grades
from riskscore.promotion import Check
from riskscore.promotion import parse as parse_gate
from riskscore.recipe import parse as parse_recipe
from riskscore.stores.approvals import FIRST_IS_GONE, UNNAMED, approvals_of, approve_first, asked_of
from riskscore.stores.database import open_database
from riskscore.stores.ledgers.book import Book, open_book
from riskscore.stores.models import Recorded, Registry, record
from riskscore.stores.models.approved import announce_approved, keep_copy
from riskscore.stores.models.recording import trueness_of
from riskscore.stores.signed_texts import find_text
from riskscore.stores.workplace import Workplace
from riskscore.tables import Ledger
from riskscore.training import Trained, gather, gather_invoices, learn
from riskscore.training.gathering import Progress, silent
from riskscore.training.learning import check_horizon
from riskscore_pipelines.figures import figure_table, headline, invoice_table, trueness_told
from riskscore_pipelines.materiality import means_little, median_invoice
from riskscore_pipelines.promoting.beside import checks_beside, why_held

app = typer.Typer()

EXAMPLE = "Example: riskscore train --book book --until 2026-06-30 --first --by 'Ann Lee'"


@dataclass(frozen=True)
class BookLedgers:
    """A book as one ledger a bucket, read anew each time it is gone through: one bucket is in memory at a time."""

    book: Book

    def __len__(self) -> int:
        return len(self.book.buckets())

    def __iter__(self) -> Iterator[Ledger]:
        return (self.book.ledger(bucket=bucket) for bucket in self.book.buckets())


@dataclass(frozen=True)
class Learned:
    """A finished training: what came out, where it is written down, who approved it (null: nobody yet), what took how long.

    held: the checks beside simpler predictors that kept a first version from being approved at once; none where none was to be.
    """

    trained: Trained
    recorded: Recorded
    approved_by: str | None
    held: tuple[Check, ...]
    seconds: dict[str, float]


@app.command(epilog=EXAMPLE)
def train(
    book: Path | None = typer.Option(None, help="Folder of the book; without it the one of the working folder."),
    model: str = typer.Option(UNNAMED, help="Which recipe: a folder of signed texts."),
    until: datetime | None = typer.Option(
        None, formats=["%Y-%m-%d"], help="Use no fact after this day; default: the book's last."
    ),
    jobs: int = typer.Option(1, min=1, help="Buckets of customers worked on at once."),
    first: bool = typer.Option(False, "--first", help="Approve in the same step; only for the first version of a model."),
    by: str | None = typer.Option(None, help="Who approves with --first; default: the user of this machine."),
    json: bool = typer.Option(False, "--json", help="Print the result as JSON."),
) -> None:
    """Learn late payment from a book; log the run and register the model.

    The model is judged on later months than it learned from, beside rules of thumb. A registered version scores nothing until two
    people approved it (riskscore promote, riskscore approve); the very first may be approved in one step with --first, if it is
    ahead of the rules of thumb and not clearly behind a scorecard. Otherwise it is held (status 8): two people may release it.
    """
    workplace = Workplace()
    with watched() as progress:
        learned = train_book(
            workplace,
            book or workplace.book,
            model=model,
            until=until.date() if until else None,
            jobs=jobs,
            first_by=(by or getpass.getuser()) if first else None,
            progress=progress,
        )
    if json:
        print(jsonlib.dumps(as_json(learned), indent=2))
    else:
        show(learned)
    if learned.held:
        raise HeldForReview(_held(learned))


def train_book(
    workplace: Workplace,
    book_folder: Path,
    *,
    model: str = UNNAMED,
    until: date | None = None,
    jobs: int = 1,
    first_by: str | None = None,
    progress: Progress = silent,
) -> Learned:
    """Train a model of that name on a book, register it, and with `first_by` approve it as the first of its name.

    A first version that does not pass the checks beside simpler predictors is registered and not approved: see `Learned.held`.
    Raises UsageRefused where the name was proposed or approved before and `first_by` is given, or where `until` lies after the
    book's last day (before anything is computed), and whatever opening the book, training and the registry raise.
    """
    own = workplace.models
    recipe = parse_recipe(find_text(f"{model}/recipe.toml", own).read_text(encoding="utf-8"))
    terms = parse_gate(find_text(f"{model}/gate.toml", own).read_text(encoding="utf-8"))
    grades = parse_grades(find_text(f"{model}/grades.toml", own).read_text(encoding="utf-8"))
    card = {
        language: find_text(f"{model}/{name}", own).read_text(encoding="utf-8")
        for language, name in (("en", "card.md"), ("zh", "card.zh.md"))
    }
    if recipe.name != model:
        raise UsageRefused(f"the recipe in {model}/ calls itself {recipe.name}; folder and name must agree.")
    check_horizon(recipe, grades)
    engine = open_database(workplace.database)
    try:
        if first_by is not None and approvals_of(engine, model):
            raise UsageRefused(FIRST_IS_GONE.format(name=model))
        clock = Stopwatch()
        book = open_book(book_folder)
        last_day = book.day_to_learn_until(until)
        registry = Registry.of(workplace)
        with ThreadPoolExecutor(1) as beside:
            # The registry takes seconds to import and to open: meanwhile the rows are gathered, and a wrong address shows early.
            opened = beside.submit(registry.experiment)
            gathered = gather(BookLedgers(book), recipe, until=last_day, jobs=jobs, progress=progress)
            opened.result()
        clock.lap("features and outcomes")
        invoices = gather_invoices(BookLedgers(book), recipe, until=last_day, progress=progress)
        told = means_little(recipe.outcome.min_amount, median_invoice(invoices.issued), book.reporting_currency, model)
        if told is not None:
            print(f"riskscore: {told}", file=sys.stderr)
        clock.lap("invoices and payments")
        trained = learn(gathered, recipe, grades, invoices=invoices, progress=progress)
        clock.lap("judging and learning")
        progress("writing down", 0, 1)
        recorded = record(registry, trained, recipe=recipe, grades=grades, card=card, book=book.manifest)
        held = _failed(registry, recorded, recipe.baselines) if first_by is not None else ()
        approved_by = None if held else first_by
        if approved_by is not None:
            keep_copy(workplace, recorded.name, trained.model.files)
            approval = approve_first(
                engine, recorded.name, recorded.version, recorded.digest, by=approved_by, valid_days=terms.validity.valid_days
            )
            announce_approved(workplace, approval, review_days=terms.validity.review_days)
        progress("writing down", 1, 1)
        clock.lap("writing down")
    finally:
        engine.dispose()
    return Learned(trained, recorded, approved_by, held, clock.laps)


def _failed(registry: Registry, recorded: Recorded, baselines: Sequence[str]) -> tuple[Check, ...]:
    figures = registry.version(recorded.name, recorded.version).figures  # as the gate will read them
    return tuple(check for check in checks_beside(figures, baselines) if not check.passed)


def _held(learned: Learned) -> str:
    name, version = learned.recorded.name, learned.recorded.version
    which = asked_of(name, version)
    return (
        f"{name} version {version} is registered and not approved. On later months it is {why_held(learned.held)}. It scores "
        "nothing: meanwhile riskscore score --no-model refers everybody. Train again on a longer history, or let two people "
        f"release it, each with a reason: riskscore promote {which} --by NAME --release REASON, "
        f"riskscore approve {which} --by OTHER --release REASON."
    )


class Stopwatch:
    """Seconds between laps, by name."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, name: str) -> None:
        """Note the seconds since the last lap."""
        now = time.perf_counter()
        self.laps[name] = round(now - self._since, 3)
        self._since = now


@contextmanager
def watched() -> Iterator[Progress]:
    """A progress bar on stderr; where stderr is no terminal, one line a stage."""
    from rich import progress as bars
    from rich.console import Console

    console = Console(stderr=True)
    columns = (bars.TextColumn("{task.description:24}"), bars.BarColumn(), bars.MofNCompleteColumn(), bars.TimeElapsedColumn())
    with bars.Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        tasks: dict[str, Any] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
                if not console.is_terminal:
                    console.print(f"{stage} ...", highlight=False)
            bar.update(tasks[stage], completed=done)

        yield report


def as_json(learned: Learned) -> dict[str, Any]:
    """The result for programs."""
    evaluation = learned.trained.evaluation
    return {
        **asdict(learned.recorded),
        "approved_by": learned.approved_by,
        "held": [check.name for check in learned.held],
        "log": dict(learned.trained.log),
        "figures": {
            name: {metric: asdict(each) for metric, each in figures.items()} for name, figures in evaluation.figures.items()
        },
        "ahead_of": {
            name: {metric: asdict(each) for metric, each in figures.items()} for name, figures in evaluation.differences.items()
        },
        "invoices": {
            late: {name: {metric: asdict(each) for metric, each in figures.items()} for name, figures in found.figures.items()}
            for late, found in learned.trained.invoices.items()
        },
        "grades": [asdict(row) for row in evaluation.grades],
        "trueness": trueness_of(evaluation.trueness),
        "seconds": learned.seconds,
    }


def show(learned: Learned) -> None:
    """The result for people: what was learned from, how good it is beside rules of thumb, and what happens next."""
    from rich.console import Console

    # Sentences are wrapped in a terminal only: in a pipe a line stays a line.
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    log, recorded = learned.trained.log, learned.recorded
    console.print(
        f"Learned from {log['n_rows']:,} rows of {log['n_customers']:,} customers at {len(log['cuts'])} month ends "
        f"({log['cuts'][0]} to {log['cuts'][-1]}); {log['n_customers_with_event']:,} customers paid materially late at some time."
    )
    console.print(figure_table(learned.trained.evaluation, log["judged_blocks"]))
    console.print(headline(learned.trained.evaluation))
    console.print(trueness_told(learned.trained.evaluation.trueness))
    console.print(invoice_table(learned.trained.invoices, newcomers_speak=learned.trained.log["newcomers_speak"]))
    console.print(
        f"Registered as {recorded.name} version {recorded.version}, digest {recorded.digest[:12]}, run {recorded.run_id}."
    )
    if learned.approved_by:
        console.print(f"Approved as the first version by {learned.approved_by}: it scores from now on.")
    elif not learned.held:
        which = asked_of(recorded.name, recorded.version)
        console.print(
            f"It scores nothing yet. One person: riskscore promote {which} --by NAME; "
            f"another: riskscore approve {which} --by NAME."
        )
