"""`riskscore score`: every customer of a book decided at a date, recorded, and written as a scores file."""

import datetime as dt
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import typer

from riskscore.decisions import Decision, Provenance
from riskscore.phrases import Lang, referral_sentence, rule_name, word
from riskscore.policy import Params
from riskscore.policy.unmeasured import Denials, Unmeasured
from riskscore.promotion.drift import Drift, DriftWatch, trained_of
from riskscore.stores import decisions as log
from riskscore.stores import publishing, reviews
from riskscore.stores.database import open_database
from riskscore.stores.desk import Told, in_force
from riskscore.stores.gate import gate_terms
from riskscore.stores.ledgers import open_book
from riskscore.stores.rowfiles import refuse_unwritable
from riskscore.stores.runs import decide_book
from riskscore.stores.scores import write_scores
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.columns import money_of, table_of
from riskscore_pipelines.days import day_to_look_at
from riskscore_pipelines.drifting import plain_drift, told_drift
from riskscore_pipelines.rows import rows_of
from riskscore_pipelines.shown import console, progress_bar

app = typer.Typer()

HELP = """Score, explain and price every customer of a book at a date.

Only what was known by the date counts. Every decision is recorded; scoring the same again records nothing new and gives the
same bytes.

Where approvals, the sum of limits or single limits move more against the run published before than gate.toml lets them, the run
is kept, not published, and no file is written (status 8): two people may release it, see riskscore release.

Example:  riskscore score --book book --as-of 2026-06-30 --out scores.csv
"""

SUMS = ("exposure", "overdue", "limit_now", "limit_recommended")


@app.command(help=HELP)
def score_verb(
    out: Annotated[Path, typer.Option(help="Scores file to write: .parquet, .csv or .xlsx.")],
    book: Annotated[Path | None, typer.Option(help="Folder of the book; without it the one of the working folder.")] = None,
    as_of: Annotated[
        dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Date to decide for; default: the book's last.")
    ] = None,
    model: Annotated[str, typer.Option(help="Which model, grades and policy: a folder of signed texts.")] = "late_payment",
    no_model: Annotated[
        bool, typer.Option("--no-model", help="Ask no model: refer every customer, with what the rules alone allow.")
    ] = False,
    lang: Annotated[Lang, typer.Option(help="Language of the reasons in words.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="The summary as JSON on stdout.")] = False,
) -> None:
    """Score the book and say what came out."""
    workplace = Workplace()
    with progress_bar() as told:
        summary = score_book(
            workplace,
            book or workplace.book,
            out,
            as_of=as_of.date() if as_of else None,
            model=None if no_model else model,
            texts=model,
            lang=lang,
            told=told,
        )
    if as_json:
        print(json.dumps(summary.as_json(), indent=1, ensure_ascii=False))
    else:
        show(summary, lang)


@dataclass
class Stopwatch:
    """Seconds and customers by stage; stages that come back add up."""

    seconds: dict[str, float] = field(default_factory=dict)
    customers: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def __call__(self, stage: str, n_customers: int) -> Iterator[None]:
        """Time one stage over so many customers."""
        since = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - since
        self.customers[stage] = self.customers.get(stage, 0) + n_customers

    def as_json(self) -> dict[str, dict[str, float]]:
        """Stage to seconds, customers and customers per second."""
        return {
            stage: {
                "seconds": round(seconds, 3),
                "customers": self.customers[stage],
                "customers_per_second": round(self.customers[stage] / max(seconds, 1e-9), 1),
            }
            for stage, seconds in self.seconds.items()
        }


@dataclass
class Summary:
    """What a run over a book came to. Money per currency, null where nobody has that amount; nothing in it names a customer."""

    out: Path
    provenance: Provenance
    params: Params
    watch: Stopwatch = field(default_factory=Stopwatch)
    n_recorded: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    grades: Counter[str] = field(default_factory=Counter)
    referrals: Counter[str] = field(default_factory=Counter)
    binding: Counter[str] = field(default_factory=Counter)
    terms: Counter[str] = field(default_factory=Counter)
    money: dict[str, dict[str, Decimal | None]] = field(default_factory=dict)
    denials: Denials = field(default_factory=Denials)
    drifting: DriftWatch | None = None

    def add(self, decision: Decision) -> None:
        """Count one decision."""
        if self.drifting is not None:
            self.drifting.add(decision)
        self.statuses[decision.status] += 1
        self.grades["none" if decision.grade is None else str(decision.grade)] += 1
        self.referrals.update(decision.referral.reasons if decision.referral else ())
        recommendation = decision.recommendation
        self.denials.add(recommendation, is_graded=decision.grade is not None)
        if recommendation is not None:
            self.binding[recommendation.binding_cap] += 1
            self.terms[str(recommendation.terms)] += 1
        sums = self.money.setdefault(decision.currency, dict.fromkeys(SUMS))
        recommended = recommendation.limit if recommendation is not None else None
        for name, amount in zip(SUMS, (decision.exposure, decision.overdue, decision.limit_now, recommended), strict=True):
            if amount is not None:
                sums[name] = (sums[name] or Decimal(0)) + amount

    @cached_property
    def drift(self) -> Drift | None:
        """How far the customers lie from those of training; None without a model."""
        return None if self.drifting is None else self.drifting.drift

    @property
    def unmeasured(self) -> Unmeasured | None:
        """What to tell of numbers that nobody measured on this book; None where there is nothing to tell."""
        return self.denials.unmeasured(self.params)

    def as_json(self) -> dict[str, Any]:
        """The summary for programs."""
        return {
            "run_id": self.provenance.run_id,
            "provenance": self.provenance.manifest,
            "out": str(self.out),
            "customers": self.statuses.total(),
            "newly_recorded": self.n_recorded,
            "status": dict(sorted(self.statuses.items())),
            "grade": {grade: self.grades[grade] for grade in _in_order(self.grades)},
            "referred_because": dict(self.referrals.most_common()),
            "binding_cap": dict(self.binding.most_common()),
            "terms": dict(self.terms.most_common()),
            "unmeasured": (found := self.unmeasured) and asdict(found),
            "drift": self.drift and plain_drift(self.drift),
            "money": {
                currency: {name: None if amount is None else str(amount) for name, amount in sums.items()}
                for currency, sums in self.money.items()
            },
            "stages": self.watch.as_json(),
        }


def score_book(
    workplace: Workplace,
    book_folder: Path,
    out: Path,
    *,
    as_of: dt.date | None = None,
    model: str | None = "late_payment",
    texts: str = "late_payment",
    lang: Lang = "en",
    told: Told,
) -> Summary:
    """Decide every customer of the book, record the decisions, write the scores file.

    as_of: default the book's last known day. model: None refers everybody. texts: the folder of grades and policy. The file
    appears whole, after every decision is recorded and the run is published. Raises what opening the book, the texts and the
    model raise, before anything is written; HeldForReview, without a file, where the run moves more against the one before than
    gate.toml lets it; StorageFailed where disk or database do not take it: the run can be repeated, and records nothing twice.
    """
    refuse_unwritable(out)
    book = open_book(book_folder)
    on = day_to_look_at(book, as_of)
    engine = open_database(workplace.database)
    try:
        signed = in_force(workplace, None if model is None else engine, on, model_name=texts)
        if signed.why_not is not None:
            print(f"riskscore: {signed.why_not} Until then everybody is referred.", file=sys.stderr)
        summary = Summary(out, signed.provenance(book, on), signed.params)
        summary.drifting = None if signed.model is None else DriftWatch(trained_of(signed.model))
        run_id = summary.provenance.run_id
        publishing.refuse_held(engine, run_id)
        bounds = gate_terms(workplace, texts).runs
        # A run that is published is not compared again: equal runs are the same run.
        compared = None if log.is_complete(engine, run_id) else publishing.against(engine, summary.provenance, texts)
        moves = publishing.moves_against(engine, compared)
        overrides = reviews.holding(engine, on)
        parts: list[pa.Table] = []
        for part in decide_book(book, on, signed, told=told, watch=summary.watch):
            n = len(part.decisions)
            with summary.watch("record", n):
                summary.n_recorded += log.append(engine, part.decisions, signed.texts)
            with summary.watch("reasons in words", n):
                parts.append(rows_of(part.decisions, lang, part.names, overrides))
            for decision in part.decisions:
                summary.add(decision)
                moves.add(decision)
        n_customers = summary.statuses.total()
        with summary.watch("write", n_customers):
            publishing.publish(
                engine, summary.provenance, n_customers, moves, bounds, model=texts, compared=compared
            )  # fmt: skip
            write_scores(pa.concat_tables([rows_of([]), *parts]), out)
    finally:
        engine.dispose()
    return summary


def show(summary: Summary, lang: Lang) -> None:
    """The summary for people."""
    out = console()
    n, on = summary.statuses.total(), summary.provenance.as_of
    counts = ", ".join(
        f"{count:,} {status.replace('_', ' ')}" for status, count in sorted(summary.statuses.items(), reverse=True)
    )
    out.print(f"{n:,} customers as of {on}: {counts or 'nobody was known'}.", markup=False)
    told = summary.unmeasured and word(summary.unmeasured.says, lang, **summary.unmeasured.told)
    if summary.unmeasured is not None and summary.unmeasured.is_nearly_all:
        out.print(told, markup=False, soft_wrap=True)  # before tables full of zeros
    grades = table_of("Grades", "grade", "customers")
    for grade in _in_order(summary.grades):
        grades.add_row(grade, f"{summary.grades[grade]:,}")
    out.print(grades)
    amounts = table_of("Money", "currency", "exposure", "overdue", "limit now", "limit recommended")
    for currency, sums in summary.money.items():
        amounts.add_row(currency, *("-" if sums[name] is None else money_of(sums[name]) for name in SUMS))
    out.print(amounts)
    for title, counted, say in (
        ("Referred because", summary.referrals, referral_sentence),
        ("What makes the limit", summary.binding, rule_name),
    ):
        if counted:
            rows = table_of(title, "reason", "customers")
            for name, count in counted.most_common():
                rows.add_row(say(name, lang), f"{count:,}")
            out.print(rows)
    if summary.drift is not None:
        out.print(told_drift(summary.drift, lang), markup=False)
    if summary.unmeasured is not None and not summary.unmeasured.is_nearly_all:
        out.print(told, markup=False)
    stages = table_of("Time", "stage", "seconds", "customers a second")
    for stage, figures in summary.watch.as_json().items():
        stages.add_row(stage, f"{figures['seconds']:.1f}", f"{figures['customers_per_second']:,.0f}")
    out.print(stages)
    out.print(f"{summary.n_recorded:,} decisions newly recorded in run {summary.provenance.run_id[:12]}.", markup=False)
    out.print(f"{summary.out}: written", markup=False)


def _in_order(grades: Counter[str]) -> list[str]:
    return sorted(grades, key=lambda grade: (not grade.isdigit(), grade.zfill(2)))
