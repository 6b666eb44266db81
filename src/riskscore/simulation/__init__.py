"""The world with known truth: invented companies that pay by a law we wrote, and the oracle that knows it."""

from riskscore.simulation.presets import PRESETS, Preset
from riskscore.simulation.world import REPORTING_CURRENCY, Truth, World, simulate

__all__ = ["PRESETS", "REPORTING_CURRENCY", "Preset", "Truth", "World", "simulate"]
