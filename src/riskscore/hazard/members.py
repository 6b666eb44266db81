"""The two fitted members of a hazard, learned from periods: a logistic with constants by bin, and LightGBM over the bins."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from riskscore.hazard.bins import EDGES, N_BINS
from riskscore.model.formula import Floats
from riskscore.model.logistic import BOUNDS, fit_logistic
from riskscore.model.members import describe_term, standardised, trees_as_text
from riskscore.recipe import LogisticTerms, TreeTerms

STEP = 5.0
"""Scale of a bin's own constant: with it the ridge, meant for standardised inputs, hardly pulls on how fast invoices are paid."""

FREE = BOUNDS["none"]
TO_PAY = {"rises": "falls", "falls": "rises", "none": "none"}
"""What raises the risk lowers the chance to be paid."""

SIGN = {"rises": 1, "falls": -1, "none": 0}


def fit_logistic_by_bin(
    matrix: Floats,
    place: Any,
    paid: Floats,
    names: Sequence[str],
    terms: LogisticTerms,
    each: float,
    directions: Sequence[str] | None = None,
    ridge: Floats | None = None,
) -> dict[str, Any]:
    """A constant a bin, and for each input one slope before the due date and another after it.

    each: periods a customer has on average. directions: what happens to the *risk* when an input grows (rises, falls, none); null
    where no sign is kept. ridge: a penalty for each input instead of one for all.
    """
    described = [describe_term(matrix[:, at], {"name": name, "kind": "number"}, terms.winsor) for at, name in enumerate(names)]
    used = [at for at, term in enumerate(described) if term["varies"]]
    late = (EDGES[place] > 0)[:, None]
    inputs = np.column_stack([standardised(described[at], matrix[:, at]) for at in used])
    constants = STEP * np.eye(N_BINS)[place]
    design = np.column_stack([constants, inputs, inputs * late])
    bounds = (
        [FREE] * N_BINS + [FREE if directions is None else BOUNDS[TO_PAY[directions[at]]] for at in used] + [FREE] * len(used)
    )
    held = np.full(len(names), terms.ridge) if ridge is None else ridge
    penalty = each * np.concatenate([np.full(N_BINS, held.min()), held[used], held[used]])
    fit = fit_logistic(design, paid, ridge=penalty, bounds=bounds)
    slopes = fit.coefficients[N_BINS:].reshape(2, len(used))
    return {
        "bins": (fit.intercept + STEP * fit.coefficients[:N_BINS]).tolist(),
        "terms": [
            {
                **{key: described[at][key] for key in ("input", "low", "high", "bend", "center", "scale")},
                "coefficient": float(slope),
                "late_coefficient": float(more),
            }
            for at, slope, more in zip(used, *slopes, strict=True)
        ],
    }


def fit_trees_over_bins(
    matrix: Floats,
    paid: Floats,
    terms: TreeTerms,
    n_late: int,
    each: float,
    seed: int,
    directions: Sequence[str] | None = None,
) -> bytes:
    """The booster as text, on one thread and row-wise histograms: equal periods grow equal trees.

    n_late: customers that paid late, which the size follows. each, directions: as in `fit_logistic_by_bin`.
    """
    import lightgbm

    size = terms.size_for(n_late)
    parameters: dict[str, Any] = {
        "objective": "binary",
        "num_leaves": size.leaves,
        "max_depth": size.depth,
        "learning_rate": terms.learning_rate,
        "min_data_in_leaf": max(20, round(terms.customers_in_leaf * each)),
        "lambda_l2": terms.ridge * each,
        "feature_fraction": terms.column_share,
        "max_bin": 63,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
    if directions is not None:
        parameters["monotone_constraints"] = [SIGN[TO_PAY[each_]] for each_ in directions]
    data = lightgbm.Dataset(matrix, paid, params=dict(parameters), free_raw_data=True)
    return trees_as_text(lightgbm.train(dict(parameters), data, num_boost_round=size.rounds))


def logistic_log_odds(stored: Mapping[str, Any], names: Sequence[str], periods: Floats, place: Any) -> Floats:
    """What a logistic of `fit_logistic_by_bin` says of periods; place: their bins."""
    said: Floats = np.asarray(stored["bins"], dtype=np.float64)[place]
    late = EDGES[place] > 0
    for term in stored["terms"]:
        slope = term["coefficient"] + late * term["late_coefficient"]
        said = said + slope * standardised(term, periods[:, names.index(term["input"])])
    return said


def trees_log_odds(booster: Any, periods: Floats) -> Floats:
    """What the trees say of periods."""
    if not len(periods):
        return np.zeros(0)
    return np.asarray(booster.predict(periods, raw_score=True, num_threads=1), dtype=np.float64)
