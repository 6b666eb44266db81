"""What the policy answers: what each rule allows (`Cap`, `TermCap`), and what all of them make together (`Recommendation`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

Terms = int | Literal["cash_on_delivery", "prepayment", "stop"]
"""Days of credit, or none: pay at the door, pay before delivery, or no delivery at all."""

Fact = Decimal | int
"""What a sentence about a cap may quote."""

ZERO = Decimal(0)


@dataclass(frozen=True)
class Cap:
    """The most one rule allows.

    rule: the id in `RULES`. amount: in the case's currency, to the cent; `security` of it is there because something stands
    behind the customer. source: who signed the number. facts: what the rule looked at, for the sentence about it.
    """

    rule: str
    amount: Decimal
    source: str
    facts: Mapping[str, Fact] = field(default_factory=lambda: MappingProxyType({}))
    security: Decimal = ZERO


@dataclass(frozen=True)
class TermCap:
    """The longest terms one rule allows. rule: the id in `TERM_RULES`. source: who signed it, or the act, article and date."""

    rule: str
    terms: Terms
    source: str


@dataclass(frozen=True)
class Offer:
    """One way of being paid, by its code in the menu, and what a year of it is expected to earn, in money."""

    option: str
    expected_value: Decimal


@dataclass(frozen=True)
class Flip:
    """The probability of default at which the choice of terms changes, and the option that is best beyond it."""

    pd: Decimal
    option: str


@dataclass(frozen=True)
class Menu:
    """The terms that earn most of those the caps allow, and how firm that is.

    runner_up: the next best; null where nothing else may be offered. flips_above, flips_below: where the choice changes for a
    worse and for a better payer under the same caps; null where it never does.
    """

    best: Offer
    runner_up: Offer | None
    flips_above: Flip | None
    flips_below: Flip | None


@dataclass(frozen=True)
class Recommendation:
    """A limit, the terms, and the caps that made them.

    limit: what the policy recommends, the smallest of `caps` rounded down. conservative: at the upper end of the probability's
    interval; aggressive: at its mean; conservative <= aggressive. binding_cap: the rule whose cap is the smallest.
    caps: every cap that applied, in the order of `RULES`, for the basis the policy recommends by.
    terms: the terms to offer: those of `menu` that earn most, never longer than `longest_terms`, made by the shortest of
    `term_caps`. menu: null where no probability is known, and where nothing is delivered; then `terms` are the longest.
    security_required: credit only against a guarantee, collateral or a deposit.
    expected_profit: margin less funding and expected loss of a year at `limit`; null where no probability is known.
    """

    limit: Decimal
    conservative: Decimal
    aggressive: Decimal
    binding_cap: str
    caps: tuple[Cap, ...]
    terms: Terms
    security_required: bool
    expected_profit: Decimal | None
    longest_terms: Terms
    term_caps: tuple[TermCap, ...]
    menu: Menu | None

    @property
    def binding(self) -> Cap:
        """The cap that makes the limit."""
        return next(cap for cap in self.caps if cap.rule == self.binding_cap)

    @property
    def binding_term(self) -> TermCap:
        """The cap that makes the longest terms."""
        return next(cap for cap in self.term_caps if cap.terms == self.longest_terms)


def credit_days(terms: Terms) -> int:
    """Terms as one order, from none to long: stop is -1, prepayment and cash on delivery 0, anything else its days."""
    return {"stop": -1, "prepayment": 0, "cash_on_delivery": 0}[terms] if isinstance(terms, str) else terms
