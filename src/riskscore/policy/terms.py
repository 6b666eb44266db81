"""The longest terms: one rule for each who may shorten them, and the shortest of what they allow.

A rule that has nothing to say about a customer says nothing (None). No rule lengthens terms: longer ones than these are a
commercial override, which two people sign.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType

from riskscore.policy.case import Case
from riskscore.policy.params import Params
from riskscore.policy.recommendation import TermCap, Terms, credit_days
from riskscore.policy.rules import security_value

TermRule = Callable[[Case, Params, Decimal], TermCap | None]


def terms_in_default(case: Case, params: Params, limit: Decimal) -> TermCap | None:
    """No delivery to a customer in default (Policy, terms.ladder: stop)."""
    return _cap("default", "stop", params, "terms.ladder") if case.in_default else None


def terms_by_ladder(case: Case, params: Params, limit: Decimal) -> TermCap | None:
    """The grade's step of the ladder, never longer as risk rises (Policy, terms.ladder).

    Within the value of security a grade that would have to prepay gets `terms.secured`.
    """
    if case.grade is None:
        return None
    step = params.terms_ladder[case.grade - 1]
    if step == "prepayment" and params.terms_secured and security_value(case, params) > 0:
        return _cap("ladder", params.terms_secured, params, "terms.secured")
    return _cap("ladder", step, params, "terms.ladder")


def terms_while_new(case: Case, params: Params, limit: Decimal) -> TermCap | None:
    """The usual terms on a small first limit, while no grade is known or nothing was paid yet (Policy, new_customer.terms).

    A good grade on nothing but accounts does not lengthen a newcomer's terms.
    """
    if case.grade is not None and case.n_paid_invoices:
        return None
    return _cap("new_customer", params.new_customer_terms or "prepayment", params, "new_customer.terms")


def terms_by_statute(case: Case, params: Params, limit: Decimal) -> TermCap | None:
    """No longer than the law lets this buyer take without a special agreement (Policy, statute; `riskscore.statutes`)."""
    if case.statutory_days is None:
        return None
    return TermCap("statute", case.statutory_days, case.statutory_source or "")


def terms_by_cover(case: Case, params: Params, limit: Decimal) -> TermCap | None:
    """No longer than this customer's own insurer covers a delivery (Policy, insurance, and the register of securities).

    As long as an insurance is in force the limit leans on it; of a delivery it does not cover the whole loss is one's own.
    """
    if case.insurer_days is None or case.insured_amount <= 0:
        return None
    return TermCap("cover", case.insurer_days or "prepayment", case.insurer or "")


def terms_by_insurer(case: Case, params: Params, limit: Decimal) -> TermCap | None:
    """No insured customer gets terms beyond what insurers of the house cover at most (Policy, insurance.longest_terms)."""
    if params.insurance_longest_terms is None or case.insured_amount <= 0:
        return None
    return _cap("insurer", params.insurance_longest_terms or "prepayment", params, "insurance.longest_terms")


def terms_without_limit(case: Case, params: Params, limit: Decimal) -> TermCap | None:
    """Without a limit there is no credit to give terms on (Policy, terms)."""
    return TermCap("no_limit", "prepayment", "") if limit <= 0 else None


TERM_RULES: Mapping[str, TermRule] = MappingProxyType(
    {
        "default": terms_in_default,
        "ladder": terms_by_ladder,
        "new_customer": terms_while_new,
        "statute": terms_by_statute,
        "cover": terms_by_cover,
        "insurer": terms_by_insurer,
        "no_limit": terms_without_limit,
    }
)
"""Rule id to rule. Of two that allow the same, the one that stands first here is named."""


def term_caps_of(case: Case, params: Params, limit: Decimal) -> tuple[TermCap, ...]:
    """What each rule allows, in the order of `TERM_RULES`; at least one, because a grade is known or it is not."""
    return tuple(cap for rule in TERM_RULES.values() if (cap := rule(case, params, limit)) is not None)


def shortest(caps: tuple[TermCap, ...]) -> TermCap:
    """The cap that makes the longest terms: the shortest, and of equal ones the first."""
    return min(caps, key=lambda cap: credit_days(cap.terms))


def _cap(rule: str, terms: Terms, params: Params, key: str) -> TermCap:
    return TermCap(rule, terms, params.sources.get(key, ""))
