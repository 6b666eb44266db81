"""Values of the policy as people read them, and as JSON. A signed number is shown to its last digit: it is never rounded."""

from decimal import Decimal
from typing import Any

from riskscore.phrases import Lang, option_name
from riskscore.policy import Amount, Steps
from riskscore.policy.values import SHARE_OF_SALES, Value


def said(value: Value, lang: Lang) -> str:
    """A value of the policy in words and figures."""
    if isinstance(value, Steps):
        mark = "≤" if value.rises else "≥"
        told = [f"{mark} {_exact(bound)}: {_percent(share)}" for bound, share in value.steps]
        return "; ".join([*told, f"…: {_percent(value.rest)}"])
    if isinstance(value, Amount):
        return _percent(value.value) if value.unit == SHARE_OF_SALES else _exact(value.value)
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
            return f"{option_name(name, lang)} {_percent(share)}"
        case int() | Decimal():
            return _exact(each)
        case _:
            return str(each)


def _exact(each: int | Decimal) -> str:
    """Every digit, thousands apart: both languages write numbers alike."""
    whole, _, places = f"{Decimal(each):f}".partition(".")
    return f"{int(whole):,}" + (f".{kept}" if (kept := places.rstrip("0")) else "")


def _percent(share: Decimal) -> str:
    return f"{_exact(share * 100)}%"


def _json(each: object) -> str | int:
    return each if isinstance(each, int) else str(each)
