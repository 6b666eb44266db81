"""Every number of the policy: its key, kind, unit, range and meaning.

This table is the schema of `policy.toml` and the source of its reference page. Nothing else of a policy is configurable.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

from riskscore.policy.values import CURRENCY, SHARE_OF_SALES
from riskscore.statutes import Supplier
from riskscore.terms_menu import STANDARD_CODES

Kind = Literal["number", "amount", "choice", "texts", "shares_by_grade", "terms_by_grade", "steps", "shares_by_name"]


@dataclass(frozen=True)
class Parameter:
    """One number of the policy. units: what its `unit` may say. low, high: the range, ends included.

    choices: for a choice what it may be, for shares by name the names. optional: without a value in force the rule that needs
    it is off. whole: only whole numbers. rises: for steps, whether a larger measure is a worse one.
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
    rises: bool = False

    @property
    def field(self) -> str:
        """The attribute of `Params` that holds its value."""
        return self.key.replace(".", "_")


def _share(key: str, meaning: str, unit: str = "share", *, high: str = "1") -> Parameter:
    return Parameter(key, "number", (unit,), meaning, high=Decimal(high))


def _days(key: str, meaning: str, *, low: int = 0, high: int, optional: bool = False) -> Parameter:
    return Parameter(key, "number", ("days",), meaning, Decimal(low), Decimal(high), whole=True, optional=optional)


def _count(key: str, meaning: str, *, unit: str, low: int, high: int, optional: bool = False) -> Parameter:
    return Parameter(key, "number", (unit,), meaning, Decimal(low), Decimal(high), whole=True, optional=optional)


def _steps(key: str, meaning: str, *, rises: bool, optional: bool = True) -> Parameter:
    return Parameter(key, "steps", ("share of the need",), meaning, optional=optional, rises=rises)


def _sign(key: str, meaning: str, unit: str, *, low: str = "0", high: str = "1") -> Parameter:
    return Parameter(key, "number", (unit,), meaning, Decimal(low), Decimal(high), optional=True)


def _amount(key: str, meaning: str, *, optional: bool = False) -> Parameter:
    return Parameter(key, "amount", (SHARE_OF_SALES, CURRENCY), meaning, high=Decimal(10) ** 14, optional=optional)


PARAMETERS: Mapping[str, Parameter] = {
    parameter.key: parameter
    for parameter in (
        _days("need.assumed_terms", "terms assumed where a customer's own are not known", high=365),
        _days("need.days_late", "days after the due date that the need is reckoned with, the same for everybody", high=365),
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
        Parameter(
            "loss.given_lateness", "number", ("share of exposure",),
            "share of the exposure lost when a customer pays materially late; without it, as given default", optional=True,
        ),
        _amount("loss.budget", "the expected loss one customer may cost within the horizon"),
        Parameter(
            "grade.multiple", "shares_by_grade", ("share of the need",), "share of the need granted to grades 1 to 10"
        ),
        Parameter(
            "grade.upgrade_margin", "number", ("share of the bound",),
            "a better grade than before only where the probability is so far below its bound",
            high=Decimal("0.9"), optional=True,
        ),
        _steps("dimension.accounts", "share of the need by Altman's Z'' of the accounts", rises=False),
        _steps("dimension.rating", "share of the need by notch of the external rating, 1 the best and 22 default", rises=True),
        _steps("dimension.on_time", "share of the need by the share of invoices paid no more than a week late", rises=False),
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
        _sign("abnormal.order_jump", "a month's purchases from this many usual months on are a sign", "times", high="100"),
        _sign("abnormal.utilisation", "an open balance from this share of the limit is a sign", "share of the limit", high="10"),
        _sign("abnormal.overdue_share", "this share of the balance more than 30 days overdue is a sign", "share of the balance"),
        _sign("abnormal.lateness_change", "money coming so much later than over the year is a sign", "days", high="365"),
        _sign("abnormal.dispute_rate", "this share of a quarter's invoices contested is a sign", "share of invoices"),
        _sign("abnormal.discount_drop", "so much less discount taken than over the year is a sign", "share of billing"),
        _days("abnormal.statement_age", "accounts older than this are a sign", high=3650, optional=True),
        _count("abnormal.rating_notch", "an external rating from this notch on tells of insolvency", unit="notch", low=2, high=22,
               optional=True),
        _steps("abnormal.multiple", "share of the need by the number of signs of abnormal operation", rises=True),
        _amount("insurance.uninsured_appetite", "exposure accepted beyond the insured limit", optional=True),
        _share("insurance.premium", "what credit insurance costs", "share of sales"),
        _days("insurance.longest_terms", "the longest terms the insurer covers", high=365, optional=True),
        _share("security.collateral_haircut", "share of collateral that is not believed", "share of its value"),
        _share("security.guarantee_haircut", "share of a guarantee that is not believed", "share of its value"),
        _share("security.deposit_haircut", "share of a deposit that is not believed", "share of its value"),
        _count("security.required_from_grade", "credit only against security from this grade on", unit="grade", low=2, high=10),
        Parameter("terms.ladder", "terms_by_grade", ("days, prepayment or stop",), "longest terms for grades 1 to 10"),
        _days("terms.secured", "terms within the value of security where the ladder says prepayment", high=365),
        Parameter(
            "terms.volume_shares", "shares_by_name", ("share of the usual purchases",),
            "what is still bought under each option of the menu", high=Decimal(2), choices=STANDARD_CODES,
        ),
        _share("terms.discount_taken", "share of the sales that takes an early-payment discount", "share of sales"),
        _share("terms.cash_on_delivery_cost", "what collecting at the door costs", "share of sales"),
        _share("terms.guarantee_fee", "what of a guarantee's cost falls on the seller", "share of sales"),
        Parameter("statute.supplier_size", "choice", ("choice",), "the seller's own size by law", choices=get_args(Supplier)),
        Parameter("statute.public_forms", "texts", ("legal forms",), "legal forms of public authorities"),
        Parameter(
            "statute.large_revenue", "amount", (CURRENCY,), "a buyer with this revenue or more is a large enterprise",
            high=Decimal(10) ** 14, optional=True,
        ),
        Parameter(
            "limit.basis", "choice", ("choice",), "which of the pair is recommended", choices=("conservative", "aggressive")
        ),
        _count("limit.digits", "a limit is rounded down to so many significant digits", unit="digits", low=1, high=6),
        _count("review.low_months", "low risk is reviewed every so many months", unit="months", low=1, high=60),
        _count("review.medium_months", "medium risk is reviewed every so many months", unit="months", low=1, high=60),
        _count("review.high_months", "high risk is reviewed every so many months", unit="months", low=1, high=60),
        _count("review.low_up_to", "the worst grade of low risk", unit="grade", low=0, high=10),
        _count("review.medium_up_to", "the worst grade of medium risk", unit="grade", low=0, high=10),
        _days("cut.grace", "orders placed before a cut are honoured for so many days", high=365),
        _count("cut.no_grace_from_grade", "a cut holds at once from this grade on", unit="grade", low=2, high=10),
        _days("order.horizon", "open orders due later than so many days do not count; without it, all count", high=3650,
              optional=True),
        _sign("order.warn_share", "from this share of the limit an order is allowed with a warning", "share of the limit"),
        _amount("order.de_minimis", "what may be owed beyond the limit in small orders, all of them together", optional=True),
        _days("order.review_overdue", "a limit lapses for orders when its review is overdue by more days; without it, at once",
              high=3650, optional=True),
        _share("referral.missing_share", "refer when more of the payment features are missing", "share of payment features"),
        _count("reasons.adverse", "how many adverse reasons are given at most", unit="reasons", low=1, high=10),
        Parameter(
            "run.not_scored_share", "number", ("share of customers",),
            "a run stops when more customers cannot be scored; one always may", high=Decimal("0.1"),
        ),
    )
}  # fmt: skip
"""Key to parameter, in the order of the policy."""
