"""The credit policy: numbers a committee signs, rules that may only tighten, and the limit and terms they make together."""

from riskscore.policy.case import Cap, Case, Recommendation, Terms
from riskscore.policy.limits import recommend
from riskscore.policy.parameters import PARAMETERS, Amount, Parameter, Params
from riskscore.policy.rules import RULES
from riskscore.policy.text import parse

__all__ = [
    "PARAMETERS",
    "RULES",
    "Amount",
    "Cap",
    "Case",
    "Parameter",
    "Params",
    "Recommendation",
    "Terms",
    "parse",
    "recommend",
]
