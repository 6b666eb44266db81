"""Judging: what models learned on the past say of later months they have not seen, beside the simplest things one could do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from scipy.special import expit

from riskscore.errors import TooFewEvents
from riskscore.evaluation import (
    GradeRow,
    Measured,
    Resamples,
    check_time_split,
    judge_grades,
    paired_difference,
)
from riskscore.grades import Grades
from riskscore.model.calibration import allowed_curves, choose_curve, prequential
from riskscore.model.fit import fit_formula
from riskscore.model.formula import Floats, Formula, contribution_of
from riskscore.model.members import fit_logistic_member
from riskscore.model.rows import FeatureLike, Rows
from riskscore.model.value import read_column
from riskscore.recipe import LogisticTerms, Recipe
from riskscore.training.gathering import ADVICE, EPOCH, Progress, silent

N_RESAMPLES = 300
HEADLINE = "model"
"""The name of the calibrated ensemble among the predictors."""

NO_PENALTY = LogisticTerms.model_validate({"weight": "1", "ridge": 1e-6, "winsor": 0.01})


@dataclass(frozen=True)
class Judged:
    """The judged rows, each scored by a model whose last outcome was known before the row's date.

    log_odds: of the ensemble, not calibrated. pd: predictor to probabilities; `model` is the calibrated ensemble, the others its
    members and the baselines. blocks: first date, last date and number of rows of each block of months.
    """

    rows: Rows
    log_odds: Floats
    pd: Mapping[str, Floats]
    blocks: tuple[tuple[date, date, int], ...]


@dataclass(frozen=True)
class Evaluation:
    """The figures of a training, all out of time, intervals by resampling customers.

    figures: predictor to metric. differences: predictor to what the model is ahead of it by in AUC (above 0 is better) and in log
    loss and Brier (below 0 is better), on the same draws. grades: predicted and observed by grade on outcome windows that do not
    overlap. calibration: the curve chosen; calibration_losses: prequential log loss of each curve tried.
    """

    figures: Mapping[str, Mapping[str, Measured]]
    differences: Mapping[str, Mapping[str, Measured]]
    grades: Sequence[GradeRow]
    calibration: str
    calibration_losses: Mapping[str, float]
    n_rows: int
    n_customers: int
    n_customers_with_event: int
    event_share: float


def walk_forward(rows: Rows, catalogue: Sequence[FeatureLike], recipe: Recipe, *, progress: Progress = silent) -> Judged:
    """Every block of the newest months, scored by a model learned on what was known before the block.

    Raises TooFewEvents where no block has enough events behind it to learn from, LeakFound where a split overlaps.
    """
    log_odds = np.full(len(rows), np.nan)
    pd: dict[str, Floats] = {}
    spans = []
    blocks = _blocks(np.unique(rows.days), recipe)
    for number, days in enumerate(blocks):
        progress("judging on later months", number, len(blocks))
        known = rows.days + recipe.outcome.horizon_days + recipe.cuts.embargo_days <= days[0]
        now = np.isin(rows.days, days)
        learned, judged = rows.take(known), rows.take(now)
        if not _enough(learned, recipe):
            continue
        check_time_split(learned.days, judged.days, recipe.outcome.horizon_days, recipe.cuts.embargo_days)
        log_odds[now], said = _score(learned, judged, catalogue, recipe)
        for name, probability in said.items():
            pd.setdefault(name, np.full(len(rows), np.nan))[now] = probability
        spans.append((_day(days[0]), _day(days[-1]), len(judged)))
    progress("judging on later months", len(blocks), len(blocks))
    done = ~np.isnan(log_odds)
    if not 0 < rows.outcome[done].sum() < done.sum():
        raise TooFewEvents(
            f"no block of {recipe.cuts.fold_months} months has {recipe.evidence.fold_customers_with_event} late payers whose "
            f"outcome was known before it, so a model could not be judged on months it had not seen. None was made. {ADVICE}"
        )
    return Judged(rows.take(done), log_odds[done], {name: each[done] for name, each in pd.items()}, tuple(spans))


def judge(judged: Judged, grades: Grades, recipe: Recipe) -> tuple[Judged, Evaluation]:
    """The judged rows with the calibrated model among the predictors, and every figure about them.

    The curve is the one that would have done best had it been fitted month by month on what was known then; the model's
    probabilities here are those month-by-month ones, so no row was calibrated on itself or on anything later.
    """
    rows = judged.rows
    known_after = recipe.outcome.horizon_days + recipe.cuts.embargo_days
    allowed = allowed_curves(rows.n_customers_with_event, recipe.calibration)
    curve, losses = choose_curve(judged.log_odds, rows.outcome, rows.days, known_after, allowed=allowed)
    pd = {HEADLINE: prequential(curve, judged.log_odds, rows.outcome, rows.days, known_after), **judged.pd}
    resamples = Resamples(rows.customers, N_RESAMPLES, recipe.seed)
    replicates = {name: resamples.judge(probability, rows.outcome) for name, probability in pd.items()}
    independent = _without_overlap(rows.days, recipe.outcome.horizon_days)
    given = np.array([grades.grade(float(each)) for each in pd[HEADLINE][independent]], dtype=np.int64)
    evaluation = Evaluation(
        figures={name: each.measured() for name, each in replicates.items()},
        differences={
            name: {metric: paired_difference(replicates[HEADLINE], each, metric) for metric in ("auc", "log_loss", "brier")}
            for name, each in replicates.items()
            if name != HEADLINE
        },
        grades=judge_grades(given, pd[HEADLINE][independent], rows.outcome[independent]),
        calibration=curve,
        calibration_losses=losses,
        n_rows=len(rows),
        n_customers=rows.n_customers,
        n_customers_with_event=rows.n_customers_with_event,
        event_share=float(rows.outcome.mean()),
    )
    return Judged(rows, judged.log_odds, pd, judged.blocks), evaluation


def _score(learned: Rows, judged: Rows, catalogue: Sequence[FeatureLike], recipe: Recipe) -> tuple[Floats, dict[str, Floats]]:
    formula = Formula(fit_formula(learned, catalogue, recipe))
    columns = {feature.name: read_column(judged.features, feature.name, feature.kind) for feature in catalogue}
    matrix = formula.matrix(columns)
    members = formula.member_log_odds(matrix)
    named = {"uncalibrated": formula.log_odds(matrix)}
    named |= {"shrunken rate": members["rate"], "logistic": members["logistic"], "trees": members["trees"]}
    for feature in catalogue:
        if feature.name in recipe.baselines:
            named[feature.name] = _baseline(feature, learned, judged)
    return named["uncalibrated"], {name: expit(log_odds) for name, log_odds in named.items()}


def _baseline(feature: FeatureLike, learned: Rows, judged: Rows) -> Floats:
    """One feature alone, as a rule of thumb would use it; the logistic only gives it a probability."""
    described = {"name": feature.name, "kind": feature.kind, "risk": feature.risk}
    values = np.asarray(read_column(learned.features, feature.name, feature.kind), dtype=np.float64)
    fit = fit_logistic_member(values[:, None], [described], learned.outcome, NO_PENALTY, 1.0)
    log_odds = np.full(len(judged), fit["intercept"])
    for term in fit["terms"]:
        log_odds += contribution_of(term, np.asarray(read_column(judged.features, feature.name, feature.kind)))
    return log_odds


def _blocks(days: Any, recipe: Recipe) -> list[Any]:
    judged = days[-recipe.cuts.folds * recipe.cuts.fold_months :]
    first = len(judged) % recipe.cuts.fold_months  # the oldest block may be short, the newest is whole
    starts = [*([0] if first else []), *range(first, len(judged), recipe.cuts.fold_months)]
    return [judged[start:end] for start, end in zip(starts, [*starts[1:], len(judged)], strict=True)]


def _enough(learned: Rows, recipe: Recipe) -> bool:
    if len(learned) == 0:
        return False
    with_event = learned.n_customers_with_event
    least = recipe.evidence.fold_customers_with_event
    return with_event >= least and learned.n_customers - with_event >= least


def _without_overlap(days: Any, horizon_days: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Rows of the newest date and of earlier ones so far apart that no two outcome windows of a customer overlap."""
    kept: list[int] = []
    for day in sorted(set(days.tolist()), reverse=True):
        if not kept or kept[-1] - day >= horizon_days:
            kept.append(day)
    return np.isin(days, kept)


def _day(number: int) -> date:
    return EPOCH + timedelta(days=int(number))
