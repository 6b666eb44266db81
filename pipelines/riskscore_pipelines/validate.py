"""`riskscore validate`: the validation report of one model, built from its run alone."""

import json as jsonlib
from pathlib import Path
from typing import Annotated

import typer

from riskscore.phrases import Lang
from riskscore.stores.files import appearing_at
from riskscore.stores.models import Registry
from riskscore.stores.workplace import Workplace
from riskscore_pipelines.validating.facts import SECTIONS, validation_of
from riskscore_pipelines.validating.page import html_of

app = typer.Typer()

HELP = """Write the validation report of one model: one HTML file, built from its run alone.

Purpose, data with its manifest and exclusions, concept, performance on later months with intervals, hold-outs and segments,
limits, monitoring plan, owner, who approved it and until when; after the voluntary practice for model risk (SR 26-2). Where the
run lacks a section, nothing is written and the status is 5. Needs no book and no model: only the registry.

Example:  riskscore validate 2 --html validation.html --lang zh
"""


@app.command(help=HELP)
def validate_verb(
    run: Annotated[str, typer.Argument(help="Run id, or a version as riskscore models lists it.")],
    html: Annotated[Path, typer.Option(help="The file to write.")],
    lang: Annotated[Lang, typer.Option(help="Language of the report.")] = "en",
    model: Annotated[str, typer.Option(help="Which model, where a version is given.")] = "late_payment",
    as_json: Annotated[bool, typer.Option("--json", help="Say as JSON what was written.")] = False,
) -> None:
    """Build the report and write it."""
    registry = Registry.of(Workplace())
    run_id = registry.run_id_of(run, model)
    facts = validation_of(registry, run_id, lang)
    with appearing_at(html) as draft:
        draft.write_text(html_of(facts, lang), encoding="utf-8")
    if as_json:
        print(jsonlib.dumps({"html": str(html), "run_id": run_id, "lang": lang, "sections": [*SECTIONS, "approval"]}, indent=1))
    else:
        print(f"{html}: {facts.name}, digest {facts.tags['model_digest'][:12]}, {len(SECTIONS) + 1} sections")
