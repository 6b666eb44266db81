"""The model as a formula: from features to log-odds, to contributions, to a calibrated probability with its interval.

It travels with the model into the registry, where anyone can run it, so it imports nothing of ours. Every step is done column
by column with operations that treat a row the same whatever rows stand beside it: one customer alone has the bits it has in the
book.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import lightgbm
import numpy as np
from scipy.special import expit, log1p, log_expit, logit

Floats = np.ndarray[Any, np.dtype[np.float64]]
Column = Floats | Sequence[str | None]

FORMULA_FILES = ("booster.txt", "calibrator.json", "features.json", "members.json")
SMALLEST_RATE = 1e-6  # a rate of exactly 0 or 1 has no log-odds


class Formula:
    """A model read from the bytes of `FORMULA_FILES`. The caller has verified them: LightGBM's parser trusts what it is given.

    names: the features, in the order of the matrix. Numbers are NaN where not known.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        features = json.loads(files["features.json"])
        self.inputs: list[dict[str, Any]] = features["inputs"]
        self.shrinkage: dict[str, Any] = features["shrinkage"]
        self.names: tuple[str, ...] = tuple(each["name"] for each in self.inputs)
        members = json.loads(files["members.json"])
        self.weights: dict[str, float] = members["weights"]
        self.logistic: dict[str, Any] = members["logistic"]
        self.rate: dict[str, Any] = members["rate"]
        self.calibrator: dict[str, Any] = json.loads(files["calibrator.json"])
        self.booster = lightgbm.Booster(model_str=files["booster.txt"].decode())
        # The base of TreeSHAP lies in the leaf counts, so that any one row shows it.
        trees = float(self._ask_trees(np.zeros((1, len(self.names))), contributions=True)[0, -1])
        bases = {"logistic": self.logistic["intercept"], "trees": trees, "rate": self.rate["intercept"]}
        self.base: float = sum(self.weights[name] * bases[name] for name in self.weights)

    def matrix(self, columns: Mapping[str, Column]) -> Floats:
        """The features as numbers, one row a customer: categories as their training log-odds, the rate shrunken."""
        matrix = np.empty((len(columns[self.names[0]]), len(self.names)), order="C")
        for place, each in enumerate(self.inputs):
            if each["kind"] == "category":
                levels = each["levels"]
                matrix[:, place] = [levels.get(level, 0.0) for level in columns[each["name"]]]
            else:
                matrix[:, place] = columns[each["name"]]
        share, of = (self.names.index(self.shrinkage[name]) for name in ("share", "of"))
        matrix[:, share] = shrunken(matrix[:, share], matrix[:, of], self.shrinkage["mean"], self.shrinkage["strength"])
        return matrix

    def member_log_odds(self, matrix: Floats) -> dict[str, Floats]:
        """What each member says on its own, as log-odds."""
        share = matrix[:, self.names.index(self.shrinkage["share"])]
        logistic = np.full(len(matrix), self.logistic["intercept"])
        for term in self.logistic["terms"]:
            logistic += contribution_of(term, matrix[:, self.names.index(term["input"])])
        return {
            "logistic": logistic,
            "trees": self._ask_trees(matrix, contributions=False)[:, 0],
            "rate": self.rate["intercept"] + self._rate(share),
        }

    def log_odds(self, matrix: Floats) -> Floats:
        """The weighted mean of the members on the log-odds, before calibration."""
        members = self.member_log_odds(matrix)
        total = np.zeros(len(matrix))
        for name, weight in self.weights.items():
            total += weight * members[name]
        return total

    def contributions(self, matrix: Floats) -> tuple[float, Floats]:
        """The base, and what each feature adds to it: base + sum of a row = log-odds, up to rounding (1e-9).

        The logistic's and the rate's are coefficient times distance from the training mean; the trees' are TreeSHAP, as LightGBM
        computes it. All three are exact for their member, and a weighted sum of exact contributions is exact.
        """
        total = self.weights["trees"] * self.tree_contributions(matrix)
        share = self.names.index(self.shrinkage["share"])
        total[:, share] += self.weights["rate"] * self._rate(matrix[:, share])
        for term in self.logistic["terms"]:
            place = self.names.index(term["input"])
            total[:, place] += self.weights["logistic"] * contribution_of(term, matrix[:, place])
        return self.base, total

    def probability(self, log_odds: Floats) -> tuple[Floats, Floats, Floats]:
        """The calibrated probability and its interval (low, high); each rises with the log-odds."""
        pd = calibrated(self.calibrator["curve"], log_odds)
        interval = self.calibrator["interval"]
        step = np.searchsorted(np.asarray(interval["breakpoints"]), log_odds, side="right")
        low = np.minimum(np.asarray(interval["p0"])[step], pd)
        high = np.maximum(np.asarray(interval["p1"])[step], pd)
        return pd, low, high

    def tree_contributions(self, matrix: Floats) -> Floats:
        """TreeSHAP of the trees alone (path-dependent), on their log-odds, without the base."""
        return self._ask_trees(matrix, contributions=True)[:, :-1]

    def _ask_trees(self, matrix: Floats, *, contributions: bool) -> Floats:
        if len(matrix) == 0:  # LightGBM refuses to look at no rows
            return np.empty((0, len(self.names) + 1))
        answer = self.booster.predict(matrix, raw_score=True, pred_contrib=contributions, num_threads=1)
        return np.asarray(answer, dtype=np.float64).reshape(len(matrix), -1)

    def _rate(self, share: Floats) -> Floats:
        clipped = np.clip(share, SMALLEST_RATE, 1 - SMALLEST_RATE)
        result: Floats = self.rate["slope"] * (logit(clipped) - self.rate["center"])
        return result


def shrunken(share: Floats, n: Floats, mean: float, strength: float) -> Floats:
    """The share s / n pulled toward the book's mean as if `strength` more invoices had behaved like the book.

    (s + mean * strength) / (n + strength) with s = share * n: the posterior mean of a beta-binomial. With nothing counted it is
    the mean.
    """
    counted = np.maximum(np.nan_to_num(n), 0.0)
    # Written as a step from the mean, which no share and no count can make overflow.
    result: Floats = mean + np.where(np.isnan(share), 0.0, share - mean) * (counted / (counted + strength))
    return result


def contribution_of(term: Mapping[str, Any], values: Floats) -> Floats:
    """What one term of the logistic adds to its log-odds: coefficient x standardised value; a missing value has its own."""
    missing = np.isnan(values)
    standard = (bent(np.clip(values, term["low"], term["high"]), term["bend"]) - term["center"]) / term["scale"]
    absence = term["missing_coefficient"] * (missing - term["missing_share"])
    result: Floats = term["coefficient"] * np.where(missing, 0.0, standard) + absence
    return result


def bent(values: Floats, bend: float | None) -> Floats:
    """The values, or their signed logarithm where a long tail would let a few rows speak for all: sign(x) log(1 + |x| / bend)."""
    if bend is None:
        return values
    result: Floats = np.sign(values) * log1p(np.abs(values) / bend)
    return result


def calibrated(curve: Mapping[str, Any], log_odds: Floats) -> Floats:
    """The probability that the calibration curve gives to log-odds.

    logit q = a ln p - b ln(1 - p) + c with p = expit(log-odds), a and b not below zero: the curve never falls. a = b is Platt's
    line, a = b = 1 a shift of the intercept, and c = 0 with it the identity (Kull, Silva Filho & Flach 2017).
    """
    a, b, c = curve["a"], curve["b"], curve["c"]
    bend = a * log_odds if a == b else a * log_expit(log_odds) - b * log_expit(-log_odds)
    result: Floats = expit(bend + c)
    return result
