"""What the policy looks at: one customer at one date (`Case`), and what its conduct shows (`Signs`)."""

from dataclasses import dataclass
from decimal import Decimal

ZERO = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class Signs:
    """What the ledger shows of a customer beside its probability, read from the features of the same date; null is "not known".

    on_time_share: share of a year's invoices paid no more than a week late. altman_z2: Altman's Z''. rating_notch: 1 (best) to 22
    (default) of the external rating in force. order_jump: last month's purchases per usual month. utilisation: open balance per
    granted limit. overdue_share: share of the open balance more than 30 days overdue. lateness_change: days that money came later
    in 90 days than over the year. dispute_rate: share of the invoices of 90 days that were contested. discount_change: discount
    taken in 90 days less that of the year, as a share of billing. statement_age_days: since the end of the accounts' fiscal year.
    """

    on_time_share: Decimal | None = None
    altman_z2: Decimal | None = None
    rating_notch: Decimal | None = None
    order_jump: Decimal | None = None
    utilisation: Decimal | None = None
    overdue_share: Decimal | None = None
    lateness_change: Decimal | None = None
    dispute_rate: Decimal | None = None
    discount_change: Decimal | None = None
    statement_age_days: Decimal | None = None


NO_SIGNS = Signs()


@dataclass(frozen=True, kw_only=True)
class Case:
    """One customer at one date, as the policy sees it. Money is in `currency`, the reporting currency; null is "not known".

    pd, grade: the mean probability of paying materially late and its grade; null where the model does not speak (no history).
    pd_high, grade_high: the same at the upper end of the probability's interval.
    horizon_days: the horizon of these probabilities. in_default: observed, not predicted; it overrides every probability.
    monthly_purchases: mean monthly billing, or what an applicant expects to buy. peak_monthly_purchases: a year's largest month.
    days_late_p80: lateness that four of five invoices stay below. tangible_net_worth: equity less intangibles, may be negative.
    insured_amount, insured_share: credit insurance in force and the share of a loss it pays, 0 to 1.
    insurer_days, insurer: the longest terms on which that insurance covers a delivery, by the register, and who says so.
    receivables_others: what all other corporate families owe. family_exposure: what the rest of this customer's own family owes.
    annual_sales: the seller's own sales of the last twelve months. manual_cap: a cap a person set.
    statutory_days, statutory_rule, statutory_source: the longest lawful term for this buyer on that day, the line of the statutes
    that says so, and its act, article and first day; null where no line covers the buyer.
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
    signs: Signs = NO_SIGNS
    statutory_days: int | None = None
    statutory_rule: str | None = None
    statutory_source: str | None = None
    insurer_days: int | None = None
    insurer: str | None = None
