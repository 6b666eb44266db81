"""The overview of a book: one line a customer, in the orders in which people look at it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from sys import intern

from riskscore.decisions import Decision
from riskscore.verdicts import verdict_of


@dataclass(frozen=True, slots=True)
class Line:
    """One customer in one line; null is not known. Of a large book there are many in memory: three quarters of a kB each."""

    customer_id: str
    status: str
    outcome: str
    grade: int | None
    score: int | None
    pd: float | None
    exposure: Decimal | None
    overdue: Decimal | None
    limit_now: Decimal | None
    limit_recommended: Decimal | None

    @classmethod
    def of(cls, decision: Decision) -> "Line":
        """The line of a decision. No limit is shown that would deny credit to a natural person: a person has to do that."""
        found = decision.recommendation
        denied = decision.referral is not None and "natural_person" in decision.referral.reasons
        return cls(
            decision.customer_id, intern(decision.status), verdict_of(decision).outcome,
            decision.grade, decision.score, decision.pd, decision.exposure, decision.overdue,
            decision.limit_now, None if found is None or denied else found.limit,
        )  # fmt: skip


Lines = Sequence[Line]

ORDERS: Mapping[str, Callable[[Lines], Lines]] = {
    "customer_id": lambda lines: lines,
    "-exposure": lambda lines: sorted(lines, key=lambda line: -(line.exposure or Decimal(0))),
    "-overdue": lambda lines: sorted(lines, key=lambda line: -(line.overdue or Decimal(0))),
    "-pd": lambda lines: sorted(lines, key=lambda line: -1.0 if line.pd is None else line.pd, reverse=True),
    "grade": lambda lines: sorted(lines, key=lambda line: 99 if line.grade is None else line.grade),
}
"""How lines that are sorted by customer are sorted otherwise; equals stay in the order of their ids."""


class Listed:
    """The lines of a book in every order, each sorted when first asked for and then kept: of a large book that takes a second."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._sorted: dict[str, Lines] = {"customer_id": sorted(lines, key=lambda line: line.customer_id)}

    def by(self, order: str) -> Lines:
        """The lines in an order of `ORDERS`."""
        if order not in self._sorted:
            self._sorted[order] = ORDERS[order](self._sorted["customer_id"])
        return self._sorted[order]
