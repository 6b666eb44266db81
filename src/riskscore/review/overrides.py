"""Overrides: what a person puts in place of a decision's limit, terms or grade, for how long, and in which state that is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from riskscore.decisions import Decision
from riskscore.errors import UsageRefused
from riskscore.grades import IN_DEFAULT
from riskscore.policy import Terms

State = Literal["proposed", "approved", "rejected", "withdrawn", "lapsed", "expired"]
Act = Literal["approve", "reject", "withdraw"]
Closed = Literal["approved", "rejected", "withdrawn"]

TRANSITIONS: Mapping[tuple[State, Act], Closed] = MappingProxyType({
    ("proposed", "approve"): "approved",
    ("proposed", "reject"): "rejected",
    ("proposed", "withdraw"): "withdrawn",
})  # fmt: skip
"""Everything that can be done. Time does the rest: a proposal lapses, and what was approved expires and the decision returns."""

PROPOSAL_LASTS = timedelta(days=30)
LONGEST = timedelta(days=366)
"""How far ahead an override may reach: an exception that nobody looks at again is a policy that nobody signed."""

SHORTEST_REASON, LONGEST_REASON = 10, 2000
LONGEST_TERMS = 365
LARGEST_LIMIT = Decimal(10) ** 15


@dataclass(frozen=True)
class Wanted:
    """What is to hold instead; null leaves what was decided. reason: why, for whoever approves and audits."""

    limit: Decimal | None
    terms: Terms | None
    grade: int | None
    reason: str
    valid_until: date


@dataclass(frozen=True)
class Closing:
    """How a proposal ended, by whom and when."""

    state: Closed
    by: str
    note: str
    on: date


@dataclass(frozen=True)
class Override:
    """A proposal and what became of it.

    decided_for: the date of the decision, from which it counts once approved. decided_limit, decided_grade: what the decision
    said. closing: null while nobody acted.
    """

    review_id: str
    decision_id: str
    customer_id: str
    currency: str
    decided_for: date
    decided_limit: Decimal | None
    decided_grade: int | None
    is_natural_person: bool | None
    wanted: Wanted
    proposed_by: str
    proposed_on: date
    closing: Closing | None = None

    @property
    def at_stake(self) -> Decimal:
        """The credit that whoever approves answers for: the limit that will hold, or that was decided, whichever is larger."""
        return max(self.wanted.limit or Decimal(0), self.decided_limit or Decimal(0))

    @property
    def declines_a_person(self) -> bool:
        """Does it refuse credit to somebody who is, or may be, a natural person? Only people may do that: two of them."""
        refuses = self.wanted.limit == 0 or self.wanted.terms == "stop"
        return refuses and self.is_natural_person is not False

    def state_on(self, day: date) -> State:
        """The state on a day."""
        if self.closing is None:
            return "lapsed" if day > min(self.proposed_on + PROPOSAL_LASTS, self.wanted.valid_until) else "proposed"
        if self.closing.state == "approved" and day > self.wanted.valid_until:
            return "expired"
        return self.closing.state


def check_wanted(wanted: Wanted, decision: Decision, today: date) -> None:
    """Raises UsageRefused where that cannot be put in place of the decision, naming the field and what to do."""
    if wanted.limit is None and wanted.terms is None and wanted.grade is None:
        raise UsageRefused("override: it changes nothing. Give a limit, terms or a grade.")
    if wanted.limit is not None and not 0 <= wanted.limit <= LARGEST_LIMIT:
        raise UsageRefused("override: limit is an amount from 0 up.")
    if wanted.limit is not None and wanted.limit != wanted.limit.quantize(Decimal("0.01")):
        raise UsageRefused("override: limit has at most two decimals.")
    if isinstance(wanted.terms, int) and not 1 <= wanted.terms <= LONGEST_TERMS:
        raise UsageRefused(f"override: terms are 1 to {LONGEST_TERMS} days, prepayment or stop.")
    if wanted.grade is not None and not 1 <= wanted.grade <= IN_DEFAULT:
        raise UsageRefused(f"override: grade is 1 to {IN_DEFAULT}.")
    if not SHORTEST_REASON <= len(wanted.reason.strip()) <= LONGEST_REASON:
        raise UsageRefused(
            f"override: reason has {SHORTEST_REASON} to {LONGEST_REASON} characters: somebody else must follow it."
        )
    if not today <= wanted.valid_until <= today + LONGEST:
        raise UsageRefused(f"override: valid_until is between today and {LONGEST.days} days from now. It can be renewed then.")
    if decision.status == "not_scored":
        raise UsageRefused("override: there is no decision to override; the customer could not be computed.")


def in_force(overrides: Iterable[Override], on: date) -> Override | None:
    """The override of one customer that holds on a day: of those approved, the one approved last; null where none holds.

    overrides: oldest first.

    It holds from the date of the decision it overrides to its last day; then what the model and the policy say counts again.
    """
    holding = [each for each in overrides if each.state_on(on) == "approved" and each.decided_for <= on]
    # Reversed and stable: of those approved on one day, the one proposed last.
    return max(reversed(holding), key=lambda each: each.closing.on if each.closing else each.proposed_on, default=None)
