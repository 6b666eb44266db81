"""Fitting: from rows to the files of a formula, on one thread, so that the same rows give the same bytes."""

from collections.abc import Sequence

from riskscore.model.bundle import canonical
from riskscore.model.calibration import calibrator, fit_curve
from riskscore.model.inputs import describe_inputs, fit_shrinkage, training_matrix
from riskscore.model.members import fit_logistic_member, fit_rate_member, fit_trees
from riskscore.model.rows import FeatureLike, Rows
from riskscore.recipe import Recipe

UNKNOWN_INTERVAL = {"breakpoints": [], "p0": [0.0], "p1": [1.0]}


def fit_formula(rows: Rows, features: Sequence[FeatureLike], recipe: Recipe) -> dict[str, bytes]:
    """The files of `riskscore.model.formula.Formula`, fitted to the rows and not calibrated yet.

    features: what is learned from, in the order the model will keep.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types; comes with scikit-learn

    members = recipe.members
    with threadpool_limits(limits=1):  # two threads add in another order, and the last digits with it
        inputs = describe_inputs(rows, features)
        shrinkage = fit_shrinkage(rows, members.rate.share, members.rate.of)
        matrix = training_matrix(rows, inputs, shrinkage)
        rows_per_customer = len(rows) / rows.n_customers
        share = matrix[:, [each["name"] for each in inputs].index(shrinkage["share"])]
        fitted = {
            "weights": {
                "logistic": float(members.logistic.weight),
                "trees": float(members.trees.weight),
                "rate": float(members.rate.weight),
            },
            "logistic": fit_logistic_member(matrix, inputs, rows.outcome, members.logistic, rows_per_customer),
            "rate": fit_rate_member(share, rows.outcome),
        }
        booster = fit_trees(
            matrix,
            inputs,
            rows.outcome,
            members.trees,
            size=members.trees.size_for(rows.n_customers_with_event),
            rows_per_customer=rows_per_customer,
            seed=recipe.seed,
        )
    return {
        "booster.txt": booster,
        "calibrator.json": canonical(calibrator(fit_curve("none", share, rows.outcome), UNKNOWN_INTERVAL)),
        "features.json": canonical({"inputs": inputs, "shrinkage": shrinkage}),
        "members.json": canonical(fitted),
    }
