"""When invoices are paid: the daily hazard on payment run days, and the day on which each invoice is settled by it."""

from dataclasses import dataclass

import numpy as np

from riskscore.simulation.billing import Billing
from riskscore.simulation.calendars import N_RUN_CLASSES, Calendar
from riskscore.simulation.economy import Regimes
from riskscore.simulation.population import Population
from riskscore.simulation.presets import DPD_EDGES, Preset
from riskscore.simulation.randomness import Floats, Ints, uniforms

NEVER = np.int64(1 << 40)
"""A day that does not come."""

DISPUTE_DAYS = 10
"""A dispute is raised on one of the ten days after issue, each equally likely: always before an invoice falls due."""


@dataclass(frozen=True)
class Payments:
    """One entry per invoice: the day it is settled in truth and the day it is contested; `NEVER` where that does not come.

    Settlement is followed to the end of the window: an invoice unpaid then is censored, not lost.
    """

    paid: Ints
    disputed: Ints


def base_logit(preset: Preset, people: Population, billing: Billing) -> Floats:
    """The part of each invoice's log-odds of payment that does not change: run class and amount, without quality."""
    kind = np.where(people.run_kind == 0, 0, np.where(people.run_kind == 6, 2, 1))
    return np.asarray(preset.run_hazard)[kind][billing.customer] + preset.amount_hazard * billing.z_amount


def month_logit(preset: Preset, calendar: Calendar, macro: Floats) -> Floats:
    """What every invoice's log-odds gain in each month: the economy and the season."""
    season = np.asarray(preset.season_hazard)[calendar.calendar_month[: len(macro)]]
    return np.asarray(season - preset.macro_on_hazard * macro)


def run_class(people: Population) -> Ints:
    """The row of `Calendar.runs` each customer pays by."""
    return people.country * N_RUN_CLASSES + people.run_kind


def dispute_days(preset: Preset, billing: Billing, seed: int) -> Ints:
    """The day on which each invoice is contested, whether or not it is paid before."""
    contested = uniforms(seed, "disputed", billing.customer, billing.serial) < preset.dispute_share
    after = 1 + (uniforms(seed, "dispute day", billing.customer, billing.serial) * DISPUTE_DAYS).astype(np.int64)
    return np.where(contested, billing.issued + after, NEVER)


@dataclass(frozen=True)
class Followed:
    """Invoices to follow until they are paid, one entry each, sorted by `since`. Days are calendar indices."""

    since: Ints
    """The end of the day from which it is followed: of issue, or a later one on which it is known to be open."""
    rolled_due: Ints
    run_class: Ints
    disputed: Ints
    steady: Floats
    """The part of its log-odds of payment that does not change."""
    owner: Ints
    """The row of the fortunes it shares with the other invoices of its customer."""
    threshold: Floats
    """A standard exponential number: the summed hazard at which it is paid."""


def settle(
    preset: Preset, people: Population, calendar: Calendar, billing: Billing, macro: Floats, regimes: Regimes, seed: int
) -> Payments:
    """Follow every invoice from the day after issue through the run days of its customer until it is paid."""
    disputed = dispute_days(preset, billing, seed)
    quality = preset.quality_nodes[people.quality_node]
    followed = Followed(
        since=billing.issued,
        rolled_due=billing.rolled_due,
        run_class=run_class(people)[billing.customer],
        disputed=disputed,
        steady=base_logit(preset, people, billing) + quality[billing.customer],
        owner=billing.customer,
        threshold=-np.log(uniforms(seed, "payment", billing.customer, billing.serial)),
    )
    # Before it joins a customer has no regime and no invoices; any number will do.
    fortunes = np.asarray(preset.regime_hazard)[regimes] + month_logit(preset, calendar, macro)[None, :]
    paid = follow(preset, calendar, followed, fortunes, until=calendar.n_days)
    return Payments(paid=paid, disputed=np.where(disputed <= paid, disputed, NEVER))


def follow(preset: Preset, calendar: Calendar, followed: Followed, fortunes: Floats, *, until: int) -> Ints:
    """The day on which each invoice is paid; `NEVER` where that is not before the day `until`.

    fortunes: what regime and economy add to the log-odds, by owner and month of the calendar.
    An invoice is paid on the run day on which its summed -log(1 - h) reaches its threshold. That is the law of a fresh draw on
    every run day, with one number instead of many.
    """
    by_dpd = np.asarray(preset.dpd_hazard)
    paid = np.full(len(followed.since), NEVER, dtype=np.int64)
    summed = np.zeros(len(paid))
    if not len(paid):
        return paid
    first = int(followed.since[0])
    bounds = np.searchsorted(followed.since, np.arange(first, until + 1))
    open_now = np.empty(0, dtype=np.int64)
    for day in range(first + 1, until):
        open_now = np.concatenate([open_now, np.arange(bounds[day - 1 - first], bounds[day - first])])
        asked = open_now[calendar.runs[followed.run_class[open_now], day]]
        if not len(asked):
            continue
        logit = (
            followed.steady[asked]
            + fortunes[followed.owner[asked], calendar.month_of[day]]
            + by_dpd[np.searchsorted(DPD_EDGES, day - followed.rolled_due[asked], side="right")]
            + preset.dispute_hazard * (followed.disputed[asked] <= day)
        )
        summed[asked] += np.logaddexp(0.0, logit)
        settled = asked[summed[asked] >= followed.threshold[asked]]
        if len(settled):
            paid[settled] = day
            open_now = open_now[paid[open_now] == NEVER]
    return paid
