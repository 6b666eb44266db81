"""One policy over one stream of orders, month by month: what fits under its limits is sold, what does not is turned away.

An order is turned away whole where the open balance and the order together exceed the limit. What is paid on a day makes room on
that day. Where the policy has not spoken (a customer it did not know yet) the limit on file holds; where there is none either,
nothing is turned away.

First the policy lives through the period with the orders that were seen (`live`): at each month's end it is asked anew, from the
ledger it would have left itself. Then drawn orders come in (`replay`), and the limits of that life move with what they add to
purchases (`policy.Elastic`): no ledger exists to ask the policy from.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from riskscore.backtest.orders import Customer, Order
from riskscore.policy import Elastic

YEAR, MONTH, MONTHS = 365, 30, 12

Granted = Mapping[str, Elastic]
"""What a policy decided on a day, by customer."""


@dataclass(frozen=True)
class Period:
    """The months that are replayed: `cuts` are the days before each month begins and the last day of the last one."""

    cuts: tuple[int, ...]

    @property
    def n_months(self) -> int:
        """How many months there are."""
        return len(self.cuts) - 1

    @property
    def n_days(self) -> int:
        """How many days they have."""
        return self.cuts[-1] - self.cuts[0]


@dataclass(frozen=True)
class Replay:
    """What one policy made of one stream. sold: orders by customer, those before the period included; refused: those turned away.

    limits: by month and customer, what it allowed; null where it had nothing to say.
    """

    sold: Sequence[Sequence[Order]]
    refused: Sequence[Sequence[Order]]
    limits: Sequence[Sequence[float | None]]

    @property
    def refused_names(self) -> frozenset[str]:
        """The invoices that would not have been written."""
        return frozenset(order.name for orders in self.refused for order in orders)


@dataclass(frozen=True)
class Life:
    """A policy's life with the orders that were seen. granted: by month, what it decided at the end of the month before."""

    replay: Replay
    granted: Sequence[Granted]
    standings: Sequence["Standing"]


Decide = Callable[[int, Mapping[str, Replay]], Mapping[str, Granted]]
"""Asks each policy, by name, at the end of the month before: given the number of the month and its life so far."""


@dataclass(frozen=True)
class Standing:
    """How a life stands on a day, by place of the customer: what each owes, what a year billed to it; and the sums of all."""

    owed: Sequence[float]
    billed: Sequence[float]
    all_owed: float
    all_billed: float


class _Account:
    """One customer during a replay: what it owes, and whether what was sold to it differs from the life it is compared with."""

    def __init__(self, seen: Sequence[Order], before: int) -> None:
        self.sold: list[Order] = []
        self.refused: list[Order] = []
        self.owed = 0.0
        self.differs = False
        self._open: list[tuple[int, float]] = []
        for order in seen:
            if order.issued <= before:
                self._add(order)

    def _add(self, order: Order) -> None:
        self.sold.append(order)
        for piece in order.pieces:
            heappush(self._open, (piece.closed, piece.amount))
        self.owed += order.amount

    def owes_on(self, day: int) -> float:
        """What is open at the end of the day; days are asked in order."""
        while self._open and self._open[0][0] <= day:
            self.owed -= heappop(self._open)[1]
        return max(self.owed, 0.0)

    def meets(self, order: Order, limit: float | None) -> bool:
        """Is the order sold?"""
        if limit is not None and self.owes_on(order.issued) + order.amount > limit + NOISE:
            self.refused.append(order)
            return False
        self._add(order)
        return True


NOISE = 1e-6
"""Sums of floats differ by less: an order that fills the limit to the cent fits."""


def live(customers: Sequence[Customer], names: Sequence[str], decide: Decide, period: Period) -> dict[str, Life]:
    """The life of each policy with the orders that were seen."""
    accounts = {name: [_Account(customer.orders, period.cuts[0]) for customer in customers] for name in names}
    limits: dict[str, list[list[float | None]]] = {name: [] for name in names}
    granted: dict[str, list[Granted]] = {name: [] for name in names}
    standings: dict[str, list[Standing]] = {name: [] for name in names}

    def so_far(name: str) -> Replay:
        return Replay([each.sold for each in accounts[name]], [each.refused for each in accounts[name]], limits[name])

    streams = {name: [_stream(customer, (), period) for customer in customers] for name in names}
    for month in range(period.n_months):
        on = period.cuts[month]
        said = decide(month, {name: so_far(name) for name in names})
        for name in names:
            standings[name].append(_standing(accounts[name], on))
            granted[name].append(said[name])
            given = [said[name].get(customer.customer_id) for customer in customers]
            limits[name].append([None if each is None else each.limit for each in given])
            for customer, account, stream, limit in zip(customers, accounts[name], streams[name], limits[name][-1], strict=True):
                while stream and stream[-1].issued <= period.cuts[month + 1]:
                    order = stream.pop()
                    account.meets(order, customer.limit_on(order.issued) if limit is None else limit)
    return {name: Life(so_far(name), granted[name], standings[name]) for name in names}


def replay(customers: Sequence[Customer], life: Life, period: Period, unseen: Mapping[int, Sequence[Order]]) -> Replay:
    """The same policy over the same orders and some that nobody has seen. unseen: by place of the customer.

    Without any it is the life itself.
    """
    accounts = [_Account(customer.orders, period.cuts[0]) for customer in customers]
    streams = [_stream(customer, unseen.get(place, ()), period) for place, customer in enumerate(customers)]
    refused = life.replay.refused_names
    limits: list[list[float | None]] = []
    for month in range(period.n_months):
        before, last = period.cuts[month], period.cuts[month + 1]
        others, sales = _ratios(life.standings[month], accounts, before)
        allowed: list[float | None] = []
        for place, (customer, account) in enumerate(zip(customers, accounts, strict=True)):
            granted = life.granted[month].get(customer.customer_id)
            if granted is None:
                limit = None
            else:
                held = (limits[-1][place], life.replay.limits[month - 1][place]) if month else (None, None)
                used = _is_used(granted, account, held, before)
                monthly, peak = _purchases(granted, account, life.standings[month].billed[place], before)
                limit = granted.at(monthly, peak, others=others, sales=sales, used=used)
            allowed.append(limit)
            stream = streams[place]
            while stream and stream[-1].issued <= last:
                order = stream.pop()
                is_sold = account.meets(order, customer.limit_on(order.issued) if limit is None else limit)
                account.differs = account.differs or is_sold != (order.name != "" and order.name not in refused)
        limits.append(allowed)
    return Replay([each.sold for each in accounts], [each.refused for each in accounts], limits)


def _stream(customer: Customer, unseen: Sequence[Order], period: Period) -> list[Order]:
    """The orders of the period in the order of their days and within them, the last first, so that the next one is popped."""
    first, last = period.cuts[0], period.cuts[-1]
    seen = [order for order in customer.orders if first < order.issued <= last]
    if not unseen:
        return seen[::-1]
    keyed, day, place = [], first, 0
    for order in seen:
        day, place = order.issued, place + 1 if order.issued == day else 0
        keyed.append(((day, place, 1), order))
    keyed += [((order.issued, order.after, 0), order) for order in unseen if first < order.issued <= last]
    return [order for _, order in sorted(keyed, key=lambda each: each[0], reverse=True)]


def _is_used(granted: Elastic, account: _Account, held: tuple[float | None, float | None], on: int) -> bool:
    """Is the limit nearly used? As decided, unless limit or balance are others than in the life. held: the limits of both."""
    mine, lived = held
    if mine is None or granted.used_from is None or (not account.differs and mine == lived):
        return granted.used
    return mine > 0 and account.owes_on(on) >= granted.used_from * mine


def _purchases(granted: Elastic, account: _Account, lived: float, on: int) -> tuple[float, float | None]:
    """What was bought in a month and in the largest one: as decided from, moved by what was sold more or less in a year."""
    if not account.differs:
        return granted.monthly, granted.peak
    now, peak = billed(account.sold, on)
    return (granted.monthly * now / lived if lived > 0 else now * MONTH / YEAR), peak


def billed(orders: Sequence[Order], on: int) -> tuple[float, float]:
    """What was billed in the year up to the day, and in the largest of its twelve months of thirty days."""
    months = [0.0] * (MONTHS + 1)
    first = on - YEAR
    for order in orders:
        if first < order.issued <= on:
            months[(on - order.issued) // MONTH] += order.amount
    return sum(months), max(months[:MONTHS])


def _standing(accounts: Sequence[_Account], on: int) -> Standing:
    owed = [account.owes_on(on) for account in accounts]
    year = [billed(account.sold, on)[0] for account in accounts]
    return Standing(owed, year, sum(owed), sum(year))


def _ratios(lived: Standing, accounts: Sequence[_Account], on: int) -> tuple[float, float]:
    """What is owed and what a year sold in this replay, each over what they are in the life; 1 where nothing is."""
    owed, sold = lived.all_owed, lived.all_billed
    for place, account in enumerate(accounts):
        if account.differs:
            owed += account.owes_on(on) - lived.owed[place]
            sold += billed(account.sold, on)[0] - lived.billed[place]
    return (owed / lived.all_owed if lived.all_owed > 0 else 1.0), (sold / lived.all_billed if lived.all_billed > 0 else 1.0)
