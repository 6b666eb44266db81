"""Terms, reviews and cuts as sentences: what is offered and why not something else, when to look again."""

from collections.abc import Mapping
from datetime import date
from types import ModuleType

from riskscore.phrases import chinese, english
from riskscore.phrases.figures import Lang, day, days, money, percent
from riskscore.phrases.sentences import terms_sentence
from riskscore.policy import Flip, Menu, Review, TermCap

PHRASES: Mapping[Lang, ModuleType] = {"en": english, "zh": chinese}
COMMA: Mapping[Lang, str] = {"en": ", ", "zh": "、"}


def option_name(option: str, lang: Lang) -> str:
    """An option of the menu in words, by its code. Raises KeyError for a code no menu has."""
    names: Mapping[str, str] = PHRASES[lang].OPTIONS
    for cover in ("insured", "guaranteed"):
        if option.endswith(f"_{cover}"):
            return names[cover].format(option=option_name(option.removesuffix(f"_{cover}"), lang))
    if option.startswith("net_"):
        return names["net"].format(days=days(int(option.removeprefix("net_")), lang))
    return names[option]


def menu_sentences(menu: Menu, lang: Lang, currency: str) -> tuple[str, ...]:
    """What the best terms earn, what the next best earn less, and the probabilities at which the choice would change."""
    says: Mapping[str, str] = PHRASES[lang].MENU
    told = [
        says["best"].format(option=option_name(menu.best.option, lang), value=money(menu.best.expected_value, currency, lang))
    ]
    if menu.runner_up is not None:
        less = money(menu.best.expected_value - menu.runner_up.expected_value, currency, lang)
        told.append(says["runner_up"].format(option=option_name(menu.runner_up.option, lang), less=less))
    flips: dict[str, Flip | None] = {"flips_below": menu.flips_below, "flips_above": menu.flips_above}
    for key, flip in flips.items():
        if flip is not None:
            told.append(says[key].format(pd=percent(flip.pd, lang), option=option_name(flip.option, lang)))
    return tuple(told)


def term_cap_sentence(cap: TermCap, lang: Lang) -> str:
    """Who allows no longer terms, and where that is written."""
    phrases = PHRASES[lang]
    text: str = phrases.MENU["longest_source" if cap.source else "longest"]
    return text.format(terms=terms_sentence(cap.terms, lang), rule=phrases.TERM_RULES[cap.rule], source=cap.source)


def sign_names(triggers: tuple[str, ...], lang: Lang) -> str:
    """Signs of abnormal operation in words."""
    names: Mapping[str, str] = PHRASES[lang].SIGNS
    return COMMA[lang].join(names[trigger] for trigger in triggers)


def review_sentence(review: Review, lang: Lang) -> str:
    """When the customer is looked at next, and why."""
    phrases = PHRASES[lang]
    text: str = phrases.MENU[review.why]
    return text.format(on=day(review.next_on, lang), risk=phrases.RISKS[review.risk], signs=sign_names(review.triggers, lang))


def grace_sentence(until: date, lang: Lang) -> str:
    """Until when old orders are honoured."""
    text: str = PHRASES[lang].MENU["grace"]
    return text.format(on=day(until, lang))
