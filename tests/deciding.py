"""What tests of the deciding rooms share: the shipped policy, plain customers, and a model that can be done by hand."""

import math
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from riskscore.decisions import Provenance
from riskscore.features import CATALOGUE
from riskscore.grades import Grades
from riskscore.model import Explanation, Probability
from riskscore.policy import Case, Params, parse
from riskscore.positions import SCHEMA as POSITIONS
from riskscore.scoring import Receivables

ON = date(2026, 6, 30)
LAW = Path(__file__).resolve().parents[1] / "models" / "statutes.toml"
POLICY = Path(__file__).resolve().parents[1] / "models" / "late_payment" / "policy.toml"


@cache
def shipped() -> Params:
    """The shipped policy in force on `ON`, with the shipped law."""
    return parse(POLICY.read_text(), on=ON, law=LAW.read_text())


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


GRADES = Grades(
    horizon_days=180,
    percent_up_to=[Decimal(percent) for percent in ("0.25", "0.5", "1", "2", "4", "8", "16", "32")],
    withhold_beyond_grades=2,
)
PROVENANCE = Provenance(
    as_of=ON,
    book="b" * 64,
    model="f" * 64,
    recipe="e" * 64,
    policy=shipped().digest,
    grades=GRADES.digest,
    catalogue="c" * 64,
    code="1",
)


class LinearModel:
    """Keeps the contract of `riskscore.model.Model` with a formula that can be done by hand: weights times values, null counts 0.

    spread: half the width of the interval, in log-odds. seen_to: values beyond it were never seen in training. newcomer: speaks of
    customers without a settled invoice by the two features that are no payments, and is less sure.
    """

    digest, recipe_digest, horizon_days, trained_until = "f" * 64, "e" * 64, 180, "2026-01-01"
    base = -3.0
    level = 0.0

    def __init__(
        self, *, spread: float = 0.1, base: float = -3.0, seen_to: float = 500.0, only: tuple[str, ...] | None = None
    ) -> None:
        self.base, self.spread, self.seen_to = base, spread, seen_to
        if only is None:
            self.newcomer = LinearModel(spread=2 * spread, base=base, seen_to=seen_to, only=("current_ratio", "industry"))
        weights = {
            "days_beyond_terms_90d": 0.05,
            "late_share_30_365d": 2.0,
            "month_end_share_365d": 0.5,
            "overdue_share": 1.0,
            "current_ratio": -0.2,
            "industry": 0.3,
        }
        self.weights = weights if only is None else {name: weights[name] for name in only}
        self.feature_names = tuple(self.weights)
        self.typical = {
            "days_beyond_terms_90d": 5.0,
            "late_share_30_365d": 0.05,
            "month_end_share_365d": 0.1,
            "overdue_share": 0.1,
            "current_ratio": 1.4,
            "industry": "C10",
        }

    def explain(self, frame: pa.Table) -> Explanation:
        contributions = np.zeros((frame.num_rows, len(self.weights)))
        for place, (name, weight) in enumerate(self.weights.items()):
            values = frame[name].to_pylist()
            if name == "industry":
                contributions[:, place] = [weight if value == "F41" else 0.0 for value in values]
            else:
                contributions[:, place] = [0.0 if value is None else weight * value for value in values]
        log_odds = np.array([self.base + math.fsum(row) for row in contributions.tolist()])
        return Explanation(self.base, self.feature_names, contributions, log_odds)

    def probability(self, log_odds: np.ndarray) -> Probability:
        low, middle, high = (
            np.array([1 / (1 + math.exp(-value - shift)) for value in log_odds]) for shift in (-self.spread, 0.0, self.spread)
        )
        return Probability(middle, low, high)

    def trained_rows(self) -> pa.Table:
        return features_of(*(f"t{number}" for number in range(200)), **GOOD)

    def unfamiliar(self, frame: pa.Table) -> list[tuple[str, ...]]:
        return [
            tuple(name for name in self.weights if isinstance(row[name], float) and row[name] > self.seen_to)
            for row in frame.select(self.feature_names).to_pylist()
        ]


def features_of(*customers: str, **values: Any) -> pa.Table:
    """A frame of every feature of the catalogue: null but for what is said, the same for all customers."""
    columns: dict[str, pa.Array] = {"customer_id": pa.array(customers, pa.string()), "as_of": pa.array([ON] * len(customers))}
    for name, feature in CATALOGUE.items():
        kind = pa.float64() if feature.kind == "number" else pa.string()
        columns[name] = pa.array([values.get(name)] * len(customers), kind)
    return pa.table(columns)


GOOD = {
    "days_beyond_terms_90d": 2.0,
    "late_share_30_365d": 0.0,
    "month_end_share_365d": 0.2,
    "overdue_share": 0.0,
    "current_ratio": 2.0,
    "industry": "C10",
}
"""What the linear model reads of a customer who pays."""


def positions_of(*customers: str, **facts: Any) -> pa.Table:
    """Positions of customers who bought for a year and paid forty invoices, but for what is said."""
    plain: dict[str, Any] = {
        "as_of": ON,
        "name": "Acme GmbH",
        "legal_form": "GmbH",
        "is_natural_person": False,
        "currency": "EUR",
        "exposure": Decimal("120000.00"),
        "overdue": Decimal("0.00"),
        "not_due": Decimal("120000.00"),
        "oldest_days_past_due": 0,
        "in_default": False,
        "limit_now": Decimal("200000.00"),
        "terms_now": 30,
        "monthly_purchases": Decimal("100000.00"),
        "peak_monthly_purchases": Decimal("120000.00"),
        "days_late_p80": 4.5,
        "typical_terms_days": 30.0,
        "insured_amount": Decimal("0.00"),
        "guarantee_amount": Decimal("0.00"),
        "collateral_amount": Decimal("0.00"),
        "deposit_amount": Decimal("0.00"),
        "tenure_days": 800,
        "n_paid_invoices": 40,
        "data_depth": "B",
    }
    rows = [{**plain, "customer_id": customer, "family_id": customer, **facts} for customer in customers]
    columns = {name: pa.array([row.get(name) for row in rows], kind) for name, kind in POSITIONS.items()}
    return pa.table(columns)


RECEIVABLES = Receivables(Decimal(50_000_000), {}, {}, Decimal(300_000_000))
"""A book in which nobody is large."""
