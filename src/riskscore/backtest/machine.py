"""The time machine: policies over a past period, each measure as an interval that says what the old limits hid.

Two worlds bound what cannot be seen. In one, nobody was ever turned away: the orders in the book are all there were. In the
other, the orders that the old limits must have turned away come again, drawn many times (`backtest.unseen`). The interval of a
measure reaches from the lowest to the highest of both, the draws cut at a hundredth on either side: partial identification with
a predictive interval on top, in the sense of Imbens & Manski (2004).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from riskscore.backtest.measures import NAMES, Economics, Floats, Measures, measure
from riskscore.backtest.orders import Customer, Order
from riskscore.backtest.replaying import Decide, Life, Period, live, replay
from riskscore.backtest.unseen import draw_unseen

TAIL = 0.01
"""On either side. What is held fixed inside a draw (payments, above all) has room in what lies beyond 95 %."""
LEARN_DAYS = 365
"""Orders are learned from the year before the period and from the period itself: what came to pass is judged, not foreseen."""

Told = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Interval:
    """low to high, and what is expected where the draws are right; money or days. `seen`: had nobody been turned away."""

    low: float
    expected: float
    high: float
    seen: float

    def holds(self, value: float) -> bool:
        """Is the value inside, both ends included, but for the noise of adding floats?"""
        noise = 1e-9 * max(abs(value), 1.0)
        return self.low - noise <= value <= self.high + noise


@dataclass(frozen=True)
class Outcome:
    """One policy: its measures, what they are more than the first policy's, and its life with the orders that were seen.

    against: empty for the first policy.
    """

    name: str
    measures: Mapping[str, Interval]
    against: Mapping[str, Interval]
    life: Life


@dataclass(frozen=True)
class Backtest:
    """happened: what really came to pass. outcomes: one a policy, in the order given. n_unseen: orders turned away, by draw."""

    happened: Measures
    outcomes: tuple[Outcome, ...]
    n_unseen: tuple[int, ...]


def backtest(
    customers: Sequence[Customer],
    names: Sequence[str],
    decide: Decide,
    period: Period,
    economics: Economics,
    *,
    n_draws: int = 199,
    seed: int = 0,
    told: Told = lambda _what, _done, _whole: None,
) -> Backtest:
    """Replay the policies of these names over the period. The same arguments give the same answer.

    decide: what each decides at the end of a month, from the ledger that its life so far leaves. n_draws: 99 is the fewest that
    make a 98 % interval; fewer raise ValueError.
    """
    if n_draws + 1 < round(1 / TAIL):
        raise ValueError(f"an interval with tails of {TAIL} needs {round(1 / TAIL) - 1} draws or more, not {n_draws}")

    def came_to(sold: Sequence[Sequence[Order]]) -> Measures:
        return measure((order for orders in sold for order in orders), period, economics)

    lives = live(customers, names, decide, period)
    alone = {name: came_to(life.replay.sold).as_array() for name, life in lives.items()}
    drawn: dict[str, list[Floats]] = {name: [] for name in names}
    n_unseen = []
    draws = draw_unseen(customers, period.cuts[0] - LEARN_DAYS, period.cuts[-1], n_draws=n_draws, seed=seed)
    for number, unseen in enumerate(draws):
        told("replaying", number, n_draws)
        within = {place: [each for each in orders if each.issued > period.cuts[0]] for place, orders in unseen.items()}
        n_unseen.append(sum(map(len, within.values())))
        for name, life in lives.items():
            drawn[name].append(came_to(replay(customers, life, period, within).sold).as_array())
    first = names[0]
    outcomes = []
    for name in names:
        rows = np.array(drawn[name])
        against = {} if name == first else _intervals(rows - np.array(drawn[first]), alone[name] - alone[first])
        outcomes.append(Outcome(name, _intervals(rows, alone[name]), against, lives[name]))
    return Backtest(came_to([customer.orders for customer in customers]), tuple(outcomes), tuple(n_unseen))


def _intervals(rows: Floats, alone: Floats) -> dict[str, Interval]:
    """rows: measures by draw. alone: those of the orders that were seen."""
    ordered = np.sort(rows, axis=0)
    cut = max(round(TAIL * (len(rows) + 1)), 1) - 1
    low = np.minimum(ordered[cut], alone)
    high = np.maximum(ordered[len(rows) - 1 - cut], alone)
    middle = np.median(rows, axis=0)
    return {
        name: Interval(float(low[place]), float(middle[place]), float(high[place]), float(alone[place]))
        for place, name in enumerate(NAMES)
    }
