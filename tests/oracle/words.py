"""What the definitions of features speak of: what was billed, fell due, is owed; shares, differences and windows."""

import math
from collections.abc import Callable, Iterable
from fractions import Fraction

from oracle.known import Item, Known

Answer = float | str | None
ORACLES: dict[str, Callable[[Known], Answer]] = {}


def oracle(definition: Callable[[Known], Answer]) -> Callable[[Known], Answer]:
    ORACLES[definition.__name__] = definition
    return definition


def ratio(numerator: float | None, denominator: float | None) -> float | None:
    if numerator is None or denominator is None or denominator <= 0:
        return None
    return float(Fraction(numerator) / Fraction(denominator))


def less(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b


def number(value: float | None) -> float | None:
    return None if value is None else float(value)


def total(values: Iterable[int]) -> int:
    return sum(values)


def bills(known: Known, window: float = math.inf) -> list[Item]:
    return [item for item in known.items if item.bills and item.issued < window]


def fell_due(known: Known, window: int) -> list[Item]:
    return [item for item in known.items if item.sale and 0 <= item.age < window]


def concluded(known: Known, window: int) -> list[Item]:
    return [item for item in known.items if item.concluded is not None and item.concluded < window]


def answered(known: Known, days: int, window: int) -> list[Item]:
    return [item for item in known.items if item.sale and days < item.age <= days + window and item.days_late is not None]


def owing(known: Known) -> list[Item]:
    return [item for item in known.items if item.unpaid > 0 and item.collectable > 0]


def overdue(known: Known, days: int = 0) -> list[Item]:
    return [item for item in owing(known) if item.age > days]


def billed(known: Known, window: float) -> int:
    return total(item.billed for item in bills(known, window))


def balance(known: Known) -> int:
    return total(item.open for item in known.items)


def overdue_balance(known: Known) -> int:
    return total(item.open for item in known.items if item.open > 0 and item.age > 0)


def tenure(known: Known) -> int | None:
    ages = [item.issued for item in bills(known)]
    if known.master.get("onboarded_on"):
        ages.append((known.as_of - known.master["onboarded_on"]).days)
    return max(ages, default=None)


def four_in_five(values: list[int]) -> int | None:
    if not values:
        return None
    values = sorted(values)
    rank = Fraction(4, 5) * (len(values) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(values) - 1)
    return math.ceil(values[low] + (values[high] - values[low]) * (rank - low))


def windows(name: str, windows: Iterable[int], definition: Callable[[Known, int], Answer]) -> None:
    for window in windows:
        ORACLES[name.format(window)] = lambda known, window=window: definition(known, window)


def if_ever_billed(known: Known, value: float) -> float | None:
    return float(value) if bills(known) else None
