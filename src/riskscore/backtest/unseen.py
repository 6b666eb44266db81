"""The orders that the old limits turned away: nobody wrote them down, but what was let through says how many there must be.

While a customer has room for H, only orders up to H are seen: its orders are a Poisson process of lognormal sizes of which the
part above H is censored, day by day, by a bound that is known. So the missing part can be drawn from its posterior, given what
was seen (data augmentation: Tanner & Wong 1987). Rates and sizes of customers come from common distributions, which is what is
known of a customer that was never granted anything. Draws, not a point: they carry how little a censored history says.

A drawn order is paid, or not, as a seen one of the same customer about the same time (hot deck); as anybody's, where none is.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, ndtr, ndtri

from riskscore.backtest.orders import NEVER, Customer, Order, Piece

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WARM_UP = 60
"""Sweeps before the first draw: rates and sizes have forgotten by then where they were started."""

THINNING = 2
NEIGHBOURS = 5
SHAPES = np.exp(np.linspace(math.log(0.2), math.log(20.0), 60))
"""Where the shape of the distribution of rates among customers may lie."""

WEEK, WEEKDAYS, EPOCH_WEEKDAY = 7, 5, 3  # 1970-01-01 was a Thursday

Unseen = Mapping[int, Sequence[Order]]
"""Orders turned away, by the place of the customer."""


@dataclass(frozen=True)
class _Watched:
    """What was seen: by customer the orders (count, sum of log sizes, active weekdays); by censored cell the log of the room."""

    counts: Floats
    logs: Floats
    squares: float
    active: Floats
    cell_customer: Ints
    cell_day: Ints
    cell_room: Floats


def draw_unseen(customers: Sequence[Customer], since: int, until: int, *, n_draws: int, seed: int) -> Iterator[Unseen]:
    """Draws of the orders that were turned away between the two days (the first excluded), one mapping a draw.

    since: orders are learned from here on. The same arguments give the same draws. Where no order was ever seen there is nothing
    to learn from, and nothing is drawn.
    """
    generator = np.random.default_rng(seed)
    watched = _watch(customers, since, until)
    if not watched.counts.sum():
        yield from ({} for _ in range(n_draws))
        return
    deck = _Deck(customers, until)
    state = _State.start(watched)
    for sweep in range(WARM_UP + n_draws * THINNING):
        cells, sizes = state.impute(watched, generator)
        state.learn(watched, watched.cell_customer[cells], sizes, generator)
        if sweep >= WARM_UP and (sweep - WARM_UP) % THINNING == THINNING - 1:
            found: dict[int, list[Order]] = {}
            for cell, size in zip(cells.tolist(), sizes.tolist(), strict=True):
                place, day = int(watched.cell_customer[cell]), int(watched.cell_day[cell])
                found.setdefault(place, []).append(deck.dealt(place, day, math.exp(size), generator))
            yield found


def rooms_of(customer: Customer, days: Ints) -> Floats:
    """How much an order could be for on each day before the limit on file turned it away; infinite where no limit was on file.

    What is owed at the beginning of the day counts. A limit that let a larger order pass did not bind on that day.
    """
    limits = np.full(len(days), np.inf)
    for since, amount in customer.limits:
        limits[days >= since] = amount
    changes = np.zeros(len(days) + 1)
    largest = np.zeros(len(days))
    for order in customer.orders:
        begins = np.searchsorted(days, order.issued, side="right")
        changes[begins] += sum(piece.amount for piece in order.pieces if piece.closed > order.issued)
        for piece in order.pieces:
            if piece.closed > order.issued:
                changes[max(np.searchsorted(days, piece.closed, side="left"), begins)] -= piece.amount
        own = np.searchsorted(days, order.issued, side="left")
        if own < len(days) and days[own] == order.issued:
            largest[own] = max(largest[own], order.amount)
    owed = np.cumsum(changes[:-1])
    rooms: Floats = np.maximum(limits - owed, largest)
    return rooms


def _watch(customers: Sequence[Customer], since: int, until: int) -> _Watched:
    every = np.arange(since + 1, until + 1)
    weekdays = every[(every + EPOCH_WEEKDAY) % WEEK < WEEKDAYS]
    counts, logs, active = (np.zeros(len(customers)) for _ in range(3))
    squares = 0.0
    cells: list[tuple[Ints, Ints, Floats]] = []
    for place, customer in enumerate(customers):
        last = min(until, customer.until)
        days = weekdays[(weekdays >= customer.since) & (weekdays <= last)]
        active[place] = len(days)
        sizes = np.log([order.amount for order in customer.orders if since < order.issued <= last and order.amount > 0] or [1.0])
        n_seen = sum(since < order.issued <= last for order in customer.orders)
        if n_seen:
            counts[place], logs[place], squares = n_seen, sizes.sum(), squares + float(sizes @ sizes)
        if len(days) and customer.limits:
            rooms = rooms_of(customer, days)
            bound = np.isfinite(rooms)
            cells.append((np.full(int(bound.sum()), place), days[bound], np.maximum(rooms[bound], 0.0)))
    empty = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))
    who, when, room = (np.concatenate(parts) for parts in zip(empty, *cells, strict=True))
    with np.errstate(divide="ignore"):
        return _Watched(counts, logs, squares, active, who.astype(np.int64), when.astype(np.int64), np.log(room))


@dataclass
class _State:
    """Rates a weekday and mean log sizes of customers, the spread about those means, and how customers differ."""

    rate: Floats
    size: Floats
    spread: float
    centre: float
    width: float
    shape: float
    scale: float

    @classmethod
    def start(cls, watched: _Watched) -> "_State":
        """Where the sweeps begin: as if nothing had been turned away."""
        seen = watched.counts > 0
        centre = float(watched.logs.sum() / watched.counts.sum())
        size = np.where(seen, watched.logs / np.maximum(watched.counts, 1), centre)
        rate = (watched.counts + 0.5) / (watched.active + 10.0)
        return cls(rate, size, 1.0, centre, 1.0, 1.0, float(1.0 / rate.mean()))

    def impute(self, watched: _Watched, generator: np.random.Generator) -> tuple[Ints, Floats]:
        """Cells and log sizes of orders that were turned away."""
        who = watched.cell_customer
        tail = ndtr((self.size[who] - watched.cell_room) / self.spread)
        n_orders = generator.poisson(self.rate[who] * tail)
        cells = np.repeat(np.arange(len(who)), n_orders)
        uniform = 1.0 - generator.random(len(cells))
        beyond = -ndtri(np.maximum(uniform * tail[cells], np.finfo(float).tiny))
        return cells, self.size[who[cells]] + self.spread * beyond

    def learn(self, watched: _Watched, who: Ints, sizes: Floats, generator: np.random.Generator) -> None:
        """One sweep of Gibbs over rates, sizes and what is common to them, given all orders, seen and drawn."""
        n = len(watched.counts)
        counts = watched.counts + np.bincount(who, minlength=n)
        logs = watched.logs + np.bincount(who, weights=sizes, minlength=n)
        squares = watched.squares + float(sizes @ sizes)
        self.rate = np.maximum(generator.gamma(self.shape + counts) / (self.scale + watched.active), 1e-12)
        precision = counts / self.spread**2 + 1 / self.width**2
        mean = (logs / self.spread**2 + self.centre / self.width**2) / precision
        self.size = mean + generator.standard_normal(n) / np.sqrt(precision)
        about = squares - 2 * float(self.size @ logs) + float(counts @ self.size**2)
        self.spread = math.sqrt((0.5 + max(about, 0.0) / 2) / generator.gamma(1.0 + counts.sum() / 2))
        self.centre = float(self.size.mean() + generator.standard_normal() * self.width / math.sqrt(n))
        apart = float(((self.size - self.centre) ** 2).sum())
        self.width = math.sqrt((0.5 + apart / 2) / generator.gamma(1.0 + n / 2))
        self.scale = float(generator.gamma(1.0 + n * self.shape) / (0.01 + self.rate.sum()))
        likely = (SHAPES - 1) * np.log(self.rate).sum() + n * SHAPES * math.log(self.scale) - n * gammaln(SHAPES) - SHAPES / 5
        weights = np.exp(likely - likely.max())
        self.shape = float(generator.choice(SHAPES, p=weights / weights.sum()))


class _Deck:
    """Seen orders, from which the fate of a drawn one is taken."""

    def __init__(self, customers: Sequence[Customer], until: int) -> None:
        self.until = until
        self.customers = customers
        self.own = [[order for order in customer.orders if order.issued <= until] for customer in customers]
        self.issued = [np.array([order.issued for order in orders]) for orders in self.own]
        self.everybody = [order for orders in self.own for order in orders]
        delays = [np.sort([order.concluded - order.issued for order in orders if _is_paid(order, until)]) for orders in self.own]
        self.delays = delays
        self.any_delay = np.sort(np.concatenate([np.empty(0), *delays]))

    def dealt(self, place: int, day: int, amount: float, generator: np.random.Generator) -> Order:
        """An order of that day and size with the fate of a seen one."""
        own = self.own[place] or self.everybody
        if self.own[place]:
            away = np.abs(self.issued[place] - day)
            near = np.argsort(away, kind="stable")[:NEIGHBOURS]
            donor = own[int(near[generator.integers(len(near))])]
        else:
            donor = own[int(generator.integers(len(own)))]
        closed = self._closed(place, day, donor, generator)
        failed = self.customers[place].until
        if failed < closed:
            return Order("", day, amount, (Piece(max(failed, day), amount, lost=True),))
        return Order("", day, amount, (Piece(closed, amount, lost=donor_lost(donor) and closed < NEVER),))

    def _closed(self, place: int, day: int, donor: Order, generator: np.random.Generator) -> int:
        if donor.concluded <= self.until:
            return day + donor.concluded - donor.issued
        waited = self.until - donor.issued  # still open: it takes longer than that, nobody knows how much
        for delays in (self.delays[place], self.any_delay):
            longer = delays[np.searchsorted(delays, waited, side="right") :]
            if len(longer):
                return day + int(longer[generator.integers(len(longer))])
        return NEVER


def donor_lost(order: Order) -> bool:
    """Was the order lost, in the end?"""
    return any(piece.lost for piece in order.pieces)


def _is_paid(order: Order, until: int) -> bool:
    return order.concluded <= until and not donor_lost(order)
