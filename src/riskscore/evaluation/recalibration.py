"""Calibration intercept and slope: the logistic that would put the probabilities right, solved under every weighting in full.

One step of Newton's method from the plain sample's solution was turned down: of 60 customers with five events the interval of the
intercept came out at -1.25 to 0.66 where full solutions say -1.98 to 0.42.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

Floats = np.ndarray[Any, np.dtype[np.float64]]
Integers = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

N_NODES = 512
"""Different log-odds that are solved for as they are. More are each shared out between two of so many evenly spaced places: that
moves a chance by at most slope² x distance² x 0.0121, 0.00004 for log-odds from -13.8 to 13.8 and a slope near 1.
"""

AT_ONCE = 256
"""Weightings solved together: what bounds the memory."""

MOST_STEPS, NEAR_ENOUGH = 60, 1e-7
"""A step that moves no coefficient by more than its share `NEAR_ENOUGH` is the last; who needs more steps has no figure."""


def intercepts_and_slopes(log_odds: Floats, outcome: Floats, customers: Integers, weights: Floats) -> tuple[Floats, Floats]:
    """The calibration intercept and the calibration slope under every weighting of the customers.

    log_odds, outcome (1.0 where the event followed), customers: (n,). weights: (b, number of customers). Returns two arrays (b,).
    intercept: of a logistic with the log-odds as offset; NaN where no event or no non-event is left. slope: coefficient of the
    log-odds beside a free intercept; NaN also where a threshold on the log-odds parts all events from all others, or all
    log-odds are equal: then no finite slope fits best.
    """
    found = np.full((2, len(weights)), np.nan)
    sample = _Sample.of(log_odds, outcome, customers, weights.shape[1])
    for start in range(0, len(weights), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        found[:, part] = sample.solved(weights[part])
    return found[0], found[1]


@dataclass(frozen=True)
class _Sample:
    """What a solution needs of the rows, summed by customer.

    nodes: the different log-odds, (m,), standardised for the slope's sake by `center` and `scale`. held: rows of each customer at
    each node, (m, customers). events, pull: each customer's events, and the sum of their standardised log-odds.
    """

    nodes: Floats
    center: float
    scale: float
    held: Any
    rows: Floats
    events: Floats
    pull: Floats
    of_events: "_Range"
    of_goods: "_Range"

    @classmethod
    def of(cls, log_odds: Floats, outcome: Floats, customers: Integers, n_customers: int) -> "_Sample":
        nodes, held = _shared_out(log_odds, customers, n_customers)
        center, scale = float(log_odds.mean()), float(log_odds.std()) or 1.0
        event = outcome == 1
        return cls(
            nodes=nodes,
            center=center,
            scale=scale,
            held=held,
            rows=np.bincount(customers, minlength=n_customers).astype(np.float64),
            events=np.bincount(customers, outcome, minlength=n_customers).astype(np.float64),
            pull=np.bincount(customers, outcome * (log_odds - center) / scale, minlength=n_customers).astype(np.float64),
            of_events=_Range.of(log_odds[event], customers[event], n_customers),
            of_goods=_Range.of(log_odds[~event], customers[~event], n_customers),
        )

    def solved(self, weights: Floats) -> tuple[Floats, Floats]:
        """Intercept and slope under each weighting of a part of them."""
        intercept, slope = np.full(len(weights), np.nan), np.full(len(weights), np.nan)
        events = weights @ self.events
        both = (events > 0) & (weights @ self.rows > events)
        if not both.any():
            return intercept, slope
        mass = np.ascontiguousarray((self.held @ weights[both].T).T)
        ones = np.ones((len(self.nodes), 1))
        intercept[both] = _newton(ones, self.nodes, mass, events[both, None])[:, 0]
        (low_event, high_event), (low_good, high_good) = (each.under(weights[both]) for each in (self.of_events, self.of_goods))
        mixed = (low_event < high_good) & (low_good < high_event)
        design = np.column_stack([ones[:, 0], (self.nodes - self.center) / self.scale])
        wanted = np.column_stack([events[both], weights[both] @ self.pull])
        there = np.flatnonzero(both)[mixed]
        slope[there] = _newton(design, np.zeros(len(self.nodes)), mass[mixed], wanted[mixed])[:, 1] / self.scale
        return intercept, slope


def _shared_out(log_odds: Floats, customers: Integers, n_customers: int) -> tuple[Floats, Any]:
    """Nodes, and how much of each customer's rows lies at each: shares that keep the mean of the log-odds as it is."""
    nodes, place = np.unique(log_odds, return_inverse=True)
    if len(nodes) <= N_NODES:
        return nodes, csr_matrix((np.ones(len(place)), (place, customers)), shape=(len(nodes), n_customers))
    nodes, distance = np.linspace(log_odds.min(), log_odds.max(), N_NODES, retstep=True)
    below = np.minimum((log_odds - nodes[0]) / distance, N_NODES - 1)
    left = np.minimum(below.astype(np.int64), N_NODES - 2)
    share = below - left
    entries = (np.concatenate([1 - share, share]), (np.concatenate([left, left + 1]), np.tile(customers, 2)))
    return nodes, csr_matrix(entries, shape=(N_NODES, n_customers))


@dataclass(frozen=True)
class _Range:
    """The lowest and the highest log-odds of those customers that have any."""

    customers: Integers
    low: Floats
    high: Floats

    @classmethod
    def of(cls, log_odds: Floats, customers: Integers, n_customers: int) -> "_Range":
        low, high = np.full(n_customers, np.inf), np.full(n_customers, -np.inf)
        np.minimum.at(low, customers, log_odds)
        np.maximum.at(high, customers, log_odds)
        there = np.flatnonzero(low <= high)
        return cls(there, low[there], high[there])

    def under(self, weights: Floats) -> tuple[Floats, Floats]:
        """Lowest and highest among the customers drawn by each weighting; inf and -inf where none is."""
        drawn = weights[:, self.customers] > 0
        low = np.where(drawn, self.low, np.inf).min(axis=1, initial=np.inf)
        return low, np.where(drawn, self.high, -np.inf).max(axis=1, initial=-np.inf)


def _newton(design: Floats, offset: Floats, mass: Floats, wanted: Floats) -> Floats:
    """Coefficients of a logistic of each weighting, NaN where no solution was reached.

    design: (m, d) with d 1 or 2; offset: (m,); mass: (b, m) rows at each node; wanted: (b, d) sums of the design over events. A
    step that does not raise the likelihood is halved: where few events lie far out a whole one overshoots, and the next more so.
    """
    b, d = wanted.shape
    products = np.stack([design[:, i] * design[:, j] for i in range(d) for j in range(d)], axis=1)
    result = np.full((b, d), np.nan)
    # All weightings together are solved first: from there each is three steps away.
    start = np.zeros(d) if b == 1 else _newton(design, offset, mass.sum(axis=0)[None], wanted.sum(axis=0)[None])[0]
    open_, beta, step, loss = np.arange(b), np.tile(np.nan_to_num(start), (b, 1)), np.zeros((b, d)), np.full(b, np.inf)
    for _ in range(MOST_STEPS):
        tried = beta + step
        eta = offset + tried @ design.T
        tail = np.exp(-np.abs(eta))
        chance = np.where(eta > 0, 1.0, tail) / (1 + tail)
        lost = np.sum(mass * (np.maximum(eta, 0) + np.log1p(tail)), axis=1) - np.sum(tried * wanted, axis=1)
        better = lost <= loss + 1e-11 * np.abs(lost)
        done = better & np.isfinite(loss) & (np.abs(step) <= NEAR_ENOUGH * (1 + np.abs(tried))).all(axis=1)
        result[open_[done]] = tried[done]
        held = mass * chance
        gradient = wanted - held @ design
        bend = ((held * (1 - chance)) @ products).reshape(-1, d, d)
        solvable = np.linalg.det(bend) > 0
        bend[~solvable] = np.eye(d)
        newton = np.linalg.solve(bend, gradient[:, :, None])[:, :, 0]
        beta = np.where(better[:, None], tried, beta)
        loss = np.where(better, lost, loss)
        step = np.where(better[:, None], newton, step / 2)
        on = ~done & (solvable | ~better)
        if not on.any():
            break
        if not on.all():
            open_, mass, wanted, beta, step, loss = (each[on] for each in (open_, mass, wanted, beta, step, loss))
    return result
