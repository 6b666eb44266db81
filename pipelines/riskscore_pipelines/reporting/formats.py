"""Numbers, money and dates as each language writes them; and the sentences of the report in that language."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from babel.dates import format_date
from babel.numbers import format_compact_currency, format_decimal, get_currency_name

Lang = Literal["en", "zh"]
LOCALES: Mapping[Lang, str] = {"en": "en_GB", "zh": "zh_Hans_CN"}
HTML_LANG: Mapping[Lang, str] = {"en": "en", "zh": "zh-Hans"}
MISSING = "–"
"""What stands where nothing is known; never an empty cell, never a zero."""


@cache
def sentences(lang: Lang) -> Mapping[str, str]:
    """Key to sentence, with named placeholders; sections of the file are joined to the key by a dot."""
    text = (files(__package__) / "texts" / f"{lang}.toml").read_text("utf-8")
    return {f"{section}.{key}": value for section, lines in tomllib.loads(text).items() for key, value in lines.items()}


@dataclass(frozen=True)
class Formats:
    """How one language writes what the report shows. Every figure on the page goes through here."""

    lang: Lang
    currency: str

    @property
    def locale(self) -> str:
        """The locale in Babel's spelling."""
        return LOCALES[self.lang]

    def say(self, key: str, **values: Any) -> str:
        """The sentence of that key, its placeholders filled. Raises KeyError for a key the language lacks."""
        return sentences(self.lang)[key].format(**values)

    def number(self, value: float | Decimal | None, digits: int = 0, *, sign: bool = False) -> str:
        """Grouped digits with a true minus; `sign` writes the plus as well."""
        if value is None:
            return MISSING
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        text = format_decimal(abs(Decimal(value)), format=pattern, locale=self.locale)
        zero = not any(digit in text for digit in "123456789")
        return ("" if zero else "−" if value < 0 else "+" if sign else "") + text

    def compact(self, value: float | Decimal) -> str:
        """Money at a glance: €22.2M, or 万 and 亿 in Chinese."""
        text: str = format_compact_currency(abs(Decimal(value)), self.currency, locale=self.locale, fraction_digits=1)
        return ("−" if value < 0 else "") + text

    def share(self, value: float | None, digits: int = 1) -> str:
        """A share or probability in percent."""
        return MISSING if value is None else self.number(value * 100, digits) + "%"

    def days(self, value: float | None, digits: int = 0) -> str:
        """Days, with the word."""
        return MISSING if value is None else self.say("unit.days", n=self.number(value, digits))

    def on(self, day: date) -> str:
        """A date in full."""
        return format_date(day, "medium", locale=self.locale)

    def month(self, day: date) -> str:
        """A month on an axis."""
        return format_date(day, "MMM" if self.lang == "en" else "M月", locale=self.locale)

    def quarter(self, day: date) -> str:
        """A quarter on an axis, e.g. Q3 26."""
        return format_date(day, "'Q'Q yy" if self.lang == "en" else "yy'年'Q'季'", locale=self.locale)

    def currency_name(self) -> str:
        """The reporting currency in words."""
        return get_currency_name(self.currency, count=2, locale=self.locale)
