"""Code and facts to a sentence: which template says it, and how each fact is written."""

import re
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import get_args

from riskscore.features import CATALOGUE
from riskscore.phrases import chinese, english
from riskscore.phrases.figures import Lang, days, money, months, number, percent, rounded_days, window
from riskscore.policy import Cap, Terms
from riskscore.policy.recommendation import Fact
from riskscore.reasons import Reason, Value

LANGUAGES: tuple[Lang, ...] = get_args(Lang)
PHRASES: Mapping[Lang, ModuleType] = {"en": english, "zh": chinese}

SUFFIX = re.compile(r"^(?P<stem>.+)_(?P<days>\d+)d$")
THRESHOLD = re.compile(r"^(?P<stem>.+)_(?P<days>\d+)$")

COUNTED_BEYOND = frozenset({"n_matured", "n_late", "shrunken_late_rate"})
"""Features whose last number is how late, not how long the window is."""

SHOWN_IN_PERCENT = frozenset({"limit_utilisation", "order_growth", "revenue_growth", "cash_flow_to_debt"})
"""Ratios that people read as a percentage."""

SHOWN_IN_POINTS = frozenset({"late_share_change", "discount_change"})
"""Differences of two shares: 13 % more of all invoices, not 13 % of the share."""

SIGNED_DAYS = {
    "median_days_late": "late",
    "mean_days_late": "late",
    "days_late_p80": "late",
    "max_days_late": "late",
    "receipt_days": "late",
    "days_beyond_terms_change": "later",
    "lateness_slope": "a_month",
    "terms_change": "longer",
}
"""Features whose days may lie below zero, and how a typical customer's are told then: nobody says "-0.2 days late"."""

DECIMALS = {"count": 0, "days": 1, "months": 1}

FACTS = {
    "money": ("monthly", "net_worth", "budget", "base", "others", "family", "sales", "insured", "appetite"),
    "percent": ("pd", "margin", "share", "lgd", "paid_share"),
    "days": ("days", "tenure"),
    "number": ("factor", "grade", "paid", "n", "measure"),
}
"""How each fact of a cap is written."""


def sentence(reason: Reason, lang: Lang, currency: str = "") -> str:
    """The reason as a sentence with the customer's value and the typical one.

    currency: of money features. Raises KeyError where the language lacks the words.

    >>> sentence(Reason("P01", "adverse", 0.9, 0.5, "days_beyond_terms_90d", 23.2, 7.0, "days", 90), "en")
    'Pays 23 days late on average over 90 days; typical customer: 7'
    >>> sentence(Reason("P01", "adverse", 0.9, 0.5, "median_days_late_180d", 9.0, -0.2, "days", 180), "en")
    'Usually pays 9 days late; typical customer: 0.2 days early'
    """
    phrases = PHRASES[lang]
    if reason.value is None:
        missing: str = phrases.MISSING[reason.code]
        return missing
    key, n_days, threshold = template_key(reason.feature, english.REASONS)
    stem = key
    shown = _rounded(reason.value, reason.unit, stem)
    case = _case(shown)
    key = key + case if key + case in phrases.REASONS else key
    value = abs(shown) if isinstance(shown, float) and case == ".negative" and key.endswith(case) else reason.value
    typical, plain = _typical(reason.typical, reason.unit, stem, lang, currency)
    template: str = phrases.REASONS[key]
    return template.format(
        value=_written(value, reason.unit, stem, lang, currency),
        typical=typical,
        plain=plain,
        window=window(n_days or reason.window_days or 0, lang),
        n=days(threshold or 0, lang),
    )


def template_key(feature: str, templates: Mapping[str, str]) -> tuple[str, int | None, int | None]:
    """The key of the feature's template, the days of its window and the days of its threshold, as its name says.

    Raises KeyError where no template fits.

    >>> template_key("late_share_30_365d", {"late_share_n": ""}), template_key("n_late_0d", {"n_late_n": ""})
    (('late_share_n', 365, 30), ('n_late_n', None, 0))
    """
    stem, n_days, threshold = feature, None, None
    if found := SUFFIX.match(feature):
        stem, number_ = found["stem"], int(found["days"])
        if stem in COUNTED_BEYOND:
            threshold, stem = number_, f"{stem}_{number_}"
        else:
            n_days = number_
    if stem not in templates and (found := THRESHOLD.match(stem)):
        stem, threshold = f"{found['stem']}_n", int(found["days"])
    if stem not in templates:
        raise KeyError(f"no phrase says {feature}")
    return stem, n_days, threshold


def cap_sentence(cap: Cap, lang: Lang, currency: str) -> str:
    """Why a rule allows no more, with the figures it looked at."""
    phrases = PHRASES[lang]
    facts = {name: _fact(name, value, lang, currency) for name, value in cap.facts.items()}
    if cap.rule == "on_time":
        facts["measure"] = percent(cap.facts["measure"], lang)
    fuller = next((each for name in cap.facts if (each := phrases.FULLER_CAPS.get((cap.rule, name)))), None)
    text: str = (fuller or phrases.CAPS[cap.rule]).format(**facts)
    return word("cap_with_security", lang, cap=text, security=money(cap.security, currency, lang)) if cap.security else text


def rule_name(rule: str, lang: Lang) -> str:
    """The short name of a rule of the policy."""
    name: str = PHRASES[lang].RULES[rule]
    return name


def parameter_meaning(key: str, lang: Lang) -> str:
    """What a number of the policy means."""
    text: str = PHRASES[lang].PARAMETERS[key]
    return text


def unit_name(unit: str, lang: Lang) -> str:
    """The unit of a number of the policy; a currency is the same in every language."""
    names: Mapping[str, str] = PHRASES[lang].UNITS
    return names.get(unit, unit)


def code_name(code: str, lang: Lang) -> str:
    """The short name of a reason code."""
    name: str = PHRASES[lang].CODES[code]
    return name


def headings(features: Iterable[str], lang: Lang) -> tuple[str, ...]:
    """What the features are about, once each, as reasons are headed; one of an older catalogue by its name.

    >>> headings(["oldest_days_past_due", "balance_days_past_due", "of_before"], "en")
    ('Old overdue', 'of_before')
    """
    return tuple(dict.fromkeys(code_name(CATALOGUE[name].reason, lang) if name in CATALOGUE else name for name in features))


def terms_sentence(terms: Terms, lang: Lang, *, security_required: bool = False) -> str:
    """Terms in words; with what the policy asks for besides."""
    phrases = PHRASES[lang]
    text: str = phrases.TERMS[terms] if isinstance(terms, str) else phrases.TERMS["days"].format(days=days(terms, lang))
    return word("terms_with_security", lang, terms=text) if security_required and terms != "stop" else text


def referral_sentence(reason: str, lang: Lang) -> str:
    """Why a person has to look."""
    text: str = PHRASES[lang].REFERRALS[reason]
    return text


def not_scored_sentence(reason: str, lang: Lang) -> str:
    """Why there is no answer."""
    text: str = PHRASES[lang].NOT_SCORED[reason]
    return text


def status_name(status: str, lang: Lang) -> str:
    """A status in words."""
    name: str = PHRASES[lang].STATUSES[status]
    return name


def outcome_name(outcome: str, lang: Lang) -> str:
    """An outcome in words."""
    name: str = PHRASES[lang].OUTCOMES[outcome]
    return name


def condition_sentence(condition: str, lang: Lang) -> str:
    """What an answer depends on."""
    text: str = PHRASES[lang].CONDITIONS[condition]
    return text


def would_help_sentence(code: str, lang: Lang) -> str:
    """What would make an answer surer."""
    text: str = PHRASES[lang].WOULD_HELP[code]
    return text


def word(key: str, lang: Lang, **facts: str) -> str:
    """A heading or a short text of an explanation."""
    text: str = PHRASES[lang].WORDS[key]
    return text.format(**facts)


def _case(shown: float | None) -> str:
    """The end of the key for a value that may read differently; shown: as precisely as it will be."""
    return "" if shown is None or shown > 0 else ".zero" if shown == 0 else ".negative"


def _typical(value: Value, unit: str, stem: str, lang: Lang, currency: str) -> tuple[str, str]:
    """A typical customer's value as `{typical}` and as `{plain}`."""
    written, plain = _written(value, unit, stem, lang, currency), _plainly(value, unit, stem, lang, currency)
    shown = _rounded(value, unit, stem)
    if shown is None or stem not in SIGNED_DAYS:
        return written, plain
    case = _case(shown)
    template: str = PHRASES[lang].TYPICAL_DAYS[SIGNED_DAYS[stem] + case]
    told = template.format(days=days(abs(shown), lang))
    return told, told if case else plain


def _rounded(value: Value, unit: str, stem: str) -> float | None:
    """The value as precisely as it will be shown: what shows as 0 is told as zero. None for text."""
    if not isinstance(value, int | float):
        return None
    if unit.startswith("days"):
        return rounded_days(value)
    return round(float(value), {"money": 0, "count": 0, "share": 4}.get(unit, 4 if stem in SHOWN_IN_PERCENT else 2))


def _written(value: Value, unit: str, stem: str, lang: Lang, currency: str) -> str:
    if not isinstance(value, int | float):
        return value or word("unknown", lang)
    if unit.startswith("days"):
        return days(value, lang)
    if unit == "months":
        return months(value, lang)
    return _plainly(value, unit, stem, lang, currency)


def _plainly(value: Value, unit: str, stem: str, lang: Lang, currency: str) -> str:
    """Without the unit of time, where the sentence has said it already."""
    if not isinstance(value, int | float):
        return value or word("unknown", lang)
    if stem in SHOWN_IN_POINTS:
        return word("points_of_share", lang, points=number(value * 100, lang, 1))
    if unit == "share" or stem in SHOWN_IN_PERCENT:
        return percent(value, lang)
    if unit == "money":
        return money(round(value), currency, lang)
    return number(rounded_days(value) if unit.startswith("days") else value, lang, DECIMALS.get(unit, 2))


def _fact(name: str, value: Fact, lang: Lang, currency: str) -> str:
    if name in FACTS["money"]:
        return money(value, currency, lang)
    if name in FACTS["percent"]:
        return percent(value, lang)
    return days(value, lang) if name in FACTS["days"] else number(value, lang)
