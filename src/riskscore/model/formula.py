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

MEMBER_FILES = ("booster.txt", "calibrator.json", "features.json", "members.json")
COLD = "cold"
"""The folder of the model of newcomers, beside the files of the model of customers with a history."""

FORMULA_FILES = (*MEMBER_FILES, *(f"{COLD}/{name}" for name in MEMBER_FILES))
SMALLEST_RATE = 1e-6  # a rate of exactly 0 or 1 has no log-odds
NO_PULL = 1e-12  # contributions smaller than this in all have no direction to follow


class Formula:
    """A model read from the bytes of its files. The caller has verified them: LightGBM's parser trusts what it is given.

    files: by name; those of a folder `cold/` are the model of newcomers, whose log-odds are a further input of this one.
    names: the features it reads, in their order; the newcomers' model reads some of them. Numbers are NaN where not known.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        features = json.loads(files["features.json"])
        self.inputs: list[dict[str, Any]] = features["inputs"]
        self.shrinkage: dict[str, Any] | None = features["shrinkage"]
        self.names: tuple[str, ...] = tuple(each["name"] for each in self.inputs)
        members = json.loads(files["members.json"])
        self.weights: dict[str, float] = members["weights"]
        self.logistic: dict[str, Any] = members["logistic"]
        self.rate: dict[str, Any] | None = members["rate"]
        self.calibrator: dict[str, Any] = json.loads(files["calibrator.json"])
        self.level: float = self.calibrator.get("level", 0.0)  # models made before levels were kept have none
        cold = {name.removeprefix(f"{COLD}/"): content for name, content in files.items() if name.startswith(f"{COLD}/")}
        self.cold = Formula(cold) if cold else None
        self.cold_typical: dict[str, float] = features["cold_typical"]
        # A model of too few rows grows no trees; an empty text is none.
        self.booster = lightgbm.Booster(model_str=files["booster.txt"].decode()) if files["booster.txt"] else None
        bases = {"logistic": self.logistic["intercept"], "trees": 0.0, "rate": self.rate["intercept"] if self.rate else 0.0}
        if self.booster is not None:
            # The base of TreeSHAP lies in the leaf counts, so that any one row shows it.
            empty = np.zeros((1, len(self.names) + (self.cold is not None)))
            bases["trees"] = float(self._ask_trees(empty, contributions=True)[0, -1])
        self.base: float = sum(self.weights[name] * bases[name] for name in self.weights)

    def matrix(self, columns: Mapping[str, Column]) -> Floats:
        """The features as numbers, one row a customer: categories as their training log-odds, the rate shrunken.

        Where there is a model of newcomers, its log-odds are the last column.
        """
        matrix = np.empty((len(columns[self.names[0]]), len(self.names) + (self.cold is not None)), order="C")
        for place, each in enumerate(self.inputs):
            if each["kind"] == "category":
                levels = each["levels"]
                matrix[:, place] = [levels.get(level, 0.0) for level in columns[each["name"]]]
            else:
                matrix[:, place] = columns[each["name"]]
        if self.shrinkage is not None:
            share, of = (self.names.index(self.shrinkage[name]) for name in ("share", "of"))
            matrix[:, share] = shrunken(matrix[:, share], matrix[:, of], self.shrinkage["mean"], self.shrinkage["strength"])
        if self.cold is not None:
            matrix[:, -1] = self.cold.log_odds(self.cold.matrix(columns))
        return matrix

    def member_log_odds(self, matrix: Floats) -> dict[str, Floats]:
        """What each member says on its own, as log-odds."""
        logistic = np.full(len(matrix), self.logistic["intercept"])
        for term in self.logistic["terms"]:
            logistic += contribution_of(term, matrix[:, self._place(term["input"])])
        members = {"logistic": logistic}
        if self.booster is not None:
            members["trees"] = self._ask_trees(matrix, contributions=False)[:, 0]
        if self.rate is not None:
            members["rate"] = self.rate["intercept"] + self._rate(matrix, self.rate)
        return members

    def log_odds(self, matrix: Floats) -> Floats:
        """The weighted mean of the members on the log-odds, before calibration."""
        members = self.member_log_odds(matrix)
        total = np.zeros(len(matrix))
        for name, weight in self.weights.items():
            total += weight * members[name]
        return total

    def explain(self, columns: Mapping[str, Column]) -> tuple[float, Floats, Floats]:
        """The base, what each feature of `names` adds to it, and the log-odds: base + sum of a row = log-odds, to 1e-9.

        The logistic's and the rate's are coefficient times distance from the training mean; the trees' are TreeSHAP, as LightGBM
        computes it. All three are exact for their member, and a weighted sum of exact contributions is exact. What the log-odds
        of the newcomers' model add is passed on to the features that made them (see `passed_on`).
        """
        matrix = self.matrix(columns)
        own = self._own_contributions(matrix)
        if self.cold is not None:
            total, own = own[:, -1], np.ascontiguousarray(own[:, :-1])
            _, theirs, _ = self.cold.explain(columns)
            typical = np.array([self.cold_typical[name] for name in self.cold.names])
            own[:, [self.names.index(name) for name in self.cold.names]] += passed_on(total, theirs - typical)
        return self.base, own, self.log_odds(matrix)

    def probability(self, log_odds: Floats) -> tuple[Floats, Floats, Floats]:
        """The calibrated probability and its interval (low, high); each rises with the log-odds.

        First the level is shifted to that of the newest known outcomes, then the curve is applied; both read the same log-odds.
        """
        log_odds = log_odds + self.level
        pd = calibrated(self.calibrator["curve"], log_odds)
        interval = self.calibrator["interval"]
        step = np.searchsorted(np.asarray(interval["breakpoints"]), log_odds, side="right")
        low = np.minimum(np.asarray(interval["p0"])[step], pd)
        high = np.maximum(np.asarray(interval["p1"])[step], pd)
        return pd, low, high

    def tree_contributions(self, matrix: Floats) -> Floats:
        """TreeSHAP of the trees alone (path-dependent), on their log-odds, without the base."""
        return self._ask_trees(matrix, contributions=True)[:, :-1]

    def _own_contributions(self, matrix: Floats) -> Floats:
        total = np.zeros(matrix.shape) if self.booster is None else self.weights["trees"] * self.tree_contributions(matrix)
        if self.rate is not None and self.shrinkage is not None:
            share = self.names.index(self.shrinkage["share"])
            total[:, share] += self.weights["rate"] * self._rate(matrix, self.rate)
        for term in self.logistic["terms"]:
            place = self._place(term["input"])
            total[:, place] += self.weights["logistic"] * contribution_of(term, matrix[:, place])
        return total

    def _place(self, name: str) -> int:
        return -1 if name == COLD else self.names.index(name)

    def _ask_trees(self, matrix: Floats, *, contributions: bool) -> Floats:
        if self.booster is None or len(matrix) == 0:  # LightGBM refuses to look at no rows
            return np.zeros((len(matrix), matrix.shape[1] + 1))
        answer = self.booster.predict(matrix, raw_score=True, pred_contrib=contributions, num_threads=1)
        return np.asarray(answer, dtype=np.float64).reshape(len(matrix), -1)

    def _rate(self, matrix: Floats, rate: Mapping[str, float]) -> Floats:
        if self.shrinkage is None:
            return np.zeros(len(matrix))
        share = matrix[:, self.names.index(self.shrinkage["share"])]
        clipped = np.clip(share, SMALLEST_RATE, 1 - SMALLEST_RATE)
        result: Floats = rate["slope"] * (logit(clipped) - rate["center"])
        return result


def passed_on(total: Floats, parts: Floats) -> Floats:
    """A total shared out over the parts it came from, one row each; the shares of a row sum to its total.

    parts: what each feature added to the log-odds of the newcomers' model, beyond what it adds for a typical customer. As much of
    the total as goes the way of their sum, and no more than it, is believed at one and the same rate for every part, so that a
    part that lowered the risk still lowers it. What is left over (where the parts cancel out, or a tree took another way than
    their sum) is shared by their sizes.
    """
    together = parts.sum(axis=1)
    safe = np.where(np.abs(together) > NO_PULL, together, 1.0)
    rate = np.clip(np.where(np.abs(together) > NO_PULL, total / safe, 0.0), 0.0, 1.0)
    sizes = np.abs(parts)
    weight = sizes.sum(axis=1)
    even = np.full(parts.shape, 1.0 / parts.shape[1])
    shares = np.where(weight[:, None] > NO_PULL, sizes / np.maximum(weight, NO_PULL)[:, None], even)
    result: Floats = rate[:, None] * parts + (total - rate * together)[:, None] * shares
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


def weighed(columns: Floats, weights: Floats) -> Floats:
    """The sum of each row's columns by their weights: (n,), to the same last bit whatever other rows there are.

    A matrix product adds in an order that depends on how many rows it has, and a customer alone would be told another number.
    """
    total = np.zeros(len(columns))
    for place, weight in enumerate(weights.tolist()):
        total += weight * columns[:, place]
    return total


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
