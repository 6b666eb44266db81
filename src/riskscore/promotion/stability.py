"""Has the population moved since the model was judged? The population stability index, with what chance alone would give."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from riskscore.evaluation.metrics import N_BINS, Floats

CHANCE = 0.999
"""A bound that an unmoved population stays below this often."""


@dataclass(frozen=True)
class Stability:
    """The index of two samples of scores and the bound it must stay below."""

    psi: float
    bound: float


def population_stability(before: Floats, now: Floats, *, least: float) -> Stability:
    """PSI over tenths of `before`: sum (p - q) ln(p / q); one score a customer on either side.

    The bound is `least`, or what chance gives in 1 of 1,000 unmoved populations where that is more:
    (1/n + 1/m) times the chi-square quantile with bins - 1 degrees of freedom (Yurdakul & Naranjo 2020). NaN and an infinite
    bound where a side is empty.
    """
    if not len(before) or not len(now):
        return Stability(float("nan"), float("inf"))
    edges = np.unique(np.quantile(before, np.linspace(0, 1, N_BINS + 1)[1:-1]))
    shares = []
    for scores in (before, now):
        counts = np.bincount(np.searchsorted(edges, scores, side="left"), minlength=len(edges) + 1)
        shares.append(np.maximum(counts, 0.5) / np.maximum(counts, 0.5).sum())  # an empty bin would make the index infinite
    p, q = shares
    by_chance = float(chi2.ppf(CHANCE, len(edges))) * (1 / len(before) + 1 / len(now))
    return Stability(float(np.sum((p - q) * np.log(p / q))), max(least, by_chance))
