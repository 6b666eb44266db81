"""What each option earns as a curve in the probability of default, and where two curves cross."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskscore.terms_menu.options import DAYS_A_YEAR, Option

HALVINGS = 64  # a crossing is known to the last bit of a float in [0, 1]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Deal:
    """What the value of every option depends on.

    volume: V under the customer's usual terms, in money. margin, capital_cost (a year), lgd: shares.
    delay_days: how late the customer is expected to pay beyond any credit terms.
    pd_horizon_days: the horizon of the probability of default; a constant hazard carries it to the days of an option.

    Raises ValueError for a number outside its range.
    """

    volume: Decimal
    margin: float
    capital_cost: float
    lgd: float
    delay_days: float
    pd_horizon_days: int

    def __post_init__(self) -> None:
        if not (0.0 <= self.margin <= 1.0 and 0.0 <= self.lgd <= 1.0):
            raise ValueError(f"margin and loss given default are between 0 and 1, not {self.margin} and {self.lgd}")
        if not (self.volume.is_finite() and self.volume >= 0 and self.pd_horizon_days >= 1):
            raise ValueError(f"volume is not negative, a horizon at least a day: {self.volume}, {self.pd_horizon_days}")
        if not (0.0 <= self.capital_cost < math.inf and 0.0 <= self.delay_days < math.inf):
            raise ValueError(f"cost of capital and delay are finite, not negative: {self.capital_cost}, {self.delay_days}")


class Curves(NamedTuple):
    """Each option's value as a curve in PD: earned - at_risk (1 - (1 - PD) ^ power)."""

    earned: Floats
    at_risk: Floats
    power: Floats

    def at(self, pd: float | Floats) -> Floats:
        """The values at that PD, one per option in the last axis."""
        return self.earned - self.at_risk * (1 - (1 - pd) ** self.power)

    def crossings(self) -> Floats:
        """Every PD strictly inside (0, 1) at which two options are worth the same, rising.

        With x = 1 - PD the difference of two curves is c + a x^p - b x^q, which turns at most once, where a p x^p = b q x^q: so
        there is at most one crossing on either side of the turn, and bisection finds it.
        """
        one, other = np.triu_indices(len(self.earned), k=1)
        a, p, b, q = self.at_risk[one], self.power[one], self.at_risk[other], self.power[other]
        constant = self.earned[one] - self.earned[other] - a + b
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            turn = np.exp((np.log(b * q) - np.log(a * p)) / (p - q))
        turn = np.where(np.isfinite(turn), np.clip(turn, 0.0, 1.0), 0.0)
        low, high = np.concatenate((np.zeros_like(turn), turn)), np.concatenate((turn, np.ones_like(turn)))
        constant, a, p, b, q = (np.tile(part, 2) for part in (constant, a, p, b, q))
        starts_below = constant + a * low**p - b * low**q < 0
        crosses = starts_below != (constant + a * high**p - b * high**q < 0)
        low, high, constant, a, p, b, q, starts_below = (
            part[crosses] for part in (low, high, constant, a, p, b, q, starts_below)
        )
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            not_yet = (constant + a * middle**p - b * middle**q < 0) == starts_below
            low, high = np.where(not_yet, middle, low), np.where(not_yet, high, middle)
        roots = np.unique(1.0 - (low + high) / 2)
        return roots[(roots > 0.0) & (roots < 1.0)]


def curves_of(menu: Sequence[Option], deal: Deal) -> Curves:
    """The curves of a menu, in its order."""
    rows = []
    for one in menu:
        credit_days = one.mean_days + deal.delay_days if one.days > 0 else 0.0
        away = one.taken_share * one.discount_days + (1 - one.taken_share) * credit_days
        share = deal.margin - one.discount * one.taken_share - deal.capital_cost * (1 - deal.margin) * away / DAYS_A_YEAR
        sold = float(deal.volume) * one.volume_share
        at_risk = sold * (1 - one.taken_share) * deal.lgd * (1 - one.covered_share)
        rows.append((sold * (share - one.cover_cost) - float(one.fixed_cost), at_risk, credit_days / deal.pd_horizon_days))
    earned, at_risk, power = np.array(rows, dtype=np.float64).T
    return Curves(earned, at_risk, power)
