"""The Bayes filter: what anybody could know of a customer's payment run, quality and regime from what was published by a day.

The filter knows the law and sees, up to the end of each day: invoices, payments on the day they were made, open disputes,
published accounts, ratings, the macro index and announced insolvencies. It infers the payment run (seven kinds), the quality
(nine nodes) and the regime (four). Late bookings are part of the observation layer: the filter sees through them, so its
forecasts bound from above what a model can reach that learns of a payment when it is booked.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from riskscore.simulation.calendars import N_RUN_CLASSES
from riskscore.simulation.economy import transition
from riskscore.simulation.facts import RATING_BOUNDS, expected_rating
from riskscore.simulation.payments import month_logit
from riskscore.simulation.presets import DPD_EDGES, Preset
from riskscore.simulation.randomness import Floats, Ints
from riskscore.simulation.statements import expected_factors
from riskscore.simulation.world import World

N_NODES, N_REGIMES, INSOLVENT = 9, 4, 3
NEGLIGIBLE = 1e-12
"""A payment run kind less likely than this is dropped; it could not move a forecast in its tenth decimal."""

KIND_OF_CLASS = np.array([0, 1, 1, 1, 1, 1, 2])
"""Which hazard level (any business day, one weekday, twice a month) each of the seven run classes has."""


@dataclass(frozen=True)
class Belief:
    """What is believed at the end of one day. Valid until the next one is asked for."""

    day: int
    log_weights: Floats
    """(customer, run class, quality node, regime, regime last December), unnormalised."""

    def of(self, customers: Ints) -> Floats:
        """Probabilities of (run class, quality node, regime) for those customers; each customer's sum to one."""
        picked = self.log_weights[customers]
        weights = np.exp(picked - picked.max(axis=(1, 2, 3, 4), keepdims=True)).sum(axis=4)
        return np.asarray(weights / weights.sum(axis=(1, 2, 3), keepdims=True))


def beliefs(world: World, days: Iterable[int]) -> Iterator[Belief]:
    """The belief at the end of each of the days (calendar indices), in order of time."""
    wanted = sorted({int(day) for day in days})
    if not wanted:
        return
    running = _Filter(world)
    for day in range(wanted[-1] + 1):
        running.live(day)
        if day == wanted[0]:
            wanted.pop(0)
            yield Belief(day, running.log_weights)


def run_class_shares(preset: Preset) -> Floats:
    """The prior probability of each of the seven run classes."""
    any_day, weekday, twice = preset.run_shares
    return np.array([any_day, *(weekday * np.asarray(preset.weekday_shares)), twice])


def state_factors(preset: Preset) -> Floats:
    """The odds of payment by run class, quality node and regime, before the invoice's own part: (7, 9, 4); 0 if insolvent."""
    level = np.asarray(preset.run_hazard)[KIND_OF_CLASS]
    logit = level[:, None, None] + preset.quality_nodes[None, :, None] + np.asarray(preset.regime_hazard)[None, None, :]
    return np.asarray(np.exp(logit))


class _Filter:
    """The log weights of every customer, moved forward one day at a time."""

    def __init__(self, world: World) -> None:
        preset, truth = world.preset, world.truth
        self.preset, self.truth = preset, truth
        self.factors = state_factors(preset)
        with np.errstate(divide="ignore"):
            self.log_factors = np.log(self.factors)
        self.common = month_logit(preset, truth.calendar, truth.macro)
        self.issued_before = np.searchsorted(truth.billing.issued, np.arange(truth.calendar.n_days + 1))
        self.amount_logit = preset.amount_hazard * truth.billing.z_amount
        n = len(truth.people)
        self.log_weights = np.full((n, N_RUN_CLASSES, N_NODES, N_REGIMES, N_REGIMES), -np.inf)
        self.possible = np.zeros((n, N_RUN_CLASSES), dtype=np.bool_)
        self.open_now = np.empty(0, dtype=np.int64)
        self.rating_log = self._rating_log()
        joined_day = truth.calendar.month_starts[truth.people.joined_month]
        self.statement_day = np.maximum(truth.statements.published, joined_day[truth.statements.customer])

    def live(self, day: int) -> None:
        """Move through one day, and through the month's turn where it begins or ends one."""
        calendar = self.truth.calendar
        month = int(calendar.month_of[day])
        if day == calendar.month_starts[month]:
            self._turn(month)
        self._read_statements(day)
        if day:
            self._watch_payments(day, month)
        if day + 1 == calendar.month_starts[month + 1]:
            self._hear_announcements(month)

    def _turn(self, month: int) -> None:
        truth, preset = self.truth, self.preset
        joined = truth.people.joined_month
        known = np.flatnonzero((joined < month) & (truth.announced >= month) & ~truth.people.steady)
        if len(known):
            weights = self.log_weights[known]
            weights = np.exp(weights - weights.max(axis=(1, 2, 3, 4), keepdims=True))
            weights /= weights.sum(axis=(1, 2, 3, 4), keepdims=True)
            kinds = weights.sum(axis=(2, 3, 4)) > NEGLIGIBLE
            weights *= kinds[:, :, None, None, None]
            matrix = transition(preset, float(truth.macro[month]))
            if truth.calendar.calendar_month[month] == 0:
                # From January on, the regime of December is what the accounts of the year will show.
                moved = np.einsum("ckbr,rs->ckbsr", weights.sum(axis=4), matrix)
            else:
                moved = np.einsum("ckbrd,rs->ckbsd", weights, matrix)
            with np.errstate(divide="ignore"):
                self.log_weights[known] = np.log(moved)
            self.possible[known] = kinds
        joining = np.flatnonzero(joined == month)
        with np.errstate(divide="ignore"):
            start = (
                np.log(run_class_shares(preset))[:, None, None, None]
                + np.log(preset.quality_weights)[None, :, None, None]
                + np.log(np.diag(preset.regime_start))[None, None, :, :]
            )
        self.log_weights[joining] = start
        self.log_weights[joining[truth.people.steady[joining]], :, :, 1:] = -np.inf
        self.possible[joining] = True
        rated = truth.ratings.month == month
        who = truth.ratings.customer[rated]
        self.log_weights[who] += self.rating_log[truth.ratings.letter[rated]][:, None, :, :, None]

    def _rating_log(self) -> Floats:
        """The log-probability of each letter given quality node and regime: (letter, 9, 4)."""
        preset = self.preset
        mean = expected_rating(preset, preset.quality_nodes[:, None], np.asarray(preset.severity)[None, :])
        bounds = np.array([-np.inf, *RATING_BOUNDS, np.inf])
        below = ndtr((bounds[:, None, None] - mean[None]) / preset.rating_noise)
        return np.asarray(np.log(np.maximum(np.diff(below, axis=0), 1e-300)))

    def _read_statements(self, day: int) -> None:
        statements, preset = self.truth.statements, self.preset
        # Accounts of one customer are read one after the other: two may have been waiting on the day it joined.
        for row in _each_once(statements.customer, np.flatnonzero(self.statement_day == day)):
            mean = expected_factors(preset, preset.quality_nodes[:, None], np.asarray(preset.severity)[None, :])
            gap = statements.factors[row][:, None, None, :] - mean[None]
            self.log_weights[statements.customer[row]] -= 0.5 * (gap**2).sum(axis=3)[:, None, :, None, :]

    def _watch_payments(self, day: int, month: int) -> None:
        truth, preset, calendar = self.truth, self.preset, self.truth.calendar
        billing, payments = truth.billing, truth.payments
        new = np.arange(self.issued_before[day - 1], self.issued_before[day])
        self.open_now = np.concatenate([self.open_now, new])
        order = np.argsort(billing.customer[self.open_now], kind="stable")
        self.open_now = self.open_now[order]
        invoice = self.open_now
        customer = billing.customer[invoice]
        paid = payments.paid[invoice] == day
        logit = (
            self.amount_logit[invoice]
            + self.common[month]
            + np.asarray(preset.dpd_hazard)[np.searchsorted(DPD_EDGES, day - billing.rolled_due[invoice], side="right")]
            + preset.dispute_hazard * (payments.disputed[invoice] <= day)
        )
        for kind in range(N_RUN_CLASSES):
            runs = calendar.runs[truth.people.country * N_RUN_CLASSES + kind, day]
            off = np.unique(customer[paid & ~runs[customer]])
            self.log_weights[off, kind] = -np.inf
            self.possible[off, kind] = False
            asked = np.flatnonzero((runs & self.possible[:, kind])[customer])
            if len(asked):
                self._weigh(kind, customer[asked], logit[asked], paid[asked])
        self.open_now = invoice[~paid]

    def _weigh(self, kind: int, customer: Ints, logit: Floats, paid: NDArray[np.bool_]) -> None:
        """Multiply in the chance of what every open invoice of these customers (sorted) did on this run day."""
        solvent = self.factors[kind, :, :INSOLVENT]
        gain = -np.log1p(np.exp(logit)[:, None, None] * solvent)
        if paid.any():
            gain[paid] += logit[paid][:, None, None] + self.log_factors[kind, :, :INSOLVENT]
        first = np.flatnonzero(np.r_[True, customer[1:] != customer[:-1]])
        who = customer[first]
        self.log_weights[who, kind, :, :INSOLVENT] += np.add.reduceat(gain, first, axis=0)[..., None]
        self.log_weights[np.unique(customer[paid]), kind, :, INSOLVENT] = -np.inf

    def _hear_announcements(self, month: int) -> None:
        now = self.truth.announced == month
        self.log_weights[now, :, :, :INSOLVENT] = -np.inf
        self.log_weights[~now, :, :, INSOLVENT] += np.log1p(-self.preset.insolvency_announced)


def _each_once(owner: Ints, rows: Ints) -> Iterator[Ints]:
    """The rows in rounds in which every owner appears at most once."""
    while len(rows):
        _, first = np.unique(owner[rows], return_index=True)
        yield rows[first]
        rows = np.delete(rows, first)
