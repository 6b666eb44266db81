"""The three members of the ensemble, each fitted to the same matrix: logistic, trees, and the shrunken rate alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import logit

from riskscore.model.formula import SMALLEST_RATE, Floats, bent
from riskscore.model.logistic import BOUNDS, fit_logistic, rounded, significant
from riskscore.recipe import LogisticTerms, TreeSize, TreeTerms

LONG_TAIL = 1.5  # skewness from which a feature enters the logistic as its signed logarithm
RARELY = 0.005  # a value that is missing, or present, in fewer rows than this share tells nothing about absence


def fit_logistic_member(
    matrix: Floats,
    inputs: Sequence[Mapping[str, Any]],
    outcome: Floats,
    terms: LogisticTerms,
    rows_per_customer: float,
) -> dict[str, Any]:
    """The regularised logistic: each number winsorised, its long tail bent, standardised; absence has a coefficient of its own.

    A coefficient never contradicts the direction the catalogue declares. The penalty grows with the rows a customer has, because
    twelve month ends of one customer are not twelve customers.
    """
    described = [describe_term(matrix[:, place], each, terms.winsor) for place, each in enumerate(inputs)]
    columns, bounds, owners = [], [], []
    for place, (term, each) in enumerate(zip(described, inputs, strict=True)):
        if term["varies"]:
            columns.append(standardised(term, matrix[:, place]))
            bounds.append(BOUNDS["rises" if each["kind"] == "category" else each["risk"]])
            owners.append((place, "coefficient"))
        if RARELY < term["missing_share"] < 1 - RARELY:
            columns.append(np.isnan(matrix[:, place]) - term["missing_share"])
            bounds.append(BOUNDS["none"])
            owners.append((place, "missing_coefficient"))
    design = np.column_stack(columns) if columns else np.empty((len(matrix), 0))
    fit = fit_logistic(design, outcome, ridge=terms.ridge * rows_per_customer, bounds=bounds)
    for (place, slot), coefficient in zip(owners, fit.coefficients, strict=True):
        described[place][slot] = float(coefficient)
    for term in described:
        del term["varies"]
    used = [term for term in described if term["coefficient"] != 0 or term["missing_coefficient"] != 0]
    return {"intercept": fit.intercept, "terms": used}


def fit_rate_member(share: Floats, outcome: Floats) -> dict[str, float]:
    """The shrunken rate as a predictor of its own: a rising line on its log-odds."""
    log_odds = logit(np.clip(share, SMALLEST_RATE, 1 - SMALLEST_RATE))
    center = rounded(np.mean(log_odds))
    fit = fit_logistic((log_odds - center)[:, None], outcome, ridge=1.0, bounds=[BOUNDS["rises"]])
    return {"intercept": fit.intercept, "slope": float(fit.coefficients[0]), "center": center}


def fit_trees(
    matrix: Floats,
    inputs: Sequence[Mapping[str, Any]],
    outcome: Floats,
    terms: TreeTerms,
    *,
    size: TreeSize,
    rows_per_customer: float,
    seed: int,
) -> bytes:
    """The booster as text: the trees alone, without parameters or counts, so that equal trees are equal bytes.

    Monotone in every declared direction; one thread and row-wise histograms, so that another machine grows the same trees.
    """
    import lightgbm

    direction = {"rises": 1, "falls": -1, "none": 0}
    constraints = [1 if each["kind"] == "category" else direction[each["risk"]] for each in inputs]
    parameters = {
        "objective": "binary",
        "num_leaves": size.leaves,
        "max_depth": size.depth,
        "learning_rate": terms.learning_rate,
        "min_data_in_leaf": max(1, round(terms.customers_in_leaf * rows_per_customer)),
        "feature_fraction": terms.column_share,
        "lambda_l2": terms.ridge * rows_per_customer,
        "monotone_constraints": constraints,
        "max_bin": 127,  # half of LightGBM's default: a third faster, no difference in log loss
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
    names = [each["name"] for each in inputs]
    data = lightgbm.Dataset(matrix, outcome, feature_name=names, params=parameters, free_raw_data=True)
    return trees_as_text(lightgbm.train(parameters, data, num_boost_round=size.rounds))


def trees_as_text(booster: Any) -> bytes:
    """The trees of a booster alone, as its library writes them, without parameters and counts."""
    text: str = booster.model_to_string()
    return (text[: text.index("end of trees")] + "end of trees\n").encode()


def describe_term(values: Floats, each: Mapping[str, Any], winsor: float) -> dict[str, Any]:
    """How one input (name, kind) enters a logistic: bounds, bend, centre, scale; `varies`: whether it can tell anything."""
    known = values[~np.isnan(values)]
    term: dict[str, Any] = {
        "input": each["name"],
        "low": 0.0,
        "high": 0.0,
        "bend": None,
        "center": 0.0,
        "scale": 1.0,
        "coefficient": 0.0,
        "missing_coefficient": 0.0,
        "missing_share": rounded(1 - len(known) / max(1, len(values))),
        "varies": False,
    }
    if len(known) <= RARELY * len(values):
        return term
    term["low"], term["high"] = np.quantile(known, (winsor, 1 - winsor)).tolist()
    cut = np.clip(known, term["low"], term["high"])
    if np.ptp(cut) == 0:
        return term
    sizes = np.abs(cut[cut != 0])
    if each["kind"] == "number" and abs(_skewness(cut)) > LONG_TAIL:
        term["bend"] = rounded(np.median(sizes))
    standard = bent(cut, term["bend"])
    term["center"], term["scale"] = significant(np.array([standard.mean(), standard.std()])).tolist()
    term["varies"] = True
    return term


def _skewness(values: Floats) -> float:
    centered = values - values.mean()
    squared = centered * centered
    return float(np.mean(squared * centered) / np.mean(squared) ** 1.5)  # as a product: a third power is many times dearer


def standardised(term: Mapping[str, Any], values: Floats) -> Floats:
    """The values as a described term reads them: cut, bent, centred, scaled; 0 where not known."""
    standard = (bent(np.clip(values, term["low"], term["high"]), term["bend"]) - term["center"]) / term["scale"]
    result: Floats = np.where(np.isnan(values), 0.0, standard)
    return result
