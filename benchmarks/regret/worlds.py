"""A fresh world at a date: what the real path decided of each customer, and what only the simulator knows of the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from riskscore import features, positions
from riskscore.decisions import Decision, Provenance
from riskscore.grades import Grades
from riskscore.model import Model
from riskscore.outcomes import observe
from riskscore.policy import Params
from riskscore.profit import DAYS_A_YEAR, Trade, spread_of
from riskscore.recipe import Recipe
from riskscore.scoring import decide_rows, receivables_of
from riskscore.simulation import World, simulate
from riskscore.simulation.delinquency import odds_of_delinquency
from riskscore.simulation.payments import NEVER
from riskscore.snapshot import customers_known_at, take_snapshot
from riskscore.stores.engines import ledger_of

Floats = NDArray[np.float64]
MONTH = DAYS_A_YEAR / 12
N_RUNS, N_NODES = 3, 9
"""Kinds of payment run (any day, a weekday, twice a month) and steps of quality."""


@dataclass(frozen=True, eq=False)
class Law:
    """What the law of the world comes to, measured once on a large world of its own.

    delay: mean days from due to payment by kind of run and step of quality. lost: of what materially late customers owed, the
    share that was never paid; n_late of them were followed.
    """

    delay: Floats
    lost: float
    n_late: int


@dataclass(frozen=True, eq=False)
class Seen:
    """One world at a date. decisions: what the real path said of each customer. pd: the Bayes filter's chance of material
    lateness.

    The fields of the true trade, one entry a customer: demand, spread, days (outstanding).
    """

    seed: int
    decisions: Sequence[Decision]
    pd: Floats
    demand: Floats
    spread: Floats
    days: Floats

    def trade(self, params: Params, lost: float, *, horizon_days: int, drawn: float | None = None) -> Trade:
        """The profit curve of each customer in truth: its own demand and days, the oracle's chance, what is really lost."""
        insured = np.array([float(each.case.insured_share) for each in self.decisions])
        yearly = -np.expm1(DAYS_A_YEAR / horizon_days * np.log1p(-np.minimum(self.pd, 1 - 1e-12)))
        kappa = float(params.profit_drawn_before_default) if drawn is None else drawn
        return Trade(
            self.demand, self.spread, self.days, float(params.profit_margin), float(params.profit_capital_cost),
            yearly, lost * (1 - insured), kappa,
        )  # fmt: skip


def month_end(world: World, month: int) -> date:
    """The last day of that month of the window."""
    return date.fromordinal(world.start_on.toordinal() + int(world.truth.calendar.month_starts[month]) - 1)


def see(
    world: World, as_of: date, law: Law, model: Model, grades: Grades, params: Params, recipe: Recipe, *, n_paths: int
) -> Seen:
    """Decide the customers of a world by the real path and ask the simulator about the same ones."""
    ledger = ledger_of(dict(world.tables), "EUR")
    snapshot = take_snapshot(ledger, customers_known_at(ledger, as_of))
    standing = positions.compute(snapshot)
    nothing = "0" * 64
    provenance = Provenance(as_of, world.digest, model.digest, recipe.digest, params.digest, grades.digest, nothing, "benchmark")
    made = decide_rows(
        features.compute(snapshot), standing, model, grades, params,
        receivables=receivables_of([standing]), provenance=provenance,
    )  # fmt: skip
    odds = odds_of_delinquency(world, as_of, recipe.definition, n_paths=n_paths)
    chance = dict(zip(odds["customer_id"].to_pylist(), odds["probability"].to_pylist(), strict=True))
    decisions = [each for each in made if each.case is not None and each.customer_id in chance]
    place = {customer: at for at, customer in enumerate(world.truth.people.customer_id)}
    who = np.array([place[each.customer_id] for each in decisions])
    demand, spread, days = true_demand(world, who, law)
    return Seen(world.seed, decisions, np.array([chance[each.customer_id] for each in decisions]), demand, spread, days)


def true_demand(world: World, who: Any, law: Law) -> tuple[Floats, Floats, Floats]:
    """Mean and spread of what each customer would owe without a limit, and the days it is owed.

    Orders are Poisson with amounts of a known law and stay open for about T days: the sum of what is open then has the mean
    rate E[a] T and the variance rate E[a^2] T (Campbell's theorem), of which the spread of a lognormal follows.
    """
    preset, people = world.preset, world.truth.people
    days = people.terms_days[who] + law.delay[run_class(people.run_kind[who]), people.quality_node[who]]
    size = people.size[who]
    width = np.where(size < 0, preset.amount_log_sd_below, preset.amount_log_sd_above)
    mean = preset.expected_amount(size)
    square = mean**2 * np.exp(width**2 * (1 - preset.amount_customer_share))
    n_open = people.volume[who] * days / MONTH
    demand = n_open * mean
    spread = np.array([spread_of(m, s) for m, s in zip(demand, np.sqrt(n_open * square), strict=True)])
    return demand, spread, days


def run_class(run_kind: Any) -> Any:
    """Any day 0, a weekday 1, twice a month 2."""
    return np.where(run_kind == 0, 0, np.where(run_kind == 6, 2, 1))


def law_of(n_customers: int, n_months: int, seed: int, recipe: Recipe) -> Law:
    """The law, measured on a large world that nothing is judged on.

    Lost: for customers sound at a month end and materially late in the horizon after it, what was open when it ended (or the
    day before an insolvency was announced), and which part of that was never paid. The last eighteen months are only watched.
    """
    world = simulate("default", n_customers=n_customers, n_months=n_months, seed=seed)
    truth, billing = world.truth, world.truth.billing
    people, paid, last = truth.people, truth.payments.paid, truth.calendar.n_days
    ripe = (paid != NEVER) & (billing.issued < last - 360)
    key = run_class(people.run_kind)[billing.customer] * N_NODES + people.quality_node[billing.customer]
    late = np.bincount(key[ripe], (paid - billing.due)[ripe], minlength=N_RUNS * N_NODES)
    delay = late / np.maximum(np.bincount(key[ripe], minlength=N_RUNS * N_NODES), 1)
    ledger = ledger_of(dict(world.tables), "EUR")
    owed = lost = 0.0
    place = {customer: at for at, customer in enumerate(people.customer_id)}
    n_late = 0
    for month in range(12, n_months - 24, 6):
        as_of = month_end(world, month)
        today = (as_of - world.start_on).days
        standing = positions.compute(take_snapshot(ledger, customers_known_at(ledger, as_of)))
        sound = standing.filter(pc.invert(standing["in_default"])).select(["customer_id", "as_of"])
        found = observe(ledger, sound, recipe.definition, until=world.end_on)
        bad = {
            place[each] for each, hit in zip(found["customer_id"].to_pylist(), found["outcome"].to_pylist(), strict=True) if hit
        }
        close = np.minimum(today + recipe.outcome.horizon_days, truth.announced_day - 1)[billing.customer]
        mine = np.isin(billing.customer, list(bad)) & (billing.issued <= close) & (paid > close) & (close >= today)
        owed += float(billing.amount[mine].sum())
        lost += float(billing.amount[mine & (paid == NEVER)].sum())
        n_late += len(bad)
    return Law(delay.reshape(N_RUNS, N_NODES), lost / owed, n_late)
