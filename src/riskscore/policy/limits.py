"""From caps to a limit and terms: the smallest cap, rounded down; the terms that earn most, within the shortest cap."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import ROUND_FLOOR, Context, Decimal, localcontext

from riskscore.policy.case import ZERO, Case
from riskscore.policy.demand import trade_of
from riskscore.policy.menu import choice_of, terms_in
from riskscore.policy.params import Params
from riskscore.policy.recommendation import Cap, Recommendation
from riskscore.policy.rules import CENT, LIFTED_BY_SECURITY, RULES, Rule, security_value
from riskscore.policy.terms import shortest, term_caps_of
from riskscore.profit import profit


def recommend(case: Case, params: Params, rules: Mapping[str, Rule] = RULES) -> Recommendation:
    """The limit and terms of one customer, with every cap that was looked at.

    A worse probability never gets more or longer; more purchases never less. The conservative limit is taken at the upper end of
    the probability's interval, the aggressive one at its mean. The policy says which of them is recommended; the longest terms
    and the demand for security are read at the same end, what terms earn at the mean.
    """
    with localcontext(Context(prec=28)):  # the caller's decimal context must not reach the limit
        upper = replace(case, pd=case.pd_high, grade=case.grade_high)
        cautious, hopeful = caps_of(upper, params, rules), caps_of(case, params, rules)
        conservative, aggressive = (rounded_down(lowest(caps).amount, params.limit_digits) for caps in (cautious, hopeful))
        by_conservative = params.limit_basis == "conservative"
        caps, basis = (cautious, upper) if by_conservative else (hopeful, case)
        limit = conservative if by_conservative else aggressive
        term_caps = term_caps_of(basis, params, limit)
        longest = shortest(term_caps).terms
        menu = choice_of(case, params, longest)
        return Recommendation(
            limit=limit,
            conservative=conservative,
            aggressive=aggressive,
            binding_cap=lowest(caps).rule,
            caps=caps,
            terms=longest if menu is None else terms_in(menu),
            security_required=basis.grade is not None and basis.grade >= params.security_required_from_grade,
            expected_profit=_profit(case, params, limit),
            longest_terms=longest,
            term_caps=term_caps,
            menu=menu,
        )


def caps_of(case: Case, params: Params, rules: Mapping[str, Rule] = RULES) -> tuple[Cap, ...]:
    """What each rule allows, lifted by security where the rule is about what may be lost. Rules that say nothing are left out."""
    value = security_value(case, params).quantize(CENT, ROUND_FLOOR)
    caps = (rule(case, params) for rule in rules.values())
    return tuple(
        replace(cap, amount=cap.amount + value, security=value) if cap.rule in LIFTED_BY_SECURITY else cap
        for cap in caps
        if cap is not None
    )


def lowest(caps: tuple[Cap, ...]) -> Cap:
    """The binding cap: the smallest, and of equal ones the first."""
    return min(caps, key=lambda cap: cap.amount)


def rounded_down(amount: Decimal, digits: int) -> Decimal:
    """A limit people can remember: so many significant digits, whole units, rounded down; nothing below zero.

    >>> [str(rounded_down(Decimal(amount), 2)) for amount in ("1333333.33", "150000", "49999.99", "7.30", "-5")]
    ['1300000', '150000', '49000', '7', '0']
    """
    whole = max(amount, ZERO).to_integral_value(ROUND_FLOOR)
    step = max(whole.adjusted() - digits + 1, 0) if whole else 0
    return whole.quantize(Decimal(1).scaleb(step), ROUND_FLOOR).quantize(Decimal(1))


def _profit(case: Case, params: Params, limit: Decimal) -> Decimal | None:
    if case.pd is None:
        return None
    earned = float(profit(trade_of(case, params, case.pd), float(limit)))
    return Decimal(repr(earned)).quantize(CENT, ROUND_FLOOR)
