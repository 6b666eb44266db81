"""Logistic regression whose coefficients keep declared signs: the convex problem with bounds, solved to the last digit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import lsq_linear
from scipy.special import expit

from riskscore.model.formula import Floats

MOST_STEPS = 60
SMALLEST_STEP = 1e-10  # on coefficients of standardised inputs
SIGNIFICANT_DIGITS = 10  # of what is kept: more would record the order in which this processor adds
BOUNDS = {"rises": (0.0, np.inf), "falls": (-np.inf, 0.0), "none": (-np.inf, np.inf)}


@dataclass(frozen=True)
class Fit:
    """An intercept and one coefficient a column."""

    intercept: float
    coefficients: Floats


def fit_logistic(
    inputs: Floats,
    outcome: Floats,
    *,
    ridge: float | Floats,
    bounds: Sequence[tuple[float, float]],
    offset: Floats | None = None,
) -> Fit:
    """The coefficients that minimise -log likelihood + ridge / 2 * |coefficients|^2 inside their bounds; the intercept is free.

    inputs: (n, d), standardised. outcome: (n,) of 0 and 1. ridge: one for all, or (d,), one an input. offset: log-odds that are
    given. Newton steps, each a bounded least-squares problem. Dropping the columns of wrong sign one by one and fitting again
    was turned down: what it ends with depends on the order, and it keeps out for good a column that a later drop would have
    brought in.
    """
    design = np.column_stack([np.ones(len(inputs)), inputs])
    low, high = (np.array([unbounded, *(pair[side] for pair in bounds)]) for side, unbounded in ((0, -np.inf), (1, np.inf)))
    penalty = np.concatenate([[0.0], np.broadcast_to(ridge, inputs.shape[1])])
    given = np.zeros(len(inputs)) if offset is None else offset
    beta = np.zeros(design.shape[1])
    loss = _loss(design, outcome, given, penalty, beta)
    for _ in range(MOST_STEPS):
        probability = expit(given + design @ beta)
        gradient = design.T @ (probability - outcome) + penalty * beta
        weight = probability * (1 - probability)
        hessian = (design * weight[:, None]).T @ design + np.diag(penalty + 1e-9)
        root = cholesky(hessian, lower=True)
        target = -solve_triangular(root, gradient, lower=True)
        step = lsq_linear(root.T, target, bounds=(low - beta, high - beta), method="bvls").x
        if np.max(np.abs(step)) < SMALLEST_STEP:
            break
        length, wanted = 1.0, loss
        while (wanted := _loss(design, outcome, given, penalty, beta + length * step)) > loss and length > 1e-6:
            length /= 2
        if wanted >= loss:
            break
        beta, loss = np.clip(beta + length * step, low, high), wanted
    kept = significant(beta)
    return Fit(float(kept[0]), kept[1:])


def significant(values: Floats) -> Floats:
    """The values with the digits that mean something."""
    return np.array([rounded(value) for value in values])


def rounded(value: Any) -> float:
    """One number with the digits that mean something."""
    return float(f"{float(value):.{SIGNIFICANT_DIGITS}g}")


def _loss(design: Floats, outcome: Floats, given: Floats, penalty: Floats, beta: Floats) -> float:
    log_odds = given + design @ beta
    return float(np.sum(np.logaddexp(0.0, log_odds) - outcome * log_odds) + np.sum(penalty * beta**2) / 2)
