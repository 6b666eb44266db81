"""The domain speaks in codes and facts; this room says them to people, in English and Chinese."""

from riskscore.phrases.figures import Lang, day, days, money, months, number, percent, window
from riskscore.phrases.finance import say
from riskscore.phrases.sentences import (
    LANGUAGES,
    cap_sentence,
    code_name,
    condition_sentence,
    not_scored_sentence,
    outcome_name,
    parameter_meaning,
    referral_sentence,
    rule_name,
    sentence,
    status_name,
    template_key,
    terms_sentence,
    word,
    would_help_sentence,
)

__all__ = [
    "LANGUAGES",
    "Lang",
    "cap_sentence",
    "code_name",
    "condition_sentence",
    "day",
    "days",
    "money",
    "months",
    "not_scored_sentence",
    "number",
    "outcome_name",
    "parameter_meaning",
    "percent",
    "referral_sentence",
    "rule_name",
    "say",
    "sentence",
    "status_name",
    "template_key",
    "terms_sentence",
    "window",
    "word",
    "would_help_sentence",
]
