"""What a limit earns in a year: the profit curve of one customer's limit, and the limit at its top.

A customer would like to owe us X, which nobody knows exactly: a lognormal demand. A limit L cuts it to min(X, L). What is owed
turns over every T days and earns its margin each time, ties up capital, and is lost in part if the customer fails, who by then
has drawn some of what the limit still allowed:

    profit(L) = carry E[min(X, L)] - PD LGD (E[min(X, L)] + kappa (L - E[min(X, L)]))
    carry     = margin 365 / T - capital_cost (1 - margin)

The curve is concave. Its slope is g P(X > L) - kappa PD LGD with g = carry - (1 - kappa) PD LGD, so that the top has a closed
form. Numbers here are estimates and therefore floats; `optimal_limit` gives exact money back. Every function takes one customer
or arrays of many: the fields of a `Trade` and the limits broadcast against each other.
"""

import math
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

CENT = Decimal("0.01")
DAYS_A_YEAR = 365
DAYS_A_MONTH = 30
HALVINGS = 100  # bisection steps: 2^-100 of the bracket is below the spacing of floats

Floats = NDArray[np.float64]
Numbers = float | Floats


@dataclass(frozen=True, eq=False)
class Trade:
    """What the profit of a limit depends on. Each field is one number, or an array with one number per customer.

    demand: exposure the customer would run if there were no limit, in money: its mean. See `demand_for`.
    spread: standard deviation of the logarithm of that demand; 0 where it is certain. See `spread_of`.
    days_outstanding: agreed terms plus expected delay, in days, above 0.
    margin: contribution margin as a share of the sale, 0 to 1.
    capital_cost: what a euro tied up for a year costs, as a share.
    pd: probability of default within a year, 0 to 1. See `yearly` for a PD of another horizon.
    lgd: share of what is owed at default that is lost, 0 to 1, after cover and recoveries.
    drawn_share: kappa, the share of the unused limit that is drawn before default, 0 to 1.

    Raises ValueError for a number outside its range or not finite.
    """

    demand: Numbers
    spread: Numbers
    days_outstanding: Numbers
    margin: Numbers
    capital_cost: Numbers
    pd: Numbers
    lgd: Numbers
    drawn_share: Numbers = 0.5

    def __post_init__(self) -> None:
        for name in ("demand", "spread", "capital_cost"):
            _refuse_outside(name, getattr(self, name), 0.0, math.inf)
        for name in ("margin", "pd", "lgd", "drawn_share"):
            _refuse_outside(name, getattr(self, name), 0.0, 1.0)
        _refuse_outside("days_outstanding", self.days_outstanding, np.nextafter(0.0, 1.0), math.inf)

    @property
    def carry(self) -> Floats:
        """What one unit of exposure earns in a year before losses: the margin of its turns less the capital it ties up."""
        margin = _floats(self.margin)
        return margin * DAYS_A_YEAR / _floats(self.days_outstanding) - _floats(self.capital_cost) * (1 - margin)

    @property
    def loss_rate(self) -> Floats:
        """PD times LGD: what one unit of exposure at default is expected to lose in a year."""
        return _floats(self.pd) * _floats(self.lgd)

    @property
    def tail(self) -> Floats:
        """P(X > L*) at the top of the curve: kappa PD LGD / g. At or above 1 no limit earns anything."""
        kappa, loss_rate = _floats(self.drawn_share), self.loss_rate
        gain = self.carry - (1 - kappa) * loss_rate
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.carry > loss_rate, kappa * loss_rate / gain, 1.0)


def yearly(pd: float, horizon_days: int) -> float:
    """The probability of default within a year that a probability within `horizon_days` stands for, at a constant hazard.

    1 - (1 - pd) ^ (365 / horizon). Raises ValueError outside [0, 1] and for a horizon below one day.

    >>> round(yearly(0.04, 180), 4), yearly(0.04, 365), yearly(1.0, 180)
    (0.0794, 0.04, 1.0)
    """
    if not 0.0 <= pd <= 1.0 or horizon_days < 1:
        raise ValueError(f"a probability is in [0, 1] and a horizon at least a day, not {pd} and {horizon_days}")
    return pd if pd == 1.0 or horizon_days == DAYS_A_YEAR else -math.expm1(DAYS_A_YEAR / horizon_days * math.log1p(-pd))


def demand_for(monthly_purchases: Decimal, days_outstanding: Decimal) -> Decimal:
    """How much would be owed on average without a limit? Monthly purchases times the days they stay open, over 30.

    Money, unrounded. Raises ValueError for a negative argument.

    >>> round(demand_for(Decimal(1_000_000), Decimal(40)), 2)
    Decimal('1333333.33')
    """
    if monthly_purchases < 0 or days_outstanding < 0:
        raise ValueError(f"purchases and days are not negative: {monthly_purchases}, {days_outstanding}")
    return monthly_purchases * days_outstanding / DAYS_A_MONTH


def spread_of(mean: float, deviation: float) -> float:
    """The spread of a lognormal demand with that mean and standard deviation: sqrt(ln(1 + (deviation / mean)^2)).

    0 where the mean is 0: nothing is bought, and nothing varies. Raises ValueError for a negative or non-finite argument.

    >>> round(spread_of(100.0, 50.0), 4), spread_of(100.0, 0.0)
    (0.4724, 0.0)
    """
    if not (0 <= mean < math.inf and 0 <= deviation < math.inf):
        raise ValueError(f"a mean and a deviation are finite and not negative, not {mean} and {deviation}")
    return math.sqrt(math.log1p((deviation / mean) ** 2)) if mean > 0 else 0.0


def exposure(trade: Trade, limit: Numbers) -> Floats:
    """Expected exposure under a limit, E[min(X, L)], in money: E Phi(z - s) + L (1 - Phi(z)) with z = (ln L - mu) / s.

    mu = ln E - s^2 / 2. Never above the limit or the mean demand. Raises ValueError for a limit that is negative or not finite.
    """
    limit, demand, spread = _three(trade, limit)
    certain = (spread == 0) | (demand == 0) | (limit == 0)
    z = _deviate(np.where(certain, 1.0, limit), np.where(certain, 1.0, demand), np.where(certain, 1.0, spread))
    cut = demand * ndtr(z - spread) + limit * ndtr(-z)
    return np.where(certain, np.minimum(demand, limit), np.minimum(cut, np.minimum(demand, limit)))


def beyond(trade: Trade, limit: Numbers) -> Floats:
    """P(X > L): how often the customer would want more than the limit. It is also the slope of `exposure`."""
    limit, demand, spread = _three(trade, limit)
    certain = (spread == 0) | (demand == 0) | (limit == 0)
    z = _deviate(np.where(certain, 1.0, limit), np.where(certain, 1.0, demand), np.where(certain, 1.0, spread))
    return np.where(certain, (demand > limit).astype(np.float64), ndtr(-z))


def expected_loss(trade: Trade, limit: Numbers) -> Floats:
    """Expected loss of a year under a limit, in money: PD LGD (E[min] + kappa (L - E[min])). Rises with the limit."""
    used = exposure(trade, limit)
    return trade.loss_rate * (used + _floats(trade.drawn_share) * (_floats(limit) - used))


def profit(trade: Trade, limit: Numbers) -> Floats:
    """Expected profit of a year under a limit, in money; negative where the losses exceed what the trade earns."""
    return trade.carry * exposure(trade, limit) - expected_loss(trade, limit)


def slope(trade: Trade, limit: Numbers) -> Floats:
    """What one unit of money more of limit earns in a year: g P(X > L) - kappa PD LGD; where it is above 0, it falls with L."""
    kappa, loss_rate = _floats(trade.drawn_share), trade.loss_rate
    return (trade.carry - (1 - kappa) * loss_rate) * beyond(trade, limit) - kappa * loss_rate


def optimum(trade: Trade) -> Floats:
    """The least limit at which the profit is highest: P(X > L*) = kappa PD LGD / g.

    0 (sell against prepayment) where the carry does not exceed PD LGD, or nothing is demanded. Infinite where an unused limit
    costs nothing (PD, LGD or kappa is 0) and demand has no upper end: the curve then sets no limit, and only caps do. Never rises
    with PD, LGD or kappa, never falls with the demand.
    """
    tail, demand, spread = np.broadcast_arrays(trade.tail, _floats(trade.demand), _floats(trade.spread))
    uncertain = (spread > 0) & (tail > 0) & (tail < 1)
    z = -ndtri(np.where(uncertain, tail, 0.5))
    top = demand * np.exp(spread * z - spread * spread / 2)
    unbounded = np.where(spread > 0, math.inf, demand)
    return np.where((tail >= 1) | (demand == 0), 0.0, np.where(uncertain, top, np.where(tail == 0, unbounded, demand)))


def optimal_limit(trade: Trade) -> Decimal | None:
    """The optimum of one customer as money, rounded down to the cent; None where the curve sets no limit.

    >>> trade = Trade(demand=100_000, spread=0.5, days_outstanding=40, margin=0.2, capital_cost=0.08, pd=0.05, lgd=0.5)
    >>> optimal_limit(trade)
    Decimal('300369.87')
    """
    top = float(optimum(trade))
    return None if math.isinf(top) else Decimal(top).quantize(CENT, rounding=ROUND_DOWN)


def regret(trade: Trade, limit: Numbers) -> Floats:
    """What choosing this limit gives away in a year against the top of the curve, in money, at least 0."""
    top = optimum(trade)
    # An infinite top is approached, never reached: all demand is met, and what is not used costs nothing.
    all_met = (trade.carry - trade.loss_rate) * _floats(trade.demand)
    highest = np.where(np.isinf(top), all_met, profit(trade, np.where(np.isinf(top), 0.0, top)))
    return np.maximum(highest - profit(trade, limit), 0.0)


def flat_region(trade: Trade, tolerance: float) -> tuple[Floats, Floats]:
    """The lowest and the highest limit that give away at most this share of the highest profit: how much the choice matters.

    Both are 0 where no limit earns; the highest is infinite where an unused limit costs nothing. Raises ValueError for a
    tolerance outside (0, 1).
    """
    if not 0.0 < tolerance < 1.0:
        raise ValueError(f"a tolerance is a share between 0 and 1, not {tolerance}")
    top = optimum(trade)
    allowed = tolerance * regret(trade, np.zeros_like(top))
    inside = _doubled(trade, np.where(np.isinf(top), _floats(trade.demand), top), allowed, until_fine=True)
    outside = _doubled(trade, inside, allowed, until_fine=False)
    low = _edge(trade, np.zeros_like(top), inside, allowed)
    costly = trade.loss_rate * _floats(trade.drawn_share) > 0
    high = np.where(costly, _edge(trade, outside, inside, allowed), math.inf)
    return np.where(top > 0, low, 0.0), np.where(top > 0, high, 0.0)


def _doubled(trade: Trade, limit: Floats, allowed: Floats, *, until_fine: bool) -> Floats:
    """The limit doubled until it gives away no more than allowed, or until it does; at most 2^60 times, where neither happens."""
    for _ in range(60):
        reached = (regret(trade, limit) <= allowed) == until_fine
        if bool(np.all(reached)):
            break
        limit = np.where(reached, limit, limit * 2)
    return limit


def _edge(trade: Trade, outside: Floats, inside: Floats, allowed: Floats) -> Floats:
    """The edge between a limit that gives away too much and one that does not."""
    for _ in range(HALVINGS):
        middle = (outside + inside) / 2
        fine = regret(trade, middle) <= allowed
        inside, outside = np.where(fine, middle, inside), np.where(fine, outside, middle)
    return inside


def _deviate(limit: Floats, demand: Floats, spread: Floats) -> Floats:
    return (np.log(limit) - np.log(demand) + spread * spread / 2) / spread  # a quotient of the two could overflow


def _three(trade: Trade, limit: Numbers) -> tuple[Floats, Floats, Floats]:
    _refuse_outside("limit", limit, 0.0, math.inf)
    limits, demand, spread = np.broadcast_arrays(_floats(limit), _floats(trade.demand), _floats(trade.spread))
    return limits, demand, spread


def _floats(value: Numbers) -> Floats:
    return np.asarray(value, dtype=np.float64)


def _refuse_outside(name: str, value: Numbers, low: float, high: float) -> None:
    numbers = _floats(value)
    if not bool(np.all((numbers >= low) & (numbers <= high) & np.isfinite(numbers))):
        raise ValueError(f"{name} must be finite and from {low:g} to {high:g}; given {value}")
