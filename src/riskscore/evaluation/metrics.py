"""The figures by which a probability is judged, each under many weightings of the customers at once."""

from typing import Any

import numpy as np
from scipy.special import logit

from riskscore.evaluation.recalibration import intercepts_and_slopes

Floats = np.ndarray[Any, np.dtype[np.float64]]
Integers = np.ndarray[Any, np.dtype[np.int64]]

METRICS = ("auc", "gini", "ks", "pr_auc", "brier", "log_loss", "ece", "calibration_intercept", "calibration_slope")
"""auc, gini, ks, pr_auc, slope near 1: higher is better up to 1; brier, log_loss, ece: lower is better; intercept: 0 is right."""

SMALLEST_PD = 1e-6  # a probability of 0 or 1 would make the log loss infinite
N_BINS = 10
MOST_CELLS = 10_000
"""Rows times weightings that are ranked at once: what fits the processor's cache. All of them would need gigabytes."""


def measure(pd: Floats, outcome: Floats, customers: Integers, weights: Floats) -> dict[str, Floats]:
    """Every metric of `METRICS` under every weighting of the customers.

    weights: (b, number of customers); a row of ones gives the figure itself. Returns arrays of length b. What ranks, the
    intercept and the slope are NaN where a weighting leaves no event or no non-event; the slope also where a threshold parts all
    events from all others.

    auc: area under the ROC curve, ties count half. gini = 2 auc - 1. ks: largest distance of the two distributions. pr_auc:
    average precision. ece: mean distance of predicted and observed over ten bins of equal size. calibration_intercept: of a
    logistic with the log-odds as offset (0: right on average). calibration_slope: coefficient of the log-odds (below 1: too
    extreme).
    """
    kept = np.clip(pd, SMALLEST_PD, 1 - SMALLEST_PD)
    loss = -np.where(outcome == 1, np.log(kept), np.log1p(-kept))
    n_customers = weights.shape[1]
    mass = weights @ np.bincount(customers, minlength=n_customers)
    result = _ranking(pd, outcome, customers, weights)
    result["brier"] = weights @ np.bincount(customers, (pd - outcome) ** 2, minlength=n_customers) / mass
    result["log_loss"] = weights @ np.bincount(customers, loss, minlength=n_customers) / mass
    result["ece"] = _expected_calibration_error(pd, outcome, customers, weights) / mass
    result["calibration_intercept"], result["calibration_slope"] = intercepts_and_slopes(logit(kept), outcome, customers, weights)
    return {name: result[name] for name in METRICS}


def _ranking(pd: Floats, outcome: Floats, customers: Integers, weights: Floats) -> dict[str, Floats]:
    order = np.argsort(-pd, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(pd[order]) != 0, True))
    good, owner = outcome[order] == 0, customers[order]
    found = np.full((3, len(weights)), np.nan)
    at_once = max(1, MOST_CELLS // len(pd))
    for start in range(0, len(weights), at_once):
        part = slice(start, start + at_once)
        found[:, part] = _ranked(np.take(weights[part], owner, axis=1), good, ends)
    auc, ks, precision = found
    return {"auc": auc, "gini": 2 * auc - 1, "ks": ks, "pr_auc": precision}


def _ranked(weights: Floats, good: Any, ends: Integers) -> Floats:
    """AUC, KS and average precision under each weighting of the rows, from the riskiest on; NaN where one outcome is missing."""
    goods = np.take(np.cumsum(np.where(good, weights, 0.0), axis=1), ends, axis=1)
    bads = np.take(np.cumsum(np.where(good, 0.0, weights), axis=1), ends, axis=1)
    found = np.full((3, len(weights)), np.nan)
    both = (goods[:, -1] != 0) & (bads[:, -1] != 0)
    goods, bads = goods[both], bads[both]
    caught, alarms = bads / bads[:, -1:], goods / goods[:, -1:]
    steps = np.diff(caught, prepend=0.0, axis=1)
    found[0, both] = 1 - np.sum(np.diff(alarms, prepend=0.0, axis=1) * (1 - caught + steps / 2), axis=1)
    found[1, both] = np.max(np.abs(caught - alarms), axis=1)
    total = bads + goods
    found[2, both] = np.sum(steps * np.divide(bads, total, out=np.zeros_like(bads), where=total > 0), axis=1)
    return found


def _expected_calibration_error(pd: Floats, outcome: Floats, customers: Integers, weights: Floats) -> Floats:
    total = np.zeros(len(weights))
    bins = bins_of(pd)
    for each in range(N_BINS):
        there = bins == each
        gap = np.bincount(customers[there], (pd - outcome)[there], minlength=weights.shape[1])
        total += np.abs(weights @ gap)
    return total


def bins_of(pd: Floats) -> Integers:
    """The bin, 0 to 9, of each probability: bins of equal size, equal probabilities together."""
    edges = np.quantile(pd, np.linspace(0, 1, N_BINS + 1)[1:-1])
    return np.searchsorted(edges, pd, side="left")


def roc(pd: Floats, outcome: Floats) -> tuple[Floats, Floats]:
    """Points of the ROC curve from (0, 0) to (1, 1): share of goods above each threshold, share of events above it."""
    order = np.argsort(-pd, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(pd[order]) != 0, True))
    events = np.cumsum(outcome[order])[ends]
    goods = np.cumsum(1 - outcome[order])[ends]
    return np.append(0.0, goods / goods[-1]), np.append(0.0, events / events[-1])


def reliability(pd: Floats, outcome: Floats) -> tuple[Floats, Floats, Integers]:
    """Mean probability, observed share and number of rows of each of ten bins of equal size, from the safest on."""
    bins = bins_of(pd)
    used = np.unique(bins)
    predicted = np.array([pd[bins == each].mean() for each in used])
    observed = np.array([outcome[bins == each].mean() for each in used])
    return predicted, observed, np.array([np.sum(bins == each) for each in used], dtype=np.int64)
