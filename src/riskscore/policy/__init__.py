"""The credit policy: numbers a committee signs, rules that may only tighten, and the limit and terms they make together."""

from riskscore.policy.case import Case, Signs
from riskscore.policy.elastic import Elastic, elastic_of
from riskscore.policy.follow_up import Review, cadence_of, grace_until, review_of
from riskscore.policy.limits import recommend
from riskscore.policy.parameters import PARAMETERS, Parameter
from riskscore.policy.params import Params
from riskscore.policy.recommendation import Cap, Flip, Menu, Offer, Recommendation, TermCap, Terms
from riskscore.policy.rules import RULES
from riskscore.policy.signs import SIGNS, signs_of
from riskscore.policy.terms import TERM_RULES
from riskscore.policy.text import parse
from riskscore.policy.values import Amount, Steps

__all__ = [
    "PARAMETERS", "RULES", "SIGNS", "TERM_RULES",
    "Amount", "Cap", "Case", "Elastic", "Flip", "Menu", "Offer", "Parameter", "Params", "Recommendation", "Review", "Signs",
    "Steps", "TermCap", "Terms",
    "cadence_of", "elastic_of", "grace_until", "parse", "recommend", "review_of", "signs_of",
]  # fmt: skip
