"""The model of newcomers: what is said of a customer that has not paid an invoice yet, from accounts, rating, sector and terms.

It learns from everybody, blind to their payments: what tells a customer's fate before its first payment is the same for those who
have paid since, and there are far more of them. Whether that is true of newcomers is judged, and calibrated, on newcomers alone.
One model for both, with the history left empty, was turned down: it scored worse than the prior.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.special import logit

from riskscore.model.bundle import canonical
from riskscore.model.calibration import UNKNOWN_INTERVAL, calibrator, fit_curve
from riskscore.model.formula import Floats, Formula
from riskscore.model.inputs import describe_inputs, training_matrix
from riskscore.model.logistic import rounded
from riskscore.model.members import fit_logistic_member, fit_trees
from riskscore.model.rows import FeatureLike, Rows
from riskscore.model.value import read_columns
from riskscore.recipe import PairTerms, Recipe

N_CROSS_FOLDS = 4


def fit_cold(rows: Rows, newcomers: Rows | None, features: Sequence[FeatureLike], recipe: Recipe) -> dict[str, bytes]:
    """The files of the newcomers' formula, not calibrated yet; of the prior alone where too few customers had an event.

    rows: customers with a history. newcomers: customers without one. features: those of the whole model, of which the recipe
    names the ones a newcomer has.
    """
    lessons = lessons_for_newcomers(rows, newcomers, recipe.cold.months_apart)
    return fit_standalone(lessons, [each for each in features if each.name in recipe.cold.features], recipe.cold, recipe.seed)


def fit_standalone(rows: Rows, features: Sequence[FeatureLike], terms: PairTerms, seed: int) -> dict[str, bytes]:
    """The files of a formula of a logistic and small trees alone: no payment history, no newcomers' model inside.

    Where fewer customers than the terms ask for had an event, or never had: the prior, which reads the features and says nothing
    of them.
    """
    inputs = describe_inputs(rows, features)
    n_events = rows.n_customers_with_event
    if min(n_events, rows.n_customers - n_events) < terms.customers_with_event:
        return _files(inputs, {"logistic": 1.0}, {"intercept": prior_log_odds(rows), "terms": []}, b"")
    matrix = training_matrix(rows, inputs, None)
    rows_per_customer = len(rows) / rows.n_customers
    booster = fit_trees(
        matrix,
        inputs,
        rows.outcome,
        terms.trees,
        size=terms.trees.size_for(n_events),
        rows_per_customer=rows_per_customer,
        seed=seed,
    )
    logistic = fit_logistic_member(matrix, inputs, rows.outcome, terms.logistic, rows_per_customer)
    weights = {"logistic": float(terms.logistic.weight), "trees": float(terms.trees.weight)}
    return _files(inputs, weights, logistic, booster)


def lessons_for_newcomers(rows: Rows, newcomers: Rows | None, months_apart: int) -> Rows:
    """Every row of a newcomer, and of the others those of every so many month ends, the newest first.

    Accounts and ratings change a few times a year: the months between would say the same again.
    """
    days = np.unique(rows.days)[::-1][::months_apart]
    lessons = rows.take(np.isin(rows.days, days))
    if newcomers is None or not len(newcomers):
        return lessons
    together = pa.concat_tables([lessons.features, newcomers.features])
    return Rows.of(together, np.concatenate([lessons.outcome, newcomers.outcome]))


def crossed_log_odds(
    rows: Rows, newcomers: Rows | None, features: Sequence[FeatureLike], recipe: Recipe, whole: Formula
) -> Floats:
    """What newcomers' models say of each row, each learned without the customers it speaks of.

    whole: the one learned from all. Where that is the prior, so is every answer: priors of folds would tell the fold's outcomes.
    """
    said = np.full(len(rows), whole.base)
    if whole.booster is None:
        return said
    folds = rows.folds_of_customers(N_CROSS_FOLDS)
    for fold in range(N_CROSS_FOLDS):
        there = folds == fold
        if not there.any() or there.all():
            continue
        others = None if newcomers is None else newcomers.take(newcomers.folds_of_customers(N_CROSS_FOLDS) != fold)
        formula = Formula(fit_cold(rows.take(~there), others, features, recipe))
        said[there] = formula.log_odds(formula.matrix(read_columns(rows.take(there).features, features)))
    return said


def prior_log_odds(rows: Rows) -> float:
    """The log-odds of the event when every customer counts once, with half an event more and half a non-event (Jeffreys)."""
    events = float(np.sum(rows.outcome * rows.customer_weight))
    return rounded(logit((events + 0.5) / (rows.n_customers + 1.0)))


def _files(inputs: list[dict[str, Any]], weights: dict[str, float], logistic: dict[str, Any], booster: bytes) -> dict[str, bytes]:
    nobody = np.empty(0)
    return {
        "booster.txt": booster,
        "calibrator.json": canonical(calibrator(fit_curve("none", nobody, nobody), UNKNOWN_INTERVAL)),
        "features.json": canonical({"inputs": inputs, "shrinkage": None, "cold_typical": {}}),
        "members.json": canonical({"weights": weights, "logistic": logistic, "rate": None}),
    }
