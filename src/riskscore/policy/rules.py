"""The rules of the house. Each is one function with an id, answers with the most it allows, and may only tighten.

A rule whose fact is not known says nothing (None). Sections of the policy are named after the rules that read them.
"""

from collections.abc import Callable, Mapping
from decimal import ROUND_FLOOR, Decimal
from types import MappingProxyType

from riskscore.policy.case import ZERO, Case
from riskscore.policy.demand import credit_period, need_of, peak_factor, trade_of
from riskscore.policy.params import Params
from riskscore.policy.recommendation import Cap, Fact
from riskscore.policy.signs import signs_of
from riskscore.policy.values import SHARE_OF_SALES, Steps
from riskscore.portfolio import most_one_buyer_may_owe
from riskscore.profit import optimal_limit

Rule = Callable[[Case, Params], Cap | None]

CENT = Decimal("0.01")
NOISE = Decimal("1e-9")
BEYOND_ANY_LIMIT = Decimal(10) ** 18  # a cap divided by a tiny risk says no more than "not here"


def cap_in_default(case: Case, params: Params) -> Cap | None:
    """Nothing more for a customer in default, whatever stands behind it (Policy, terms.ladder: stop)."""
    return _cap("default", ZERO, params, "terms.ladder") if case.in_default else None


def cap_by_need(case: Case, params: Params) -> Cap | None:
    """No more than the customer needs to buy what it buys on the terms it has (Policy, need).

    Monthly purchases x (terms + the lateness the house allows everybody) / 30 x peak factor.
    """
    return _cap(
        "need",
        need_of(case, params),
        params,
        "need.peak_factor",
        monthly=case.monthly_purchases,
        days=credit_period(case, params),
        factor=peak_factor(case, params).quantize(CENT),
    )


def cap_by_profit(case: Case, params: Params) -> Cap | None:
    """No more than the limit at which expected profit is largest (Policy, profit; `riskscore.profit`)."""
    if case.pd is None:
        return None
    best = optimal_limit(trade_of(case, params, case.pd))
    if best is None:
        return None
    return _cap("profit", best, params, "profit.margin", pd=case.pd, margin=params.profit_margin)


def cap_by_grade(case: Case, params: Params) -> Cap | None:
    """A worse grade gets a smaller share of its need, the worst grades none (Policy, grade.multiple)."""
    if case.grade is None:
        return None
    share = params.grade_multiple[case.grade - 1]
    return _cap("grade", share * need_of(case, params), params, "grade.multiple", grade=case.grade, share=share)


def cap_by_accounts(case: Case, params: Params) -> Cap | None:
    """Weak accounts get a smaller share of the need: the first dimension of a limit (Policy, dimension.accounts).

    By Altman's Z'', which weighs liquidity, retained profit, operating result and equity; silent without accounts.
    """
    return _by_dimension("accounts", case, params, case.signs.altman_z2, params.dimension_accounts)


def cap_by_rating(case: Case, params: Params) -> Cap | None:
    """A weak external rating gets a smaller share of the need: the second dimension of a limit (Policy, dimension.rating)."""
    return _by_dimension("rating", case, params, case.signs.rating_notch, params.dimension_rating)


def cap_by_punctuality(case: Case, params: Params) -> Cap | None:
    """Who pays fewer invoices on time gets a smaller share of the need: the third dimension (Policy, dimension.on_time)."""
    return _by_dimension("on_time", case, params, case.signs.on_time_share, params.dimension_on_time)


def cap_by_conduct(case: Case, params: Params) -> Cap | None:
    """The more signs of abnormal operation, the smaller the share of the need (Policy, abnormal; `riskscore.policy.signs`)."""
    n_signs = len(signs_of(case, params))
    if params.abnormal_multiple is None or not n_signs:
        return None
    share = params.abnormal_multiple.share(Decimal(n_signs))
    return _cap("abnormal", share * need_of(case, params), params, "abnormal.multiple", n=n_signs, share=share)


def cap_by_capacity(case: Case, params: Params) -> Cap | None:
    """Never be owed more than a set share of the customer's tangible net worth; none below zero (Policy, capacity)."""
    if case.tangible_net_worth is None:
        return None
    amount = params.capacity_net_worth_share * max(case.tangible_net_worth, ZERO)
    return _cap(
        "capacity", amount, params, "capacity.net_worth_share",
        share=params.capacity_net_worth_share, net_worth=case.tangible_net_worth,
    )  # fmt: skip


def cap_by_loss_budget(case: Case, params: Params) -> Cap | None:
    """The expected loss within the horizon stays inside the budget of one customer (Policy, loss).

    Budget / (PD x LGD x (1 - insured share)); no cap where nothing can be lost.
    """
    if case.pd is None:
        return None
    loss_share = case.pd * params.loss_of_late * (1 - case.insured_share)
    if loss_share <= 0:
        return None
    budget = params.loss_budget.of(case.annual_sales)
    insured: dict[str, Fact] = {"paid_share": case.insured_share} if case.insured_share else {}
    return _cap("loss", budget / loss_share, params, "loss.budget", budget=budget, pd=case.pd, lgd=params.loss_of_late, **insured)


def cap_for_new_customer(case: Case, params: Params) -> Cap | None:
    """A new customer starts with a set share of monthly volume (Policy, new_customer).

    It ends when the relationship has reached the day of review and enough invoices were paid: on the day before, it still holds.
    It also holds as long as no probability is known: without one nobody is better known than a newcomer.
    """
    tenure = case.tenure_days or 0
    paid = case.n_paid_invoices >= max(params.new_customer_paid_invoices, 1)  # who never paid is new, whatever the policy says
    if tenure >= params.new_customer_review_after and paid and case.pd is not None:
        return None
    of_seller = params.new_customer_base == "seller_monthly_sales"
    base = case.annual_sales / 12 if of_seller else case.monthly_purchases
    return _cap(
        "new_customer", params.new_customer_volume_share * base, params, "new_customer.volume_share",
        share=params.new_customer_volume_share, base=base, tenure=tenure, paid=case.n_paid_invoices,
    )  # fmt: skip


def cap_by_concentration(case: Case, params: Params) -> Cap | None:
    """One corporate family stays within a set share of receivables, counted after the change (Policy, concentration).

    x <= c / (1 - c) x what all others owe, so that x / (x + others) <= c; less what the rest of the family owes already. Where
    nobody else owes anything a share says nothing, and the rule is silent: the first customer of a house must be possible.
    """
    if case.receivables_others <= 0:
        return None
    share = params.concentration_single_buyer
    room = most_one_buyer_may_owe(case.receivables_others, cap=share) - max(case.family_exposure, ZERO)
    return _cap(
        "concentration", max(room, ZERO), params, "concentration.single_buyer",
        share=share, others=case.receivables_others, family=case.family_exposure,
    )  # fmt: skip


def cap_by_sales(case: Case, params: Params) -> Cap | None:
    """One corporate family never owes more than a set share of the seller's own annual sales (Policy, ceiling.by_sales)."""
    ceiling = params.ceiling_by_sales
    room = ceiling.of(case.annual_sales) - max(case.family_exposure, ZERO)
    share: dict[str, Fact] = {"share": ceiling.value} if ceiling.unit == SHARE_OF_SALES else {}
    return _cap(
        "sales", max(room, ZERO), params, "ceiling.by_sales", sales=case.annual_sales, family=case.family_exposure, **share
    )


def cap_by_insurance(case: Case, params: Params) -> Cap | None:
    """No more than the insured limit and the appetite for uninsured exposure together (Policy, insurance)."""
    if params.insurance_uninsured_appetite is None:
        return None
    appetite = params.insurance_uninsured_appetite.of(case.annual_sales)
    return _cap(
        "insurance", case.insured_amount + appetite, params, "insurance.uninsured_appetite",
        insured=case.insured_amount, appetite=appetite,
    )  # fmt: skip


def cap_by_hand(case: Case, params: Params) -> Cap | None:
    """What a person set for this customer (Policy, manual_cap)."""
    return None if case.manual_cap is None else _cap("manual", case.manual_cap, params, "manual_cap")


def cap_by_ceiling(case: Case, params: Params) -> Cap | None:
    """The hard ceiling: no limit above it, whatever else holds (Policy, ceiling.hard)."""
    if params.ceiling_hard is None:
        return None
    return _cap("ceiling", params.ceiling_hard.of(case.annual_sales), params, "ceiling.hard")


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "default": cap_in_default,
        "need": cap_by_need,
        "profit": cap_by_profit,
        "grade": cap_by_grade,
        "accounts": cap_by_accounts,
        "rating": cap_by_rating,
        "on_time": cap_by_punctuality,
        "abnormal": cap_by_conduct,
        "capacity": cap_by_capacity,
        "loss": cap_by_loss_budget,
        "new_customer": cap_for_new_customer,
        "concentration": cap_by_concentration,
        "sales": cap_by_sales,
        "insurance": cap_by_insurance,
        "manual": cap_by_hand,
        "ceiling": cap_by_ceiling,
    }
)
"""Rule id to rule. Of two equal caps the one that stands first here is named as binding."""

LIFTED_BY_SECURITY = frozenset(
    {"profit", "grade", "accounts", "rating", "on_time", "abnormal", "capacity", "loss", "new_customer", "insurance"}
)
"""Rules about what may be lost: security adds to what they allow. Need, concentration and ceilings are not about loss."""


def security_value(case: Case, params: Params) -> Decimal:
    """What stands behind the customer, each kind less its haircut (Policy, security)."""
    return (
        case.collateral_amount * (1 - params.security_collateral_haircut)
        + case.guarantee_amount * (1 - params.security_guarantee_haircut)
        + case.deposit_amount * (1 - params.security_deposit_haircut)
    )


def _by_dimension(rule: str, case: Case, params: Params, measure: Decimal | None, steps: Steps | None) -> Cap | None:
    if measure is None or steps is None:
        return None
    share = steps.share(measure)
    return _cap(rule, share * need_of(case, params), params, f"dimension.{rule}", measure=measure, share=share)


def _cap(rule: str, amount: Decimal, params: Params, key: str, **facts: Fact) -> Cap:
    exact = min(amount, BEYOND_ANY_LIMIT).quantize(NOISE)  # three quarters of four thirds is one, and not a cent less
    return Cap(rule, exact.quantize(CENT, ROUND_FLOOR), params.sources.get(key, ""), MappingProxyType(facts))
