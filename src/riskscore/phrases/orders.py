"""What becomes of an order, in words."""

from collections.abc import Mapping
from types import ModuleType

from riskscore.order_check import Answer, Outcome
from riskscore.phrases import chinese, english
from riskscore.phrases.figures import Lang, money

PHRASES: Mapping[Lang, ModuleType] = {"en": english, "zh": chinese}


def order_outcome_name(outcome: Outcome, lang: Lang) -> str:
    """The outcome of an order check in words."""
    name: str = PHRASES[lang].ORDER_OUTCOMES[outcome]
    return name


def order_reason_sentence(answer: Answer, lang: Lang, currency: str) -> str:
    """Why an order is allowed, stopped or to be prepaid, with the figures it was measured by."""
    figures = {name: getattr(answer, name) for name in ("after", "limit", "room")}
    text: str = PHRASES[lang].ORDER_REASONS[answer.reason]
    return text.format(**{name: money(amount, currency, lang) for name, amount in figures.items() if amount is not None})
