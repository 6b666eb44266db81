"""`riskscore demo`: the whole path on an invented company, from an ERP's exports to a priced book and a report."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from collections.abc import Mapping as AbstractMapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow.parquet as pq
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from riskscore import policy
from riskscore.errors import UsageRefused
from riskscore.simulation import simulate
from riskscore.stores.database import open_database
from riskscore.stores.exports import Written, write_exports
from riskscore.stores.gate import gate_terms
from riskscore.stores.ledgers import Delivery, ingest, open_book
from riskscore.stores.ledgers.mapping import Mapping, load
from riskscore.stores.ledgers.receipts import Receipt
from riskscore.stores.ledgers.reception import Progress
from riskscore.stores.models import approve_version, promote_version
from riskscore.stores.scores import write_scores
from riskscore.stores.signed_texts import find_text
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.columns import money_of
from riskscore_pipelines.policy_measuring import Measured, measured
from riskscore_pipelines.promoting.beside import why_held
from riskscore_pipelines.promoting.comparing import compare_version
from riskscore_pipelines.report import Material, material_of, write_report
from riskscore_pipelines.reporting.facts import Report
from riskscore_pipelines.reporting.figures import headline, riskiest_large
from riskscore_pipelines.reporting.formats import Formats
from riskscore_pipelines.score import Summary, score_book
from riskscore_pipelines.shown import console
from riskscore_pipelines.train import Learned, train_book

app = typer.Typer()

MARK = ".riskscore-demo"
"""Says that a folder is a demo's, so that the next demo may make it anew."""

ERROR_RATE = 0.0005
"""Share of invoices and settlements with a data error: an ERP's exports are never clean, and the quarantine should be seen."""

HELP = """Simulate an ERP, ingest its exports, train, score, explain and price every customer, and write a report.

The policy that decides is the shipped one with what `riskscore policy measure` reads from the ledger in place of its assumptions.

Everything lies in one folder, which may be explored with the other verbs from within it. The same seed gives the same company.
On two free cores 2,000 customers over 36 months take about two minutes, and less than 2 GB of memory.

Example:  riskscore demo --customers 500 --months 24 --out small-demo
"""

UNREAD = "an invented company: released unread, so that the demo can score"
"""Why a demo's model that the checks held may score all the same."""

RISKIEST: tuple[tuple[str, Literal["left", "right"]], ...] = (
    ("grade", "right"), ("customer", "left"), ("PD", "right"), ("exposure", "right"),
    ("limit now", "right"), ("limit", "right"), ("terms", "left"), ("main reason", "left"),
)  # fmt: skip
SHOWN_FIGURES = ("auc", "pr_auc", "log_loss", "brier", "ece")
MONEY = ("exposure", "overdue", "limit_now", "limit")


@app.command(help=HELP)
def demo_verb(
    customers: Annotated[int, typer.Option(min=50, help="How many customers.")] = 2000,
    months: Annotated[int, typer.Option(min=18, help="How many months of invoices.")] = 36,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal companies.")] = 7,
    out: Annotated[Path, typer.Option(help="Folder for everything; an earlier demo in it is replaced.")] = Path("demo"),
    as_json: Annotated[bool, typer.Option("--json", help="The summary as JSON on stdout.")] = False,
) -> None:
    """Run the demo and show what came out."""
    done = run_demo(out, n_customers=customers, n_months=months, seed=seed)
    if as_json:
        print(json.dumps(as_plain(done), indent=1, ensure_ascii=False))
    else:
        show(done)


@dataclass
class Stages:
    """The stages of a run: what each is called, how long it took, and how many rows went through it. Talks on stderr."""

    talk: Console
    seconds: dict[str, float] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def __call__(self, name: str, what: str) -> Iterator[Callable[..., None]]:
        """One stage; the caller gets a function to be told the progress inside it."""
        began = time.perf_counter()
        with self.talk.status(f"{what} ...") as status:

            def told(part: str, done: int = 0, whole: int | None = None) -> None:
                status.update(f"{what}: {part}{f' ({done} of {whole})' if whole and whole > 1 else ''} ...")

            yield told
        self.seconds[name] = round(time.perf_counter() - began, 2)
        self.talk.print(f"  {what:<58}{self.seconds[name]:>7.1f} s", highlight=False)


@dataclass(frozen=True)
class Done:
    """A finished demo: where it lies, what each step gave, and the stages."""

    out: Path
    written: Written
    receipt: Receipt
    measured: Measured
    learned: Learned
    summary: Summary
    material: Material
    stages: Stages
    files: AbstractMapping[str, Path]

    @property
    def facts(self) -> Report:
        """The facts of the report, in English."""
        return self.material.report("en")


def run_demo(out: Path, *, n_customers: int, n_months: int, seed: int) -> Done:
    """The whole path. Raises UsageRefused where the folder holds something that is not a demo's."""
    make_way(out)
    workplace = Workplace(
        book=out / "book",
        database=f"sqlite:///{out / 'riskscore.db'}",
        mlflow=f"sqlite:///{out / 'mlflow.db'}",
        models=out / "models",
        approved=out / "approved_models",
    )
    files = {name: out / name for name in ("scores.parquet", "scores.csv", "report.html", "report.zh.html")}
    stages = Stages(Console(stderr=True))
    with stages("simulate", f"simulate {n_customers:,} customers over {n_months} months"):
        world = simulate("default", n_customers=n_customers, n_months=n_months, seed=seed)
        written = write_exports(world, out / "exports", error_rate=ERROR_RATE)
    n_invoices = world.tables["invoices"].num_rows
    with stages("ingest", f"ingest the exports, {sum(written.rows.values()):,} rows") as told:
        delivery = Delivery(places=[str(out / "exports")], mapping=forgiving(load("canonical")), extracted_on=world.end_on)
        receipt = ingest(delivery, workplace.book, progress=told)
    del world
    with stages("measure", "measure what the policy assumes on the ledger"):
        measured = take_measured_policy(workplace)
    with stages("train", "train and judge a model on month ends") as told:
        learned = train_book(workplace, workplace.book, first_by="demo", progress=told)
        if learned.held:
            release_unread(workplace, learned, told)
    with stages("score", "score, explain and price every customer") as told:
        summary = score_book(workplace, workplace.book, files["scores.parquet"], told=told)
        write_scores(pq.read_table(files["scores.parquet"]), files["scores.csv"])
    with stages("report", "report in English and Chinese") as told:
        material = material_of(workplace, open_book(workplace.book), as_of=None, told=told)
        write_report(files["report.html"], material.report("en"), "en")
        write_report(files["report.zh.html"], material.report("zh"), "zh")
    stages.rows = {
        "simulate": n_invoices,
        "ingest": sum(written.rows.values()),
        "measure": n_invoices,
        "train": int(learned.trained.log["n_rows"]),
        "score": summary.statuses.total(),
        "report": len(material.decisions),
    }
    return Done(out, written, receipt, measured, learned, summary, material, stages, files)


def take_measured_policy(workplace: Workplace) -> Measured:
    """The policy of the demo: the shipped one, and from the book's last day on what its ledger says in place of assumptions.

    Nobody invents a committee here: the entries say that they were taken unread.
    """
    text = find_text("late_payment/policy.toml").read_text("utf-8")
    on = open_book(workplace.book).last_known_on
    found = measured(workplace, workplace.book, policy.parse(text, on=on), on=on)
    own = workplace.models / "late_payment" / "policy.toml"
    own.parent.mkdir(parents=True)
    source = f"{found.source}; taken unread for the demo, in a company a committee signs"
    own.write_text(found.below(text, source), encoding="utf-8")
    return found


def release_unread(workplace: Workplace, learned: Learned, told: Progress) -> None:
    """Put a held first version in force by the path every held version takes, with two invented people who read nothing.

    A small invented company often shows no lead beyond chance, and a demo that refers everybody shows nothing.
    """
    name, version = learned.recorded.name, learned.recorded.version
    engine = open_database(workplace.database)
    try:
        comparison = compare_version(workplace, engine, name, version, open_book(workplace.book), told=told)
        promote_version(workplace, engine, comparison, by="demo", release_reason=UNREAD)
        validity = gate_terms(workplace, name).validity
        approve_version(
            workplace, engine, name, version, by="demo, second person", release_reason=UNREAD,
            valid_days=validity.valid_days, review_days=validity.review_days,
        )  # fmt: skip
    finally:
        engine.dispose()


def forgiving(mapping: Mapping) -> Mapping:
    """The mapping without its limit on the money set aside: some of the planted errors are the only rows in their currency."""
    return mapping.model_copy(update={"limits": mapping.limits.model_copy(update={"quarantined_amount": 1.0})})


def make_way(out: Path) -> None:
    """An empty folder for the demo; an earlier demo in it is removed, anything else is left alone and refused."""
    if out.exists() and not (out / MARK).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise UsageRefused(
            f"demo: {out} holds something that is not a demo's. Nothing was changed; name another folder with --out."
        )
    if out.is_dir():
        shutil.rmtree(out)
    out.mkdir(parents=True)
    (out / MARK).write_text("An invented company, made by `riskscore demo`, which may remove this folder and make it anew.\n")


def show(done: Done) -> None:
    """For people: the ten riskiest large exposures, how far the model can be trusted, and where everything is."""
    out = console()
    facts = done.facts
    head = headline(facts.customers)
    out.print()
    out.print(riskiest_table(facts))
    out.print(
        f"{head.n_customers:,} customers owe {head.exposure:,.0f} {facts.currency}, {head.overdue:,.0f} of it overdue; "
        f"{head.n_referred:,} have no grade and wait for a person.",
        markup=False,
    )
    out.print()
    out.print(quality_table(facts))
    out.print()
    if done.learned.held:
        out.print(
            f"The model is {why_held(done.learned.held)}.\nA company would be left with the rules until two people release it; "
            "here it scores unread, because the company is invented.",
            markup=False,
        )
        out.print()
    on, before, history = done.measured.on, done.measured.on - timedelta(days=1), done.measured.history
    lost = history.lost / max(history.owed, Decimal(1))
    out.print(
        f"{len(done.measured.proposals)} numbers of the policy were measured on this ledger in place of assumptions, and decide "
        f"here unread;\nin a company a committee signs them. What they were and are: riskscore policy diff {before} {on}\n"
        f"Of what {history.n_customers} materially late customers owed, {lost:.0%} was lost within a year: the PD is of paying "
        "late, and credit to the late can earn.",
        markup=False,
    )
    out.print()
    for name, path in done.files.items():
        out.print(f"  {name:<16} {path}", markup=False)
    out.print(
        f"  {'and the rest':<16} {done.out}: exports, book, decisions (riskscore.db), model registry (mlflow.db)", markup=False
    )
    out.print()
    out.print(f"{sum(done.stages.seconds.values()):.0f} s in all. Go on in that folder:", markup=False)
    first = next(iter(riskiest_large(facts.customers, 1)), None)
    if first is not None:
        out.print(f"  cd {done.out} && riskscore explain --book book {first.customer_id}", markup=False)


def riskiest_table(facts: Report) -> Table:
    """The ten riskiest large exposures: grade, PD, main reason, limit and terms."""
    table = plain_table(f"The ten riskiest large exposures as of {facts.as_of}, in {facts.currency}")
    for heading, align in RISKIEST:
        table.add_column(heading, justify=align, no_wrap=heading != "main reason")
    for line in riskiest_large(facts.customers):
        table.add_row(
            str(line.grade or "none"),
            line.name,
            "" if line.pd is None else f"{line.pd:.1%}",
            money_of(line.exposure),
            money_of(line.limit_now),
            money_of(line.limit),
            line.terms or "a person decides",
            line.reasons[0] if line.reasons else "",
        )
    return table


def quality_table(facts: Report) -> Table:
    """Headline figures with their intervals, beside the baseline's."""
    table = plain_table("How far the model can be trusted: judged on later months than it had seen")
    for heading in ("", "model", "95 % interval", "shrunken customer rate", "95 % interval"):
        table.add_column(heading, justify="right" if heading else "left")
    say = Formats("en", facts.currency).say
    for figure in facts.quality.figures if facts.quality else ():
        if figure.name in SHOWN_FIGURES:
            baseline = "" if figure.baseline is None else f"{figure.baseline:.3f}"
            span = "" if figure.baseline_low is None else f"{figure.baseline_low:.3f} to {figure.baseline_high:.3f}"
            name = say(f"quality.{figure.name}")
            table.add_row(name, f"{figure.value:.3f}", f"{figure.low:.3f} to {figure.high:.3f}", baseline, span)
    return table


def plain_table(title: str) -> Table:
    """A table with a line under its head and no other."""
    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)


def as_plain(done: Done) -> dict[str, Any]:
    """For programs: stages with rows a second, the riskiest, the figures, the files."""
    facts = done.facts
    stages = {
        name: {
            "seconds": seconds,
            "rows": done.stages.rows[name],
            "rows_per_second": round(done.stages.rows[name] / max(seconds, 0.01)),
        }
        for name, seconds in done.stages.seconds.items()
    }
    return {
        "as_of": facts.as_of.isoformat(),
        "currency": facts.currency,
        "invoices": done.stages.rows["simulate"],
        "stages": stages,
        "score_stages": done.summary.watch.as_json(),
        "seconds": round(sum(done.stages.seconds.values()), 2),
        "status": dict(done.summary.statuses),
        "riskiest": [
            {**asdict(line), **{name: str(getattr(line, name)) for name in MONEY}} for line in riskiest_large(facts.customers)
        ],
        "figures": [asdict(figure) for figure in facts.quality.figures] if facts.quality else [],
        "files": {name: str(path) for name, path in done.files.items()},
        "measured": [each.key for each in done.measured.proposals],
        "held": [check.name for check in done.learned.held],
        "set_aside": {reason: found["rows"] for reason, found in done.receipt.rejects.items()},
        "run_id": done.summary.provenance.run_id,
        "book": facts.provenance["book"],
    }
