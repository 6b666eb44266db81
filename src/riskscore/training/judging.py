"""Judging: what models learned on the past say of later months they have not seen, beside the simplest things one could do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from scipy.special import expit

from riskscore.errors import TooFewEvents
from riskscore.evaluation import (
    GradeRow,
    Measured,
    Resamples,
    SegmentRow,
    Trueness,
    check_time_split,
    judge_grades,
    judge_trueness,
    paired_difference,
)
from riskscore.grades import Grades
from riskscore.model.calibration import allowed_curves, choose_curve, find_level, log_loss, newest_vintages, prequential
from riskscore.model.cold import prior_log_odds
from riskscore.model.fit import fit_formula
from riskscore.model.formula import Floats, Formula, contribution_of
from riskscore.model.members import fit_logistic_member
from riskscore.model.rows import FeatureLike, Rows
from riskscore.model.scorecard import fit_scorecard
from riskscore.model.value import read_column, read_columns
from riskscore.recipe import LogisticTerms, Recipe
from riskscore.training.blocks import blocks_of, known_before
from riskscore.training.breakdown import judge_by_segment
from riskscore.training.gathering import ADVICE, EPOCH, Progress, silent, too_short

Flags = np.ndarray[Any, np.dtype[np.bool_]]

N_RESAMPLES = 300
HEADLINE = "model"
"""The name of the calibrated ensemble among the predictors."""

COMPARED = ("auc", "pr_auc", "log_loss", "brier")
"""In what the model's lead over every other predictor is told."""

SCORECARD = "scorecard"
"""The name of the scorecard of weights of evidence among the predictors: a peer, no member."""

NO_PENALTY = LogisticTerms.model_validate({"weight": "1", "ridge": 1e-6, "winsor": 0.01})


@dataclass(frozen=True)
class Judged:
    """The judged rows, each scored by a model whose last outcome was known before the row's date.

    log_odds: of the ensemble, not calibrated. level: what the newest outcomes known before the row's block ask to be added (zero
    for newcomers). pd: predictor to probabilities; `model` is the calibrated ensemble, the others its
    members and the baselines. blocks: first date, last date and number of rows of each block of months. newcomers: the same of
    customers without a settled invoice, judged by the model of newcomers; null where the blocks held none.
    """

    rows: Rows
    log_odds: Floats
    level: Floats
    pd: Mapping[str, Floats]
    blocks: tuple[tuple[date, date, int], ...]
    newcomers: "Judged | None" = None


@dataclass(frozen=True)
class Evaluation:
    """The figures of a training, all out of time, intervals by resampling customers.

    figures: predictor to metric. differences: predictor to what the model is ahead of it by in AUC and PR-AUC (above 0 is
    better) and in log loss and Brier (below 0 is better), on the same draws. grades: predicted and observed by grade on outcome
    windows that do not overlap. trueness: Spiegelhalter's test and predicted over observed by calendar year, on the same rows as
    the grades. level_used: whether following the level of the newest known outcomes won; level_losses: mean log loss with and
    without. calibration: the curve chosen after that; calibration_losses: prequential log loss of each curve tried. segments:
    the calibrated model by kind of customer. holdouts: one model in and out of time and of the customers it learned from
    (`learn` fills it in). newcomers: the same of customers without a settled invoice; null where none were judged, or all of
    them or none paid late.
    """

    figures: Mapping[str, Mapping[str, Measured]]
    differences: Mapping[str, Mapping[str, Measured]]
    grades: Sequence[GradeRow]
    trueness: Trueness
    calibration: str
    calibration_losses: Mapping[str, float]
    level_used: bool
    level_losses: Mapping[str, float]
    n_rows: int
    n_customers: int
    n_customers_with_event: int
    event_share: float
    newcomers: "Evaluation | None" = None
    segments: Sequence[SegmentRow] = ()
    holdouts: Mapping[str, Mapping[str, Measured]] = field(default_factory=dict)


def walk_forward(
    rows: Rows,
    catalogue: Sequence[FeatureLike],
    recipe: Recipe,
    *,
    newcomers: Rows | None = None,
    progress: Progress = silent,
) -> Judged:
    """Every block of the newest months, scored by a model learned on what was known before the block.

    newcomers: customers without a settled invoice, judged in the same blocks by models that know no row of those
    customers, nor of a newcomer of their families.
    Raises TooFewEvents where no block has enough events behind it to learn from, LeakFound where a split overlaps.
    """
    sheet, fresh = _Sheet(rows), _Sheet(newcomers or rows.take(np.zeros(len(rows), dtype=bool)))
    blocks = blocks_of(np.unique(rows.days), recipe)
    if not any(_known(rows, days, recipe).any() for days in blocks):
        raise TooFewEvents(
            f"the history is too short to judge a model on months it had not seen, so none was made: of its "
            f"{len(np.unique(rows.days))} month ends no outcome was known before those that would judge. "
            f"{too_short(_day(rows.days.min()), recipe)}"
        )
    for number, days in enumerate(blocks):
        progress("judging on later months", number, len(blocks))
        learned, judged = rows.take(_known(rows, days, recipe)), rows.take(np.isin(rows.days, days))
        if not _enough(learned, recipe):
            continue
        check_time_split(learned.days, judged.days, recipe.outcome.horizon_days, recipe.cuts.embargo_days)
        now = np.isin(fresh.rows.days, days)
        entering = fresh.rows.take(now)
        strangers = ~np.isin(fresh.rows.families, entering.families)
        entered = fresh.rows.take(_known(fresh.rows, days, recipe) & strangers)
        formula = Formula(fit_formula(learned, catalogue, recipe, newcomers=entered, explains=False))
        level = find_level(*_newest(formula, learned, catalogue, recipe), recipe.calibration).shift
        sheet.write(np.isin(rows.days, days), *_score(formula, learned, judged, catalogue, recipe), level=level)
        if len(entering):
            fresh.write(now, *_score_newcomers(formula, entered if len(entered) else learned, entering, catalogue))
    progress("judging on later months", len(blocks), len(blocks))
    judged_rows = sheet.judged()
    if judged_rows is None or not 0 < judged_rows.rows.outcome.sum() < len(judged_rows.rows):
        raise TooFewEvents(
            f"no block of {recipe.cuts.fold_months} months has {recipe.evidence.fold_customers_with_event} late payers whose "
            f"outcome was known before it, so a model could not be judged on months it had not seen. None was made. {ADVICE}"
        )
    return replace(judged_rows, newcomers=fresh.judged())


def judge(judged: Judged, grades: Grades, recipe: Recipe) -> tuple[Judged, Evaluation]:
    """The judged rows with the calibrated model among the predictors, and every figure about them.

    First the level: the shift that the newest outcomes known before each block asked for is followed if the rows of the blocks
    were foretold better with it. Then the curve: the one that would have done best had it been fitted month by month on what was
    known then; the model's probabilities here are those month-by-month ones, so no row was calibrated on itself or on anything
    later.
    """
    rows = judged.rows
    known_after = recipe.outcome.horizon_days + recipe.cuts.embargo_days
    allowed = allowed_curves(rows.n_customers_with_event, recipe.calibration)
    level_losses = {
        "without": float(np.mean(log_loss(expit(judged.log_odds), rows.outcome))),
        "with": float(np.mean(log_loss(expit(judged.log_odds + judged.level), rows.outcome))),
    }
    level_used = level_losses["with"] < level_losses["without"]
    if not level_used:
        judged = replace(judged, level=np.zeros(len(rows)))
    log_odds = judged.log_odds + judged.level
    curve, losses = choose_curve(log_odds, rows.outcome, rows.days, known_after, allowed=allowed)
    pd = {HEADLINE: prequential(curve, log_odds, rows.outcome, rows.days, known_after), **judged.pd}
    resamples = Resamples(rows.customers, N_RESAMPLES, recipe.seed)
    replicates = {name: resamples.judge(probability, rows.outcome) for name, probability in pd.items()}
    independent = _without_overlap(rows.days, recipe.outcome.horizon_days)
    given = np.array([grades.grade(float(each)) for each in pd[HEADLINE][independent]], dtype=np.int64)
    newcomers, of_newcomers = judged.newcomers, None
    if newcomers is not None and 0 < newcomers.rows.outcome.sum() < len(newcomers.rows):
        newcomers, of_newcomers = judge(newcomers, grades, recipe)
    evaluation = Evaluation(
        figures={name: each.measured() for name, each in replicates.items()},
        differences={
            name: {metric: paired_difference(replicates[HEADLINE], each, metric) for metric in COMPARED}
            for name, each in replicates.items()
            if name != HEADLINE
        },
        grades=judge_grades(given, pd[HEADLINE][independent], rows.outcome[independent]),
        trueness=judge_trueness(pd[HEADLINE][independent], rows.outcome[independent], _years(rows.days[independent])),
        calibration=curve,
        calibration_losses=losses,
        level_used=level_used,
        level_losses=level_losses,
        n_rows=len(rows),
        n_customers=rows.n_customers,
        n_customers_with_event=rows.n_customers_with_event,
        event_share=float(rows.outcome.mean()),
        newcomers=of_newcomers,
        segments=judge_by_segment(pd[HEADLINE], rows, recipe.seed),
    )
    return replace(judged, pd=pd, newcomers=newcomers), evaluation


class _Sheet:
    """Rows with room for what predictors say of them, filled block by block."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.log_odds = np.full(len(rows), np.nan)
        self.level = np.zeros(len(rows))
        self.pd: dict[str, Floats] = {}
        self.blocks: list[tuple[date, date, int]] = []

    def write(self, now: Flags, log_odds: Floats, said: Mapping[str, Floats], *, level: float = 0.0) -> None:
        """Fill in the rows of one block."""
        self.log_odds[now], self.level[now] = log_odds, level
        for name, probability in said.items():
            self.pd.setdefault(name, np.full(len(self.rows), np.nan))[now] = probability
        days = self.rows.days[now]
        self.blocks.append((_day(days.min()), _day(days.max()), int(now.sum())))

    def judged(self) -> Judged | None:
        """The rows that were filled in; null where none was."""
        done = ~np.isnan(self.log_odds)
        if not done.any():
            return None
        pd = {name: each[done] for name, each in self.pd.items()}
        return Judged(self.rows.take(done), self.log_odds[done], self.level[done], pd, tuple(self.blocks))


def _known(rows: Rows, days: Any, recipe: Recipe) -> Flags:
    """The rows whose outcome was known, with the embargo, before the first of the days."""
    result: Flags = known_before(rows.days, days, recipe)
    return result


def _score(
    formula: Formula, learned: Rows, judged: Rows, catalogue: Sequence[FeatureLike], recipe: Recipe
) -> tuple[Floats, dict[str, Floats]]:
    asked = read_columns(judged.features, catalogue)
    matrix = formula.matrix(asked)
    members = formula.member_log_odds(matrix)
    named = {"uncalibrated": formula.log_odds(matrix)}
    named |= {"shrunken rate": members["rate"], "logistic": members["logistic"], "trees": members["trees"]}
    risks = {feature.name: feature.risk for feature in catalogue}
    card = fit_scorecard(read_columns(learned.features, catalogue), risks, learned.outcome, learned.customer_weight)
    named[SCORECARD] = card.log_odds(asked)
    for feature in catalogue:
        if feature.name in recipe.baselines:
            named[feature.name] = _baseline(feature, learned, judged)
    return named["uncalibrated"], {name: expit(log_odds) for name, log_odds in named.items()}


def _newest(formula: Formula, learned: Rows, catalogue: Sequence[FeatureLike], recipe: Recipe) -> tuple[Floats, Rows]:
    """What the formula says of the newest rows it learned from, and the rows: the level is set by them."""
    newest = newest_vintages(learned, recipe.calibration)
    return formula.log_odds(formula.matrix(read_columns(newest.features, catalogue))), newest


def _score_newcomers(
    formula: Formula, known: Rows, judged: Rows, catalogue: Sequence[FeatureLike]
) -> tuple[Floats, dict[str, Floats]]:
    """The newcomers' model beside the prior: the share of `known` customers that paid late."""
    cold = formula.cold
    if cold is None:
        raise AssertionError("a formula was fitted without a model of newcomers")
    log_odds = cold.log_odds(cold.matrix(read_columns(judged.features, catalogue)))
    return log_odds, {"uncalibrated": expit(log_odds), "prior": np.full(len(judged), expit(prior_log_odds(known)))}


def _baseline(feature: FeatureLike, learned: Rows, judged: Rows) -> Floats:
    """One feature alone, as a rule of thumb would use it; the logistic only gives it a probability."""
    described = {"name": feature.name, "kind": feature.kind, "risk": feature.risk}
    values = np.asarray(read_column(learned.features, feature.name, feature.kind), dtype=np.float64)
    fit = fit_logistic_member(values[:, None], [described], learned.outcome, NO_PENALTY, 1.0)
    log_odds = np.full(len(judged), fit["intercept"])
    for term in fit["terms"]:
        log_odds += contribution_of(term, np.asarray(read_column(judged.features, feature.name, feature.kind)))
    return log_odds


def _enough(learned: Rows, recipe: Recipe) -> bool:
    if len(learned) == 0:
        return False
    with_event = learned.n_customers_with_event
    least = recipe.evidence.fold_customers_with_event
    return with_event >= least and learned.n_customers - with_event >= least


def _without_overlap(days: Any, horizon_days: int) -> Flags:
    """Rows of the newest date and of earlier ones so far apart that no two outcome windows of a customer overlap."""
    kept: list[int] = []
    for day in sorted(set(days.tolist()), reverse=True):
        if not kept or kept[-1] - day >= horizon_days:
            kept.append(day)
    return np.isin(days, kept)


def _years(days: Any) -> Any:
    return np.array([_day(each).year for each in days], dtype=np.int64)


def _day(number: int) -> date:
    return EPOCH + timedelta(days=int(number))
