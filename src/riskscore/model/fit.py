"""Fitting: from rows to the files of a formula, on one thread, so that the same rows give the same bytes."""

from collections.abc import Sequence

import numpy as np

from riskscore.model.bundle import canonical
from riskscore.model.calibration import UNKNOWN_INTERVAL, calibrator, fit_curve
from riskscore.model.cold import crossed_log_odds, fit_cold
from riskscore.model.formula import COLD, Formula
from riskscore.model.inputs import describe_inputs, fit_shrinkage, training_matrix
from riskscore.model.logistic import significant
from riskscore.model.members import fit_logistic_member, fit_rate_member, fit_trees
from riskscore.model.rows import FeatureLike, Rows
from riskscore.model.value import read_columns
from riskscore.recipe import Recipe

COLD_INPUT = {"name": COLD, "kind": "number", "risk": "rises"}


def fit_formula(
    rows: Rows, features: Sequence[FeatureLike], recipe: Recipe, *, newcomers: Rows | None = None, explains: bool = True
) -> dict[str, bytes]:
    """The files of `riskscore.model.formula.Formula`, fitted to the rows and not calibrated yet.

    features: what is learned from, in the order the model will keep. newcomers: further rows, of customers without a history,
    that only the newcomers' model learns from. explains: false for a formula that is only judged: what its features add for the
    average row, which costs as much as a member, is then left out, and `Formula.explain` fails.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types; comes with scikit-learn

    members = recipe.members
    with threadpool_limits(limits=1):  # two threads add in another order, and the last digits with it
        cold = fit_cold(rows, newcomers, features, recipe)
        inputs = describe_inputs(rows, features)
        shrinkage = fit_shrinkage(rows, members.rate.share, members.rate.of)
        own = training_matrix(rows, inputs, shrinkage)
        # Each row as it looks to a newcomers' model that never saw its customer: else it would be believed too much.
        matrix = np.column_stack([own, crossed_log_odds(rows, newcomers, features, recipe, Formula(cold))])
        read = [*inputs, COLD_INPUT]
        rows_per_customer = len(rows) / rows.n_customers
        share = matrix[:, [each["name"] for each in inputs].index(shrinkage["share"])]
        fitted = {
            "weights": {
                "logistic": float(members.logistic.weight),
                "trees": float(members.trees.weight),
                "rate": float(members.rate.weight),
            },
            "logistic": fit_logistic_member(matrix, read, rows.outcome, members.logistic, rows_per_customer),
            "rate": fit_rate_member(share, rows.outcome),
        }
        booster = fit_trees(
            matrix,
            read,
            rows.outcome,
            members.trees,
            size=members.trees.size_for(rows.n_customers_with_event),
            rows_per_customer=rows_per_customer,
            seed=recipe.seed,
        )
    typical = _typical(rows, features, Formula(cold)) if explains else {}
    described = {"inputs": inputs, "shrinkage": shrinkage, "cold_typical": typical}
    return {
        "booster.txt": booster,
        "calibrator.json": canonical(calibrator(fit_curve("none", share, rows.outcome), UNKNOWN_INTERVAL)),
        "features.json": canonical(described),
        "members.json": canonical(fitted),
        **{f"{COLD}/{name}": content for name, content in cold.items()},
    }


def _typical(rows: Rows, features: Sequence[FeatureLike], cold: Formula) -> dict[str, float]:
    """What each feature adds to the newcomers' log-odds for the average row: what one adds beyond it is its own doing."""
    _, contributions, _ = cold.explain(read_columns(rows.features, features))
    return dict(zip(cold.names, significant(contributions.mean(axis=0)).tolist(), strict=True))
