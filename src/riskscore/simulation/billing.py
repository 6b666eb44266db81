"""What is billed: how many invoices each customer gets in a month, on which days, for how much, due when."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import poisson

from riskscore.simulation.calendars import Calendar
from riskscore.simulation.population import Population
from riskscore.simulation.presets import Preset
from riskscore.simulation.randomness import Floats, Ints, normals, uniforms


@dataclass(frozen=True)
class Billing:
    """One entry per invoice in every array, ordered by day of issue, then customer. Days are indices of the calendar."""

    customer: Ints
    serial: Ints
    """Counts a customer's invoices from zero: with the customer it names the invoice's random numbers."""
    issued: Ints
    due: Ints
    """Contractual due day; may be closed."""
    rolled_due: Ints
    """The due day rolled to the next business day of the customer's country: lateness counts from here."""
    z_amount: Floats
    """The amount's place in the preset's amount law: standard normal."""
    amount: Floats
    """Reporting currency, not yet rounded."""

    def __len__(self) -> int:
        return len(self.customer)


def bill(preset: Preset, people: Population, calendar: Calendar, announced: Ints, seed: int) -> Billing:
    """Draw every invoice of the window. Orders do not depend on how a customer fares until its insolvency is public."""
    who, months = np.arange(len(people)), np.arange(calendar.n_months)
    draws = uniforms(seed, "orders", who[:, None], months[None, :])
    counts = np.asarray(poisson.ppf(draws, people.volume[:, None]), dtype=np.int64)
    active = (months[None, :] >= people.joined_month[:, None]) & (months[None, :] <= announced[:, None])
    counts = np.where(active, counts, 0)
    customer = np.repeat(who, counts.sum(axis=1))
    month = np.repeat(np.broadcast_to(months, counts.shape).ravel(), counts.ravel())
    serial = np.arange(len(customer)) - np.repeat(np.cumsum(counts.sum(axis=1)) - counts.sum(axis=1), counts.sum(axis=1))
    issued = _issue_days(people, calendar, customer, month, uniforms(seed, "issue day", customer, serial))
    z_amount = np.sqrt(preset.amount_customer_share) * people.size[customer] + np.sqrt(
        1 - preset.amount_customer_share
    ) * normals(seed, "amount", customer, serial)
    spread = np.where(z_amount < 0, preset.amount_log_sd_below, preset.amount_log_sd_above)
    due = issued + people.terms_days[customer]
    order = np.lexsort((serial, customer, issued))
    return Billing(
        customer=customer[order],
        serial=serial[order],
        issued=issued[order],
        due=due[order],
        rolled_due=calendar.rolled[people.country[customer], due][order],
        z_amount=z_amount[order],
        amount=np.exp(preset.amount_log_median + spread * z_amount)[order],
    )


def _issue_days(people: Population, calendar: Calendar, customer: Ints, month: Ints, uniform: Floats) -> Ints:
    """A business day of the month for each invoice, each equally likely."""
    opened = np.cumsum(calendar.business, axis=1)
    before = np.concatenate([np.zeros((len(calendar.countries), 1), dtype=np.int64), opened], axis=1)[:, calendar.month_starts]
    country = people.country[customer]
    first, last = before[country, month], before[country, month + 1]
    wanted = first + 1 + (uniform * (last - first)).astype(np.int64)
    days = np.empty(len(customer), dtype=np.int64)
    for row in range(len(calendar.countries)):
        mine = country == row
        days[mine] = np.searchsorted(opened[row], wanted[mine], side="left")
    return days
