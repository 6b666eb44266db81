"""Learning: the rows judged walking forward, the model fitted to all of them, calibrated on what was judged."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from riskscore import features
from riskscore.errors import TooFewEvents, UsageRefused
from riskscore.evaluation import check_categories, check_features
from riskscore.grades import Grades
from riskscore.hazard import Hazard
from riskscore.hazard.formula import with_newcomers_speaking
from riskscore.model import Model, from_files
from riskscore.model.bundle import N_SELFTEST_ROWS, canonical, make_files
from riskscore.model.calibration import Level, calibrator, find_level, fit_curve, newest_vintages, venn_abers
from riskscore.model.fit import fit_formula
from riskscore.model.formula import COLD, Floats, Formula
from riskscore.model.inputs import N_CROSS_FOLDS
from riskscore.model.rows import FeatureLike, Rows
from riskscore.model.value import read_column, read_columns
from riskscore.recipe import Recipe
from riskscore.training.breakdown import judge_holdouts
from riskscore.training.gathering import (
    ADVICE,
    ADVICE_FOR_A_SMALL_BOOK,
    ADVICE_WHERE_ALL_ARE_LATE,
    EPOCH,
    Gathered,
    Ledgers,
    Progress,
    gather,
    silent,
)
from riskscore.training.gathering_invoices import GatheredInvoices, gather_invoices
from riskscore.training.invoices import (
    Forecast,
    foretell_from,
    goes_by_facts,
    learn_hazard,
    newcomers_speak,
    together,
)
from riskscore.training.judging import Evaluation, Judged, judge, walk_forward
from riskscore.training.judging_invoices import JudgedLateness, judge_invoices


@dataclass(frozen=True)
class Trained:
    """A model with everything that speaks for or against it.

    newest: the features of the newest cut, for plots and as an example of what the model reads. log: counts and choices, plain
    values that can be written down as they are. invoices: figures of the payment hazard by lateness; forecast: what it said of
    each invoice it was judged on; empty and null where no invoices were given.
    """

    model: Model
    evaluation: Evaluation
    invoices: Mapping[str, JudgedLateness]
    forecast: Forecast | None
    judged: Judged
    newest: pa.Table
    log: Mapping[str, Any]


def train(
    ledgers: Ledgers, recipe: Recipe, grades: Grades, *, until: date, jobs: int = 1, progress: Progress = silent
) -> Trained:
    """The model that the recipe makes of these ledgers, on facts until `until`.

    ledgers: one book, e.g. one ledger a bucket; gone through twice. Equal facts give a model of equal digest, whatever the order
    of rows or buckets, and in another process. Raises TooFewEvents with the numbers where there is too little to learn from or to
    judge by, LeakFound where the rows hold what was not known, UsageRefused where recipe, grades and catalogue do not fit.
    """
    gathered = gather(ledgers, recipe, until=until, jobs=jobs, progress=progress)
    invoices = gather_invoices(ledgers, recipe, until=until, progress=progress)
    return learn(gathered, recipe, grades, invoices=invoices, progress=progress)


def learn(
    gathered: Gathered, recipe: Recipe, grades: Grades, *, invoices: GatheredInvoices | None = None, progress: Progress = silent
) -> Trained:
    """The model of gathered rows, and the payment hazard of gathered invoices in its bundle; raises as `train` does."""
    catalogue = chosen_features(recipe)
    check_horizon(recipe, grades)
    rows = gathered.rows
    check_evidence(rows, recipe)
    check_features(_numbers(rows, catalogue), [each.name for each in catalogue if each.kind == "number"], rows.outcome)
    texts = [each.name for each in catalogue if each.kind == "category"]
    levels = [rows.features[name].to_pylist() for name in texts]
    check_categories(levels, texts, rows.outcome, rows.folds_of_customers(N_CROSS_FOLDS))
    # The model of customers and the hazard of invoices have nothing in common, and a company's machine has two cores.
    with _one_thread_each(), ThreadPoolExecutor(1) as beside:
        of_invoices = _Hazards(invoices, recipe, beside) if invoices is not None else None
        formula, judged, evaluation, level = _judge_and_learn_model(gathered, catalogue, recipe, grades, progress)
        progress("judging invoices", 0, 1)
        forecast, figures, parts = of_invoices.finish() if of_invoices is not None else (None, {}, {})
        progress("judging invoices", 1, 1)
    about = {
        "name": recipe.name,
        "recipe": recipe.digest,
        "trained_until": gathered.until.isoformat(),
        "horizon_days": recipe.outcome.horizon_days,
    }
    model = from_files(make_files(formula, _selftest_rows(rows), about, parts))
    newest = rows.take(rows.days == rows.days.max()).features
    log = _log(gathered, recipe, evaluation, judged, level)
    if parts:
        log["newcomers_speak"] = Hazard(parts["hazard"]).newcomers_speak
    return Trained(model, evaluation, figures, forecast, judged, newest, log)


def _one_thread_each() -> AbstractContextManager[object]:
    """Libraries of linear algebra add on one thread: two add in another order, and the last digits with it. Set once for both
    halves, because the setting is the process's.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types; comes with scikit-learn

    limits: AbstractContextManager[object] = threadpool_limits(limits=1)
    return limits


class _Hazards:
    """The hazard of all that is known and those that are judged, learned beside the model, the longest first.

    They take longer than the model: whoever is through with that learns those here that nobody has begun, the shortest first.
    """

    def __init__(self, invoices: GatheredInvoices, recipe: Recipe, beside: ThreadPoolExecutor) -> None:
        self._invoices, self._recipe = invoices, recipe
        self._learned = beside.submit(learn_hazard, invoices, recipe)
        self._foretold = {refit: beside.submit(foretell_from, invoices, recipe, refit) for refit in sorted(invoices.refits)[::-1]}

    def finish(self) -> tuple[Forecast, Mapping[str, JudgedLateness], dict[str, dict[str, bytes]]]:
        """What the payment hazard said of later invoices, its figures, and its files by part of the bundle."""
        here = {
            refit: foretell_from(self._invoices, self._recipe, refit)
            for refit in sorted(self._foretold)
            if self._foretold[refit].cancel()
        }
        parts = [here[refit] if refit in here else self._foretold[refit].result() for refit in self._invoices.refits]
        forecast = together(self._invoices, parts, self._recipe)
        figures = judge_invoices(forecast, self._recipe)
        files = self._learned.result()
        by_facts = goes_by_facts(Hazard(files))
        speak = newcomers_speak(self._invoices, parts, self._invoices.until, by_facts, self._recipe)
        return forecast, figures, {"hazard": with_newcomers_speaking(files, speak)}


def _judge_and_learn_model(
    gathered: Gathered, catalogue: Sequence[FeatureLike], recipe: Recipe, grades: Grades, progress: Progress
) -> tuple[dict[str, bytes], Judged, Evaluation, Level]:
    """The files of the model of customers with its calibrators, what judged it, and the level of now."""
    rows = gathered.rows
    walked = walk_forward(rows, catalogue, recipe, newcomers=gathered.newcomers, progress=progress)
    judged, evaluation = judge(walked, grades, recipe)
    newest_block = (judged.blocks[-1][0] - EPOCH).days
    evaluation = replace(evaluation, holdouts=judge_holdouts(rows, catalogue, recipe, newest_block))
    progress("learning from all months", 0, 1)
    formula = fit_formula(rows, catalogue, recipe, newcomers=gathered.newcomers)
    level = _level_now(formula, rows, catalogue, recipe)
    formula["calibrator.json"] = calibrated_on(judged, evaluation, level.shift if evaluation.level_used else 0.0)
    if judged.newcomers is not None:
        formula[f"{COLD}/calibrator.json"] = calibrated_on(judged.newcomers, evaluation.newcomers)
    progress("learning from all months", 1, 1)
    return formula, judged, evaluation, level


def calibrated_on(judged: Judged, evaluation: Evaluation | None, level: float = 0.0) -> bytes:
    """The curve that won, fitted to all judged rows, and the interval; no curve where all of them, or none, had the event.

    level: the shift that comes before both; the judged rows were shifted each by what was known before their block.
    """
    rows, log_odds = judged.rows, judged.log_odds + judged.level
    curve = fit_curve("none" if evaluation is None else evaluation.calibration, log_odds, rows.outcome)
    return canonical(calibrator(curve, venn_abers(log_odds, rows.outcome, rows.customer_weight), level))


def _level_now(files: Mapping[str, bytes], rows: Rows, catalogue: Sequence[FeatureLike], recipe: Recipe) -> Level:
    """The level that the newest month ends ask for, whether it is followed or not."""
    formula, newest = Formula(files), newest_vintages(rows, recipe.calibration)
    return find_level(formula.log_odds(formula.matrix(read_columns(newest.features, catalogue))), newest, recipe.calibration)


def chosen_features(recipe: Recipe) -> tuple[FeatureLike, ...]:
    """The features the recipe learns from, in the catalogue's order. Raises UsageRefused for a name that is not in it."""
    used = {*recipe.baselines, recipe.members.rate.share, recipe.members.rate.of}
    used.update(recipe.cold.features)
    if strangers := used.union(recipe.features.leave_out) - set(features.CATALOGUE):
        raise UsageRefused(f"recipe: no such feature in the catalogue: {', '.join(sorted(strangers))}.")
    if needed := used.intersection(recipe.features.leave_out):
        raise UsageRefused(f"recipe: {', '.join(sorted(needed))} is left out and used at once.")
    return tuple(each for name, each in features.CATALOGUE.items() if name not in recipe.features.leave_out)


def check_horizon(recipe: Recipe, grades: Grades) -> None:
    """Raises UsageRefused where the grades are read at another horizon than the recipe predicts."""
    if grades.horizon_days != recipe.outcome.horizon_days:
        raise UsageRefused(
            f"the grades are read at {grades.horizon_days} days, the recipe predicts {recipe.outcome.horizon_days}. Write the "
            f"same horizon_days into grades.toml and recipe.toml of models/{recipe.name}/."
        )


def check_evidence(rows: Rows, recipe: Recipe) -> None:
    """Are there enough customers of either kind to learn from? Raises TooFewEvents with the numbers where there are not.

    Customers are counted, not rows: the twelve month ends before one bankruptcy are one piece of evidence.
    """
    with_event = rows.n_customers_with_event
    without = rows.n_customers - with_event
    least = recipe.evidence
    if with_event < least.customers_with_event or without < least.customers_without_event:
        raise TooFewEvents(
            f"of {rows.n_customers} customers with a payment history {with_event} paid materially late within "
            f"{recipe.outcome.horizon_days} days of some month end and {without} never did; the recipe asks for at least "
            f"{least.customers_with_event} and {least.customers_without_event}. No model was made. "
            f"{_advice(rows.n_customers, without, recipe)}"
        )


def _advice(n_customers: int, without: int, recipe: Recipe) -> str:
    """What helps where too few customers of a kind are there: nothing in a small book, a longer history, or another question."""
    least = recipe.evidence
    if n_customers < least.customers_with_event + least.customers_without_event:
        return ADVICE_FOR_A_SMALL_BOOK
    return ADVICE if without >= least.customers_without_event else ADVICE_WHERE_ALL_ARE_LATE


def _numbers(rows: Rows, catalogue: Sequence[FeatureLike]) -> Floats:
    columns = [np.asarray(read_column(rows.features, each.name, each.kind)) for each in catalogue if each.kind == "number"]
    return np.column_stack(columns)


def _selftest_rows(rows: Rows) -> pa.Table:
    """Rows spread evenly over all, so that the vectors meet the early and the late, the rich and the thin."""
    places = np.unique(np.linspace(0, len(rows) - 1, N_SELFTEST_ROWS).round().astype(int))
    return rows.features.take(pa.array(places))


def _log(gathered: Gathered, recipe: Recipe, evaluation: Evaluation, judged: Judged, level: Level) -> dict[str, Any]:
    rows = gathered.rows
    return {
        "until": gathered.until.isoformat(),
        "cuts": [cut.isoformat() for cut in gathered.cuts],
        "n_rows": len(rows),
        "n_customers": rows.n_customers,
        "n_customers_with_event": rows.n_customers_with_event,
        "event_share": float(rows.outcome.mean()),
        "n_newcomer_rows": len(gathered.newcomers),
        "n_newcomers": gathered.newcomers.n_customers,
        "n_newcomers_with_event": gathered.newcomers.n_customers_with_event,
        "maturity": _maturity(gathered, recipe),
        "left_out": dict(gathered.left_out),
        "causes": dict(gathered.causes),
        "judged_blocks": [[first.isoformat(), last.isoformat(), n] for first, last, n in judged.blocks],
        "level": {
            **asdict(level),
            "first_day": (EPOCH + timedelta(days=level.first_day)).isoformat(),
            "last_day": (EPOCH + timedelta(days=level.last_day)).isoformat(),
            "used": evaluation.level_used,
            "losses": dict(evaluation.level_losses),
        },
        "calibration": evaluation.calibration,
        "calibration_losses": dict(evaluation.calibration_losses),
    }


def _maturity(gathered: Gathered, recipe: Recipe) -> list[list[Any]]:
    """Each cut learned from: rows, events, and for how many days its outcomes had all been known on the last day."""
    rows = gathered.rows
    counted = []
    for cut in gathered.cuts:
        there = rows.days == (cut - EPOCH).days
        known_for = (gathered.until - cut).days - recipe.outcome.horizon_days
        counted.append([cut.isoformat(), int(there.sum()), int(rows.outcome[there].sum()), known_for])
    return counted
