"""Every number of the policy: its key, kind, unit, range and meaning; and `Params`, the values in force on a day.

This table is the schema of `policy.toml` and the source of its reference page. Nothing else of a policy is configurable.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from riskscore.policy.case import Terms

Kind = Literal["number", "amount", "choice", "shares_by_grade", "terms_by_grade"]

N_GRADES = 10
SHARE_OF_SALES = "share of annual sales"
CURRENCY = "ISO 4217 currency"


@dataclass(frozen=True)
class Parameter:
    """One number of the policy. units: what its `unit` may say. low, high: the range, ends included. choices: for a choice.

    optional: without a value in force the rule that needs it is off. whole: only whole numbers.
    """

    key: str
    kind: Kind
    units: tuple[str, ...]
    meaning: str
    low: Decimal = Decimal(0)
    high: Decimal = Decimal(1)
    whole: bool = False
    optional: bool = False
    choices: tuple[str, ...] = ()

    @property
    def field(self) -> str:
        """The attribute of `Params` that holds its value."""
        return self.key.replace(".", "_")


@dataclass(frozen=True)
class Amount:
    """Money in a currency, or a share of the seller's own sales of the last twelve months."""

    value: Decimal
    unit: str

    def of(self, annual_sales: Decimal) -> Decimal:
        """The amount in the reporting currency. The parser's caller has checked that a currency is the reporting one."""
        return self.value * annual_sales if self.unit == SHARE_OF_SALES else self.value


def _share(key: str, meaning: str, unit: str = "share", *, high: str = "1") -> Parameter:
    return Parameter(key, "number", (unit,), meaning, high=Decimal(high))


def _days(key: str, meaning: str, *, low: int = 0, high: int, optional: bool = False) -> Parameter:
    return Parameter(key, "number", ("days",), meaning, Decimal(low), Decimal(high), whole=True, optional=optional)


def _count(key: str, meaning: str, *, unit: str, low: int, high: int) -> Parameter:
    return Parameter(key, "number", (unit,), meaning, Decimal(low), Decimal(high), whole=True)


def _amount(key: str, meaning: str, *, optional: bool = False) -> Parameter:
    return Parameter(key, "amount", (SHARE_OF_SALES, CURRENCY), meaning, high=Decimal(10) ** 14, optional=optional)


PARAMETERS: Mapping[str, Parameter] = {
    parameter.key: parameter
    for parameter in (
        _days("need.assumed_terms", "terms assumed where a customer's own are not known", high=365),
        _days("need.assumed_days_late", "lateness assumed where nothing was settled in a year", high=365),
        _days("need.days_late_counted", "lateness beyond this is no need for credit", high=365),
        Parameter(
            "need.peak_factor", "number", ("times",), "how far a peak month may raise the need", Decimal(1), Decimal(12)
        ),
        _share("profit.margin", "contribution margin on sales", "share of sales"),
        _share("profit.capital_cost", "cost of the money tied up in receivables", "share a year"),
        _share("profit.drawn_before_default", "share of the unused limit drawn before a default", "share of the unused limit"),
        Parameter(
            "profit.least_spread", "number", ("log standard deviation",),
            "the least month-to-month spread of demand that is believed", Decimal("0.01"), Decimal(3),
        ),
        _share("loss.given_default", "share of the exposure that is lost when a customer defaults", "share of exposure"),
        _amount("loss.budget", "the expected loss one customer may cost within the horizon"),
        Parameter(
            "grade.multiple", "shares_by_grade", ("share of the need",), "share of the need granted to grades 1 to 10"
        ),
        _share("capacity.net_worth_share", "the most a customer may owe", "share of tangible net worth"),
        _share("new_customer.volume_share", "the first limit", "share of monthly volume", high="12"),
        Parameter(
            "new_customer.base", "choice", ("choice",), "whose monthly volume",
            choices=("expected_customer_monthly", "seller_monthly_sales"),
        ),
        _days("new_customer.review_after", "from this day of the relationship a raise is possible", low=1, high=3650),
        _count("new_customer.paid_invoices", "never raised before so many invoices were paid", unit="invoices", low=1, high=1000),
        _days("new_customer.terms", "terms while no grade is known", high=365),
        _share("concentration.single_buyer", "one family's share of all receivables, after the change", "share of receivables",
               high="0.99"),
        _amount("ceiling.by_sales", "the most to be owed by one customer"),
        _amount("ceiling.hard", "the hard ceiling: no limit above it, whatever else holds", optional=True),
        _amount("insurance.uninsured_appetite", "exposure accepted beyond the insured limit", optional=True),
        _share("security.collateral_haircut", "share of collateral that is not believed", "share of its value"),
        _share("security.guarantee_haircut", "share of a guarantee that is not believed", "share of its value"),
        _share("security.deposit_haircut", "share of a deposit that is not believed", "share of its value"),
        _count("security.required_from_grade", "credit only against security from this grade on", unit="grade", low=2, high=10),
        Parameter("terms.ladder", "terms_by_grade", ("days, prepayment or stop",), "longest terms for grades 1 to 10"),
        _days("terms.secured", "terms within the value of security where the ladder says prepayment", high=365),
        _days("terms.statutory", "no terms longer than the law allows", high=365, optional=True),
        Parameter(
            "limit.basis", "choice", ("choice",), "which of the pair is recommended", choices=("conservative", "aggressive")
        ),
        _count("limit.digits", "a limit is rounded down to so many significant digits", unit="digits", low=1, high=6),
        _share("referral.missing_share", "refer when more of the payment features are missing", "share of payment features"),
        _count("reasons.adverse", "how many adverse reasons are given at most", unit="reasons", low=1, high=10),
        Parameter(
            "run.not_scored_share", "number", ("share of customers",),
            "a run stops when more customers cannot be scored; one always may", high=Decimal("0.1"),
        ),
    )
}  # fmt: skip
"""Key to parameter, in the order of the policy."""

Value = Decimal | int | str | Amount | tuple[Decimal, ...] | tuple[Terms, ...] | None


@dataclass(frozen=True, kw_only=True)
class Params:
    """The policy in force on a day; each attribute is the parameter of that key. None: no value in force, the rule is off.

    digest: SHA-256 of the text it was read from. sources: key to who signed the number. manual_caps: customer to amount.
    """

    need_assumed_terms: int
    need_assumed_days_late: int
    need_days_late_counted: int
    need_peak_factor: Decimal
    profit_margin: Decimal
    profit_capital_cost: Decimal
    profit_drawn_before_default: Decimal
    profit_least_spread: Decimal
    loss_given_default: Decimal
    loss_budget: Amount
    grade_multiple: tuple[Decimal, ...]
    capacity_net_worth_share: Decimal
    new_customer_volume_share: Decimal
    new_customer_base: str
    new_customer_review_after: int
    new_customer_paid_invoices: int
    new_customer_terms: int
    concentration_single_buyer: Decimal
    ceiling_by_sales: Amount
    ceiling_hard: Amount | None
    insurance_uninsured_appetite: Amount | None
    security_collateral_haircut: Decimal
    security_guarantee_haircut: Decimal
    security_deposit_haircut: Decimal
    security_required_from_grade: int
    terms_ladder: tuple[Terms, ...]
    terms_secured: int
    terms_statutory: int | None
    limit_basis: str
    limit_digits: int
    referral_missing_share: Decimal
    reasons_adverse: int
    run_not_scored_share: Decimal
    digest: str
    sources: Mapping[str, str]
    manual_caps: Mapping[str, Amount]

    def value(self, key: str) -> Value:
        """The value in force of the parameter with that key."""
        result: Value = getattr(self, PARAMETERS[key].field)
        return result

    @property
    def currencies(self) -> frozenset[str]:
        """The currencies its amounts are in. A book that reports in another one cannot be decided by this policy."""
        amounts = [*self.manual_caps.values(), *(value for key in PARAMETERS if isinstance(value := self.value(key), Amount))]
        return frozenset(amount.unit for amount in amounts if amount.unit != SHARE_OF_SALES)
