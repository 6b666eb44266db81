"""What stands in the file beside invoices and accounts: customers, ratings, limits, securities and exchange rates."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from riskscore.simulation import arrow
from riskscore.simulation.calendars import Calendar
from riskscore.simulation.economy import Regimes
from riskscore.simulation.names import EUR_RATES, INDUSTRIES
from riskscore.simulation.population import Population
from riskscore.simulation.presets import RATING_LETTERS, Preset
from riskscore.simulation.randomness import Floats, Ints, normals, uniforms

AGENCY = "Kestrel"
INSURERS: tuple[tuple[str, dict[str, int]], ...] = (
    (
        "Meridian",
        {
            "deductible": 500, "waiting_days": 90, "notice_days": 60, "hand_over_days": 90, "max_extension_days": 60,
            "longest_terms_days": 90,
        },
    ),
    (
        "Harbour",
        {
            "deductible": 1000, "waiting_days": 60, "notice_days": 30, "hand_over_days": 60, "max_extension_days": 30,
            "longest_terms_days": 60,
        },
    ),
)  # fmt: skip
"""Invented insurers, and what their policies agree."""

RATE_MONTHS_BEFORE = 13
"""Months before the window in which exchange rates are on file: the limits of old customers were last set in the year before."""
RATING_BOUNDS = (-2.2, -1.5, -0.8, -0.1, 0.6, 1.3, 2.0)
"""Where the agency's letters change on its own scale, worst first."""


@dataclass(frozen=True)
class Ratings:
    """One entry per rating, by month, then customer: whose, in which month, on which day, which letter (0 is worst)."""

    customer: Ints
    month: Ints
    day: Ints
    letter: Ints


def opened_day(people: Population, calendar: Calendar) -> Ints:
    """The day each account was opened, as a calendar index; negative for those who were customers before the window."""
    first = calendar.month_starts[people.joined_month]
    return np.where(people.joined_month > 0, first, -np.rint(people.years_before * 365).astype(np.int64))


def rate_customers(preset: Preset, people: Population, calendar: Calendar, regimes: Regimes, seed: int) -> Ratings:
    """A rating on joining and on the first day of every quarter: .6 b - .6 sev(R) + N(0, .9), shown as a letter."""
    months = np.arange(calendar.n_months)
    quarterly = calendar.calendar_month[: calendar.n_months] % 3 == 0
    due = (quarterly[None, :] & (months[None, :] >= people.joined_month[:, None])) | (
        months[None, :] == people.joined_month[:, None]
    )
    due &= people.rated[:, None]
    month, customer = np.nonzero(due.T)
    regime = regimes[customer, month]
    noise = preset.rating_noise * normals(seed, "rating", customer, month)
    value = expected_rating(preset, preset.quality_nodes[people.quality_node[customer]], np.asarray(preset.severity)[regime])
    letter = np.searchsorted(RATING_BOUNDS, value + noise, side="right")
    return Ratings(customer=customer, month=month, day=calendar.month_starts[month], letter=letter.astype(np.int64))


def expected_rating(preset: Preset, quality: Floats, severity: Floats) -> Floats:
    """Mean of the agency's own scale given quality and severity."""
    return np.asarray(preset.rating_quality * quality - preset.rating_severity * severity)


def rating_table(people: Population, calendar: Calendar, ratings: Ratings) -> pa.Table:
    """The canonical ratings; a letter is good for a year."""
    day = ratings.day + calendar.day_zero
    return arrow.canonical(
        "ratings",
        {
            "customer_id": arrow.texts(people.customer_id, ratings.customer),
            "agency": [AGENCY] * len(day),
            "rating": arrow.texts(RATING_LETTERS, ratings.letter),
            "rated_on": arrow.dates(day),
            "valid_until": arrow.dates(day + 365),
            "known_on": arrow.dates(day),
        },
    )


def customer_table(people: Population, calendar: Calendar, countries: tuple[str, ...]) -> pa.Table:
    """The canonical customers; one that was bought during the window has a second row from that day."""
    who = np.arange(len(people))
    bought = np.flatnonzero(people.parent_since_month >= 0)
    row = np.concatenate([who, bought])
    second = np.arange(len(row)) >= len(who)
    opened = opened_day(people, calendar) + calendar.day_zero
    bought_on = calendar.month_starts[np.maximum(people.parent_since_month, people.joined_month)] + calendar.day_zero
    orphaned = (people.parent[row] < 0) | ((people.parent_since_month[row] >= 0) & ~second)
    columns = {
        "customer_id": arrow.texts(people.customer_id, row),
        "name": arrow.texts(people.name, row),
        "legal_form": arrow.texts(people.legal_form, row),
        "is_natural_person": pa.array(people.is_natural_person[row]),
        "parent_id": arrow.texts(people.customer_id, np.maximum(people.parent[row], 0), orphaned),
        "industry": arrow.texts([code for code, _, _ in INDUSTRIES], people.industry[row]),
        "country": arrow.texts(countries, people.country[row]),
        "onboarded_on": arrow.dates(opened[row]),
        "known_on": arrow.dates(np.where(second, np.maximum(bought_on[row], opened[row] + 1), opened[row])),
    }
    return arrow.canonical("customers", columns, np.lexsort((second, row)))


def rates_by_month(calendar: Calendar, seed: int) -> dict[str, Floats]:
    """Euro for one unit of each currency: a random walk by month that begins `RATE_MONTHS_BEFORE` the window."""
    months = np.arange(RATE_MONTHS_BEFORE + calendar.n_months)
    paths = {}
    for number, (code, start) in enumerate(EUR_RATES.items()):
        steps = 0.015 * normals(seed, "exchange rate", number, months)
        paths[code] = np.round(start * np.exp(np.cumsum(steps)), 6) if code != "EUR" else np.ones(len(months))
    return paths


def rate_table(calendar: Calendar, rates: dict[str, Floats]) -> pa.Table:
    """The canonical rates: one fixing a month, on its first day."""
    first = calendar.start_on.year * 12 + calendar.start_on.month - 1 - RATE_MONTHS_BEFORE
    fixed = [date((first + k) // 12, (first + k) % 12 + 1, 1) for k in range(RATE_MONTHS_BEFORE + calendar.n_months)]
    tables = [
        arrow.canonical(
            "rates",
            {"currency": [code] * len(fixed), "to_currency": ["EUR"] * len(fixed), "rate": rates[code], "rated_on": fixed},
        )
        for code in rates
        if code != "EUR"
    ]
    return pa.concat_tables(tables)


def limit_table(preset: Preset, people: Population, calendar: Calendar, ratings: Ratings, seed: int) -> pa.Table:
    """The canonical limits: granted on opening the account or in the year before the window, reviewed in January by the letter.

    The rule imitates a sales-led credit department: need times a generous, noisy multiple of the letter.
    """
    january = (calendar.calendar_month[ratings.month] == 0) & (ratings.month > people.joined_month[ratings.customer])
    who = np.arange(len(people))
    first_letter = np.full(len(people), 3)
    joining = ratings.month == people.joined_month[ratings.customer]
    first_letter[ratings.customer[joining]] = ratings.letter[joining]
    customer = np.concatenate([who, ratings.customer[january]])
    letter = np.concatenate([first_letter, ratings.letter[january]])
    last_review = np.maximum(opened_day(people, calendar), -1 - (uniforms(seed, "last review", who) * 365).astype(np.int64))
    day = np.concatenate([last_review, ratings.day[january]])
    need = people.volume * preset.expected_amount(people.size) * (people.terms_days + 20) / 30
    multiple = np.exp(0.1 * (letter - 3) + 0.5 + 0.4 * normals(seed, "limit", customer, day))
    euro = np.array([EUR_RATES[code] for code in people.currency])[customer]
    amount = np.maximum(np.rint(need[customer] * multiple / euro / 1000), 1).astype(np.int64) * 1000
    terms = [str(days) for days in preset.terms_days]
    columns = {
        "customer_id": arrow.texts(people.customer_id, customer),
        "amount": arrow.money(amount * 100),
        "currency": arrow.texts(people.currency, customer),
        "terms": arrow.texts(terms, np.searchsorted(preset.terms_days, people.terms_days[customer])),
        "granted_on": arrow.dates(day + calendar.day_zero),
        "known_on": arrow.dates(day + calendar.day_zero),
    }
    return arrow.canonical("limits", columns, np.lexsort((customer, day)))


def security_table(preset: Preset, people: Population, calendar: Calendar, seed: int) -> pa.Table:
    """The canonical securities: credit insurance for some, and now and then a guarantee, a collateral or a deposit."""
    who = np.arange(len(people))
    need = people.volume * preset.expected_amount(people.size) * (people.terms_days + 20) / 30
    kinds = (
        ("insurance", preset.insured_share, 1.2),
        ("guarantee", 0.05, 0.8),
        ("collateral", 0.03, 0.6),
        ("deposit", 0.03, 0.3),
    )
    opened = opened_day(people, calendar)
    tables = []
    for kind, share, size in kinds:
        has = np.flatnonzero(uniforms(seed, kind, who) < share)
        level = size * need[has] * np.exp(0.3 * normals(seed, f"{kind} amount", has))
        amount = np.maximum(np.rint(level / 1000), 1).astype(np.int64) * 1000
        start = opened[has] + calendar.day_zero
        ends = uniforms(seed, f"{kind} ends", has) < 0.3
        columns = {
            "customer_id": arrow.texts(people.customer_id, has),
            "kind": [kind] * len(has),
            "amount": arrow.money(amount * 100),
            "currency": ["EUR"] * len(has),
            "valid_from": arrow.dates(start),
            "valid_until": arrow.dates(np.maximum(start, calendar.day_zero) + 540, ~ends),
            "known_on": arrow.dates(start),
        }
        tables.append(arrow.canonical("securities", columns | (_insured(has, seed) if kind == "insurance" else {})))
    return pa.concat_tables(tables)


def _insured(has: Ints, seed: int) -> dict[str, Any]:
    """What the policies of an insurer agree: nine tenths, and the same dates in each of its policies."""
    insurer = (uniforms(seed, "insurer", has) * len(INSURERS)).astype(np.int64)
    agreed = {name: np.array([terms[name] for _, terms in INSURERS])[insurer] for name in INSURERS[0][1]}
    return {
        "cover_share": [0.9] * len(has),
        "provider": arrow.texts([name for name, _ in INSURERS], insurer),
        "deductible": arrow.money(agreed.pop("deductible").astype(np.int64) * 100),
        **{name: days.astype(np.float64) for name, days in agreed.items()},
    }
