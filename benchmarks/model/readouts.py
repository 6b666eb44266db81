"""Read-outs of the hazard out of time: do pay-date intervals and weekly ranges of cash hold four in five, in each currency?

One hazard is learned on what was known nine months before the end of a simulated book, and asked at every month end after that
about all invoices open then. Real is the day on which the invoice was settled, in its own currency, as the book knows it at the
end. A pay-date interval counts once it is over, whether the invoice was paid or not; a week counts where at least
`FEWEST_OPEN` invoices of the currency were open.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np

from model.invoices import customers_of, pay_date_told, shipped, where_paid
from riskscore.hazard import Hazard, cases_of
from riskscore.hazard.cash import WEEK, cash_in, paid_by_week
from riskscore.hazard.fit import fit_hazard
from riskscore.hazard.formula import Curves
from riskscore.simulation import simulate
from riskscore.snapshot import customers_known_at, month_ends, take_open_items
from riskscore.snapshot.calendar import day_number
from riskscore.stores.engines import ledger_of
from riskscore.training.fates import Fates, fates_of
from riskscore.training.gathering_invoices import catalogue_of, gather_invoices

COMMAND = "python benchmarks/bench_model.py --only readouts"
WORLDS = {"default": (7, 13), "sme": (17,)}
AFTER_DAYS, N_WEEKS, FEWEST_OPEN = 273, 8, 20


@dataclass(frozen=True)
class Asked:
    """What was said at one month end of one book, and what came of it. currencies, amounts: one entry an invoice."""

    curves: Curves
    fates: Fates
    due: Any
    currencies: Any
    amounts: Any
    customers: Any
    until: int


def rows(quick: bool) -> list[dict[str, Any]]:
    """Two rows a preset: intervals of the day of payment, and weeks of cash by currency."""
    found = []
    for preset, seeds in WORLDS.items():
        asked = [each for seed in (seeds[:1] if quick else seeds) for each in asked_at_month_ends(preset, seed, quick=quick)]
        found += [pay_dates(preset, asked), cash_by_currency(preset, asked)]
    return found


def asked_at_month_ends(preset: str, seed: int, *, quick: bool) -> list[Asked]:
    world = simulate(preset, n_customers=200 if quick else 800, n_months=24 if quick else 36, seed=seed)
    ledger, until = ledger_of(dict(world.tables), "EUR"), world.end_on
    first = until - timedelta(days=AFTER_DAYS)
    gathered = gather_invoices([ledger], shipped(), until=until, refits=(first,))
    day_before = first - timedelta(days=1)
    issued = gathered.issued_known(day_before)
    hazard = Hazard(fit_hazard(*gathered.cases_known(day_before), catalogue_of(), shipped(), issued=issued))
    said = []
    for end in month_ends(first, until - timedelta(days=1)):
        known = take_open_items(ledger, customers_known_at(ledger, end))
        cases = cases_of(ledger, known)
        fates = fates_of(known, cases, until)
        counts = fates.counts
        cases, fates = cases.take(counts), fates.take(counts)
        amounts = cases.invoices["collectable"].to_numpy().astype(np.float64) / 10_000
        currencies = np.asarray(cases.invoices["currency"].to_pylist(), dtype=object)
        curves = hazard.curves(cases)
        said.append(Asked(curves, fates, cases.column("due"), currencies, amounts, customers_of(cases), day_number(until)))
    return said


def pay_dates(preset: str, asked: list[Asked]) -> dict[str, Any]:
    """Of the invoices open at a month end, those paid between the 10 % and the 90 % day."""
    found = zip(*(where_paid(each.curves, each.fates, each.due, each.until) for each in asked), strict=True)
    mature, *placed = (np.concatenate(each) for each in found)
    return pay_date_told(f"80 % pay-date interval of open invoices, out of time, {preset}", mature, placed, COMMAND)


def cash_by_currency(preset: str, asked: list[Asked]) -> dict[str, Any]:
    """Of the weeks after a month end, those whose cash fell between P10 and P90, for every currency."""
    held: dict[str, list[Any]] = {}
    for each in asked:
        # Cases of one month end share its date; weeks that end after the book does are not over.
        n_weeks = min(N_WEEKS, int((each.until - (each.due + each.curves.age)[0]) // WEEK)) if len(each.due) else 0
        if n_weeks < 1:
            continue
        seen = each.fates.paid <= each.fates.watched
        week = np.where(seen, np.ceil((each.fates.paid - each.curves.age) / WEEK) - 1, n_weeks)
        place = np.clip(week, 0, n_weeks).astype(int)
        paid_by = paid_by_week(each.curves, n_weeks)
        for currency in sorted(set(each.currencies.tolist())):
            mine = each.currencies == currency
            if mine.sum() < FEWEST_OPEN:
                continue
            weeks = cash_in(each.amounts[mine], each.customers[mine], paid_by[mine], seed=1)
            real = np.bincount(place[mine], each.amounts[mine], minlength=n_weeks + 1)[:n_weeks]
            held.setdefault(currency, []).append(np.stack([real < weeks.p10, real > weeks.p90], axis=1))
    if not held:
        return row(f"weekly cash by currency, {preset}", "too few open invoices in every currency", "80 +- 10 %", "", False)
    by_currency = {name: np.concatenate(each) for name, each in held.items()}
    everything = np.concatenate(list(by_currency.values()))
    share = 1 - float(everything.any(axis=1).mean())
    told = "; ".join(f"{name} {1 - each.any(axis=1).mean():.0%} of {len(each)}" for name, each in by_currency.items())
    low, high = everything.mean(axis=0)
    measured = f"P10 to P90 holds {share:.0%} of {len(everything)} weeks; {low:.0%} below, {high:.0%} above; {told}"
    work = f"weekly cash by currency, out of time, {preset}"
    return row(work, measured, "80 +- 10 %", "", abs(share - 0.8) <= 0.1)


def row(work: str, measured: str, floor: str, told: str, passed: bool) -> dict[str, Any]:
    return {"work": work, "measured": measured, "floor": floor, "peers": told, "passed": bool(passed), "command": COMMAND}
