"""Grade migration: where the customers of each grade were graded later, as counts and as exposure."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

WITHHELD = "withheld"
GONE = "gone"
CLASSES = (*(str(grade) for grade in range(1, 11)), WITHHELD)
"""Grades 1 to 10, and customers whose grade is withheld: the rows. The columns have those that are no longer known besides."""


@dataclass(frozen=True)
class Graded:
    """One customer at a date: its grade (None: withheld) and what it owes, in money; credits count as nothing owed."""

    grade: int | None
    exposure: Decimal

    @property
    def label(self) -> str:
        """The class of the customer."""
        return WITHHELD if self.grade is None else str(self.grade)


@dataclass(frozen=True)
class Migration:
    """From class to class, how many customers and how much of the exposure of the first day. new: known only at the second."""

    customers: Mapping[tuple[str, str], int]
    exposure: Mapping[tuple[str, str], Decimal]
    new: Mapping[str, int]

    def row(self, start: str) -> dict[str, float]:
        """The shares of a class's customers by where they went; they sum to 1. Empty where nobody was in it."""
        counts = {end: self.customers.get((start, end), 0) for end in (*CLASSES, GONE)}
        whole = sum(counts.values())
        return {end: count / whole for end, count in counts.items()} if whole else {}

    def total(self, start: str) -> int:
        """How many customers were in the class."""
        return sum(count for (begin, _), count in self.customers.items() if begin == start)

    @property
    def moved(self) -> tuple[int, int, int]:
        """How many graded customers stand better, alike and worse; only those with a grade on both days."""
        better = alike = worse = 0
        for (start, end), count in self.customers.items():
            if start.isdigit() and end.isdigit():
                better += count if int(end) < int(start) else 0
                alike += count if end == start else 0
                worse += count if int(end) > int(start) else 0
        return better, alike, worse


def migration(before: Mapping[str, Graded], after: Mapping[str, Graded]) -> Migration:
    """Where each customer of the first day stood on the second. Keys are customers."""
    customers: dict[tuple[str, str], int] = {}
    exposure: dict[tuple[str, str], Decimal] = {}
    for customer, graded in before.items():
        key = (graded.label, after[customer].label if customer in after else GONE)
        customers[key] = customers.get(key, 0) + 1
        exposure[key] = exposure.get(key, Decimal(0)) + max(graded.exposure, Decimal(0))
    new: dict[str, int] = {}
    for customer in after.keys() - before.keys():
        label = after[customer].label
        new[label] = new.get(label, 0) + 1
    return Migration(customers, exposure, new)
