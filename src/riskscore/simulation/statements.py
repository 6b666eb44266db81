"""Annual accounts: four latent factors of a customer's condition turned into line items that balance to the unit."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from riskscore.simulation import arrow
from riskscore.simulation.calendars import Calendar
from riskscore.simulation.economy import Regimes
from riskscore.simulation.population import Population
from riskscore.simulation.presets import Preset
from riskscore.simulation.randomness import Floats, Ints, normals
from riskscore.tables import STATEMENT_ITEMS

PUBLISHED_AFTER_MONTHS = 5
DEALINGS_SHARE = 0.05
"""What a customer buys here is this share of what it sells: it places the size of its accounts beside its invoices."""


@dataclass(frozen=True)
class Statements:
    """One entry per published set of accounts, by customer, then year. Days are calendar indices, negative before the window."""

    customer: Ints
    year: Ints
    """Fiscal year; it ends on 31 December."""
    state_month: Ints
    """The month whose regime the accounts show: December, or the month of joining for accounts of the time before."""
    period_end: Ints
    published: Ints
    """31 May of the next year."""
    factors: Floats
    """(statement, factor): the latent condition the items show."""


def publish(preset: Preset, people: Population, calendar: Calendar, regimes: Regimes, seed: int) -> Statements:
    """Draw the accounts that are public by the end of the window; each customer's file begins with its last two years."""
    who = np.flatnonzero(people.publishes)
    start = np.datetime64(calendar.start_on)
    first_year = calendar.start_on.year - 2
    years = np.arange(first_year, calendar.end_on.year)
    period_end = np.array([(np.datetime64(f"{year}-12-31") - start).astype(int) for year in years], dtype=np.int64)
    published = np.array([(np.datetime64(f"{year + 1}-05-31") - start).astype(int) for year in years], dtype=np.int64)
    joined_day = calendar.month_starts[people.joined_month[who]]
    # Rows: customer by year. Of the accounts published before joining only the last two are worth asking for.
    later = (published[None, :] >= joined_day[:, None]).astype(np.int64)
    age = later.argmax(axis=1)
    age = np.where(later.any(axis=1), age, len(years))
    keep = (np.arange(len(years))[None, :] >= age[:, None] - 2) & (published[None, :] < calendar.n_days)
    row, column = np.nonzero(keep)
    customer = who[row]
    december = np.searchsorted(calendar.month_starts, period_end[column], side="right") - 1
    state_month = np.maximum(december, people.joined_month[customer])
    regime = regimes[customer, np.minimum(state_month, regimes.shape[1] - 1)]
    quality = preset.quality_nodes[people.quality_node[customer]]
    noise = normals(seed, "statement", customer[:, None], years[column][:, None], np.arange(4)[None, :])
    return Statements(
        customer=customer,
        year=years[column],
        state_month=state_month,
        period_end=period_end[column],
        published=published[column],
        factors=expected_factors(preset, quality, np.asarray(preset.severity)[regime]) + noise,
    )


def expected_factors(preset: Preset, quality: Floats, severity: Floats) -> Floats:
    """Mean of the four factors given quality and severity: Lambda b - Gamma sev(R). The last axis is the factor."""
    loading = np.asarray(quality)[..., None] * np.asarray(preset.statement_quality)
    return np.asarray(loading - np.asarray(severity)[..., None] * np.asarray(preset.statement_severity))


def statement_table(people: Population, calendar: Calendar, statements: Statements, preset: Preset, seed: int) -> pa.Table:
    """The canonical statements, in euro and whole units; total assets are equity and liabilities to the unit."""
    items = line_items(people, statements, preset, seed)
    day_zero = calendar.day_zero
    columns = {
        "customer_id": arrow.texts(people.customer_id, statements.customer),
        "period_end": arrow.dates(statements.period_end + day_zero),
        "published_on": arrow.dates(statements.published + day_zero),
        "currency": ["EUR"] * len(statements.customer),
        "known_on": arrow.dates(statements.published + day_zero),
        **{name: arrow.money(items[name] * 100) for name in STATEMENT_ITEMS},
    }
    return arrow.canonical("statements", columns)


def line_items(people: Population, statements: Statements, preset: Preset, seed: int) -> dict[str, Ints]:
    """Line items in whole euro. Each factor drives one ratio, monotonically, and other items add a firm's own habits.

    Solvency drives equity / total assets, liquidity current assets / current liabilities, profitability EBIT / revenue,
    and cash generation operating cash flow / revenue.
    """
    customer, year = statements.customer, statements.year
    solvency, liquidity, profit, cash_made = statements.factors.T

    def habit(purpose: str) -> Floats:
        return normals(seed, purpose, customer)

    def chance(purpose: str) -> Floats:
        return normals(seed, purpose, customer, year)

    bought = people.volume[customer] * 12 * preset.expected_amount(people.size[customer])
    revenue = bought / DEALINGS_SHARE * np.exp(0.5 * habit("revenue") + 0.08 * chance("revenue of the year"))
    total_assets = revenue / np.exp(0.35 + 0.35 * habit("asset turnover"))
    equity = total_assets * (0.9 - 0.58 * np.exp(-0.24 * solvency))
    liabilities = total_assets - equity
    current_ratio = np.exp(0.4 + 0.35 * liquidity)
    current_liabilities = np.minimum(
        liabilities * (0.68 + 0.08 * np.tanh(habit("short debt"))), 0.95 * total_assets / current_ratio
    )
    current_assets = current_liabilities * current_ratio
    inventory = current_assets * 0.34 * np.exp(0.3 * np.tanh(habit("inventory")))
    receivables = current_assets * 0.30 * np.exp(0.3 * np.tanh(habit("receivables")))
    cash = (current_assets - inventory - receivables) * 0.6 * np.exp(0.4 * np.tanh(chance("cash") + 0.5 * liquidity) - 0.4)
    payables = current_liabilities * (0.5 + 0.1 * np.tanh(habit("payables")))
    interest = 0.045 * (liabilities - payables) * np.exp(0.15 * chance("interest"))
    ebit = revenue * (0.05 + 0.035 * profit)
    before_tax = ebit - interest
    net_income = before_tax - 0.27 * np.maximum(before_tax, 0)
    whole = {
        "current_assets": current_assets,
        "cash": cash,
        "inventory": inventory,
        "receivables": receivables,
        "total_assets": total_assets,
        "current_liabilities": current_liabilities,
        "total_liabilities": liabilities,
        "retained_earnings": 0.55 * equity + 0.5 * net_income,
        "revenue": revenue,
        "cost_of_sales": revenue * (0.68 + 0.08 * np.tanh(habit("margin")) - 0.02 * profit),
        "ebit": ebit,
        "interest_expense": interest,
        "net_income": net_income,
        "operating_cash_flow": revenue * (0.06 + 0.04 * cash_made),
        "payables": payables,
        "intangibles": (total_assets - current_assets) * 0.12 * np.exp(0.4 * np.tanh(habit("intangibles"))),
    }
    items = {name: np.rint(value).astype(np.int64) for name, value in whole.items()}
    items["equity"] = items["total_assets"] - items["total_liabilities"]
    return items
