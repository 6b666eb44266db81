"""How a recommended limit would have moved, had the customer bought more or less: the caps sorted by what they are a share of.

A replay of another policy changes what is bought, and with it the need the next limit is reckoned from. Every rule is either a
share of the need, of purchases, of what others owe, of the seller's sales, or none of these; so the limit of that other month
follows from the recorded caps, without asking the ledger of a world nobody has seen. What the customer's payments say (its
probability, its grade, its signs but one) is taken as it was.
"""

import math
from dataclasses import dataclass
from decimal import Decimal

from riskscore.policy.case import Case
from riskscore.policy.demand import MONTH_DAYS, credit_period
from riskscore.policy.params import Params
from riskscore.policy.recommendation import Recommendation
from riskscore.policy.rules import LIFTED_BY_SECURITY
from riskscore.policy.signs import signs_of
from riskscore.policy.values import SHARE_OF_SALES, Amount

NOISE = 1e-9
BY_NEED = frozenset({"grade", "accounts", "rating", "on_time"})
BY_SALES = {"loss": "loss_budget", "sales": "ceiling_by_sales"}


@dataclass(frozen=True)
class Elastic:
    """A recommendation as a function of what was bought. Money is float: it feeds estimates, never a decision.

    limit: as recommended. monthly, peak: the purchases it was reckoned from. period: credit days of the need. used: whether the
    sign that the limit is nearly used held; used_from: the utilisation it begins at, null where the policy has no such sign.
    by_need: the smallest share of the need that a rule about loss allows; idle, busy: the same of the rule about conduct without
    and with that sign. by_monthly, by_demand: allowed by the rule for new customers and by profit, per unit of purchases and of
    demand. fixed, by_sales: allowed by what purchases do not move, and by what moves with the seller's sales; `_hard` where
    security does not lift it. Infinite where no rule says so.
    """

    limit: float
    digits: int
    monthly: float
    peak: float | None
    period: int
    peak_most: float
    by_need: float
    idle: float
    busy: float
    used: bool
    used_from: float | None
    by_monthly: float
    by_demand: float
    fixed: float
    fixed_hard: float
    by_sales: float
    by_sales_hard: float
    by_others: float
    family: float
    security: float

    def at(self, monthly: float, peak: float | None, *, others: float, sales: float, used: bool) -> float:
        """The limit had purchases been these, what others owe and the seller's sales so many times what they were.

        Equal to `limit` at its own purchases, both ratios 1 and `used` as it was.
        """
        demand = monthly * self.period / MONTH_DAYS
        factor = 1.0 if peak is None or monthly <= 0 else min(max(peak / monthly, 1.0), self.peak_most)
        need = demand * factor
        share = min(self.by_need, self.busy if used else self.idle)
        lifted = min(
            _times(share, need), _times(self.by_monthly, monthly), _times(self.by_demand, demand), self.fixed,
            _times(self.by_sales, sales),
        )  # fmt: skip
        hard = min(
            need, self.fixed_hard, max(_times(self.by_sales_hard, sales) - self.family, 0.0),
            max(_times(self.by_others, others) - self.family, 0.0),
        )  # fmt: skip
        return rounded_down_near(min(lifted + self.security, hard), self.digits)


def elastic_of(case: Case, params: Params, recommendation: Recommendation) -> Elastic:
    """The recommendation that `recommend` made of this case and policy, as a function of what was bought."""
    caps = {cap.rule: cap for cap in recommendation.caps}
    security = max((float(cap.security) for cap in recommendation.caps), default=0.0)
    signs = signs_of(case, params)
    n_others = len(signs) - ("limit_nearly_used" in signs)

    def own(rule: str) -> float:
        return float(caps[rule].amount - caps[rule].security)

    def with_signs(n_signs: int) -> float:
        if params.abnormal_multiple is None or not n_signs:
            return math.inf
        return float(params.abnormal_multiple.share(Decimal(n_signs)))

    by_sales = {rule for rule, field in BY_SALES.items() if rule in caps and _is_share(getattr(params, field))}
    moving = BY_NEED | by_sales | {"need", "abnormal", "new_customer", "profit", "concentration"}
    of_seller = params.new_customer_base == "seller_monthly_sales"
    family = max(float(case.family_exposure), 0.0)
    demand = float(case.monthly_purchases) * credit_period(case, params) / MONTH_DAYS
    fixed = [own(rule) for rule in caps if rule not in moving and rule in LIFTED_BY_SECURITY]
    fixed_hard = [own(rule) for rule in caps if rule not in moving and rule not in LIFTED_BY_SECURITY]
    if "new_customer" in caps and (of_seller or case.monthly_purchases <= 0):
        fixed.append(own("new_customer"))
    others = float(case.receivables_others) * float(params.concentration_single_buyer)
    return Elastic(
        limit=float(recommendation.limit),
        digits=params.limit_digits,
        monthly=float(case.monthly_purchases),
        peak=None if case.peak_monthly_purchases is None else float(case.peak_monthly_purchases),
        period=credit_period(case, params),
        peak_most=float(params.need_peak_factor),
        by_need=min((float(caps[rule].facts["share"]) for rule in BY_NEED & set(caps)), default=math.inf),
        idle=with_signs(n_others),
        busy=with_signs(n_others + 1),
        used="limit_nearly_used" in signs,
        used_from=None if params.abnormal_utilisation is None else float(params.abnormal_utilisation),
        by_monthly=(
            float(params.new_customer_volume_share)
            if "new_customer" in caps and not of_seller and case.monthly_purchases > 0
            else math.inf
        ),
        by_demand=own("profit") / demand if "profit" in caps and demand > 0 else math.inf,
        fixed=min(fixed, default=math.inf),
        fixed_hard=min(fixed_hard, default=math.inf),
        by_sales=own("loss") if "loss" in by_sales else math.inf,
        by_sales_hard=own("sales") + family if "sales" in by_sales else math.inf,
        by_others=others / (1 - float(params.concentration_single_buyer)) if "concentration" in caps else math.inf,
        family=family,
        security=security,
    )


def rounded_down_near(amount: float, digits: int) -> float:
    """As `limits.rounded_down`, of an estimate: a hair below a whole step counts as the step.

    >>> [rounded_down_near(amount, 2) for amount in (1333333.33, 149999.9999999999, 49999.99, -5.0)]
    [1300000.0, 150000.0, 49000.0, 0.0]
    """
    whole = math.floor(amount * (1 + 1e-12) + NOISE)
    if whole <= 0:
        return 0.0
    step = 10 ** max(len(str(whole)) - digits, 0)
    return float(whole // step * step)


def _is_share(value: Amount | None) -> bool:
    return value is not None and value.unit == SHARE_OF_SALES


def _times(rate: float, base: float) -> float:
    return math.inf if math.isinf(rate) else rate * base
