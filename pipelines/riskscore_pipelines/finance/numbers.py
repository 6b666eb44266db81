"""Exact numbers as they come from the command line."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from riskscore.errors import UsageRefused


def decimal_of(option: str, text: str) -> Decimal:
    """The number above 0 that an option was given. Raises UsageRefused naming the option."""
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise UsageRefused(f"{option}: {text!r} is no number. Write it with a point and without separators.") from error
    if not value.is_finite() or value <= 0:
        raise UsageRefused(f"{option}: {text} is not above 0. Leave the option out where there is no limit.")
    return value


def pairs_of(option: str, texts: Sequence[str] | None) -> dict[str, Decimal]:
    """Group to number, from options such as 7=0.05. Raises UsageRefused naming the option."""
    found = {}
    for text in texts or ():
        group, mark, value = text.rpartition("=")
        if not mark or not group:
            raise UsageRefused(f"{option}: {text!r} is not GROUP=NUMBER, such as 7=0.05.")
        found[group] = decimal_of(f"{option} {group}", value)
    return found
