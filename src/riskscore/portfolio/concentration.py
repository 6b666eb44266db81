"""Concentration: how much of the receivables hangs on few families of buyers."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

TOP = 10


@dataclass(frozen=True)
class Concentration:
    """Shares of the receivables by family. Families in credit owe nothing and are left out; all null when nobody owes.

    receivables: what the others owe together. largest_family, largest_share: the single buyer. top_share: the ten largest.
    herfindahl: sum of squared shares, 1 for a single family, 1/n for n equal ones. over_cap: those above the cap, largest first.
    """

    receivables: Decimal
    largest_family: str | None
    largest_share: Decimal | None
    top_share: Decimal | None
    herfindahl: Decimal | None
    over_cap: tuple[str, ...]


def concentration_of(receivables: Mapping[str, Decimal], *, cap: Decimal = Decimal("0.20")) -> Concentration:
    """How concentrated receivables by family are, and which families are above the cap."""
    owing = sorted(((-amount, family) for family, amount in receivables.items() if amount > 0))
    total = -sum((amount for amount, _ in owing), Decimal(0))
    if not owing:
        return Concentration(total, None, None, None, None, ())
    shares = [(-amount / total, family) for amount, family in owing]
    return Concentration(
        receivables=total,
        largest_family=shares[0][1],
        largest_share=shares[0][0],
        top_share=sum((share for share, _ in shares[:TOP]), Decimal(0)),
        herfindahl=sum((share * share for share, _ in shares), Decimal(0)),
        over_cap=tuple(family for share, family in shares if share > cap),
    )


def most_one_buyer_may_owe(others: Decimal, *, cap: Decimal = Decimal("0.20")) -> Decimal:
    """The most a family may owe so that its share after the change is at most `cap`: cap / (1 - cap) of what the others owe.

    The share is of the total including the family itself: against the total before the change the cap would be passed.

    >>> most_one_buyer_may_owe(Decimal(8_000_000))
    Decimal('2000000')
    """
    return max(others, Decimal(0)) * cap / (1 - cap)
