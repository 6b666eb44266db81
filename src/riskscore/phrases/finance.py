"""What finance is told: headings, figures and warnings about provision, budgets, insurance, reviews and reminders."""

from collections.abc import Mapping

from riskscore.phrases import finance_chinese, finance_english
from riskscore.phrases.figures import Lang

SAYINGS: Mapping[Lang, Mapping[str, str]] = {"en": finance_english.SAYINGS, "zh": finance_chinese.SAYINGS}


def say(key: str, lang: Lang, **facts: str) -> str:
    """The sentence of that key with its facts, which are written already. Raises KeyError for a key or a fact that is not there.

    >>> say("age_due_31_60", "en"), say("of_receivables", "zh", share="5%")
    ('31–60 days', '占应收账款 5%')
    """
    return SAYINGS[lang][key].format(**facts)
