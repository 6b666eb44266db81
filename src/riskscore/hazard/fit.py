"""Fitting the hazard: every case once a bin it was watched through, and whether it was paid in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from riskscore.hazard.bins import EDGES, N_BINS
from riskscore.hazard.cases import Cases
from riskscore.hazard.formula import FORMAT, HABIT, with_selftest
from riskscore.hazard.inputs import OF_BIN, OF_CASE, Described, describe, fit_habits
from riskscore.model.bundle import canonical
from riskscore.model.formula import Floats
from riskscore.model.logistic import fit_logistic
from riskscore.model.members import describe_term, fit_rate_member, standardised, trees_as_text
from riskscore.recipe import HazardTerms, LogisticTerms, TreeTerms

N_SELFTEST = 64
STEP = 5.0
"""Scale of a bin's own constant: with it the ridge, meant for standardised inputs, hardly pulls on how fast invoices are paid."""

MOST_PERIODS = 30_000
"""Periods that the logistic learns from: its few hundred slopes do not move for more, and its time grows with them."""

FREE = (-np.inf, np.inf)


@dataclass(frozen=True)
class Watched:
    """What became of cases, one entry each: ages (days past due) at payment (infinite: not seen) and to which it was watched."""

    paid: Floats
    watched: Floats


def periods_seen(described: Described, fates: Watched) -> tuple[Any, Any, Floats]:
    """Case, bin and outcome (1.0 paid in it) of every period that was watched to its end, or to the payment.

    An invoice that is still open teaches the bins it has survived. One found to have been paid before its case's date was booked
    late: it counts as paid in the first bin ahead.
    """
    age = described.age[:, None]
    ahead = age < EDGES[None, :]
    first = ahead & (np.cumsum(ahead, axis=1) == 1)
    paid = np.where(fates.paid <= fates.watched, fates.paid, np.inf)[:, None]
    before = np.concatenate([[-np.inf], EDGES[:-1]])[None, :]
    event = ahead & (paid <= EDGES) & ((paid > before) | first)
    survived = ahead & (paid > EDGES) & (fates.watched[:, None] >= EDGES)
    case, place = np.nonzero(event | survived)
    return case, place, event[case, place].astype(np.float64)


def fit_hazard(cases: Cases, fates: Watched, catalogue: tuple[str, ...], terms: HazardTerms, seed: int) -> dict[str, bytes]:
    """The files of a hazard (see `riskscore.hazard.formula`), fitted on one thread: the same cases give the same bytes."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types; comes with scikit-learn

    with threadpool_limits(limits=1):
        habits = fit_habits(cases)
        described = describe(cases, catalogue, habits)
        case, place, paid = periods_seen(described, fates)
        matrix = described.period_matrix(case, place)
        names = (*catalogue, *OF_CASE, *OF_BIN)
        ids = np.unique(np.asarray(cases.invoices["customer_id"].to_pylist(), dtype=object)[case], return_inverse=True)[1]
        late = paid.astype(bool) & (EDGES[place] > 0) | ~paid.astype(bool) & (EDGES[place] >= 0)
        n_late = len(np.unique(ids[late]))
        each = len(paid) / max(1, len(np.unique(ids)))
        stride = -(-len(paid) // MOST_PERIODS)
        formula = {
            "format": FORMAT,
            "catalogue": list(catalogue),
            "habits": habits,
            "weights": {
                "logistic": float(terms.logistic.weight),
                "trees": float(terms.trees.weight),
                "rate": float(terms.rate_weight),
            },
            "logistic": _fit_logistic(matrix[::stride], place[::stride], paid[::stride], names, terms.logistic, each / stride),
            "rate": fit_rate_member(expit(matrix[::stride, -HABIT]), paid[::stride]),
        }
        booster = _fit_trees(matrix, paid, terms.trees, n_late, each, seed)
    files = {"booster.txt": booster, "formula.json": canonical(formula)}
    chosen = np.unique(np.linspace(0, len(paid) - 1, N_SELFTEST).round().astype(int))
    return with_selftest(files, matrix[chosen], place[chosen])


def _fit_logistic(
    matrix: Floats, place: Any, paid: Floats, names: tuple[str, ...], terms: LogisticTerms, each: float
) -> dict[str, Any]:
    """A constant a bin, and for each input one slope before the due date and another after it."""
    described = [describe_term(matrix[:, at], {"name": name, "kind": "number"}, terms.winsor) for at, name in enumerate(names)]
    used = [term for term in described if term["varies"]]
    late = (EDGES[place] > 0)[:, None]
    inputs = np.column_stack([standardised(term, matrix[:, names.index(term["input"])]) for term in used])
    constants = STEP * np.eye(N_BINS)[place]
    design = np.column_stack([constants, inputs, inputs * late])
    fit = fit_logistic(design, paid, ridge=terms.ridge * each, bounds=[FREE] * design.shape[1])
    slopes = fit.coefficients[N_BINS:].reshape(2, len(used))
    return {
        "bins": (fit.intercept + STEP * fit.coefficients[:N_BINS]).tolist(),
        "terms": [
            {
                **{key: term[key] for key in ("input", "low", "high", "bend", "center", "scale")},
                "coefficient": float(slope),
                "late_coefficient": float(more),
            }
            for term, slope, more in zip(used, *slopes, strict=True)
        ],
    }


def _fit_trees(matrix: Floats, paid: Floats, terms: TreeTerms, n_late: int, each: float, seed: int) -> bytes:
    import lightgbm

    size = terms.size_for(n_late)
    parameters: Mapping[str, Any] = {
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
    data = lightgbm.Dataset(matrix, paid, params=dict(parameters), free_raw_data=True)
    return trees_as_text(lightgbm.train(dict(parameters), data, num_boost_round=size.rounds))
