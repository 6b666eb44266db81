"""How much a run over the book moves against the one before it: approvals, sums and single limits of the same customers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from riskscore.decisions import Decision
from riskscore.promotion.blast import is_above_cap, is_approved, limit_of
from riskscore.promotion.check import Check
from riskscore.promotion.gate import at_most
from riskscore.promotion.terms import Runs

ZERO = Decimal(0)
SHOWN = 10
"""Customers whose limits move most, raised and cut, that are kept with what was found: enough to see what happened."""


class Stood(NamedTuple):
    """What a run said of one customer, as much of it as is compared. limit: in the book's currency, 0 where it gave none."""

    is_approved: bool
    limit: Decimal


class Moved(NamedTuple):
    """One customer's limit in the run before and in this one."""

    customer_id: str
    before: Decimal
    after: Decimal


@dataclass
class Moves:
    """What moves between two runs, added up customer by customer. Money in the book's currency.

    before: the run that is published, by customer; null: there is none. Only customers of both runs are compared. n_customers:
    of these; n_new, n_gone: of one run alone. approved_before, approved_after: customers decided without a person and with
    credit. n_doubled: limits more than twice the one before and more than twice the one granted today; one from nothing is
    an approval and not a doubling. n_above_cap: limits above the smallest cap of the policy, of all customers; never but by a
    fault.
    """

    before: Mapping[str, Stood] | None
    n_customers: int = 0
    n_new: int = 0
    approved_before: int = 0
    approved_after: int = 0
    limits_before: Decimal = ZERO
    limits_after: Decimal = ZERO
    n_doubled: int = 0
    n_above_cap: int = 0
    doubled: list[Moved] = field(default_factory=list)
    above_cap: list[str] = field(default_factory=list)
    _raised: list[Moved] = field(default_factory=list)
    _cut: list[Moved] = field(default_factory=list)

    def add(self, decision: Decision) -> None:
        """Add one customer of this run."""
        if is_above_cap(decision):
            self.n_above_cap += 1
            if len(self.above_cap) < SHOWN:
                self.above_cap.append(decision.customer_id)
        if self.before is None:
            return
        stood = self.before.get(decision.customer_id)
        if stood is None:
            self.n_new += 1
            return
        limit = limit_of(decision)
        moved = Moved(decision.customer_id, stood.limit, limit)
        self.n_customers += 1
        self.approved_before += stood.is_approved
        self.approved_after += is_approved(decision)
        self.limits_before += stood.limit
        self.limits_after += limit
        if 0 < 2 * max(stood.limit, decision.limit_now or ZERO) < limit:
            self.n_doubled += 1
            _keep_largest(self.doubled, moved)
        if limit != stood.limit:
            _keep_largest(self._raised if limit > stood.limit else self._cut, moved)

    @property
    def n_gone(self) -> int:
        """Customers of the run before that are not in this one."""
        return len(self.before or {}) - self.n_customers

    @property
    def approvals_moved(self) -> float:
        """Share of the customers decided without a person and with credit, after less before."""
        return (self.approved_after - self.approved_before) / self.n_customers if self.n_customers else 0.0

    @property
    def limits_moved(self) -> float:
        """Sum of all limits, after less before, as a share of before; infinite where there was none before and is one after."""
        moved = self.limits_after - self.limits_before
        if self.limits_before == 0:
            return 0.0 if moved == 0 else float("inf")
        return float(moved / self.limits_before)

    @property
    def largest(self) -> list[Moved]:
        """The limits that were raised most, and those that were cut most; each in that order."""
        return [*self._raised, *self._cut]

    def checks(self, bounds: Runs) -> list[Check]:
        """What moved against what may move. A run with none before it is asked for the caps of the policy alone."""
        caps = at_most("limits_above_cap", self.n_above_cap, 0)
        if self.before is None:
            return [caps]
        return [
            at_most("approvals_moved", abs(self.approvals_moved), float(bounds.approvals)),
            at_most("limits_moved", abs(self.limits_moved), float(bounds.limits)),
            at_most("limits_doubled", self.n_doubled, bounds.doubled),
            caps,
        ]


def _keep_largest(kept: list[Moved], moved: Moved) -> None:
    """Put it among those kept, the largest move first, if it is one of the largest."""
    if len(kept) < SHOWN or _size(moved) > _size(kept[-1]):
        kept.append(moved)
        kept.sort(key=_size, reverse=True)
        del kept[SHOWN:]


def _size(moved: Moved) -> Decimal:
    return abs(moved.after - moved.before)
