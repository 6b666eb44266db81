"""Has the population moved since the model was judged? The population stability index, with what chance alone would give."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import chi2

from riskscore.evaluation.metrics import N_BINS, Floats

Integers = np.ndarray[Any, np.dtype[np.int64]]

CHANCE = 0.999
"""A bound that an unmoved population stays below this often."""

N_DRAWS = 20_000
"""Samples of an unmoved population, where the closed form says that it moved: a few hundredths of a second."""


@dataclass(frozen=True)
class Stability:
    """The index of two samples of scores and the bound it must stay below."""

    psi: float
    bound: float


def population_stability(before: Floats, now: Floats, *, least: float, chance: float = CHANCE) -> Stability:
    """PSI over tenths of `before`: sum (p - q) ln(p / q); one value a customer on either side, NaN a class of its own.

    The bound is `least`, or what the index of an unmoved population stays below with that chance where that is more:
    (1/n + 1/m) times the chi-square quantile with classes - 1 degrees of freedom (Yurdakul & Naranjo 2020). That is too low
    where classes hold few, so an index beyond it is judged by drawing from such populations. NaN and an infinite bound where a
    side is empty.
    """
    if not len(before) or not len(now):
        return Stability(float("nan"), float("inf"))
    known = before[~np.isnan(before)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, N_BINS + 1)[1:-1])) if len(known) else known
    unknown = [int(np.isnan(side).sum()) for side in (before, now)]
    counts = []
    for side, n_unknown in zip((before, now), unknown, strict=True):
        tenths = np.bincount(np.searchsorted(edges, side[~np.isnan(side)], side="left"), minlength=len(edges) + 1)
        counts.append(np.append(tenths, n_unknown) if any(unknown) else tenths)
    psi = float(_index(counts[0], counts[1]))
    bound = max(least, float(chi2.ppf(chance, max(len(counts[0]) - 1, 1))) * (1 / len(before) + 1 / len(now)))
    return Stability(psi, bound if psi <= bound else max(bound, _drawn_bound(counts[0], counts[1], chance)))


def _index(before: Integers, now: Integers) -> Floats:
    """The index of counts by class, along the last axis."""
    p, q = (np.maximum(counts, 0.5) for counts in (before, now))  # an empty class would make the index infinite
    p, q = p / p.sum(axis=-1, keepdims=True), q / q.sum(axis=-1, keepdims=True)
    index: Floats = np.sum((p - q) * np.log(p / q), axis=-1)
    return index


def _drawn_bound(before: Integers, now: Integers, chance: float) -> float:
    """What the index stays below that often where `now` is drawn from the population of `before`; the same draws every time.

    The shares of that population are Dirichlet around those seen: exactly so for tenths cut at the sample's own quantiles.
    """
    random = np.random.default_rng(N_DRAWS)
    shares = random.dirichlet(np.maximum(before, 0.5), N_DRAWS)
    return float(np.quantile(_index(before, random.multinomial(int(now.sum()), shares)), chance))
