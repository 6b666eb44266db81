"""The orders that the old limits turned away: nobody wrote them down, but what was let through says how many there must be.

While a customer has room for H, only orders up to H are seen: its orders are a Poisson process of lognormal sizes of which the
part above H is censored, day by day, by a bound that is known. So the missing part can be drawn from its posterior, given what
was seen (data augmentation: Tanner & Wong 1987). Rates and sizes of customers come from common laws, which is what is known of a
customer of whom little was seen. Whoever set a limit had the need in view: so rates and sizes are regressed on it, and large
unseen orders are not invented behind every small limit. Draws, not a point: they carry how little a censored history says.

A drawn order is paid, or lost, in the same shares as a seen one of the same customer about the same time (hot deck); as
anybody's, where none is.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

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
STEPS = 4
"""Proposals by sweep for what has no closed posterior."""

WEEK, WEEKDAYS, EPOCH_WEEKDAY = 7, 5, 3  # 1970-01-01 was a Thursday

Unseen = Mapping[int, Sequence[Order]]
"""Orders turned away, by the place of the customer."""


@dataclass(frozen=True)
class _Watched:
    """What was seen. By customer: orders, the sum of their log sizes, weekdays it was active, log of its usual limit.

    limits: as deviations from their mean in standard deviations; 0 where none was on file. By censored part of a day: the
    customer's place, the day, how many of its orders came before, its share of the day, and the log of the room for an order.
    """

    counts: Floats
    logs: Floats
    squares: float
    active: Floats
    limits: Floats
    customer: Ints
    day: Ints
    after: Ints
    length: Floats
    room: Floats


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
        state.learn(watched, watched.customer[cells], sizes, generator)
        if sweep >= WARM_UP and (sweep - WARM_UP) % THINNING == THINNING - 1:
            found: dict[int, list[Order]] = {}
            for cell, size in zip(cells.tolist(), sizes.tolist(), strict=True):
                place, day = int(watched.customer[cell]), int(watched.day[cell])
                order = deck.dealt(place, day, math.exp(size), generator)
                found.setdefault(place, []).append(replace(order, after=int(watched.after[cell])))
            yield found


def rooms_of(customer: Customer, days: Ints) -> tuple[Ints, Floats, Floats]:
    """How much an order could be for before the limit on file turned it away, through each day.

    Three arrays, one entry for each part of a day: the place of the day, its share of it, the room; infinite where no limit
    was on file. The orders of a day part it evenly, and each takes room from the next. A limit that let a larger order pass did
    not bind then.
    """
    limits = np.full(len(days), np.inf)
    for since, amount in customer.limits:
        limits[days >= since] = amount
    changes = np.zeros(len(days) + 1)
    within: dict[int, list[float]] = {}
    for order in customer.orders:
        begins = int(np.searchsorted(days, order.issued, side="right"))
        for piece in order.pieces:
            if piece.closed > order.issued:
                changes[begins] += piece.amount
                changes[max(int(np.searchsorted(days, piece.closed, side="left")), begins)] -= piece.amount
        if begins and days[begins - 1] == order.issued:
            within.setdefault(begins - 1, []).append(order.amount)
    rooms = limits - np.cumsum(changes[:-1])
    place, share, room = [], [], []
    for day, free in enumerate(rooms.tolist()):
        amounts = within.get(day, ())
        for amount in (*amounts, 0.0):  # the last part follows the last order
            place.append(day)
            share.append(1 / (len(amounts) + 1))
            room.append(max(free, amount))
            free -= amount  # noqa: PLW2901  what is left of the day's room
    return np.array(place, dtype=np.int64), np.array(share), np.array(room)


def _watch(customers: Sequence[Customer], since: int, until: int) -> _Watched:
    every = np.arange(since + 1, until + 1)
    weekdays = every[(every + EPOCH_WEEKDAY) % WEEK < WEEKDAYS]
    counts, logs, active, limits = (np.zeros(len(customers)) for _ in range(4))
    squares = 0.0
    parts: list[tuple[Ints, Ints, Ints, Floats, Floats]] = []
    for place, customer in enumerate(customers):
        last = min(until, customer.until)
        days = weekdays[(weekdays >= customer.since) & (weekdays <= last)]
        active[place] = len(days)
        sizes = np.log([order.amount for order in customer.orders if since < order.issued <= last])
        counts[place], logs[place], squares = len(sizes), sizes.sum(), squares + float(sizes @ sizes)
        on_file = [limit for day in days.tolist() if (limit := customer.limit_on(day))]
        limits[place] = np.log(np.mean(on_file)) if on_file else np.nan
        if len(days) and customer.limits:
            which, length, room = rooms_of(customer, days)
            bound = np.isfinite(room)
            who = np.full(int(bound.sum()), place, dtype=np.int64)
            after = np.arange(len(which)) - np.searchsorted(which, which)
            parts.append((who, days[which[bound]], after[bound], length[bound], np.maximum(room[bound], 0.0)))
    none = np.empty(0, dtype=np.int64)
    empty = (none, none, none, np.empty(0), np.empty(0))
    who, when, after, length, room = (np.concatenate(each) for each in zip(empty, *parts, strict=True))
    with np.errstate(divide="ignore"):
        return _Watched(counts, logs, squares, active, _standardised(limits), who, when, after, length, np.log(room))


def _standardised(values: Floats) -> Floats:
    known = values[np.isfinite(values)]
    if not len(known) or known.std() == 0:
        return np.zeros(len(values))
    standard: Floats = np.nan_to_num((values - known.mean()) / known.std())
    return standard


@dataclass
class _State:
    """By customer the log of its rate a weekday and the mean log size of its orders; and the laws these come from.

    spread: of log sizes about a customer's mean. sizes: intercept, slope on the limit, slope on the log of the rate; width: about
    that line. rates: log of the mean rate at the mean limit, slope on the limit, log of the gamma's shape.
    """

    rate: Floats
    size: Floats
    spread: float
    sizes: Floats
    width: float
    rates: Floats

    @classmethod
    def start(cls, watched: _Watched) -> "_State":
        """Where the sweeps begin: as if nothing had been turned away."""
        seen = watched.counts > 0
        centre = float(watched.logs.sum() / watched.counts.sum())
        size = np.where(seen, watched.logs / np.maximum(watched.counts, 1), centre)
        rate = (watched.counts + 0.5) / (watched.active + 10.0)
        return cls(np.log(rate), size, 1.0, np.array([centre, 0.0, 0.0]), 1.0, np.array([math.log(rate.mean()), 0.0, 0.0]))

    def impute(self, watched: _Watched, generator: np.random.Generator) -> tuple[Ints, Floats]:
        """Parts of days in which orders were turned away, and the log sizes of these orders."""
        who = watched.customer
        tail = ndtr((self.size[who] - watched.room) / self.spread)
        n_orders = generator.poisson(np.exp(self.rate[who]) * tail * watched.length)
        cells = np.repeat(np.arange(len(who)), n_orders)
        uniform = 1.0 - generator.random(len(cells))
        beyond = -ndtri(np.maximum(uniform * tail[cells], np.finfo(float).tiny))
        return cells, self.size[who[cells]] + self.spread * beyond

    def learn(self, watched: _Watched, who: Ints, sizes: Floats, generator: np.random.Generator) -> None:
        """One sweep of Gibbs, given all orders, seen and drawn; Metropolis steps within it for rates and their law."""
        n = len(watched.counts)
        counts = watched.counts + np.bincount(who, minlength=n)
        logs = watched.logs + np.bincount(who, weights=sizes, minlength=n)
        for _ in range(STEPS):
            self._learn_rates(watched, counts, generator)
            self._learn_law_of_rates(watched, generator)
        known = np.column_stack([np.ones(n), watched.limits, self.rate])
        precision = counts / self.spread**2 + 1 / self.width**2
        mean = (logs / self.spread**2 + known @ self.sizes / self.width**2) / precision
        self.size = mean + generator.standard_normal(n) / np.sqrt(precision)
        about = watched.squares + float(sizes @ sizes) - 2 * float(self.size @ logs) + float(counts @ self.size**2)
        self.spread = math.sqrt((0.5 + max(about, 0.0) / 2) / generator.gamma(1.0 + counts.sum() / 2))
        # A normal prior of deviation 10 about nothing on the line, and about one unit of width.
        covariance = np.linalg.inv(known.T @ known / self.width**2 + np.eye(3) / 100)
        centre = covariance @ (known.T @ self.size) / self.width**2
        self.sizes = centre + np.linalg.cholesky(covariance) @ generator.standard_normal(3)
        apart = self.size - known @ self.sizes
        self.width = math.sqrt((0.05 + float(apart @ apart) / 2) / generator.gamma(0.5 + n / 2))

    def _learn_rates(self, watched: _Watched, counts: Floats, generator: np.random.Generator) -> None:
        shape = math.exp(self.rates[2])
        slower = shape / np.exp(self.rates[0] + self.rates[1] * watched.limits) + watched.active
        line = self.sizes[0] + self.sizes[1] * watched.limits

        def likely(rate: Floats) -> Floats:
            apart = self.size - line - self.sizes[2] * rate
            density: Floats = (shape + counts) * rate - np.exp(rate) * slower - apart**2 / (2 * self.width**2)
            return density

        wanted = self.rate + 2.0 / np.sqrt(counts + 2.0) * generator.standard_normal(len(counts))
        taken = np.log(generator.random(len(counts))) < likely(wanted) - likely(self.rate)
        self.rate = np.where(taken, wanted, self.rate)

    def _learn_law_of_rates(self, watched: _Watched, generator: np.random.Generator) -> None:
        n = len(self.rate)

        def likely(law: Floats) -> float:
            shape, mean = math.exp(law[2]), law[0] + law[1] * watched.limits
            prior = -(law[1] ** 2 + law[2] ** 2) / 8
            each = shape * (law[2] - mean) + shape * self.rate - shape * np.exp(self.rate - mean)
            return float(each.sum() - n * gammaln(shape) + prior)

        wanted = self.rates + np.array([1.0, 1.0, 1.5]) / math.sqrt(n) * generator.standard_normal(3)
        if math.log(generator.random()) < likely(wanted) - likely(self.rates):
            self.rates = wanted


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
        self.came_back = [_came_back(orders, one.until, until) for orders, one in zip(self.own, customers, strict=True)]

    def dealt(self, place: int, day: int, amount: float, generator: np.random.Generator) -> Order:
        """An order of that day and size with the fate of a seen one: the same shares of it paid, and lost, after as many days.

        What is open on the day its customer failed is lost then, less the share that came back of what was seen to be.
        """
        own = self.own[place] or self.everybody
        if self.own[place]:
            away = np.abs(self.issued[place] - day)
            near = np.argsort(away, kind="stable")[:NEIGHBOURS]
            donor = own[int(near[generator.integers(len(near))])]
        else:
            donor = own[int(generator.integers(len(own)))]
        failed, (share, back_on) = self.customers[place].until, self.came_back[place]
        pieces: list[Piece] = []
        for closed, part, lost in self._fate(place, day, donor, generator):
            if failed >= closed:
                pieces.append(Piece(closed, part * amount, lost))
                continue
            pieces.append(Piece(max(failed, day), part * (1 - share) * amount, lost=True))
            if share > 0:
                pieces.append(Piece(max(back_on, day), part * share * amount))
        return Order("", day, amount, tuple(pieces))

    def _fate(self, place: int, day: int, donor: Order, generator: np.random.Generator) -> list[tuple[int, float, bool]]:
        """Day of closing, share of the order, and whether it was lost; of what was seen by the end, the rest from longer waits.

        What was open on the day the customer failed is open then of the drawn order too.
        """
        failed = self.customers[place].until
        known = [piece for piece in donor.pieces if piece.closed <= self.until]
        fate = [
            (NEVER if donor.issued <= failed <= piece.closed else day + piece.closed - donor.issued, piece.amount, piece.lost)
            for piece in known
        ]
        if len(known) < len(donor.pieces):
            left = donor.amount - math.fsum(piece.amount for piece in known)
            fate.append((self._closed(place, day, donor, generator), left, False))
        return [(closed, amount / donor.amount, lost) for closed, amount, lost in fate]

    def _closed(self, place: int, day: int, donor: Order, generator: np.random.Generator) -> int:
        waited = self.until - donor.issued  # still open: it takes longer than that, nobody knows how much
        for delays in (self.delays[place], self.any_delay):
            longer = delays[np.searchsorted(delays, waited, side="right") :]
            if len(longer):
                return day + int(longer[generator.integers(len(longer))])
        return NEVER


def _came_back(orders: Sequence[Order], failed: int, until: int) -> tuple[float, int]:
    """Of what a customer owed when it failed, the share that was paid afterwards, and the day of the last payment."""
    after = [piece for order in orders if order.issued <= failed for piece in order.pieces if piece.closed >= failed]
    back = [piece for piece in after if not piece.lost and failed < piece.closed <= until]
    if not back:
        return 0.0, NEVER
    return math.fsum(piece.amount for piece in back) / math.fsum(piece.amount for piece in after), max(p.closed for p in back)


def donor_lost(order: Order) -> bool:
    """Was some of the order lost, in the end?"""
    return any(piece.lost for piece in order.pieces)


def _is_paid(order: Order, until: int) -> bool:
    return order.concluded <= until and not donor_lost(order)
