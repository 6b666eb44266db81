"""What a validation report is made of, read from one run: the card's text by section, figures, tables, who approved it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from riskscore.errors import ModelRefused
from riskscore.phrases import Lang
from riskscore.stores.models import Registry
from riskscore.training.judging import SCORECARD

SECTIONS: Mapping[str, Mapping[Lang, str]] = {
    "purpose": {"en": "Purpose", "zh": "用途"},
    "data": {"en": "Data", "zh": "数据"},
    "concept": {"en": "Concept", "zh": "方法"},
    "performance": {"en": "Performance, out of time", "zh": "表现（时间外）"},
    "payment_hazard": {"en": "Payment hazard", "zh": "发票付款时间"},
    "newcomers": {"en": "Newcomers", "zh": "新客户"},
    "listens_to": {"en": "What it listens to", "zh": "模型看重什么"},
    "limits": {"en": "Limits", "zh": "局限"},
    "monitoring": {"en": "Monitoring plan", "zh": "监测计划"},
    "owner": {"en": "Owner", "zh": "责任人"},
}
"""Sections the card must have, in the order of the report; after the voluntary practice for model risk (SR 26-2)."""

FILES = (
    "training_log.json", "recipe.json", "book.json", "calibration_by_grade.json", "roc.json", "segments.json", "holdouts.json",
    "newcomers.json", "trueness.json", "invoices.json",
)  # fmt: skip
LEADS = ("auc", "pr_auc", "brier", "log_loss")
ENDS = ("", "_low", "_high")
Figure = tuple[float, ...]
"""A value and the two ends of its 95 % interval."""

TAGS = ("model_digest", "recipe_digest", "grades_digest", "book_digest", "code_digest", "trained_until")


@dataclass(frozen=True)
class Validation:
    """Everything one report says. sections: the card's Markdown by section. files: the run's JSON files by name."""

    run_id: str
    name: str
    sections: Mapping[str, str]
    files: Mapping[str, Any]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]


def validation_of(registry: Registry, run_id: str, lang: Lang) -> Validation:
    """The facts of a run's report in one language.

    Raises ModelRefused naming every section, file and digest that the run lacks: a report with a hole is none.
    """
    run = registry.run(run_id)
    card = registry.run_bytes(run_id, "card.md" if lang == "en" else f"card.{lang}.md")
    sections = sections_of("" if card is None else card.decode(), lang)
    contents = {name: registry.run_bytes(run_id, name) for name in FILES}
    missing = [f"section '{titles[lang]}' of the card" for key, titles in SECTIONS.items() if not sections.get(key)]
    missing += [name for name, content in contents.items() if content is None]
    missing += [f"tag {tag}" for tag in TAGS if not run.tags.get(tag)]
    if missing:
        raise ModelRefused(
            f"validation: run {run_id} lacks {', '.join(missing)}. No report was written: train the model again with this "
            "version, and keep every section of the card."
        )
    files = {name: json.loads(content) for name, content in contents.items() if content is not None}
    return Validation(run_id, files["recipe.json"]["name"], sections, files, run.tags, run.metrics)


def sections_of(card: str, lang: Lang) -> dict[str, str]:
    """The text below each heading of the card, by section; headings of no section of ours are left out."""
    keys = {titles[lang]: key for key, titles in SECTIONS.items()}
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in card.splitlines():
        if line.startswith("## "):
            key = keys.get(line.removeprefix("## ").strip())
            current = found.setdefault(key, []) if key is not None else []
        else:
            current.append(line)
    return {key: "\n".join(lines).strip() for key, lines in found.items()}


def ahead_of(facts: Validation) -> Sequence[tuple[str, Mapping[str, Figure]]]:
    """Per rule of thumb, and the scorecard last: by how much the model is ahead in each of `LEADS`, with its interval.

    A figure its training did not tell is left out, and a predictor it told nothing of.
    """
    rows = []
    for predictor in ("shrunken rate", *facts.files["recipe.json"]["baselines"], SCORECARD):
        stem = f"ahead_of/{predictor.replace(' ', '_')}"
        found = {
            metric: tuple(facts.metrics[f"{stem}/{metric}{end}"] for end in ENDS)
            for metric in LEADS
            if all(f"{stem}/{metric}{end}" in facts.metrics for end in ENDS)
        }
        if found:
            rows.append((predictor, found))
    return rows
