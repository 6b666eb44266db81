"""The oracle of customers: the chance of material delinquency within a horizon, by simulating the law forward from a belief.

There is no closed form: the outcome joins many invoices, amounts and orders to come. So each customer lives the horizon on many
paths: a state drawn from the belief, a regime and an economy that move on, orders from its own process, payments by the law. The
share of paths with the outcome is the chance; its Monte Carlo error is given beside it.

Taken from the truth rather than inferred: how much a customer orders and how big its invoices are. Left out: exchange rates stay
where they are, and nothing is overpaid.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskscore.errors import UsageRefused
from riskscore.simulation import arrow, observation
from riskscore.simulation.calendars import N_RUN_CLASSES
from riskscore.simulation.economy import transition
from riskscore.simulation.facts import RATE_MONTHS_BEFORE
from riskscore.simulation.filtering import INSOLVENT, KIND_OF_CLASS, N_NODES, N_REGIMES, beliefs
from riskscore.simulation.payments import DISPUTE_DAYS, NEVER, Followed, follow, month_logit
from riskscore.simulation.randomness import Floats, Ints
from riskscore.simulation.world import World

YEAR = 365
CHUNK = 100
"""Customers simulated at once: bounds memory."""

Flags = NDArray[np.bool_]


class Delinquency(Protocol):
    """What counts as material delinquency; a recipe's outcome is one."""

    @property
    def horizon_days(self) -> int: ...  # noqa: D102
    @property
    def days_past_due(self) -> int: ...  # noqa: D102
    @property
    def min_amount(self) -> Decimal: ...  # noqa: D102
    @property
    def min_billing_share(self) -> Decimal: ...  # noqa: D102
    @property
    def late_share(self) -> Decimal: ...  # noqa: D102
    @property
    def late_days(self) -> int: ...  # noqa: D102


def odds_of_delinquency(
    world: World,
    as_of: date,
    law: Delinquency,
    *,
    knowledge: Literal["filtered", "latent"] = "filtered",
    n_paths: int = 128,
) -> pa.Table:
    """The chance of each active customer: customer_id, as_of, probability, standard_error (of the simulation, one sigma).

    Active: joined by `as_of`, insolvency not announced by then. knowledge: what is public, or everything hidden of that day.
    n_paths: even; the error of a chance p is at most sqrt(p (1 - p) / n_paths).
    Raises UsageRefused for a date outside the window or an odd number of paths.
    """
    truth = world.truth
    today = (as_of - world.start_on).days
    if not 0 <= today < truth.calendar.n_days:
        raise UsageRefused(f"{as_of} lies outside the window {world.start_on} to {world.end_on}.")
    if n_paths < 2 or n_paths % 2:
        raise UsageRefused(f"The number of paths must be even and at least 2, not {n_paths}.")
    joined = truth.calendar.month_starts[truth.people.joined_month] <= today
    active = np.flatnonzero(joined & (truth.announced_day > today))
    shares = np.empty(len(active))
    belief = next(beliefs(world, [today])) if knowledge == "filtered" else None
    for number, start in enumerate(range(0, len(active), CHUNK)):
        who = active[start : start + CHUNK]
        weights = _certain(world, who, today) if belief is None else belief.of(who)
        rng = np.random.default_rng([world.seed, today, number])
        shares[start : start + CHUNK] = _Paths(world, who, today, law, n_paths, rng).share_delinquent(weights)
    return pa.table(
        {
            "customer_id": arrow.texts(truth.people.customer_id, active),
            "as_of": arrow.dates(np.full(len(active), today + truth.calendar.day_zero)),
            "probability": shares,
            "standard_error": np.sqrt(shares * (1 - shares) / n_paths),
        }
    )


def _certain(world: World, who: Ints, today: int) -> Floats:
    truth = world.truth
    weights = np.zeros((len(who), N_RUN_CLASSES, N_NODES, N_REGIMES))
    regime = truth.regimes[who, truth.calendar.month_of[today]]
    weights[np.arange(len(who)), truth.people.run_kind[who], truth.people.quality_node[who], regime] = 1.0
    return weights


@dataclass(frozen=True)
class _Items:
    """Invoices on the paths, one entry each: open ones repeated on every path, and new ones."""

    row: Ints
    issued: Ints
    rolled_due: Ints
    z_amount: Floats
    billed: Floats
    credited: Floats
    """What credit notes took off by today."""
    left: Floats
    """What is still owed today, in the reporting currency."""
    disputed: Ints


class _Paths:
    """The paths of some customers: row = customer x n_paths + path."""

    def __init__(self, world: World, who: Ints, today: int, law: Delinquency, n_paths: int, rng: np.random.Generator) -> None:
        self.world, self.who, self.today, self.law, self.n_paths, self.rng = world, who, today, law, n_paths, rng
        self.preset, self.truth, self.calendar = world.preset, world.truth, world.truth.calendar
        self.end = today + law.horizon_days
        self.country = np.repeat(self.truth.people.country[who], n_paths)
        self.months = np.arange(self.calendar.month_of[today], self.calendar.month_of[self.end] + 1)

    def share_delinquent(self, weights: Floats) -> Floats:
        """The share of each customer's paths that end in the outcome."""
        n_rows = len(self.who) * self.n_paths
        kind, node, regime = self._states(weights)
        macro = self._economies()
        regimes = self._regimes(regime, macro)
        fortunes = np.zeros((n_rows, len(self.calendar.month_starts) - 1))
        common = np.stack([month_logit(self.preset, self.calendar, path) for path in macro])
        fortunes[:, self.months] = (
            np.asarray(self.preset.regime_hazard)[regimes] + np.tile(common, (len(self.who), 1))[:, self.months]
        )
        items = self._items()
        level = np.asarray(self.preset.run_hazard)[KIND_OF_CLASS[kind]] + self.preset.quality_nodes[node]
        order = np.argsort(np.maximum(items.issued, self.today), kind="stable")
        followed = Followed(
            since=np.maximum(items.issued, self.today)[order],
            rolled_due=items.rolled_due[order],
            run_class=(self.country * N_RUN_CLASSES + kind)[items.row[order]],
            disputed=items.disputed[order],
            steady=level[items.row[order]] + self.preset.amount_hazard * items.z_amount[order],
            owner=items.row[order],
            threshold=self.rng.standard_exponential(len(order)),
        )
        paid = np.empty(len(order), dtype=np.int64)
        paid[order] = follow(self.preset, self.calendar, followed, fortunes, until=self.end + 1)
        bad = self._delinquent(items, paid, regimes)
        return np.asarray(bad.reshape(len(self.who), self.n_paths).mean(axis=1))

    def _states(self, weights: Floats) -> tuple[Ints, Ints, Ints]:
        """Systematic draws: a state of share w comes up on w of a customer's paths, to within one path."""
        bounds = np.cumsum(weights.reshape(len(self.who), -1), axis=1)
        points = (np.arange(self.n_paths) + self.rng.random((len(self.who), 1))) / self.n_paths
        # The economies are dealt to the paths by number, so the states must not come in their own order.
        points = self.rng.permuted(points, axis=1) * bounds[:, -1:]
        flat = np.stack([np.searchsorted(b, p, side="right") for b, p in zip(bounds, points, strict=True)])
        return np.unravel_index(np.minimum(flat, bounds.shape[1] - 1).ravel(), weights.shape[1:])

    def _economies(self) -> Floats:
        """The macro index on each path: as published so far, then its own shocks, each path with a mirrored twin."""
        n_months = len(self.calendar.month_starts) - 1
        seen = self.truth.macro[: self.months[0] + 1]
        half = self.rng.standard_normal((self.n_paths // 2, n_months))
        shocks = np.concatenate([half, -half])
        paths = np.zeros((self.n_paths, n_months))
        paths[:, : len(seen)] = seen
        for month in range(len(seen), n_months):
            paths[:, month] = self.preset.macro_persistence * paths[:, month - 1] + self.preset.macro_shock * shocks[:, month]
        return paths

    def _regimes(self, start: Ints, macro: Floats) -> Ints:
        """The regime by row and month, from the month of today."""
        regimes = np.empty((len(start), len(self.months)), dtype=np.int64)
        regimes[:, 0] = start
        path = np.tile(np.arange(self.n_paths), len(self.who))
        for step, month in enumerate(self.months[1:], start=1):
            bounds = np.cumsum(transition(self.preset, macro[:, month]), axis=2)[:, :, :-1]
            rows = bounds[path, regimes[:, step - 1]]
            regimes[:, step] = (self.rng.random(len(start))[:, None] >= rows).sum(axis=1)
        return np.where(np.repeat(self.truth.people.steady[self.who], self.n_paths)[:, None], 0, regimes)

    def _items(self) -> _Items:
        open_items, new_items = self._open_items(), self._new_items()
        pairs = {name: (getattr(open_items, name), getattr(new_items, name)) for name in vars(open_items)}
        return _Items(**{name: np.concatenate(pair) for name, pair in pairs.items()})

    def _open_items(self) -> _Items:
        truth, billing = self.truth, self.truth.billing
        row_of = np.full(len(truth.people), -1)
        row_of[self.who] = np.arange(len(self.who))
        invoice = np.flatnonzero(
            (row_of[billing.customer] >= 0) & (billing.issued <= self.today) & (truth.payments.paid > self.today)
        )
        billed = reporting_amounts(self.world, self.today)[invoice]
        share = {kind: _reduced_share(self.world, self.today, kind)[invoice] for kind in (None, "credit_note")}
        n = self.n_paths
        seen = truth.payments.disputed[invoice] <= self.today
        repeated = np.repeat(np.arange(len(invoice)), n)
        age = self.today - billing.issued[invoice]
        return _Items(
            row=(row_of[billing.customer[invoice]][:, None] * n + np.arange(n)).ravel(),
            issued=billing.issued[invoice][repeated],
            rolled_due=billing.rolled_due[invoice][repeated],
            z_amount=billing.z_amount[invoice][repeated],
            billed=billed[repeated],
            credited=(billed * share["credit_note"])[repeated],
            left=(billed * (1 - share[None]))[repeated],
            disputed=np.where(
                seen[repeated],
                truth.payments.disputed[invoice][repeated],
                self._disputes(billing.issued[invoice][repeated], age[repeated]),
            ),
        )

    def _new_items(self) -> _Items:
        """Orders to come: Poisson with the customer's own volume a month, spread over its business days."""
        people, calendar = self.truth.people, self.calendar
        in_month = np.stack([np.add.reduceat(days, calendar.month_starts[:-1]) for days in calendar.business.astype(np.int64)])
        measure = np.cumsum(calendar.business / in_month[:, calendar.month_of], axis=1)
        passed = measure[:, self.today][self.country]
        months = measure[:, self.end][self.country] - passed
        counts = self.rng.poisson(np.repeat(people.volume[self.who], self.n_paths) * months)
        row = np.repeat(np.arange(len(counts)), counts)
        place = passed[row] + self.rng.random(len(row)) * months[row]
        issued = np.empty(len(row), dtype=np.int64)
        country = self.country[row]
        for number in range(len(calendar.countries)):
            mine = country == number
            issued[mine] = np.searchsorted(measure[number], place[mine], side="left")
        customer = self.who[row // self.n_paths]
        share = self.preset.amount_customer_share
        z_amount = np.sqrt(share) * people.size[customer] + np.sqrt(1 - share) * self.rng.standard_normal(len(row))
        spread = np.where(z_amount < 0, self.preset.amount_log_sd_below, self.preset.amount_log_sd_above)
        amount = np.exp(self.preset.amount_log_median + spread * z_amount)
        return _Items(
            row=row,
            issued=issued,
            rolled_due=calendar.rolled[country, np.minimum(issued + people.terms_days[customer], calendar.n_all_days - 1)],
            z_amount=z_amount,
            billed=amount,
            credited=np.zeros(len(row)),
            left=amount,
            disputed=self._disputes(issued, np.zeros(len(row), dtype=np.int64)),
        )

    def _disputes(self, issued: Ints, age: Ints) -> Ints:
        """The day on which an invoice that is undisputed at an age will be contested; `NEVER` for most."""
        remaining = np.maximum(DISPUTE_DAYS - age, 0)
        each = self.preset.dispute_share / DISPUTE_DAYS
        will = self.rng.random(len(issued)) < each * remaining / (1 - each * np.minimum(age, DISPUTE_DAYS))
        after = 1 + np.minimum(age, DISPUTE_DAYS) + (self.rng.random(len(issued)) * remaining).astype(np.int64)
        return np.where(will, issued + after, NEVER)

    def _delinquent(self, items: _Items, paid: Ints, regimes: Ints) -> Flags:
        law, n_rows = self.law, len(self.who) * self.n_paths
        part_day, part = self._reductions(items, self.preset.partial_share, "part")
        note_day, note = self._reductions(items, self.preset.credit_note_share, "note")

        def left_on(day: Ints) -> tuple[Floats, Floats]:
            """What is owed on a day, and what has been credited by then."""
            credited = items.credited + np.where(note_day <= day, note, 0)
            left = items.left - np.where(note_day <= day, note, 0) - np.where(part_day <= day, part, 0)
            return np.where(paid > day, np.maximum(left, 0), 0.0), credited

        tested = items.rolled_due + law.days_past_due + 1
        left, _ = left_on(tested)
        threshold = np.maximum(
            float(law.min_amount), float(law.min_billing_share) * trailing_billing(self.world, self.today)[self.who]
        )
        material = (tested > self.today) & (tested <= self.end) & (items.disputed > tested)
        material &= left >= np.repeat(threshold, self.n_paths)[items.row]
        bad = np.bincount(items.row[material], minlength=n_rows) > 0

        tested = items.rolled_due + law.late_days
        left, credited = left_on(tested)
        counted = (items.rolled_due > self.today) & (tested <= self.end)
        free = counted & ~((items.disputed <= tested) & (paid > tested))
        owed = np.bincount(items.row[free], (items.billed - credited)[free], minlength=n_rows)
        late = np.bincount(items.row[free], left[free], minlength=n_rows)
        bad |= (late > 0) & (late >= float(law.late_share) * owed)
        return np.asarray(bad | self._written_off(items, paid, regimes))

    def _reductions(self, items: _Items, share: float, kind: Literal["part", "note"]) -> tuple[Ints, Floats]:
        """The day and amount of a part payment or credit note to come, as the observation layer draws them."""
        n = len(items.row)
        day, size = observation.reduction(
            kind, items.issued, items.rolled_due - items.issued, items.billed, self.rng.random(n), self.rng.random(n)
        )
        day = self.calendar.rolled[self.country[items.row], np.minimum(day, self.calendar.n_all_days - 1)]
        comes = (self.rng.random(n) < share) & (day > self.today)
        return np.where(comes, day, NEVER), size

    def _written_off(self, items: _Items, paid: Ints, regimes: Ints) -> Flags:
        """Whether an insolvency is announced within the horizon while something is open."""
        n_rows = len(regimes)
        ends = self.calendar.month_starts[self.months + 1] - 1
        heard = (regimes == INSOLVENT) & (self.rng.random(regimes.shape) < self.preset.insolvency_announced)
        heard &= (ends > self.today) & (ends <= self.end)
        day = np.where(heard.any(axis=1), ends[heard.argmax(axis=1)], -1)
        open_then = (items.issued <= day[items.row]) & (paid > day[items.row])
        return np.bincount(items.row[open_then], minlength=n_rows) > 0


def reporting_amounts(world: World, today: int) -> Floats:
    """What each invoice was billed at, in the reporting currency at the rates in force today."""
    truth = world.truth
    month = RATE_MONTHS_BEFORE + truth.calendar.month_of[today]
    rate = np.array([truth.rates[code][month] for code in truth.people.currency])
    return np.asarray(truth.cents / 100 * rate[truth.billing.customer])


def trailing_billing(world: World, today: int) -> Floats:
    """What each customer was billed in the 365 days up to today, in the reporting currency."""
    billing = world.truth.billing
    recent = (billing.issued <= today) & (billing.issued > today - YEAR)
    total = np.bincount(billing.customer[recent], reporting_amounts(world, today)[recent], minlength=len(world.truth.people))
    return np.asarray(total, dtype=np.float64)


def _reduced_share(world: World, today: int, kind: str | None) -> Floats:
    """The share of each invoice that bookings took off by today: all of them, or those of one kind."""
    bookings = world.truth.bookings
    mine = bookings.day <= today
    if kind is not None:
        mine &= bookings.kind == observation.KINDS.index(kind)
    taken = np.bincount(bookings.invoice[mine], bookings.cents[mine], minlength=len(world.truth.billing))
    return np.asarray(taken / world.truth.cents)
