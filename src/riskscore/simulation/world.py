"""Simulate a world: an invented company's ledger in canonical tables, and the truth behind it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from riskscore.errors import UsageRefused
from riskscore.simulation import economy, facts
from riskscore.simulation.billing import Billing, bill
from riskscore.simulation.calendars import Calendar
from riskscore.simulation.economy import Regimes
from riskscore.simulation.observation import Bookings, observe
from riskscore.simulation.payments import NEVER, Payments, settle
from riskscore.simulation.population import Population, populate
from riskscore.simulation.presets import Preset, preset_named
from riskscore.simulation.randomness import Floats, Ints
from riskscore.simulation.statements import Statements, publish, statement_table

REPORTING_CURRENCY = "EUR"


@dataclass(frozen=True)
class Truth:
    """What only the simulator knows. Arrays are by customer, invoice (in order of the invoice table) or month."""

    people: Population
    calendar: Calendar
    billing: Billing
    payments: Payments
    macro: Floats
    regimes: Regimes
    announced: Ints
    """Month index at whose end a customer's insolvency became public; the number of months where it did not."""
    statements: Statements
    ratings: facts.Ratings
    cents: Ints
    """What each invoice was billed at, in cents of its currency."""
    bookings: Bookings
    rates: Mapping[str, Floats]
    """Reporting currency for one unit, by currency and month of file (`facts.RATE_MONTHS_BEFORE` before the window)."""

    @property
    def announced_day(self) -> Ints:
        """The calendar index of the day on which each customer's insolvency becomes public; `NEVER` where it does not."""
        ends = self.calendar.month_starts[np.minimum(self.announced + 1, self.calendar.n_months)] - 1
        return np.where(self.announced < self.calendar.n_months, ends, NEVER)


@dataclass(frozen=True)
class World:
    """An invented company's books over a window, canonical and clean, with the law and the truth that made them."""

    preset: Preset
    seed: int
    tables: Mapping[str, pa.Table]
    truth: Truth

    @property
    def start_on(self) -> date:
        """The first day of the window."""
        return self.truth.calendar.start_on

    @property
    def end_on(self) -> date:
        """The last day of the window: the day of the export."""
        return self.truth.calendar.end_on

    @property
    def digest(self) -> str:
        """A name for the content of every table: equal digests, equal books."""
        total = hashlib.sha256()
        for name, table in sorted(self.tables.items()):
            total.update(name.encode())
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table.combine_chunks())
            total.update(sink.getvalue())
        return total.hexdigest()


def simulate(preset: str | Preset, *, n_customers: int, n_months: int, seed: int, start_on: date = date(2022, 1, 1)) -> World:
    """The books of an invented company with `n_customers` over `n_months` from `start_on`, and their truth.

    The same arguments give the same bits, and a customer's own life does not depend on how many others there are.
    start_on: the first day of a month.
    Raises UsageRefused for an unknown preset, fewer than one customer or month, or a start within a month.
    """
    law = preset_named(preset) if isinstance(preset, str) else preset
    if n_customers < 1 or n_months < 1:
        raise UsageRefused(f"A world needs at least one customer and one month, not {n_customers} and {n_months}.")
    if start_on.day != 1:
        raise UsageRefused(f"A world begins on the first day of a month, not on {start_on}.")
    countries = tuple(code for code, _ in law.countries)
    calendar = Calendar(start_on, n_months, countries)
    people = populate(law, n_customers, n_months, seed)
    macro = economy.macro_path(law, n_months, seed)
    regimes = economy.regime_paths(law, macro, people.joined_month, people.steady, seed)
    announced = economy.announced_months(law, regimes, seed)
    billing = bill(law, people, calendar, announced, seed)
    payments = settle(law, people, calendar, billing, macro, regimes, seed)
    statements = publish(law, people, calendar, regimes, seed)
    ratings = facts.rate_customers(law, people, calendar, regimes, seed)
    rates = facts.rates_by_month(calendar, seed)
    observed = observe(law, people, calendar, billing, payments, announced, rates, seed)
    tables = {
        "customers": facts.customer_table(people, calendar, countries),
        "invoices": observed.invoices,
        "settlements": observed.settlements,
        "disputes": observed.disputes,
        "statements": statement_table(people, calendar, statements, law, seed),
        "ratings": facts.rating_table(people, calendar, ratings),
        "limits": facts.limit_table(law, people, calendar, ratings, seed),
        "securities": facts.security_table(law, people, calendar, seed),
        "rates": facts.rate_table(calendar, rates),
    }
    truth = Truth(
        people=people,
        calendar=calendar,
        billing=billing,
        payments=payments,
        macro=macro,
        regimes=regimes,
        announced=announced,
        statements=statements,
        ratings=ratings,
        cents=observed.cents,
        bookings=observed.bookings,
        rates=rates,
    )
    return World(preset=law, seed=seed, tables=tables, truth=truth)
