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


def settle(
    preset: Preset, people: Population, calendar: Calendar, billing: Billing, macro: Floats, regimes: Regimes, seed: int
) -> Payments:
    """Follow every invoice from the day after issue through the run days of its customer until it is paid.

    One exponential number per invoice is drawn; the invoice is paid on the run day on which its summed -log(1 - h) reaches it.
    That is the law of a fresh draw on every run day, with one number instead of many.
    """
    thresholds = -np.log(uniforms(seed, "payment", billing.customer, billing.serial))
    steady = base_logit(preset, people, billing) + preset.quality_nodes[people.quality_node][billing.customer]
    common = month_logit(preset, calendar, macro)
    by_regime = np.asarray(preset.regime_hazard)
    by_dpd = np.asarray(preset.dpd_hazard)
    classes = run_class(people)[billing.customer]
    disputed = dispute_days(preset, billing, seed)
    paid = np.full(len(billing), NEVER, dtype=np.int64)
    summed = np.zeros(len(billing))
    bounds = np.searchsorted(billing.issued, np.arange(calendar.n_days + 1))
    open_now = np.empty(0, dtype=np.int64)
    for day in range(1, calendar.n_days):
        open_now = np.concatenate([open_now, np.arange(bounds[day - 1], bounds[day])])
        asked = open_now[calendar.runs[classes[open_now], day]]
        if not len(asked):
            continue
        month = calendar.month_of[day]
        logit = (
            steady[asked]
            + common[month]
            + by_dpd[np.searchsorted(DPD_EDGES, day - billing.rolled_due[asked], side="right")]
            + by_regime[regimes[billing.customer[asked], month]]
            + preset.dispute_hazard * (disputed[asked] <= day)
        )
        summed[asked] += np.logaddexp(0.0, logit)
        settled = asked[summed[asked] >= thresholds[asked]]
        if len(settled):
            paid[settled] = day
            open_now = open_now[paid[open_now] == NEVER]
    return Payments(paid=paid, disputed=np.where(disputed <= paid, disputed, NEVER))
