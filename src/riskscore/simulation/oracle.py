"""The oracle: the exact chance that an invoice is late, to one who knows everything hidden and to one who sees what is public.

*Latent* knows the customer's payment run, quality and regime of the day; what it cannot say is chance itself. *Filtered* is the
Bayes limit: the best forecast anybody can make from what was published. No model that learns from the books can beat it but by
luck; one that does beyond noise has seen the future.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from riskscore.simulation import arrow
from riskscore.simulation.calendars import N_RUN_CLASSES
from riskscore.simulation.filtering import beliefs, state_factors
from riskscore.simulation.payments import NEVER
from riskscore.simulation.randomness import Floats, Ints
from riskscore.simulation.survival import Cases, Economy, economies, unpaid_probability
from riskscore.simulation.world import World

LATENESS = (0, 15, 30, 45, 60)
BATCH = 20_000
NEGLIGIBLE = 1e-6
"""A payment run kind less likely than this is left out of a forecast."""


@dataclass(frozen=True)
class InvoiceOdds:
    """Chances by invoice and k of being unpaid more than k days after the rolled due date, and what came of it.

    invoice: index into the truth's billing; today: day of the forecast. `realised` is 1 late, 0 not late, NaN where the window
    ends before the k days are over, for all invoices alike: early payers do not count before their peers can.
    """

    lateness: tuple[int, ...]
    invoice: Ints
    today: Ints
    latent: Floats
    filtered: Floats
    realised: Floats

    def table(self, world: World) -> pa.Table:
        """invoice_id, customer_id, as_of, and for each k latent_k, filtered_k, realised_k."""
        books = world.tables["invoices"]
        columns = {
            "invoice_id": books["invoice_id"].take(pa.array(self.invoice)),
            "customer_id": books["customer_id"].take(pa.array(self.invoice)),
            "as_of": arrow.dates(self.today + world.truth.calendar.day_zero),
        }
        for column, k in enumerate(self.lateness):
            columns[f"latent_{k}"] = pa.array(self.latent[:, column])
            columns[f"filtered_{k}"] = pa.array(self.filtered[:, column])
            columns[f"realised_{k}"] = pa.array(self.realised[:, column] == 1, mask=np.isnan(self.realised[:, column]))
        return pa.table(columns)


def odds_at_issue(world: World, *, lateness: tuple[int, ...] = LATENESS, economy: Economy = "mean") -> InvoiceOdds:
    """The chance of each invoice at the end of the day on which it was issued."""
    billing = world.truth.billing
    return _odds(world, np.arange(len(billing)), billing.issued, lateness, economy)


def odds_when_open(world: World, as_of: date, *, lateness: tuple[int, ...] = LATENESS, economy: Economy = "mean") -> InvoiceOdds:
    """The chance of each invoice that is open at the end of a day, given that it is."""
    truth = world.truth
    day = (as_of - world.start_on).days
    written_off = truth.announced_day[truth.billing.customer] <= day
    invoice = np.flatnonzero((truth.billing.issued <= day) & (truth.payments.paid > day) & ~written_off)
    return _odds(world, invoice, np.full(len(invoice), day), lateness, economy)


def _odds(world: World, invoice: Ints, today: Ints, lateness: tuple[int, ...], economy: Economy) -> InvoiceOdds:
    latent = np.empty((len(invoice), len(lateness)))
    filtered = np.empty_like(latent)
    for rows, weights in _batches(world, invoice, today):
        chosen, day = invoice[rows], today[rows]
        cases = _cases(world, chosen, day)
        month = int(world.truth.calendar.month_of[day[0]])
        latent[rows] = filtered[rows] = 0.0
        seen = world.truth.macro if economy == "realised" else world.truth.macro[: month + 1]
        for macro, share in economies(world.preset, seen, len(world.truth.calendar.month_starts) - 1, economy):
            filtered[rows] += share * _filtered(world, cases, weights, lateness, macro)
            latent[rows] += share * _latent(world, chosen, cases, month, lateness, macro)
    return InvoiceOdds(lateness, invoice, today, latent, filtered, _realised(world, invoice, lateness))


def _batches(world: World, invoice: Ints, today: Ints) -> Iterator[tuple[Ints, Floats]]:
    """Rows whose forecast day lies in one month, with the belief of their day about their customer."""
    order = np.argsort(today, kind="stable")
    days, first = np.unique(today[order], return_index=True)
    groups = dict(zip(days.tolist(), np.split(order, first[1:]), strict=True)) if len(order) else {}
    rows: list[Ints] = []
    weights: list[Floats] = []
    month = -1
    for belief in beliefs(world, groups):
        mine = groups[belief.day]
        now = int(world.truth.calendar.month_of[belief.day])
        if rows and (now != month or sum(map(len, rows)) > BATCH):
            yield np.concatenate(rows), np.concatenate(weights)
            rows, weights = [], []
        month = now
        customers, back = np.unique(world.truth.billing.customer[invoice[mine]], return_inverse=True)
        rows.append(mine)
        weights.append(belief.of(customers)[back])
    if rows:
        yield np.concatenate(rows), np.concatenate(weights)


def _cases(world: World, invoice: Ints, today: Ints) -> Cases:
    truth = world.truth
    return Cases(
        today=today,
        country=truth.people.country[truth.billing.customer[invoice]],
        issued=truth.billing.issued[invoice],
        rolled_due=truth.billing.rolled_due[invoice],
        amount_logit=world.preset.amount_hazard * truth.billing.z_amount[invoice],
        contested=truth.payments.disputed[invoice] <= today,
        steady=truth.people.steady[truth.billing.customer[invoice]],
    )


def _filtered(world: World, cases: Cases, weights: Floats, lateness: tuple[int, ...], macro: Floats) -> Floats:
    factors = state_factors(world.preset)
    total = np.zeros((len(cases), len(lateness)))
    for kind in range(N_RUN_CLASSES):
        rows = np.flatnonzero(weights[:, kind].sum(axis=(1, 2)) > NEGLIGIBLE)
        if len(rows):
            total[rows] += unpaid_probability(
                world.preset,
                world.truth.calendar,
                cases.take(rows),
                kind,
                weights[rows, kind],
                factors[kind][None],
                lateness,
                macro,
            )
    return total


def _latent(world: World, invoice: Ints, cases: Cases, month: int, lateness: tuple[int, ...], macro: Floats) -> Floats:
    truth = world.truth
    customer = truth.billing.customer[invoice]
    kind = truth.people.run_kind[customer]
    node = truth.people.quality_node[customer]
    weights = np.zeros((len(cases), 1, 4))
    weights[np.arange(len(cases)), 0, truth.regimes[customer, month]] = 1.0
    factors = state_factors(world.preset)[kind, node][:, None, :]
    return unpaid_probability(world.preset, truth.calendar, cases, kind, weights, factors, lateness, macro)


def _realised(world: World, invoice: Ints, lateness: tuple[int, ...]) -> Floats:
    truth = world.truth
    ends = truth.billing.rolled_due[invoice][:, None] + np.asarray(lateness)
    late = np.minimum(truth.payments.paid[invoice], NEVER)[:, None] > ends
    return np.where(ends < truth.calendar.n_days, late.astype(np.float64), np.nan)
