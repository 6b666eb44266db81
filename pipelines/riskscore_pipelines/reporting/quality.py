"""How good the model in force was on dates it had not seen, as its training wrote it down."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from riskscore.model import Model
from riskscore.stores.models import Registry, Version
from riskscore.training.judging import SCORECARD
from riskscore_pipelines.reporting.facts import Calibration, Figure, Quality

BASELINE = "shrunken rate"
BESIDE = {"baseline": BASELINE, "scorecard": SCORECARD}
"""What the report shows beside the model: the fields of a figure, and the predictor they are of."""

SHOWN = ("auc", "gini", "ks", "pr_auc", "brier", "log_loss", "ece")


def quality_of(registry: Registry, model: Model | None) -> Quality | None:
    """The figures of the run that made this model; None without a model, or where the registry no longer knows its run.

    The newest version with the model's digest is meant: equal digests are equal models. Raises StorageFailed where the registry
    does not answer.
    """
    if model is None:
        return None
    made_by = [version for version in registry.versions(model.name) if version.digest == model.digest]
    if not made_by:
        return None
    version = made_by[-1]
    log, grades, roc = (registry.run_json(version.run_id, name) for name in FILES)
    if log is None or grades is None:
        return None
    return quality_from(version, log, grades, roc or {})


FILES = ("training_log.json", "calibration_by_grade.json", "roc.json")


def quality_from(
    version: Version, log: Mapping[str, Any], grades: Sequence[Mapping[str, Any]], roc: Mapping[str, Sequence[Sequence[float]]]
) -> Quality:
    """The figures from what a run noted: metrics with `_low` and `_high`, the others' under their names and a slash."""
    blocks = log["judged_blocks"]
    return Quality(
        n=sum(block[2] for block in blocks),
        n_customers=log["n_customers"],
        event_share=log["event_share"],
        first_on=date.fromisoformat(blocks[0][0]),
        last_on=date.fromisoformat(blocks[-1][1]),
        figures=tuple(figure for name in SHOWN if (figure := _figure(version.figures, name)) is not None),
        calibration=tuple(
            Calibration(row["grade"], row["n"], row["mean_pd"], row["observed"], row["low"], row["high"], row["holds"])
            for row in grades
        ),
        roc=_points(roc.get("model", ())),
        baseline_roc=_points(roc.get(BASELINE, ())),
    )


def _figure(figures: Mapping[str, float], name: str) -> Figure | None:
    if name not in figures:
        return None
    return Figure(
        name=name,
        value=figures[name],
        low=figures[f"{name}_low"],
        high=figures[f"{name}_high"],
        **{
            f"{place}{end}": figures.get(f"{predictor.replace(' ', '_')}/{name}{end}")
            for place, predictor in BESIDE.items()
            for end in ("", "_low", "_high")
        },
    )


def _points(points: Sequence[Sequence[float]]) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in points)
