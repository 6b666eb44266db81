"""Small simulated worlds, made once per test process."""

from dataclasses import replace
from functools import lru_cache

from riskscore.simulation import PRESETS, World, simulate

CALM = replace(PRESETS["default"], name="calm", macro_shock=0.0)
"""The default law in an economy that never moves: invoices share no shock, so counts are binomial."""


@lru_cache(maxsize=8)
def world_of(preset: str = "default", n_customers: int = 120, n_months: int = 18, seed: int = 5) -> World:
    return simulate(preset, n_customers=n_customers, n_months=n_months, seed=seed)


@lru_cache(maxsize=4)
def calm_world(n_customers: int = 300, n_months: int = 24, seed: int = 5) -> World:
    return simulate(CALM, n_customers=n_customers, n_months=n_months, seed=seed)
