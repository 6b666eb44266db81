"""Numbers, money, days and dates as each language writes them."""

from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent
from babel.units import format_unit

Lang = Literal["en", "zh"]
Number = int | float | Decimal

LOCALES: dict[Lang, str] = {"en": "en", "zh": "zh_Hans_CN"}
UNIT_LENGTHS: dict[Lang, Literal["long", "short"]] = {"en": "long", "zh": "short"}  # Babel has no long Chinese units
DATE_FORMATS: dict[Lang, str] = {
    "en": "d MMM yyyy",
    "zh": "yyyy年M月d日",
}  # June before 30 or after it: a month's name is unambiguous

_cached = lru_cache(maxsize=65_536)  # a book says the same numbers over and over, and Babel takes its time over each


def money(amount: Number, currency: str, lang: Lang) -> str:
    """Money in whole units: a limit needs no cents."""
    return _money(Decimal(amount) if isinstance(amount, int) else Decimal(str(amount)), currency, lang)


def percent(share: Number, lang: Lang) -> str:
    """A share in percent, with one decimal below a tenth and two below a hundredth, where a whole number would hide it."""
    return _percent(float(share), lang)


def number(value: Number, lang: Lang, digits: int = 2) -> str:
    """A plain number with at most so many decimals, trailing zeros left out."""
    return _number(float(value), digits, lang)


def days(value: Number, lang: Lang) -> str:
    """Days with their unit, whole from ten on: 23 days, 1 day, 3.5 days."""
    return _unit(rounded_days(value), "duration-day", lang)


def months(value: Number, lang: Lang) -> str:
    """Months with their unit, one decimal."""
    return _unit(round(float(value), 1), "duration-month", lang)


def day(on: date, lang: Lang) -> str:
    """A date that cannot be misread: 30 Jun 2026, 2026年6月30日."""
    return _day(on, lang)


def window(n_days: int, lang: Lang) -> str:
    """The length of a window the way people say it: 30 days, 6 months, 36 months."""
    in_months = {180: 6, 360: 12, 365: 12, 1095: 36}.get(n_days)
    return days(n_days, lang) if in_months is None else months(in_months, lang)


def rounded_days(value: Number) -> float:
    """Days as they are shown: one decimal below ten, whole above."""
    exact = float(value)
    return float(round(exact)) if abs(exact) >= 10 else round(exact, 1)


@_cached
def _money(amount: Decimal, currency: str, lang: Lang) -> str:
    return _zero_unsigned(format_currency(amount, currency, format="¤#,##0", locale=LOCALES[lang], currency_digits=False))


@_cached
def _percent(share: float, lang: Lang) -> str:
    size = abs(share)
    decimals = 0 if size >= 0.1 or size == 0 else 1 if size >= 0.01 else 2
    pattern = "#,##0" + ("." + "#" * decimals if decimals else "") + "%"
    return _zero_unsigned(format_percent(share, format=pattern, locale=LOCALES[lang]))


@_cached
def _number(value: float, digits: int, lang: Lang) -> str:
    return _zero_unsigned(format_decimal(round(value, digits), format="#,##0." + "#" * digits, locale=LOCALES[lang]))


@_cached
def _unit(value: float, unit: str, lang: Lang) -> str:
    shown = int(value) if value == int(value) else value
    return format_unit(shown, unit, length=UNIT_LENGTHS[lang], locale=LOCALES[lang])


@_cached
def _day(on: date, lang: Lang) -> str:
    return format_date(on, format=DATE_FORMATS[lang], locale=LOCALES[lang])


def _zero_unsigned(text: str) -> str:
    """What is too small to show is 0, never -0."""
    return text if any(digit in text for digit in "123456789") else text.replace("-", "")
