"""Calibration: which curve turns log-odds into probabilities best on months it has not seen, and how sure that is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.special import expit, log_expit

from riskscore.model.formula import Floats, calibrated
from riskscore.model.logistic import fit_logistic, rounded, significant
from riskscore.model.rows import Rows
from riskscore.recipe import CalibrationTerms

CURVES = ("none", "shift", "platt", "beta")  # each holds the one before as a special case
PULL = 1.0  # penalty toward the identity, in squared units of slope: it matters only where there is next to no data
MOST_STEPS_OF_INTERVAL = 512
SMALLEST_PD = 1e-9
MOST_STEPS_OF_LEVEL, SMALLEST_STEP = 60, 1e-12
NORMAL_95 = 1.959963984540054
UNKNOWN_INTERVAL = {"breakpoints": [], "p0": [0.0], "p1": [1.0]}
"""The interval of a probability that nothing was calibrated on."""


def fit_curve(kind: str, log_odds: Floats, outcome: Floats) -> dict[str, Any]:
    """The calibration curve of that kind (see `formula.calibrated`) for these log-odds and outcomes.

    Fitted as a departure from the identity: with no data it stays there. Slopes do not fall below zero, so the order is kept.
    """
    parts = {
        "shift": np.empty((len(log_odds), 0)),
        "platt": log_odds[:, None],
        "beta": np.column_stack([log_expit(log_odds), -log_expit(-log_odds)]),
    }
    if kind == "none":
        return {"kind": "none", "a": 1.0, "b": 1.0, "c": 0.0}
    columns = parts[kind]
    fit = fit_logistic(columns, outcome, ridge=PULL, bounds=[(-1.0, np.inf)] * columns.shape[1], offset=log_odds)
    slopes = significant(1.0 + fit.coefficients).tolist() or [1.0]
    return {"kind": kind, "a": slopes[0], "b": slopes[-1], "c": fit.intercept}


@dataclass(frozen=True)
class Level:
    """How far the newest known outcomes lie from what the model says of them, and what it rests on.

    shift: on the log-odds, pulled toward none. low, high: its 95 % interval. n_rows, n_customers, n_customers_with_event: what it
    was found on. predicted, observed: mean probability before the shift and share with the event, every customer counted once.
    first_day, last_day: the month ends, as days since 1970-01-01.
    """

    shift: float
    low: float
    high: float
    predicted: float
    observed: float
    n_rows: int
    n_customers: int
    n_customers_with_event: int
    first_day: int
    last_day: int


def newest_vintages(rows: Rows, terms: CalibrationTerms) -> Rows:
    """The rows of the newest month ends that the level is set by; the caller gives rows whose outcomes are known."""
    return rows.take(np.isin(rows.days, np.unique(rows.days)[-terms.level_months :]))


def find_level(log_odds: Floats, rows: Rows, terms: CalibrationTerms) -> Level:
    """The drift of the level on these rows (see `newest_vintages`), of which the model says these log-odds.

    The mode of shift given the outcomes, with a normal prior around none (standard deviation `level_spread`): with few customers
    it stays near none, with many it goes where they are. A customer counts once, however many of the month ends it was seen at,
    so that one bankruptcy is not three.
    """
    weight, precision = rows.customer_weight, terms.level_spread**-2
    shift = 0.0
    for _ in range(MOST_STEPS_OF_LEVEL):
        pd = expit(log_odds + shift)
        bend = float(np.sum(weight * pd * (1 - pd))) + precision
        step = (float(np.sum(weight * (rows.outcome - pd))) - shift * precision) / bend
        shift += float(np.clip(step, -1, 1))
        if abs(step) < SMALLEST_STEP:
            break
    pd = expit(log_odds + shift)
    error = NORMAL_95 / np.sqrt(float(np.sum(weight * pd * (1 - pd))) + precision)
    n_customers = rows.n_customers
    return Level(
        shift=rounded(shift),
        low=rounded(shift - error),
        high=rounded(shift + error),
        predicted=rounded(np.sum(weight * expit(log_odds)) / n_customers),
        observed=rounded(np.sum(weight * rows.outcome) / n_customers),
        n_rows=len(rows),
        n_customers=n_customers,
        n_customers_with_event=rows.n_customers_with_event,
        first_day=int(rows.days.min()),
        last_day=int(rows.days.max()),
    )


def allowed_curves(n_customers_with_event: int, terms: CalibrationTerms) -> tuple[str, ...]:
    """The curves that so many customers with an event can carry: a richer one needs more."""
    if n_customers_with_event < terms.platt_from_customers:
        return CURVES[:2]
    return CURVES[:3] if n_customers_with_event < terms.beta_from_customers else CURVES


def log_loss(pd: Floats, outcome: Floats) -> Floats:
    """Minus the log of the probability given to what happened, one a row."""
    kept = np.clip(pd, SMALLEST_PD, 1 - SMALLEST_PD)
    result: Floats = -np.where(outcome == 1, np.log(kept), np.log1p(-kept))
    return result


def prequential(kind: str, log_odds: Floats, outcome: Floats, days: Any, known_after_days: int) -> Floats:
    """The probability each row would have had, calibrated on the earlier rows whose outcome was known at its date.

    days: the date of each row. known_after_days: from a date until its outcome is known. Before that, the identity.
    """
    pd = expit(log_odds)
    for day in np.unique(days):
        past, now = days + known_after_days <= day, days == day
        if past.any() and 0 < outcome[past].sum() < past.sum():
            pd[now] = calibrated(fit_curve(kind, log_odds[past], outcome[past]), log_odds[now])
    return pd


def choose_curve(
    log_odds: Floats, outcome: Floats, days: Any, known_after_days: int, *, allowed: tuple[str, ...]
) -> tuple[str, dict[str, float]]:
    """The curve with the lowest prequential log loss, and the loss of each; doing nothing wins a tie.

    Only rows count that had earlier outcomes to calibrate on; where there are none, nothing is used.
    """
    tried = days - known_after_days >= days.min()
    if not tried.any():
        return "none", {}
    losses = {
        kind: float(np.mean(log_loss(prequential(kind, log_odds, outcome, days, known_after_days)[tried], outcome[tried])))
        for kind in allowed
    }
    return min(allowed, key=lambda kind: (losses[kind], CURVES.index(kind))), losses


def venn_abers(log_odds: Floats, outcome: Floats, weight: Floats) -> dict[str, list[float]]:
    """The interval of the probability as two step functions of the log-odds: inductive Venn-Abers (Vovk & Petej 2014).

    p0 is what isotonic regression says of a new customer if it turned out good, p1 if it turned out bad; one of the two is
    calibrated without any assumption but that customers are exchangeable. weight: one over the rows of the customer, so that the
    newcomer counts as much as anyone and few customers give a wide interval however many months they were seen.

    Returns breakpoints (k - 1), p0 and p1 (k each): the step of log-odds s is the number of breakpoints not above s.
    """
    scores, place = np.unique(log_odds, return_inverse=True)
    mass, hit = (np.asarray(np.bincount(place, each), dtype=np.float64) for each in (weight, weight * outcome))
    # Equal scores stay together; beyond 512 different ones, neighbours are joined into steps of equal weight.
    step = ((np.cumsum(mass) - mass) / mass.sum() * MOST_STEPS_OF_INTERVAL).astype(int)
    starts = np.append(0, np.flatnonzero(np.diff(step)) + 1)
    mass, hit = np.add.reduceat(mass, starts), np.add.reduceat(hit, starts)
    p0, p1 = (np.array([_isotonic_at(at, label, hit, mass) for at in range(len(mass))]) for label in (0.0, 1.0))
    changes = starts[1:][(np.diff(p0) != 0) | (np.diff(p1) != 0)]
    kept = np.append(0, np.flatnonzero((np.diff(p0) != 0) | (np.diff(p1) != 0)) + 1)
    return {
        "breakpoints": significant((scores[changes - 1] + scores[changes]) / 2).tolist(),
        "p0": significant(p0[kept]).tolist(),
        "p1": significant(p1[kept]).tolist(),
    }


def _isotonic_at(place: int, label: float, hit: Floats, mass: Floats) -> float:
    """The isotonic fit at `place` once a newcomer with that label stands there."""
    with_newcomer, counted = mass.copy(), hit.copy()
    with_newcomer[place] += 1.0
    counted[place] += label
    return float(isotonic_regression(counted / with_newcomer, weights=with_newcomer).x[place])


def calibrator(curve: Mapping[str, Any], interval: Mapping[str, Any], level: float = 0.0) -> dict[str, Any]:
    """Level, curve and interval as they are stored: the shift of the level comes before the other two."""
    return {"level": level, "curve": dict(curve), "interval": dict(interval)}
