"""What a rule looks at (`Case`), what it answers (`Cap`), and what all of them make together (`Recommendation`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

Terms = int | Literal["prepayment", "stop"]
"""Days of credit, or none: pay before delivery, or no delivery at all."""

Fact = Decimal | int
"""What a sentence about a cap may quote."""

ZERO = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One customer at one date, as the policy sees it. Money is in `currency`, the reporting currency; null is "not known".

    pd, grade: the mean probability of paying materially late and its grade; null where the model does not speak (no history).
    pd_high, grade_high: the same at the upper end of the probability's interval.
    horizon_days: the horizon of these probabilities. in_default: observed, not predicted; it overrides every probability.
    monthly_purchases: mean monthly billing, or what an applicant expects to buy. peak_monthly_purchases: a year's largest month.
    days_late_p80: lateness that four of five invoices stay below. tangible_net_worth: equity less intangibles, may be negative.
    insured_amount, insured_share: credit insurance in force and the share of a loss it pays, 0 to 1.
    receivables_others: what all other corporate families owe. family_exposure: what the rest of this customer's own family owes.
    annual_sales: the seller's own sales of the last twelve months. manual_cap: a cap a person set.
    """

    customer_id: str
    currency: str
    pd: Decimal | None
    pd_high: Decimal | None
    grade: int | None
    grade_high: int | None
    horizon_days: int
    in_default: bool
    tenure_days: int | None
    n_paid_invoices: int
    monthly_purchases: Decimal
    peak_monthly_purchases: Decimal | None = None
    days_late_p80: int | None = None
    typical_terms_days: int | None = None
    tangible_net_worth: Decimal | None = None
    insured_amount: Decimal = ZERO
    insured_share: Decimal = ZERO
    guarantee_amount: Decimal = ZERO
    collateral_amount: Decimal = ZERO
    deposit_amount: Decimal = ZERO
    receivables_others: Decimal
    family_exposure: Decimal = ZERO
    annual_sales: Decimal
    manual_cap: Decimal | None = None


@dataclass(frozen=True)
class Cap:
    """The most one rule allows.

    rule: the id in `RULES`. amount: in the case's currency, to the cent; `security` of it is there because something stands
    behind the customer. source: who signed the number. facts: what the rule looked at, for the sentence about it.
    """

    rule: str
    amount: Decimal
    source: str
    facts: Mapping[str, Fact] = field(default_factory=lambda: MappingProxyType({}))
    security: Decimal = ZERO


@dataclass(frozen=True)
class Recommendation:
    """A limit, the terms, and the caps that made them.

    limit: what the policy recommends, the smallest of `caps` rounded down. conservative: at the upper end of the probability's
    interval; aggressive: at its mean; conservative <= aggressive. binding_cap: the rule whose cap is the smallest.
    caps: every cap that applied, in the order of `RULES`, for the basis the policy recommends by.
    terms: the longest terms to grant. security_required: credit only against a guarantee, collateral or a deposit.
    expected_profit: margin less funding and expected loss of a year at `limit`; null where no probability is known.
    """

    limit: Decimal
    conservative: Decimal
    aggressive: Decimal
    binding_cap: str
    caps: tuple[Cap, ...]
    terms: Terms
    security_required: bool
    expected_profit: Decimal | None

    @property
    def binding(self) -> Cap:
        """The cap that makes the limit."""
        return next(cap for cap in self.caps if cap.rule == self.binding_cap)


def credit_days(terms: Terms) -> int:
    """Terms as one order, from none to long: stop is -1, prepayment 0, anything else its days."""
    return {"stop": -1, "prepayment": 0}[terms] if isinstance(terms, str) else terms
