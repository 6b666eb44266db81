"""What tests of the deciding rooms share: the shipped policy, a plain customer, and a way to change one number of the policy."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from riskscore.policy import Case, Params, parse

ON = date(2026, 6, 30)
POLICY = Path(__file__).resolve().parents[1] / "models" / "late_payment" / "policy.toml"


@cache
def shipped() -> Params:
    """The shipped policy in force on `ON`."""
    return parse(POLICY.read_text(), on=ON)


def policy(**numbers: Any) -> Params:
    """The shipped policy with some numbers of its own."""
    return replace(shipped(), **numbers)


def case(**facts: Any) -> Case:
    """A good customer of two years who buys for 1.0m a month on 30 days and pays 10 days late, so that no cap but the need binds."""
    plain: dict[str, Any] = {
        "customer_id": "acme",
        "currency": "EUR",
        "pd": Decimal("0.01"),
        "pd_high": Decimal("0.01"),
        "grade": 3,
        "grade_high": 3,
        "horizon_days": 365,
        "in_default": False,
        "tenure_days": 730,
        "n_paid_invoices": 40,
        "monthly_purchases": Decimal(1_000_000),
        "days_late_p80": 10,
        "typical_terms_days": 30,
        "receivables_others": Decimal(80_000_000),
        "annual_sales": Decimal(400_000_000),
    }
    return Case(**(plain | facts))
