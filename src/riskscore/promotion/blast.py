"""How much moves at once: the decisions of two models on the same customers, the same day, under the same policy."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from riskscore.decisions import Decision

ZERO = Decimal(0)
FAR = 2
"""Grades a customer must move for it to count: by one, many move with every retraining."""


@dataclass(frozen=True)
class Blast:
    """What would change, were the challenger to decide instead of the champion. Money in the book's currency.

    n_regraded, n_far: customers whose grade changes at all, and by two or more (a grade withheld on one side only counts as far).
    approvals_before, approvals_after: share decided without a person and with credit. limits_before, limits_after: sums.
    n_doubled: customers whose limit more than doubles. n_above_cap: limits above the smallest cap of the policy; never but by a
    fault.
    """

    n_customers: int
    n_regraded: int
    n_far: int
    approvals_before: float
    approvals_after: float
    limits_before: Decimal
    limits_after: Decimal
    n_doubled: int
    n_raised: int
    n_cut: int
    n_above_cap: int

    @property
    def far_share(self) -> float:
        """Share of customers whose grade changes by two or more."""
        return self.n_far / self.n_customers if self.n_customers else 0.0

    @property
    def doubled_share(self) -> float:
        """Share of customers whose limit more than doubles."""
        return self.n_doubled / self.n_customers if self.n_customers else 0.0

    @property
    def approvals_moved(self) -> float:
        """Share of customers decided without a person, after less before."""
        return self.approvals_after - self.approvals_before

    @property
    def limits_moved(self) -> float:
        """Sum of all limits, after less before, as a share of before; infinite where there was none before and is one after."""
        moved = self.limits_after - self.limits_before
        if self.limits_before == 0:
            return 0.0 if moved == 0 else float("inf")
        return float(moved / self.limits_before)


def blast_radius(before: Sequence[Decision], after: Sequence[Decision]) -> Blast:
    """What changes from one set of decisions to the other. Raises ValueError where they are not about the same customers."""
    now = {decision.customer_id: decision for decision in after}
    if len(before) != len(after) or {decision.customer_id for decision in before} != set(now):
        raise ValueError("the two sets of decisions are not about the same customers")
    pairs = [(decision, now[decision.customer_id]) for decision in before]
    limits = [(limit_of(old), limit_of(new)) for old, new in pairs]
    n = len(pairs)
    return Blast(
        n_customers=n,
        n_regraded=sum(old.grade != new.grade for old, new in pairs),
        n_far=sum(_is_far(old.grade, new.grade) for old, new in pairs),
        approvals_before=sum(map(is_approved, before)) / n if n else 0.0,
        approvals_after=sum(map(is_approved, after)) / n if n else 0.0,
        limits_before=sum((old for old, _ in limits), ZERO),
        limits_after=sum((new for _, new in limits), ZERO),
        n_doubled=sum(new > 2 * old for old, new in limits),
        n_raised=sum(new > old for old, new in limits),
        n_cut=sum(new < old for old, new in limits),
        n_above_cap=sum(map(is_above_cap, after)),
    )


def limit_of(decision: Decision) -> Decimal:
    """The recommended limit; 0 where there is none."""
    return decision.recommendation.limit if decision.recommendation is not None else ZERO


def is_approved(decision: Decision) -> bool:
    """Was it decided without a person, and with credit?"""
    return decision.status == "scored" and limit_of(decision) > 0


def is_above_cap(decision: Decision) -> bool:
    """Is the recommended limit above a cap of the policy? Only a fault of the program makes it so."""
    recommendation = decision.recommendation
    return recommendation is not None and any(recommendation.limit > max(cap.amount, ZERO) for cap in recommendation.caps)


def _is_far(old: int | None, new: int | None) -> bool:
    if old is None or new is None:
        return old != new
    return abs(old - new) >= FAR
