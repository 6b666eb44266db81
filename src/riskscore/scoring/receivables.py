"""What the whole book owes at a date, by corporate family: what the concentration of one buyer is measured against."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pyarrow as pa

YEAR = 365
MONTH = 30
ZERO = Decimal(0)


@dataclass(frozen=True)
class Receivables:
    """What the whole book owes at the date, by corporate family; the concentration cap is measured against it.

    families: customer to family. by_family: family to exposure. annual_sales: billed by the seller in twelve months. owed:
    customer to exposure.
    """

    total: Decimal
    by_family: Mapping[str, Decimal]
    families: Mapping[str, str]
    annual_sales: Decimal
    owed: Mapping[str, Decimal] = field(default_factory=dict)

    def of_others(self, customer_id: str) -> Decimal:
        """What all families but this customer's owe."""
        return self.total - self._of_family(customer_id)

    def of_family(self, customer_id: str, exposure: Decimal) -> Decimal:
        """What the rest of the customer's family owes; exposure: the customer's own."""
        return self._of_family(customer_id) - exposure if customer_id in self.families else ZERO

    def owing(self, customer_id: str, exposure: Decimal) -> "Receivables":
        """The same if this customer owed that much; customers that no part told of owe nothing to anybody's family."""
        if customer_id not in self.families:
            return self
        change = exposure - self.owed.get(customer_id, ZERO)
        family = self.families[customer_id]
        return replace(
            self,
            total=self.total + change,
            by_family={**self.by_family, family: self.by_family[family] + change},
            owed={**self.owed, customer_id: exposure},
        )

    def _of_family(self, customer_id: str) -> Decimal:
        return self.by_family[self.families[customer_id]] if customer_id in self.families else ZERO


def receivables_of(parts: Iterable[pa.Table]) -> Receivables:
    """The receivables of a book from the positions of its parts, whatever the parts and their order.

    A part sees a parent that lies in another part, but not that one's own parent; the chain is followed here to its top.
    """
    parents: dict[str, str] = {}
    owed: dict[str, Decimal] = {}
    sales = ZERO
    for part in parts:
        columns = ("customer_id", "family_id", "exposure", "monthly_purchases", "tenure_days")
        for customer, family, exposure, monthly, tenure in zip(*(part[name].to_pylist() for name in columns), strict=True):
            parents[customer] = family or customer
            owed[customer] = exposure or ZERO
            sales += (monthly or ZERO) * max(min(tenure or 0, YEAR), MONTH) / MONTH
    families = {customer: _top(customer, parents) for customer in parents}
    by_family: dict[str, Decimal] = {}
    for customer in sorted(owed):
        by_family[families[customer]] = by_family.get(families[customer], ZERO) + owed[customer]
    return Receivables(sum(owed.values(), ZERO), by_family, families, sales.quantize(Decimal("0.01")), owed)


def _top(customer: str, parents: Mapping[str, str]) -> str:
    """The top of the chain of parents. A ring of parents has no top: its smallest id stands for it."""
    seen = [customer]
    while (parent := parents.get(seen[-1], seen[-1])) != seen[-1]:
        if parent in seen:
            return min(seen[seen.index(parent) :])
        seen.append(parent)
    return seen[-1]
