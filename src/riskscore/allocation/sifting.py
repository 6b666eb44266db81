"""Solving the programme: HiGHS over the pieces that are in doubt, until prices leave no doubt about the others.

A book of 100,000 customers has 1.6 million pieces and a handful of rows that bind; solving it whole takes minutes. But prices
settle almost every piece: worth more than the room it takes, it is full; worth less, empty. So prices are sought in a small box
around a guess, which comes from a sample of the pieces. Only pieces whose worth could change its sign inside the box are solved
for, with room bought and sold at the walls of the box; that is exact for the box. Where nothing is traded at a wall, the prices
and the filled pieces solve the whole. Where something is, the box moves there (stabilised column generation: du Merle and
others, Discrete Mathematics 194, 1999).
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_array

from riskscore.allocation.programme import LOSS, Programme
from riskscore.profit import Floats

AT_ONCE = 12_000  # pieces solved for together, unless the book is smaller
SAME = 1e-9  # relative: closer than this is equal
ROUNDS = 200
FIRST_RADIUS = 0.02  # of a price: about what a sample of 12,000 pieces leaves open
LEAST_RADIUS = 1e-4  # of a usual price: well above the solver's tolerance of 1e-7, and many pieces may be alike
Marks = NDArray[np.bool_]


def solve(programme: Programme) -> tuple[Floats, Floats, int]:
    """How far each piece is filled, the price of each row, and the rounds it took.

    Raises ArithmeticError where the solver fails or prices do not settle: both would be a fault of this module.
    """
    # Families are many and few bind: their rows enter when they are broken.
    is_family = np.array([code == "family_share" for code, _ in programme.names])
    limited = np.isfinite(programme.room) | (programme.share > 0)
    return _sift(programme, limited & ~is_family, limited & is_family)


def _sift(programme: Programme, live: Marks, waiting: Marks) -> tuple[Floats, Floats, int]:
    usual = _usual_prices(programme)
    prices = _first_prices(programme, live)
    radius = FIRST_RADIUS * np.maximum(prices, 0.1 * usual)
    for n_rounds in range(1, ROUNDS + 1):
        worth = programme.worth(prices)
        box = None if len(worth) <= AT_ONCE else _box(programme, worth, np.where(live, radius, 0.0), LEAST_RADIUS * usual)
        doubtful = np.ones(len(worth), bool) if box is None else np.abs(worth) <= programme.swing(box)
        filled = np.where(worth > 0, programme.width, 0.0)
        filled, found, traded = _solve_box(programme, doubtful, filled, live, prices, box)
        radius = np.where(traded, (radius if box is None else box) * 4, np.maximum(np.abs(found - prices) * 2, radius / 2))
        prices = found
        if np.any(traded):
            continue
        allowed = programme.allowed(filled)
        broken = waiting & (programme.used(filled) > allowed + SAME * (1 + np.abs(allowed)))
        if not np.any(broken):
            return filled, prices, n_rounds
        live, waiting = live | broken, waiting & ~broken
        radius = np.where(broken, 0.1 * usual, radius)
    raise ArithmeticError("the prices of the allocation did not settle")


def _box(programme: Programme, worth: Floats, radius: Floats, least: Floats) -> Floats:
    """The radius, halved until few enough pieces are in doubt; but not below what the solver can tell apart."""
    while np.count_nonzero(np.abs(worth) <= programme.swing(radius)) > 3 * AT_ONCE and np.any(radius > least):
        radius = np.where(radius > least, np.maximum(radius / 2, least), radius)
    return radius


def _first_prices(programme: Programme, live: Marks) -> Floats:
    """Prices that clear a market of every ninth piece: a start, not an answer."""
    if len(programme.gain) <= AT_ONCE or not np.any(live):
        return np.zeros(len(programme.room))
    some = slice(None, None, 9)  # odd, or it would meet the same pieces of every curve
    part = float(programme.width[some].sum() / programme.width.sum())
    sample = replace(
        programme,
        customer=programme.customer[some], gain=programme.gain[some], loss=programme.loss[some], width=programme.width[some],
        room=programme.room * part,
    )  # fmt: skip
    return _sift(sample, live, np.zeros(len(live), bool))[1]


def _usual_prices(programme: Programme) -> Floats:
    """What a unit of room earns on average over all pieces: the size a price has."""
    gain = float(programme.gain @ programme.width)
    prices = np.full(len(programme.room), gain / max(float(programme.width.sum()), 1e-300))
    prices[LOSS] = gain / max(float(programme.loss @ programme.width), 1e-300)
    return prices


def _solve_box(
    programme: Programme, doubtful: Marks, filled: Floats, live: Marks, prices: Floats, radius: Floats | None
) -> tuple[Floats, Floats, Marks]:
    """The programme over the doubtful pieces and the live rows, with prices kept in the box; the other pieces stay as they are.

    Room is bought at price + radius and sold at price - radius, which keeps the prices between; without a radius nothing is
    traded. Returns the filled pieces, the prices, and the rows that traded.
    """
    pieces, rows = np.flatnonzero(doubtful), np.flatnonzero(live)
    n, m = len(pieces), len(rows)
    place = np.full(len(live) + 1, -1)  # the last one stands for "no row"
    place[rows] = np.arange(m)
    kept = np.where(doubtful, 0.0, filled)
    of = programme.customer[pieces]
    # The total of the doubtful pieces is a variable of its own (number n), or every share row would hold every piece.
    bought, sold = n + 1 + np.arange(m), n + 1 + m + np.arange(m)
    entries = [
        (np.full(n, place[LOSS]), np.arange(n), programme.loss[pieces]),
        *((place[group[of]], np.arange(n), weights[of]) for group, weights in programme.groups),
        (np.arange(m), np.full(m, n), -programme.share[rows]),
        (np.arange(m), bought, np.full(m, -1.0)),
        (np.arange(m), sold, np.ones(m)),
    ]
    at, column, value = (np.concatenate(part) for part in zip(*entries, strict=True))
    there = (at >= 0) & (value != 0)
    total_is_sum = (np.append(np.ones(n), -1.0), (np.zeros(n + 1, np.int64), np.arange(n + 1)))
    n_variables = n + 1 + 2 * m
    cost, highest = np.zeros(n_variables), np.zeros(n_variables)
    cost[:n], highest[:n], highest[n] = -programme.gain[pieces], programme.width[pieces], np.inf
    if radius is not None:
        cost[bought], highest[bought] = (prices + radius)[rows], np.inf
        cost[sold] = -np.maximum(prices - radius, 0.0)[rows]
        highest[sold] = np.where(cost[sold] < 0, np.inf, 0.0)
    found = linprog(  # type: ignore[call-overload]  # the stubs know no sparse matrices, which SciPy takes
        cost,
        A_ub=coo_array((value[there], (at[there], column[there])), shape=(m, n_variables)).tocsr(),
        b_ub=(programme.allowed(kept) - programme.used(kept))[rows],
        A_eq=coo_array(total_is_sum, shape=(1, n_variables)).tocsr(),
        b_eq=np.zeros(1),
        bounds=np.column_stack((np.zeros(n_variables), highest)),
        method="highs-ds",  # a vertex: prices are slopes, and all but a few pieces are empty or full
    )
    if found.x is None:
        raise ArithmeticError(f"the solver did not solve the allocation: {found.message}")
    found_prices, traded = np.zeros(len(live)), np.zeros(len(live), bool)
    found_prices[rows] = np.maximum(-found.ineqlin.marginals, 0.0)
    traded[rows] = found.x[bought] + found.x[sold] > SAME * (1 + np.abs(programme.allowed(filled)[rows]))
    kept[pieces] = np.clip(found.x[:n], 0.0, programme.width[pieces])
    return kept, found_prices, traded
