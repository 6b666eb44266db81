"""Which limits earn most when money, losses and concentration are scarce; and what one more unit of each would earn.

Every customer's profit curve (`riskscore.profit`) is concave, so that it is cut into pieces of falling slope and the whole is a
linear programme: fill the pieces that earn most under a total budget, an expected-loss budget, the largest share of a family, a
class or a sector in all limits, and what each insurer has committed. Its dual prices are the explanation: what one more unit of
room would earn in a year. `Price` gives them as code and facts; words are made elsewhere.

A piece of a worse slope is not filled before a better one of the same customer, although the expected loss is concave as well:
after prices the worth of a piece is P(X > L) (carry - (1 + lambda)(1 - kappa) PD LGD) less a constant, which falls with L
wherever it is positive. Nobody gets more than the top of its own curve.
"""

from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

import numpy as np

from riskscore.allocation.feasibility import refuse_hopeless
from riskscore.allocation.programme import LOSS, TOTAL, Programme, build
from riskscore.allocation.sifting import solve
from riskscore.allocation.text import budgets_on
from riskscore.allocation.values import Allocation, Budgets, Candidates, Code, Price
from riskscore.errors import UsageRefused
from riskscore.profit import Floats, Trade, expected_loss, profit

__all__ = [
    "Allocation",
    "Budgets",
    "Candidates",
    "Code",
    "Price",
    "allocate",
    "budgets_on",
    "proportional_cut",
    "refuse_hopeless",
]

CENT = Decimal("0.01")
NOISE = 1e-8  # of floats, in money: a hair below a whole cent is that cent


def allocate(candidates: Candidates, budgets: Budgets, *, pieces: int = 16) -> Allocation:
    """The limits that earn most under all budgets at once.

    `pieces` per curve, each a chord of it. The limits keep the budgets on the curves themselves, not only on the chords.
    Raises UsageRefused for fewer than one piece.
    """
    if pieces < 1:
        raise UsageRefused(f"allocation: a curve has at least one piece, not {pieces}.")
    programme = build(candidates, budgets, pieces)
    filled, prices, n_rounds = solve(programme)
    limits = programme.limits(filled) * programme.unit
    limits = limits * _within(candidates.trade, limits, budgets.expected_loss)
    money = tuple(_down(limit, cap) for limit, cap in zip(limits.tolist(), candidates.ceiling.tolist(), strict=True))
    final = np.array([float(limit) for limit in money])
    return Allocation(
        limits=money,
        profit=_money(float(np.sum(profit(candidates.trade, final)))),
        expected_loss=_money(float(np.sum(expected_loss(candidates.trade, final)))),
        planned_profit=float(programme.gain @ filled) * programme.unit,
        prices=_told(programme, filled, prices),
        n_pieces=len(programme.gain),
        n_rounds=n_rounds,
    )


def proportional_cut(candidates: Candidates, budgets: Budgets) -> Floats:
    """What is often done instead: what each would get alone, groups cut to their room, then all by one factor.

    Money per customer, keeping the same budgets. Here to be compared with.
    """
    programme = build(candidates, budgets, 1)
    limits = candidates.wanted / programme.unit
    free = np.arange(len(programme.room)) > LOSS
    for _ in range(1_000):
        used, total = programme.used_by(limits), float(limits.sum())
        fits = programme.room + programme.share * total
        over = free & (used > fits * (1 + 1e-12))
        if not np.any(over):
            break
        factor = np.where(over, fits / np.maximum(used, 1e-300), 1.0)
        for rows, _ in programme.groups:
            limits = limits * np.where(rows >= 0, factor[rows], 1.0)
    limits = limits * min(1.0, programme.room[TOTAL] / max(float(limits.sum()), 1e-300)) * programme.unit
    return np.asarray(limits * _within(candidates.trade, limits, budgets.expected_loss))


def _told(programme: Programme, filled: Floats, prices: Floats) -> tuple[Price, ...]:
    used, allowed = programme.used(filled) * programme.unit, programme.allowed(filled) * programme.unit
    told = [
        Price(code, group, float(prices[row]), float(allowed[row]), float(used[row]), float(programme.share[row]) or None)
        for row, (code, group) in enumerate(programme.names)
        # A line for each of 100,000 families says nothing; the few that bind do.
        if np.isfinite(allowed[row]) and (code != "family_share" or prices[row] > 0)
    ]
    return tuple(sorted(told, key=lambda one: -one.price))


def _within(trade: Trade, limits: Floats, budget: Decimal | None) -> float:
    """The factor, at most 1, by which all limits keep the expected loss of the curves within the budget.

    Chords lie below a concave loss, so that a piece filled in part may cost a little more than planned. One factor for all keeps
    every share of the total as it is.
    """
    if budget is None or float(np.sum(expected_loss(trade, limits))) <= float(budget):
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        fits = float(np.sum(expected_loss(trade, limits * middle))) <= float(budget)
        low, high = (middle, high) if fits else (low, middle)
    return low


def _down(limit: float, ceiling: float) -> Decimal:
    """A limit as money, rounded down, never above its ceiling."""
    rounded = Decimal(limit + NOISE).quantize(CENT, rounding=ROUND_DOWN)
    return rounded if rounded <= Decimal(ceiling) else Decimal(limit).quantize(CENT, rounding=ROUND_DOWN)


def _money(value: float) -> Decimal:
    return Decimal(value).quantize(CENT, rounding=ROUND_HALF_UP)
