"""Presets: the written laws of an invented company's customers. `default` is the reference law; the others imitate a market.

Rates are per invoice, shares are of customers unless said otherwise, hazards are on the log-odds of one payment run day.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from riskscore.errors import UsageRefused
from riskscore.simulation.randomness import Floats

REGIMES = ("healthy", "stressed", "distressed", "insolvent")
RUN_KINDS = ("any business day", "one weekday", "10th and 25th")
DPD_EDGES = (-10, -3, 0, 4, 11, 31, 61)
"""Days past the rolled due date at which the hazard changes; a bin holds its lower edge and not its upper one."""

STATEMENT_FACTORS = ("solvency", "liquidity", "profitability", "cash generation")
RATING_LETTERS = ("C", "CCC", "B", "BB", "BBB", "A", "AA", "AAA")


@dataclass(frozen=True)
class Preset:
    """One law of the world. Every number that is not in the code of a formula is here."""

    name: str
    # Who the customers are.
    quality_sd: float = 0.95
    run_shares: tuple[float, ...] = (0.40, 0.35, 0.25)
    weekday_shares: tuple[float, ...] = (0.1, 0.1, 0.2, 0.15, 0.45)
    terms_days: tuple[int, ...] = (15, 30, 45, 60)
    terms_shares: tuple[float, ...] = (0.15, 0.50, 0.20, 0.15)
    joining_share: float = 0.40
    sole_trader_share: float = 0.12
    family_share: float = 0.15
    countries: tuple[tuple[str, float], ...] = (
        ("DE", 0.34), ("FR", 0.13), ("NL", 0.10), ("IT", 0.08), ("PL", 0.08),
        ("GB", 0.09), ("US", 0.08), ("CN", 0.06), ("CH", 0.04),
    )  # fmt: skip
    # What they order.
    volume_floor: float = 0.3
    volume_shape: float = 1.2
    volume_scale: float = 2.2
    largest_share: float = 0.0
    amount_log_median: float = 8.3
    amount_log_sd_below: float = 1.1
    amount_log_sd_above: float = 1.1
    amount_customer_share: float = 0.6
    # How the economy and their fortunes move.
    macro_persistence: float = 0.92
    macro_shock: float = 0.35
    macro_on_regime: float = 0.45
    macro_on_hazard: float = 0.25
    regime_start: tuple[float, ...] = (0.82, 0.14, 0.04, 0.0)
    regime_matrix: tuple[tuple[float, ...], ...] = (
        (0.980, 0.018, 0.0018, 0.0002),
        (0.10, 0.866, 0.032, 0.002),
        (0.02, 0.13, 0.83, 0.02),
        (0.0, 0.0, 0.0, 1.0),
    )
    insolvency_announced: float = 0.35
    # When they pay.
    run_hazard: tuple[float, ...] = (-1.30, 0.35, 1.30)
    dpd_hazard: tuple[float, ...] = (-4.0, -2.3, 0.25, 0.85, 0.75, 0.35, -0.1, -0.6)
    regime_hazard: tuple[float, ...] = (0.0, -0.9, -1.9, -np.inf)
    season_hazard: tuple[float, ...] = (0.05, 0.05, 0.10, 0.05, 0.0, 0.05, 0.0, -0.15, 0.05, 0.05, 0.0, -0.20)
    dispute_share: float = 0.05
    dispute_hazard: float = -1.6
    amount_hazard: float = -0.10
    # What is published about them.
    statement_share: float = 0.70
    statement_quality: tuple[float, ...] = (0.55, 0.35, 0.25, 0.15)
    statement_severity: tuple[float, ...] = (0.35, 0.45, 0.25, 0.20)
    rating_share: float = 1.0
    rating_quality: float = 0.6
    rating_severity: float = 0.6
    rating_noise: float = 0.9
    severity: tuple[float, ...] = (0.0, 1.0, 2.0, 3.0)
    # What the books show of it: the observation layer.
    partial_share: float = 0.04
    credit_note_share: float = 0.04  # of which two thirds come before payment, so 2 to 3 % of invoices are credited
    discount_share: float = 0.10
    overpayment_share: float = 0.003
    negative_invoice_share: float = 0.004
    late_booking_share: float = 0.12
    late_invoice_share: float = 0.02
    same_name_share: float = 0.02
    insured_share: float = 0.25

    @property
    def quality_nodes(self) -> Floats:
        """The nine values of the latent quality b, equally spaced, of standard deviation `quality_sd`."""
        nodes = np.linspace(-2.4, 2.4, 9)
        return nodes / np.sqrt(self.quality_weights @ nodes**2) * self.quality_sd

    def expected_amount(self, size: Floats) -> Floats:
        """The mean invoice of a customer of that size, in the reporting currency."""
        spread = np.where(size < 0, self.amount_log_sd_below, self.amount_log_sd_above)
        own, chance = np.sqrt(self.amount_customer_share) * size, 1 - self.amount_customer_share
        return np.asarray(np.exp(self.amount_log_median + spread * own + spread**2 * chance / 2))

    @property
    def quality_weights(self) -> Floats:
        """The normal probability of each node."""
        density = np.exp(-(np.linspace(-2.4, 2.4, 9) ** 2) / 2)
        return np.asarray(density / density.sum(), dtype=np.float64)


DEFAULT = Preset("default")
SME = replace(
    DEFAULT,
    name="sme",
    quality_sd=1.1,
    run_shares=(0.35, 0.35, 0.30),
    terms_days=(14, 30, 45, 60),
    terms_shares=(0.20, 0.55, 0.15, 0.10),
    joining_share=0.50,
    sole_trader_share=0.35,
    family_share=0.05,
    volume_floor=0.2,
    volume_shape=1.0,
    volume_scale=1.3,
    amount_log_median=7.1,
    amount_log_sd_below=1.0,
    amount_log_sd_above=1.2,
    regime_start=(0.72, 0.20, 0.08, 0.0),
    regime_matrix=(
        (0.970, 0.026, 0.0036, 0.0004),
        (0.08, 0.874, 0.042, 0.004),
        (0.02, 0.11, 0.845, 0.025),
        (0.0, 0.0, 0.0, 1.0),
    ),
    dpd_hazard=(-5.0, -3.4, -0.8, -0.1, -0.1, -0.4, -0.7, -0.9),
    regime_hazard=(0.0, -0.9, -1.7, -np.inf),
    statement_share=0.45,
    rating_share=0.60,
    insured_share=0.10,
)
"""Many small firms and sole traders: fewer accounts and ratings, more trouble, the published days to pay of Europe (32 + 18)."""

HR_LIKE = replace(
    DEFAULT,
    name="hr_like",
    quality_sd=0.55,
    run_shares=(0.65, 0.25, 0.10),
    terms_days=(10, 15, 20, 23, 30, 35, 45, 60, 65),
    terms_shares=(0.09, 0.77, 0.02, 0.03, 0.03, 0.015, 0.01, 0.005, 0.03),
    joining_share=0.25,
    sole_trader_share=0.02,
    countries=(("US", 0.92), ("CA", 0.08)),
    volume_floor=0.1,
    volume_shape=0.35,
    volume_scale=14.0,
    largest_share=0.22,
    amount_log_median=9.63,
    amount_log_sd_below=1.964,
    amount_log_sd_above=1.482,
    amount_customer_share=0.25,
    regime_start=(0.9465, 0.0345, 0.019, 0.0),
    regime_matrix=(
        (0.9917, 0.0070, 0.00127, 0.00003),
        (0.12, 0.8487, 0.031, 0.0003),
        (0.03, 0.11, 0.8575, 0.0025),
        (0.0, 0.0, 0.0, 1.0),
    ),
    macro_shock=0.12,
    dpd_hazard=(-5.0, -2.59, 0.01, 1.01, 1.40, -0.27, 0.68, 0.60),
    regime_hazard=(0.0, -1.41, -2.57, -np.inf),
    dispute_share=0.03,
)
"""A processor's cleared items: nearly all net 15, one customer with a fifth of the invoices, few but long delays."""

PRESETS: Mapping[str, Preset] = {preset.name: preset for preset in (DEFAULT, SME, HR_LIKE)}


def preset_named(name: str) -> Preset:
    """The preset of that name. Raises UsageRefused where there is none, naming what there is."""
    if name not in PRESETS:
        raise UsageRefused(f"preset {name!r} is unknown. There are: {', '.join(PRESETS)}.")
    return PRESETS[name]
