"""Values of the policy as people read them, and as JSON."""

from decimal import Decimal
from typing import Any

from riskscore.phrases import Lang, number, option_name, percent
from riskscore.policy import Amount, Steps
from riskscore.policy.values import Value


def said(value: Value, lang: Lang) -> str:
    """A value of the policy in words and figures."""
    if isinstance(value, Steps):
        mark = "≤" if value.rises else "≥"
        told = [f"{mark} {number(bound, lang)}: {percent(share, lang)}" for bound, share in value.steps]
        return "; ".join([*told, f"…: {percent(value.rest, lang)}"])
    if isinstance(value, Amount):
        return percent(value.value, lang) if value.value < 1 else number(value.value, lang)
    if isinstance(value, tuple):
        named = any(isinstance(each, tuple) for each in value)
        return ("; " if named else " ").join(_member(each, lang) for each in value)
    return "–" if value is None else _member(value, lang)


def as_json(value: Value) -> Any:
    """A value of the policy as plain JSON: exact numbers as text, whole ones as they are."""
    if isinstance(value, Steps):
        bound = "up_to" if value.rises else "from"
        return [*({bound: str(limit), "share": str(share)} for limit, share in value.steps), {"share": str(value.rest)}]
    if isinstance(value, Amount):
        return str(value.value)
    if isinstance(value, tuple):
        return [list(map(_json, each)) if isinstance(each, tuple) else _json(each) for each in value]
    return None if value is None else _json(value)


def _member(each: object, lang: Lang) -> str:
    match each:
        case (str(name), Decimal() as share):
            return f"{option_name(name, lang)} {percent(share, lang)}"
        case int() | Decimal():
            return number(each, lang, digits=4)
        case _:
            return str(each)


def _json(each: object) -> str | int:
    return each if isinstance(each, int) else str(each)
