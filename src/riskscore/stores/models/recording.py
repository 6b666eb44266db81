"""Recording: one training as one MLflow run, with all that is needed to believe it or to repeat it, and a version of it."""

import contextlib
import io
import math
import platform
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from riskscore.evaluation import Trueness, roc
from riskscore.grades import Grades
from riskscore.model import Model, to_files
from riskscore.model.bundle import canonical
from riskscore.model.value import read_column
from riskscore.recipe import Recipe
from riskscore.stores.models import pictures, portable
from riskscore.stores.models.card import write_cards
from riskscore.stores.models.judged import write_judged
from riskscore.stores.models.registry import BUNDLE, Registry, storage_errors
from riskscore.stores.sources import code_digest
from riskscore.training import Trained

LIBRARIES = ("lightgbm", "numpy", "scipy", "scikit-learn", "duckdb", "narwhals", "pyarrow", "holidays", "riskscore")
"""Those that decide what a training comes to; the days off of countries decide when an invoice is due."""

N_EXAMPLE_ROWS = 5
OF_THE_BOOK = ("digest", "n_customers", "reporting_currency", "last_known_on", "rows", "dates", "money", "sources")
"""What a run keeps of the manifest of its book: counts, dates, sums and digests, no customer."""


@dataclass(frozen=True)
class Recorded:
    """Where a training was written down."""

    name: str
    version: str
    run_id: str
    digest: str


def record(
    registry: Registry,
    trained: Trained,
    *,
    recipe: Recipe,
    grades: Grades,
    card: Mapping[str, str],
    book: Mapping[str, Any],
) -> Recorded:
    """Write a training into the registry as a run and a registered version.

    The run holds parameters, metrics with intervals, digests of data, recipe, grades, code and model as tags, the recipe itself,
    the training log, pictures, and the model card. The version can be loaded with MLflow's own client and gives the same
    probabilities. card: language to the text of the card with its blanks. book: the manifest of the book learned from;
    its digest and what was delivered, accepted and set aside go into the run. Raises StorageFailed where the registry fails.
    """
    mlflow = registry.mlflow
    experiment = registry.experiment()
    with (
        storage_errors(registry.uri),
        warnings.catch_warnings(),
        tempfile.TemporaryDirectory() as scratch,
        mlflow.start_run(experiment_id=experiment, run_name=f"{recipe.name} {trained.log['until']}") as run,
    ):
        warnings.simplefilter("ignore")  # MLflow, shap and matplotlib speak of each other's futures here
        mlflow.set_tags(tags_of(trained, recipe, grades, book["digest"]))
        mlflow.log_params(flattened(recipe.model_dump(mode="json")))
        folder = Path(scratch) / "run"
        write_run_files(folder, trained, recipe, grades)
        (folder / "book.json").write_bytes(canonical({name: book.get(name) for name in OF_THE_BOOK}))
        write_judged(folder, trained)
        write_cards(folder, card, trained, recipe, run_id=run.info.run_id, book_digest=book["digest"])
        mlflow.log_artifacts(str(folder))
        number = _log_model(mlflow, trained.model, trained, Path(scratch), recipe.name)
        mlflow.log_metrics(metrics_of(trained))  # after the model: MLflow would look up each of them again to link it
    return Recorded(recipe.name, number, run.info.run_id, trained.model.digest)


def tags_of(trained: Trained, recipe: Recipe, grades: Grades, book_digest: str) -> dict[str, str]:
    """What the run was made of: digests, dates, versions."""
    return {
        "model_digest": trained.model.digest,
        "recipe_digest": recipe.digest,
        "grades_digest": grades.digest,
        "trained_until": trained.model.trained_until,
        **circumstances(book_digest),
    }


def circumstances(book_digest: str) -> dict[str, str]:
    """What a training here and now depends on beside recipe, grades and date: digests of book and code, versions; as tags."""
    return {
        "book_digest": book_digest,
        "code_digest": code_digest(),
        "python": platform.python_version(),
        **{f"version.{name}": version(name) for name in LIBRARIES},
    }


def metrics_of(trained: Trained) -> dict[str, float]:
    """Every figure with its interval: the model's by its plain name, the others' under theirs; what has no value is left out."""
    metrics: dict[str, float] = {"n_rows": trained.log["n_rows"], "event_share": trained.log["event_share"]}
    for predictor, figures in trained.evaluation.figures.items():
        prefix = "" if predictor == "model" else f"{predictor.replace(' ', '_')}/"
        for name, each in figures.items():
            metrics |= {f"{prefix}{name}": each.value, f"{prefix}{name}_low": each.low, f"{prefix}{name}_high": each.high}
    for late, found in trained.invoices.items():
        for predictor, figures in found.figures.items():
            prefix = f"invoices/{late.replace(' > ', '_')}/{predictor.replace(' ', '_')}"
            for name, each in figures.items():
                metrics |= {f"{prefix}/{name}": each.value, f"{prefix}/{name}_low": each.low, f"{prefix}/{name}_high": each.high}
    for predictor, differences in trained.evaluation.differences.items():
        for name, each in differences.items():
            prefix = f"ahead_of/{predictor.replace(' ', '_')}/{name}"
            metrics |= {prefix: each.value, f"{prefix}_low": each.low, f"{prefix}_high": each.high}
    trueness = trained.evaluation.trueness
    metrics |= {"spiegelhalter_z": trueness.spiegelhalter.z, "spiegelhalter_p": trueness.spiegelhalter.p_value}
    for row in trueness.years:
        stem = f"predicted_over_observed/{row.year}"
        metrics |= {stem: row.ratio, f"{stem}_low": row.low, f"{stem}_high": row.high}
    return {name: float(value) for name, value in metrics.items() if math.isfinite(value)}


def write_run_files(folder: Path, trained: Trained, recipe: Recipe, grades: Grades) -> None:
    """The recipe and grades as parsed, the training log, the grade table, and the pictures."""
    import matplotlib as mpl

    mpl.use("Agg")
    folder.mkdir()
    log = {**trained.log, "shap_distance": pictures.check_against_shap(trained.model, pictures.sampled(trained.newest))}
    rows = [row.__dict__ for row in trained.evaluation.grades]
    for name, value in {
        "recipe.json": recipe.model_dump(mode="json"),
        "grades.json": grades.model_dump(mode="json"),
        "training_log.json": log,
        "calibration_by_grade.json": rows,
        "roc.json": roc_points(trained),
        "segments.json": [_plain(asdict(row)) for row in trained.evaluation.segments],
        "newcomers.json": newcomers_of(trained),
        "invoices.json": invoices_of(trained),
        "trueness.json": trueness_of(trained.evaluation.trueness),
        "holdouts.json": {
            name: {metric: _plain(asdict(each)) for metric, each in figures.items()}
            for name, figures in trained.evaluation.holdouts.items()
        },
    }.items():
        (folder / name).write_bytes(canonical(value))
    for name, figure in pictures.draw(trained).items():
        (folder / "plots").mkdir(exist_ok=True)
        figure.savefig(folder / "plots" / name)
    import matplotlib.pyplot as plt

    plt.close("all")


def newcomers_of(trained: Trained) -> dict[str, Any] | None:
    """How good the model of newcomers is on later months, beside their prior; null where no newcomer could be judged."""
    found = trained.evaluation.newcomers
    if found is None:
        return None
    counts = {name: getattr(found, name) for name in ("n_rows", "n_customers", "n_customers_with_event", "event_share")}
    figures = {
        name: {metric: _plain(asdict(each)) for metric, each in figures.items()} for name, figures in found.figures.items()
    }
    return {**counts, "calibration": found.calibration, "figures": figures}


def invoices_of(trained: Trained) -> dict[str, Any]:
    """How good the payment hazard is on later invoices, by lateness, beside the customers' records; empty: none was judged."""
    judged: dict[str, Any] = _plain({late: asdict(found) for late, found in trained.invoices.items()})
    return judged


def trueness_of(trueness: Trueness) -> dict[str, Any]:
    """Spiegelhalter's test and the years as plain values, with what each says: rejected or not, within a tenth or not."""
    test = trueness.spiegelhalter
    told = {
        "spiegelhalter": {**asdict(test), "rejected": test.rejected},
        "years": [{**asdict(row), "within": row.within} for row in trueness.years],
    }
    return {name: _plain(each) for name, each in told.items()}


def _plain(value: Any) -> Any:
    """The value as JSON holds it: a figure that cannot be computed is null."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def roc_points(trained: Trained, n: int = 150) -> dict[str, list[tuple[float, float]]]:
    """Predictor to points of its ROC curve on the judged rows: at most about n of them, a drawing shows no more."""
    points = {}
    for name, probability in trained.judged.pd.items():
        alarms, caught = roc(probability, trained.judged.rows.outcome)
        kept = np.unique(np.linspace(0, len(alarms) - 1, n).round().astype(np.int64))
        points[name] = [(round(float(alarms[each]), 4), round(float(caught[each]), 4)) for each in kept]
    return points


def flattened(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested values as dotted names, as parameters are listed."""
    flat: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = str(value)
    return flat


def _log_model(mlflow: Any, model: Model, trained: Trained, scratch: Path, name: str) -> str:
    import pandas as pd

    bundle = scratch / BUNDLE
    bundle.mkdir()
    for each, content in to_files(model).items():
        (bundle / each).parent.mkdir(exist_ok=True)
        (bundle / each).write_bytes(content)
    example = trained.newest.slice(0, N_EXAMPLE_ROWS)
    kinds = {each["name"]: each["kind"] for each in model.formula.inputs}
    frame = pd.DataFrame({feature: read_column(example, feature, kinds[feature]) for feature in model.feature_names})
    with contextlib.redirect_stderr(io.StringIO()):  # MLflow tells there what it did; the caller's talk says it once
        info = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(portable.write_script(scratch)),
            artifacts={BUNDLE: str(bundle)},
            signature=portable.signature(model, example),
            input_example=frame,
            # Written out, because MLflow would otherwise start the model in a new process to see what it imports.
            pip_requirements=[f"{library}=={version(library)}" for library in portable.REQUIREMENTS],
            registered_model_name=name,
        )
    return str(info.registered_model_version)
