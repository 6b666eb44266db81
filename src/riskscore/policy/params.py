"""The policy in force on a day: one attribute per number."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from riskscore.policy.parameters import PARAMETERS
from riskscore.policy.recommendation import Terms
from riskscore.policy.values import SHARE_OF_SALES, Amount, Shares, Steps, Value
from riskscore.statutes import Statutes, Supplier


@dataclass(frozen=True, kw_only=True)
class Params:
    """The policy in force on a day; each attribute is the parameter of that key. None: no value in force, the rule is off.

    digest: SHA-256 of the text it was read from. sources: key to who signed the number. manual_caps: customer to amount.
    statutes, statutes_digest: the law it was read with, and the SHA-256 of that text; null where none was given: no term is
    then capped by law.
    """

    need_assumed_terms: int
    need_days_late: int
    need_peak_factor: Decimal
    profit_margin: Decimal
    profit_capital_cost: Decimal
    profit_drawn_before_default: Decimal
    profit_least_spread: Decimal
    loss_given_default: Decimal
    loss_given_lateness: Decimal | None
    loss_budget: Amount
    grade_multiple: tuple[Decimal, ...]
    grade_upgrade_margin: Decimal | None
    dimension_accounts: Steps | None
    dimension_rating: Steps | None
    dimension_on_time: Steps | None
    capacity_net_worth_share: Decimal
    new_customer_volume_share: Decimal
    new_customer_base: str
    new_customer_review_after: int
    new_customer_paid_invoices: int
    new_customer_terms: int
    concentration_single_buyer: Decimal
    ceiling_by_sales: Amount
    ceiling_hard: Amount | None
    abnormal_order_jump: Decimal | None
    abnormal_utilisation: Decimal | None
    abnormal_overdue_share: Decimal | None
    abnormal_lateness_change: Decimal | None
    abnormal_dispute_rate: Decimal | None
    abnormal_discount_drop: Decimal | None
    abnormal_statement_age: int | None
    abnormal_rating_notch: int | None
    abnormal_multiple: Steps | None
    insurance_uninsured_appetite: Amount | None
    insurance_premium: Decimal
    insurance_longest_terms: int | None
    security_collateral_haircut: Decimal
    security_guarantee_haircut: Decimal
    security_deposit_haircut: Decimal
    security_required_from_grade: int
    terms_ladder: tuple[Terms, ...]
    terms_secured: int
    terms_volume_shares: Shares
    terms_discount_taken: Decimal
    terms_cash_on_delivery_cost: Decimal
    terms_guarantee_fee: Decimal
    statute_supplier_size: Supplier
    statute_public_forms: tuple[str, ...]
    statute_large_revenue: Amount | None
    limit_basis: str
    limit_digits: int
    review_low_months: int
    review_medium_months: int
    review_high_months: int
    review_low_up_to: int
    review_medium_up_to: int
    cut_grace: int
    cut_no_grace_from_grade: int
    order_horizon: int | None
    order_warn_share: Decimal | None
    order_de_minimis: Amount | None
    order_review_overdue: int | None
    referral_missing_share: Decimal
    reasons_adverse: int
    run_not_scored_share: Decimal
    digest: str
    sources: Mapping[str, str]
    manual_caps: Mapping[str, Amount]
    statutes: Statutes | None = None
    statutes_digest: str | None = None

    def value(self, key: str) -> Value:
        """The value in force of the parameter with that key."""
        result: Value = getattr(self, PARAMETERS[key].field)
        return result

    @property
    def loss_of_late(self) -> Decimal:
        """The share of exposure lost where the probability comes true: given lateness, or given default where that is not signed.

        The probability is of paying materially late, and most of those who do pay in the end.
        """
        return self.loss_given_default if self.loss_given_lateness is None else self.loss_given_lateness

    @property
    def currencies(self) -> frozenset[str]:
        """The currencies its amounts are in. A book that reports in another one cannot be decided by this policy."""
        amounts = [*self.manual_caps.values(), *(value for key in PARAMETERS if isinstance(value := self.value(key), Amount))]
        return frozenset(amount.unit for amount in amounts if amount.unit != SHARE_OF_SALES)
