"""How much credit a customer's purchases call for, how that varies, and what a unit of it earns and risks."""

import math
from decimal import Decimal
from functools import lru_cache
from statistics import NormalDist

from riskscore.policy.case import Case
from riskscore.policy.params import Params
from riskscore.profit import Trade, demand_for, yearly

MONTH_DAYS = 30
MONTHS = 12


def need_of(case: Case, params: Params) -> Decimal:
    """The credit the customer needs: monthly purchases x credit period / 30 x peak factor. Never falls as purchases grow."""
    return demand_for(case.monthly_purchases, Decimal(credit_period(case, params))) * peak_factor(case, params)


def credit_period(case: Case, params: Params) -> int:
    """Days of credit the need is reckoned with: terms, the policy's where not known, and the lateness the house allows everybody.

    Not the customer's own lateness: a need that grew with it would pay for paying late (decision record 0007).
    """
    terms = params.need_assumed_terms if case.typical_terms_days is None else case.typical_terms_days
    return max(terms, 0) + params.need_days_late


def days_outstanding(case: Case, params: Params) -> int:
    """Days until the money is there: as `credit_period`, and longer for who pays later than the house allows."""
    beyond = max((case.days_late_p80 or 0) - params.need_days_late, 0)
    return credit_period(case, params) + beyond


def peak_factor(case: Case, params: Params) -> Decimal:
    """Largest month over mean month, between 1 and `need.peak_factor`; 1 where no month is known."""
    if case.peak_monthly_purchases is None or case.monthly_purchases <= 0:
        return Decimal(1)
    return min(max(case.peak_monthly_purchases / case.monthly_purchases, Decimal(1)), params.need_peak_factor)


def trade_of(case: Case, params: Params, pd: Decimal) -> Trade:
    """What the profit of a limit for this customer depends on, at that probability. Insurance pays its share of a loss.

    Who pays later turns the same money over less often: lateness lowers what a limit earns, it never raises the demand.
    """
    n_months = min(max((case.tenure_days or 0) // MONTH_DAYS, 1), MONTHS)
    return _trade(
        float(demand_for(case.monthly_purchases, Decimal(credit_period(case, params)))),
        max(spread_of_peak(float(peak_factor(case, params)), n_months), float(params.profit_least_spread)),
        float(max(days_outstanding(case, params), 1)),
        float(params.profit_margin),
        float(params.profit_capital_cost),
        yearly(float(pd), case.horizon_days),
        float(params.loss_of_late * (1 - case.insured_share)),
        float(params.profit_drawn_before_default),
    )


_trade = lru_cache(maxsize=8)(Trade)
"""A customer's trade is asked for by the rule and again for the expected profit; checking its numbers is what takes time."""


def spread_of_peak(factor: float, n_months: int) -> float:
    """The spread of lognormal monthly purchases whose largest of n months is `factor` times their mean.

    The largest of n normal draws lies at about z = Phi^-1((n - 0.375) / (n + 0.25)) (Blom 1958), so that
    ln(factor) = s z - s^2 / 2, solved for s; z itself where the peak is higher than any spread explains.

    >>> round(spread_of_peak(1.5, 12), 3), spread_of_peak(1.0, 12)
    (0.27, 0.0)
    """
    z = NormalDist().inv_cdf((n_months - 0.375) / (n_months + 0.25))
    return z - math.sqrt(max(z * z - 2 * math.log(max(factor, 1.0)), 0.0))
