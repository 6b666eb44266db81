"""`riskscore report`: one HTML file over a book at a date."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.engine import Engine

from riskscore.decisions import Decision
from riskscore.promotion.drift import Drift, drift_over
from riskscore.stores import decisions as log
from riskscore.stores.database import open_database
from riskscore.stores.desk import Signed, Told, in_force
from riskscore.stores.files import appearing_at
from riskscore.stores.ledgers import Book, open_book
from riskscore.stores.models import Registry
from riskscore.stores.publishing import refuse_held
from riskscore.stores.runs import decide_book
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.days import day_to_look_at
from riskscore_pipelines.reporting.facts import Quality, Report
from riskscore_pipelines.reporting.formats import Lang
from riskscore_pipelines.reporting.gather import Standing, report_of, standing_of
from riskscore_pipelines.reporting.quality import quality_of
from riskscore_pipelines.reporting.render import render
from riskscore_pipelines.shown import progress_bar

app = typer.Typer()

HELP = """Write one self-contained HTML report over a book at a date.

Ageing, DSO, grades, the riskiest large exposures with reasons, limits to change, concentration, how far the model can be trusted,
and what was set aside. Decisions that `riskscore score` recorded are shown as recorded; otherwise the book is decided on the same
path, and nothing is recorded.

Example:  riskscore report --book book --as-of 2026-06-30 --html report.html --lang zh
"""


@app.command(help=HELP)
def report_verb(
    html: Annotated[Path, typer.Option(help="The file to write.")],
    book: Annotated[Path | None, typer.Option(help="Folder of the book; without it the one of the working folder.")] = None,
    as_of: Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The date; default: the book's last.")] = None,
    model: Annotated[str, typer.Option(help="Which model, grades and policy: a folder of signed texts.")] = "late_payment",
    no_model: Annotated[bool, typer.Option("--no-model", help="Ask no model: refer every customer.")] = False,
    lang: Annotated[Lang, typer.Option(help="Language of the report.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Say as JSON what was written.")] = False,
) -> None:
    """Write the report and say where it is."""
    workplace = Workplace()
    with progress_bar() as told:
        material = material_of(
            workplace,
            open_book(book or workplace.book),
            as_of=as_of.date() if as_of else None,
            model=None if no_model else model,
            texts=model,
            told=told,
        )
        told("drawing", 0, 1)
        write_report(html, material.report(lang), lang)
    if as_json:
        shown = {"html": str(html), "as_of": material.on.isoformat(), "lang": lang, "customers": len(material.decisions)}
        print(json.dumps(shown, indent=1))
    else:
        print(f"{html}: {len(material.decisions):,} customers as of {material.on}")


@dataclass(frozen=True)
class Material:
    """Everything a report is made of, in no language yet."""

    on: dt.date
    signed: Signed
    book: Book
    standing: Standing
    decisions: Sequence[Decision]
    quality: Quality | None

    @cached_property
    def drift(self) -> Drift | None:
        """How far the customers lie from those of training; None without a model."""
        return None if self.signed.model is None else drift_over(self.signed.model, self.decisions)

    def report(self, lang: Lang) -> Report:
        """The facts in the words of one language."""
        return report_of(
            self.standing,
            self.decisions,
            lang,
            horizon_days=self.signed.grades.horizon_days,
            single_buyer_cap=float(self.signed.params.concentration_single_buyer),
            quality=self.quality,
            provenance=self.signed.provenance(self.book, self.on),
            params=self.signed.params,
            drift=self.drift,
        )


def material_of(
    workplace: Workplace,
    book: Book,
    *,
    as_of: dt.date | None,
    model: str | None = "late_payment",
    texts: str = "late_payment",
    told: Told,
) -> Material:
    """What a report over the book needs. model: None refers everybody. texts: the folder of grades and policy.

    Raises ModelRefused where no model is approved or its bytes are not the approved ones, StorageFailed where a store fails.
    """
    on = day_to_look_at(book, as_of)
    engine = open_database(workplace.database)
    try:
        signed = in_force(workplace, None if model is None else engine, on, model_name=texts)
        decisions = recorded_or_decided(engine, book, on, signed, told)
    finally:
        engine.dispose()
    told("adding up twelve months", 0, 1)
    standing = standing_of(book, on, cap=signed.params.concentration_single_buyer)
    quality = quality_of(Registry.of(workplace), signed.model)
    return Material(on, signed, book, standing, decisions, quality)


def recorded_or_decided(engine: Engine, book: Book, on: dt.date, signed: Signed, told: Told) -> list[Decision]:
    """The decisions of this run as recorded, where it is complete; otherwise decided now, and not recorded.

    Raises HeldForReview where the run is held.
    """
    run_id = signed.provenance(book, on).run_id
    refuse_held(engine, run_id)
    if log.is_complete(engine, run_id):
        return [stored.decision for stored in log.of_run(engine, run_id)]
    return [decision for part in decide_book(book, on, signed, told=told) for decision in part.decisions]


def write_report(path: Path, facts: Report, lang: Lang) -> None:
    """Write the file, whole or not at all. Raises StorageFailed where the disk does not take it."""
    with appearing_at(path) as draft:
        draft.write_text(render(facts, lang), encoding="utf-8")
