"""What a number of the policy may be besides a plain one: money or a share of sales, and shares by how a measure stands."""

from dataclasses import dataclass
from decimal import Decimal

from riskscore.policy.recommendation import Terms

N_GRADES = 10
SHARE_OF_SALES = "share of annual sales"
CURRENCY = "ISO 4217 currency"


@dataclass(frozen=True)
class Amount:
    """Money in a currency, or a share of the seller's own sales of the last twelve months."""

    value: Decimal
    unit: str

    def of(self, annual_sales: Decimal) -> Decimal:
        """The amount in the reporting currency. The parser's caller has checked that a currency is the reporting one."""
        return self.value * annual_sales if self.unit == SHARE_OF_SALES else self.value


@dataclass(frozen=True)
class Steps:
    """Shares by how a measure stands, the best first: `steps` of (bound, share), and `rest` for whatever is worse than all.

    rises: a larger measure is a worse one, so a bound means "up to"; else it means "from". A bound is inside its step.

    >>> on_time = Steps(False, ((Decimal("0.8"), Decimal(1)), (Decimal("0.5"), Decimal("0.75"))), Decimal(0))
    >>> [str(on_time.share(Decimal(measure))) for measure in ("0.8", "0.79", "0.5", "0.49")]
    ['1', '0.75', '0.75', '0']
    """

    rises: bool
    steps: tuple[tuple[Decimal, Decimal], ...]
    rest: Decimal

    def share(self, measure: Decimal) -> Decimal:
        """The share of that measure; a worse measure never has a larger one."""
        for bound, share in self.steps:
            if measure <= bound if self.rises else measure >= bound:
                return share
        return self.rest


Shares = tuple[tuple[str, Decimal], ...]
"""Shares by name, in the order of the names."""

Value = Decimal | int | str | Amount | Steps | Shares | tuple[Decimal, ...] | tuple[Terms, ...] | tuple[str, ...] | None
