"""The economy and the fortunes of customers: the published macro path and each customer's monthly regime."""

import numpy as np
from numpy.typing import NDArray

from riskscore.simulation.presets import Preset
from riskscore.simulation.randomness import Floats, Ints, chosen, normals, uniforms

Regimes = NDArray[np.int8]
Flags = NDArray[np.bool_]


def macro_path(preset: Preset, n_months: int, seed: int) -> Floats:
    """The macro index by month, above zero in bad times. It starts in an average economy, at zero."""
    path = np.zeros(n_months)
    shocks = normals(seed, "macro", np.arange(n_months))
    for month in range(1, n_months):
        path[month] = preset.macro_persistence * path[month - 1] + preset.macro_shock * shocks[month]
    return path


def transition(preset: Preset, macro: Floats | float) -> Floats:
    """The monthly regime matrix in an economy: odds of worsening times exp(.45 m), of recovering times exp(-.45 m).

    macro: a number or an array of any shape; the answer has two more axes, from and to. Odds are against staying.
    """
    base = np.asarray(preset.regime_matrix)
    rank = np.arange(len(base))
    direction = np.sign(rank[None, :] - rank[:, None])
    tilted = base * np.exp(preset.macro_on_regime * np.asarray(macro, dtype=np.float64)[..., None, None] * direction)
    return np.asarray(tilted / tilted.sum(axis=-1, keepdims=True), dtype=np.float64)


def regime_paths(preset: Preset, macro: Floats, joined_month: Ints, steady: Flags, seed: int) -> Regimes:
    """The regime of each customer in each month (customer, month); -1 before the month in which it joined.

    steady: who stays healthy for ever.
    """
    n_customers, n_months = len(joined_month), len(macro)
    draws = uniforms(seed, "regime", np.arange(n_customers)[:, None], np.arange(n_months)[None, :])
    paths = np.full((n_customers, n_months), -1, dtype=np.int8)
    for month in range(n_months):
        joining = joined_month == month
        paths[joining, month] = chosen(draws[joining, month], preset.regime_start)
        before = joined_month < month
        if month and before.any():
            bounds = np.cumsum(transition(preset, macro[month]), axis=1)[:, :-1]
            rows = bounds[paths[before, month - 1]]
            paths[before, month] = (draws[before, month][:, None] >= rows).sum(axis=1)
    return np.where(steady[:, None] & (paths >= 0), np.int8(0), paths)


def announced_months(preset: Preset, regimes: Regimes, seed: int) -> Ints:
    """The month at whose end a customer's insolvency becomes public; the number of months where it never does.

    In each month of insolvency it is announced with the same chance, so that silence stays evidence of a known weight.
    """
    n_customers, n_months = regimes.shape
    draws = uniforms(seed, "announced", np.arange(n_customers)[:, None], np.arange(n_months)[None, :])
    public = (regimes == len(preset.regime_start) - 1) & (draws < preset.insolvency_announced)
    return np.asarray(np.where(public.any(axis=1), public.argmax(axis=1), n_months), dtype=np.int64)
