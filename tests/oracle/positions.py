"""A position, read off its description: sums, maxima and a ladder of ifs."""

import math
import re
import statistics
from decimal import Decimal

from oracle.known import Item, Known, cents_of, line
from oracle.words import billed, bills, concluded, four_in_five, tenure


def units(cents: int | None) -> Decimal | None:
    return None if cents is None else Decimal(cents) / 100


def overdue(known: Known) -> list[Item]:
    return [item for item in known.items if item.open > 0 and item.age > 0]


def in_default(known: Known, days: int = 60, amount: Decimal = Decimal(500), share: Decimal = Decimal("0.01")) -> bool:
    threshold = max(amount, share * units(billed(known, 365)))
    late = any(item.age > days and item.collectable > 0 and units(item.collectable) >= threshold for item in known.items)
    lost = any(
        item.bills and item.written_off > 0 and item.written_off_age < 365 and item.written_off * 10 >= item.billed
        for item in known.items
    )
    return late or lost


def depth(known: Known) -> str:
    paid = [item for item in known.items if item.settled]
    some = len(paid) >= 3
    year = some and max(item.paid_age for item in paid) >= 365
    age = None if known.statement is None else (known.as_of - known.statement["period_end"]).days
    fresh = age is not None and age <= 548
    if year:
        return "A" if fresh else "B"
    if some:
        return "C" if fresh else "D"
    if known.statement is not None or known.rating is not None:
        return "E"
    return "F" if bills(known) else "G"


def terms(known: Known) -> int | None:
    code = None if known.limit is None else known.limit["terms"]
    if code is None:
        return None
    digits = re.findall(r"\d+", code)
    return max(map(int, digits)) if digits else 0 if code in {"prepayment", "cash"} else None


def position(known: Known, currency: str) -> dict:
    """Every column of a position but the customer and the date."""
    exposure = sum(item.open for item in known.items)
    late = sum(item.open for item in overdue(known))
    days = max(min(tenure(known) or 0, 365), 30)
    year = [item for item in known.items if item.settled and item.paid_age < 365]
    sold = [item.terms for item in known.items if item.sale and item.issued < 365]
    oldest = [item.age for item in overdue(known) if item.unpaid > 0 and item.collectable > 0]
    months = [sum(item.billed for item in bills(known) if item.issued // 30 == n) for n in range(12)]
    equity = line(known.statement, "equity")
    worth = None
    if equity is not None and known.statement_rate is not None:
        worth = cents_of(equity - (line(known.statement, "intangibles") or 0), known.statement_rate)
    insured = known.securities.get("insurance", 0)
    shortest = min(known.covered_terms, key=lambda one: (one[0], one[1] is None, one[1] or ""), default=(None, None))
    return {
        "name": known.master.get("name"),
        "legal_form": known.master.get("legal_form"),
        "is_natural_person": known.master.get("is_natural_person"),
        "family_id": known.family,
        "industry": known.master.get("industry"),
        "country": known.master.get("country"),
        "currency": currency,
        "exposure": units(exposure),
        "overdue": units(late),
        "not_due": units(exposure - late),
        "oldest_days_past_due": max(oldest, default=0),
        "in_default": in_default(known),
        "limit_now": units(known.limit_cents),
        "terms_now": terms(known),
        "monthly_purchases": units(math.floor(billed(known, 365) * 30 / days + 0.5)) if bills(known) else None,
        "peak_monthly_purchases": units(max(months)) if bills(known) else None,
        "days_late_p80": float(four_in_five([item.days_late for item in concluded(known, 365)])) if year else None,
        "typical_terms_days": float(statistics.median(sold)) if sold else None,
        "tangible_net_worth": units(worth),
        "statement_age_days": None if known.statement is None else (known.as_of - known.statement["period_end"]).days,
        "insured_amount": units(insured),
        "insured_share": known.covered / insured if insured > 0 else None,
        "insurer_days": shortest[0],
        "insurer": shortest[1],
        "guarantee_amount": units(known.securities.get("guarantee", 0)),
        "collateral_amount": units(known.securities.get("collateral", 0)),
        "deposit_amount": units(known.securities.get("deposit", 0)),
        "tenure_days": tenure(known),
        "n_paid_invoices": sum(1 for item in known.items if item.settled),
        "rating": None if known.rating is None else known.rating["rating"],
        "data_depth": depth(known),
    }
