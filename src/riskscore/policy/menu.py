"""Which terms to offer: the menu of this customer, its deal, and the option that earns most within the caps.

Pricing takes the mean probability, as limits take the upper one. The lateness in the deal is the one the house allows everybody:
with the customer's own, a later payer could be offered longer terms (decision record 0007).
"""

from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal
from functools import lru_cache

from riskscore import terms_menu
from riskscore.policy.case import Case
from riskscore.policy.demand import MONTHS, need_of
from riskscore.policy.params import Params
from riskscore.policy.recommendation import Flip, Menu, Offer, Terms, credit_days
from riskscore.policy.rules import security_value
from riskscore.policy.values import Shares
from riskscore.terms_menu import Deal, Option, TermCap

TENTH = Decimal("0.1")
MILLIONTH = Decimal("0.000001")


def choice_of(case: Case, params: Params, longest: Terms) -> Menu | None:
    """The terms that earn most of those no longer than `longest`; null without a probability, and where nothing is delivered."""
    if case.pd is None or longest == "stop":
        return None
    menu = menu_of(case, params)
    if longest == "prepayment":
        menu = tuple(option for option in menu if option.code != "cash_on_delivery")
    found = terms_menu.choose(menu, deal_of(case, params), float(case.pd), caps=(TermCap("policy", credit_days(longest)),))
    return Menu(
        best=_offer(found.best),
        runner_up=None if found.runner_up is None else _offer(found.runner_up),
        flips_above=_flip(found.flips_above),
        flips_below=_flip(found.flips_below),
    )


def terms_in(menu: Menu) -> Terms:
    """The terms of the best option: its days, or the code of an option without credit."""
    days = OPTION_DAYS[menu.best.option.removesuffix("_insured").removesuffix("_guaranteed")]
    return days or ("cash_on_delivery" if menu.best.option == "cash_on_delivery" else "prepayment")


def menu_of(case: Case, params: Params) -> tuple[Option, ...]:
    """Every option there is for this customer: the standard menu, and its credit terms once more under cover that is in force.

    Insured terms where it is insured, guaranteed ones where a guarantee, collateral or a deposit stands behind it: the share of
    the need that its value covers, in tenths, rounded down.
    """
    need, value = need_of(case, params), security_value(case, params)
    covered = min(value / need, Decimal(1)).quantize(TENTH, ROUND_FLOOR) if need > 0 else Decimal(0)
    insured = case.insured_share if case.insured_amount > 0 else Decimal(0)
    return _menu(
        params.terms_volume_shares,
        float(params.terms_discount_taken),
        float(params.terms_cash_on_delivery_cost),
        float(insured),
        float(params.insurance_premium),
        float(covered),
        float(params.terms_guarantee_fee),
    )


def deal_of(case: Case, params: Params) -> Deal:
    """What the value of an option depends on: a year's purchases, and what the policy says of margin, money and loss."""
    return Deal(
        volume=case.monthly_purchases * MONTHS,
        margin=float(params.profit_margin),
        capital_cost=float(params.profit_capital_cost),
        lgd=float(params.loss_of_late),
        delay_days=float(params.need_days_late),
        pd_horizon_days=case.horizon_days,
    )


@lru_cache(maxsize=256)
def _menu(
    shares: Shares, taken: float, at_the_door: float, insured: float, premium: float, covered: float, fee: float
) -> tuple[Option, ...]:
    plain = terms_menu.standard_menu({name: float(share) for name, share in shares}, taken_share=taken)
    menu = [replace(option, cover_cost=at_the_door) if option.code == "cash_on_delivery" else option for option in plain]
    credit = [option for option in plain if option.kind == "net"]
    if insured > 0:
        menu += [terms_menu.insured(option, insured_share=insured, premium=premium) for option in credit]
    if covered > 0:
        menu += [terms_menu.guaranteed(option, covered_share=covered, fee=fee) for option in credit]
    return tuple(menu)


OPTION_DAYS = {
    option.code: option.days
    for option in terms_menu.standard_menu(dict.fromkeys(terms_menu.STANDARD_CODES, 1.0), taken_share=0.0)
}
"""Option of the standard menu to its days."""


def _offer(offer: terms_menu.Offer) -> Offer:
    return Offer(offer.option.code, offer.expected_value)


def _flip(flip: terms_menu.Flip | None) -> Flip | None:
    return None if flip is None else Flip(Decimal(flip.pd).quantize(MILLIONTH), flip.option.code)
