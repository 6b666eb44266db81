"""Features as the members read them: what is typical, what was seen, categories as log-odds, and the shrunken rate."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from riskscore.model.formula import SMALLEST_RATE, Column, Floats, shrunken
from riskscore.model.logistic import rounded
from riskscore.model.rows import FeatureLike, Rows
from riskscore.model.value import read_column

Integers = np.ndarray[Any, np.dtype[np.int64]]

LEVEL_STRENGTH = 20.0  # customers: a category level with as many is believed half
N_CROSS_FOLDS = 5  # a training row's category is encoded from the customers of the other folds, never from its own outcome
SEEN = (0.001, 0.999)  # quantiles of training outside which a value counts as unfamiliar
WEAKEST, STRONGEST = 1.0, 1000.0  # bounds of the shrinkage, in invoices


def describe_inputs(rows: Rows, features: Iterable[FeatureLike]) -> list[dict[str, Any]]:
    """One entry a feature: kind, declared risk, typical value, range seen; for categories the log-odds of every level."""
    described = []
    for feature in features:
        column = read_column(rows.features, feature.name, feature.kind)
        entry: dict[str, Any] = {"name": feature.name, "kind": feature.kind, "risk": feature.risk}
        if feature.kind == "category":
            levels = level_log_odds(column, rows.outcome, rows.customer_weight)
            counts = Counter(each for each in column if each is not None)
            typical = min(levels, key=lambda level: (-counts[level], level), default=None)
            entry |= {"typical": typical, "levels": levels}
        else:
            known = np.asarray(column, dtype=np.float64)
            known = known[~np.isnan(known)]
            low, middle, high = np.quantile(known, (SEEN[0], 0.5, SEEN[1])).tolist() if len(known) else (None, None, None)
            entry |= {"typical": middle, "seen_from": low, "seen_to": high}
        described.append(entry)
    return described


def level_log_odds(column: Column, outcome: Floats, weight: Floats) -> dict[str, float]:
    """How much riskier than all a category level is, as a difference of log-odds shrunken toward none.

    weight: one over the rows of the customer, so that a level is believed by its customers, not by its rows. A null is no level.
    """
    names = sorted({str(each) for each in column if each is not None})
    number = {name: place for place, name in enumerate(names)}
    place = np.array([len(names) if each is None else number[each] for each in column], dtype=np.int64)
    rates, _, overall = class_rates(place, len(names) + 1, outcome, weight)
    return {
        name: rounded(np.log(rate / (1 - rate)) - np.log(overall / (1 - overall)))
        for name, rate in zip(names, rates.tolist(), strict=False)  # the last is of rows without a level
    }


def class_rates(place: Integers, n_classes: int, outcome: Floats, weight: Floats) -> tuple[Floats, Floats, float]:
    """Each class's share with the event, pulled toward that of all; the weight of its rows; and the share of all.

    place: (n,), the class of each row, 0 to n_classes - 1. weight: one over the rows of the customer, so that the weight of a
    class is in customers. A class without a row has the share of all.
    """
    overall = float(np.clip(np.average(outcome, weights=weight), SMALLEST_RATE, 1 - SMALLEST_RATE))
    n: Floats = np.bincount(place, weight, minlength=n_classes).astype(np.float64)
    events = np.bincount(place, weight * outcome, minlength=n_classes)
    return (events + overall * LEVEL_STRENGTH) / (n + LEVEL_STRENGTH), n, overall


def fit_shrinkage(rows: Rows, share: str, of: str) -> dict[str, Any]:
    """The beta prior of the customers' shares by moments: mean mu, and strength M = mu (1 - mu) / tau - 1 in invoices.

    tau is the variance between customers less the binomial noise, weighted by invoices; one row a customer, the newest. Where the
    customers differ no more than noise would make them, the strength is at its bound and the share says next to nothing.
    """
    newest = np.append(np.diff(rows.customers) != 0, True)
    shares = np.asarray(read_column(rows.features, share, "number"), dtype=np.float64)[newest]
    n = np.nan_to_num(np.asarray(read_column(rows.features, of, "number"), dtype=np.float64))[newest]
    mean, strength = beta_prior(np.nan_to_num(shares) * n, np.where(np.isnan(shares), 0.0, n))
    return {"share": share, "of": of, "mean": mean, "strength": strength}


def beta_prior(events: Floats, n: Floats) -> tuple[float, float]:
    """Mean and strength of the beta prior of shares events / n, one a customer, by moments; who has n = 0 does not count."""
    counted = n > 0
    shares, n = events[counted] / n[counted], n[counted]
    total = float(n.sum())
    mean = float((shares * n).sum() / total) if total else 0.5
    mean = float(np.clip(mean, SMALLEST_RATE, 1 - SMALLEST_RATE))
    spread = float((n * (shares - mean) ** 2).sum())
    noise = mean * (1 - mean) * (len(n) - 1)
    freedom = total - float((n**2).sum()) / total - (len(n) - 1) if total else 0.0
    tau = (spread - noise) / freedom if freedom > 0 else 0.0
    strength = mean * (1 - mean) / tau - 1 if tau > 0 else STRONGEST
    return rounded(mean), rounded(np.clip(strength, WEAKEST, STRONGEST))


def training_matrix(rows: Rows, inputs: Sequence[Mapping[str, Any]], shrinkage: Mapping[str, Any] | None) -> Floats:
    """The matrix the members learn from: as `Formula.matrix`, but a row's category never speaks of its own customer's outcome.

    shrinkage: null where no customer's own rate is read.
    """
    matrix = np.empty((len(rows), len(inputs)))
    folds = rows.folds_of_customers(N_CROSS_FOLDS)
    names = [each["name"] for each in inputs]
    for place, each in enumerate(inputs):
        column = read_column(rows.features, each["name"], each["kind"])
        if each["kind"] == "category":
            matrix[:, place] = _crossed(column, rows, folds)
        else:
            matrix[:, place] = column
    if shrinkage is None:
        return matrix
    share, of = names.index(shrinkage["share"]), names.index(shrinkage["of"])
    matrix[:, share] = shrunken(matrix[:, share], matrix[:, of], shrinkage["mean"], shrinkage["strength"])
    return matrix


def _crossed(column: Column, rows: Rows, folds: np.ndarray[Any, np.dtype[np.int64]]) -> Floats:
    texts = np.asarray(column, dtype=object)
    encoded = np.zeros(len(rows))
    for fold in range(N_CROSS_FOLDS):
        there, others = folds == fold, folds != fold
        if there.any() and others.any():
            levels = level_log_odds(texts[others], rows.outcome[others], rows.customer_weight[others])
            encoded[there] = [levels.get(level, 0.0) for level in texts[there]]
    return encoded
