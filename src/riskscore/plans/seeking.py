"""The search for plans: small, in a fixed order, and every claim of it replayed.

By exhaustion in the order of cost where few invoices are open; else from sets that reach the goal down to one of which nothing
can be left out. Ways are combined only where none of their parts reaches the goal alone.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal
from itertools import combinations

from riskscore.decisions import Decision
from riskscore.plans.events import Cost, Event, Means, Publish, Secure, Security, Settle, cost_of, rounded_up
from riskscore.plans.goals import A_QUARTER, Goal, Kind, Target, fixed_cap, goal_of, reaches
from riskscore.policy import Params, Terms
from riskscore.policy.recommendation import credit_days
from riskscore.policy.rules import LIFTED_BY_SECURITY

Replay = Callable[[Sequence[tuple[Event, ...]]], Sequence[Decision]]
"""Decides again as if the events had happened, for each of several sets of them: many at once cost little more than one."""

FEW = 5
"""Of so many open invoices every subset is tried, the cheapest first."""

MOST_INVOICES = 20
"""No more invoices than these are in a search, the most overdue ones: advice to settle dozens is none."""

SLIGHTLY = 30
"""Days overdue up to which settling leaves no bad mark of its own on the year."""

STEP = Decimal(100)
"""Security is asked for in whole hundreds."""

WAYS: tuple[tuple[str, ...], ...] = (
    ("settle",), ("publish",), ("deposit",), ("guarantee",),
    ("settle", "publish"), ("settle", "deposit"), ("settle", "guarantee"), ("publish", "deposit"), ("publish", "guarantee"),
)  # fmt: skip


@dataclass(frozen=True)
class Outlook:
    """What is recommended. grade: null where it is withheld or not known; pd: null where the model does not speak."""

    grade: int | None
    limit: Decimal
    terms: Terms
    pd: float | None


@dataclass(frozen=True)
class Plan:
    """Events that together reach the goal, and what is recommended then. minimal: none of them can be left out.

    False only where the replays ran out before that was shown.
    """

    events: tuple[Event, ...]
    cost: Cost
    after: Outlook
    minimal: bool


@dataclass(frozen=True)
class Plans:
    """What was found for one customer, the least cost first.

    goal: null where there is nothing to search. now: what is recommended as it is; null without an answer. why_none: a code of
    `WHY_NONE` where `plans` is empty, else null. held_by: what keeps the best that was tried from the goal: a rule of the limit,
    a rule of the terms, or for a grade the reason code that weighs most; null where nothing is to be said. spent: the replays
    allowed ran out, so that there may be cheaper plans or others. n_disputed, n_left_out: open invoices that no plan settles,
    because they are contested, and because others are more overdue.
    """

    customer_id: str
    as_of: date
    currency: str
    target: Target
    goal: Goal | None
    now: Outlook | None
    plans: tuple[Plan, ...]
    why_none: str | None
    held_by: str | None
    n_replays: int
    spent: bool
    n_disputed: int
    n_left_out: int


class _SpentError(Exception):
    """No more replays are allowed."""


class _Trials:
    """Replays, each set of events once, no more than allowed; remembers what came closest."""

    def __init__(self, goal: Goal, base: Decision, replay: Replay, most: int) -> None:
        self.goal, self.base, self._replay, self._most = goal, base, replay, most
        self._known: dict[frozenset[Event], Decision] = {frozenset(): base}

    @property
    def n(self) -> int:
        return len(self._known) - 1

    def foresee(self, sets: Iterable[Iterable[Event]]) -> None:
        """Replay these at once, as many as are allowed: they are about to be asked for."""
        new = list(dict.fromkeys(key for events in sets if (key := frozenset(events)) not in self._known))
        new = new[: self._most - self.n]
        if new:
            found = self._replay([tuple(sorted(key, key=_order)) for key in new])
            self._known.update(zip(new, found, strict=True))

    def decision(self, events: Iterable[Event]) -> Decision:
        key = frozenset(events)
        self.foresee([key])
        if key not in self._known:
            raise _SpentError
        return self._known[key]

    def reach(self, events: Iterable[Event]) -> bool:
        return reaches(self.goal, self.base, self.decision(events))

    def closest(self) -> Decision:
        return max(self._known.values(), key=lambda each: _closeness(self.goal.kind, each))


def search(target: Target, base: Decision, means: Means, params: Params, replay: Replay, *, most_replays: int) -> Plans:
    """The plans that take this customer from `base` to the target, the least cost first; at most one for each way.

    replay: the real path, with the events as facts of the ledger. most_replays: how often it may be asked.
    """
    goal = goal_of(target, base, params)
    left_out = max(len(means.invoices) - MOST_INVOICES, 0)
    if isinstance(goal, str):
        held = None if base.recommendation is None or target.kind != "limit" else fixed_cap(base.recommendation).rule
        held = held if goal in {"out_of_reach", "nothing_better"} else None
        return Plans(
            base.customer_id, base.as_of, base.currency, target, None, _outlook(base), (), goal, held, 0, False,
            means.n_disputed, left_out,
        )  # fmt: skip
    trials = _Trials(goal, base, replay, most_replays)
    seeker = _Seeker(trials, means, params)
    trials.foresee(seeker.single_ways())
    found: list[Plan] = []
    spent = False
    reached: list[frozenset[str]] = []
    for ways in WAYS:
        if any(done <= frozenset(ways) for done in reached):
            continue
        try:
            events = seeker.events(ways)
        except _SpentError:
            spent = True
            break
        if events is None:
            continue
        events, minimal = seeker.pruned(events)
        spent |= not minimal
        reached.append(frozenset(ways))
        after = _outlook(trials.decision(events))
        assert after is not None
        found.append(Plan(tuple(sorted(events, key=_order)), cost_of(events), after, minimal))
    found.sort(key=lambda plan: (plan.cost.total, len(plan.events), repr(plan.events)))
    return Plans(
        base.customer_id, base.as_of, base.currency, target, goal, _outlook(base), tuple(found),
        None if found else "spent" if spent else "out_of_reach",
        None if found else _held_by(goal.kind, trials.closest()), trials.n, spent, means.n_disputed, left_out,
    )  # fmt: skip


class _Seeker:
    """Finds, for a way or two of them together, events that reach the goal."""

    def __init__(self, trials: _Trials, means: Means, params: Params) -> None:
        self.trials, self.means, self.params = trials, means, params
        self.invoices = means.invoices[:MOST_INVOICES]
        self.publications = means.publications(self._equity())

    def single_ways(self) -> Iterator[tuple[Event, ...]]:
        """What each way alone would try first."""
        yield from self._settlements()
        yield from ((published,) for published in self.publications)
        for kind in ("deposit", "guarantee"):
            secure = self._enough(kind, self.trials.base) if self._may_secure(kind) else None
            yield from () if secure is None else ((secure,), (_a_step_less(secure),))

    def events(self, ways: Sequence[str]) -> tuple[Event, ...] | None:
        """Events of all of these ways that reach the goal together; None where none were found."""
        secured: list[Security] = [way for way in ("deposit", "guarantee") if way in ways]
        if secured and not self._may_secure(secured[0]):
            return None
        for published in self.publications if "publish" in ways else (None,):
            given: tuple[Event, ...] = () if published is None else (published,)
            found = self._with_security(given, ways, secured[0]) if secured else self._without(given, ways)
            if found is not None:
                return found
        return None

    def pruned(self, events: Sequence[Event]) -> tuple[tuple[Event, ...], bool]:
        """The events without those that the goal does not need, the dearest left out first; and was that shown to the end?"""
        left = sorted(events, key=lambda each: (-cost_of([each]).total, _order(each)))
        try:
            tails = [left[n:] for n in range(1, len(left))]
            self.trials.foresee(tails)
            left = next((tail for tail in reversed(tails) if self.trials.reach(tail)), left)
            while len(left) > 1:
                without = [[each for each in left if each != event] for event in left]
                self.trials.foresee(without)
                less = next((some for some in without if self.trials.reach(some)), None)
                if less is None:
                    break
                left = less
        except _SpentError:
            return tuple(left), False
        return tuple(left), True

    def _without(self, given: tuple[Event, ...], ways: Sequence[str]) -> tuple[Event, ...] | None:
        if "settle" not in ways:
            return given if self.trials.reach(given) else None
        sets = [given + some for some in self._settlements()]
        self.trials.foresee(sets)
        return next((some for some in sets if self.trials.reach(some)), None)

    def _may_secure(self, kind: Security) -> bool:
        """No feature reads security, so that no grade follows it; and a ledger names one security of a kind and day."""
        return self.trials.goal.kind != "grade" and kind not in self.means.begun

    def _with_security(self, given: tuple[Event, ...], ways: Sequence[str], kind: Security) -> tuple[Event, ...] | None:
        sets = [given + some for some in (self._large_settlements() if "settle" in ways else ((),))]
        self.trials.foresee(sets)
        tried = [(events, secure) for events in sets if (secure := self._enough(kind, self.trials.decision(events))) is not None]
        self.trials.foresee((*events, secure) for events, secure in tried)
        for events, secure in tried:
            if self.trials.reach((*events, secure)):
                kept, _ = self.pruned((*events, secure))
                return self._less(kept)
        return None

    def _equity(self) -> Decimal:
        """So much that the house would lend the limit of the goal against it, or a quarter of what no event lifts."""
        share, found = self.params.capacity_net_worth_share, self.trials.base.recommendation
        if found is None or share <= 0:
            return STEP
        return max(self.trials.goal.limit, fixed_cap(found).amount * A_QUARTER, STEP) / share

    def _enough(self, kind: Security, decision: Decision) -> Secure | None:
        """As much security as lifts every cap to the goal; None where a cap stands in the way that no security lifts."""
        haircuts = {"guarantee": self.params.security_guarantee_haircut, "deposit": self.params.security_deposit_haircut}
        if decision.recommendation is None or haircuts[kind] >= 1:
            return None
        least = rounded_up(self.trials.goal.limit, self.params.limit_digits)
        if any(
            cap.rule not in LIFTED_BY_SECURITY and cap.amount < self.trials.goal.limit for cap in decision.recommendation.caps
        ):
            return None
        short = max(least - cap.amount for cap in decision.recommendation.caps if cap.rule in LIFTED_BY_SECURITY)
        amount = max(short, Decimal(1)) / (1 - haircuts[kind])
        return Secure(kind, (amount / STEP).to_integral_value(ROUND_CEILING) * STEP, self.means.currency)

    def _less(self, events: Sequence[Event]) -> tuple[Event, ...]:
        """The same with as little security as reaches the goal: usually what the caps said."""
        secure = next((each for each in events if isinstance(each, Secure)), None)
        if secure is None:
            return tuple(events)
        others = tuple(each for each in events if each != secure)
        reached, failed = int(secure.amount / STEP), 0
        probe = reached - 1  # the caps usually say it to the step
        try:
            while failed < reached - 1:
                less = Secure(secure.kind, probe * STEP, secure.currency)
                reached, failed = (probe, failed) if self.trials.reach((*others, less)) else (reached, probe)
                probe = (reached + failed) // 2
        except _SpentError:
            pass
        return (*others, Secure(secure.kind, reached * STEP, secure.currency))

    def _settlements(self) -> Iterator[tuple[Settle, ...]]:
        """Sets of invoices to try: of few all sets, in the order of cost; of many some large ones, to be pruned."""
        if len(self.invoices) > FEW:
            yield from self._large_settlements()
            return
        sets = [some for size in range(1, len(self.invoices) + 1) for some in combinations(self.invoices, size)]
        yield from sorted(sets, key=lambda some: (cost_of(some).total, len(some), [each.invoice_id for each in some]))

    def _large_settlements(self) -> Iterator[tuple[Settle, ...]]:
        overdue = tuple(each for each in self.invoices if each.days_past_due > 0)
        slightly = tuple(each for each in overdue if each.days_past_due <= SLIGHTLY)
        yield from dict.fromkeys(some for some in (overdue, self.invoices, slightly) if some)


def _a_step_less(secure: Secure) -> Secure:
    return Secure(secure.kind, secure.amount - STEP, secure.currency)


def _order(event: Event) -> tuple[int, str]:
    return (
        (0, event.invoice_id) if isinstance(event, Settle)
        else (1, event.period_end.isoformat()) if isinstance(event, Publish)
        else (2, event.kind)
    )  # fmt: skip


def _outlook(decision: Decision) -> Outlook | None:
    found = decision.recommendation
    return None if found is None else Outlook(decision.grade, found.limit, found.terms, decision.pd)


def _closeness(kind: Kind, decision: Decision) -> tuple[float, float]:
    """Larger is closer to a goal of that kind; equals are told apart by the probability."""
    pd = 1.0 if decision.pd is None else decision.pd
    found = decision.recommendation
    if found is None:
        return -1.0, -2.0
    reached = {"grade": 0.0, "limit": float(found.limit), "terms": float(credit_days(found.terms))}
    return reached[kind], -pd


def _held_by(kind: Kind, decision: Decision) -> str | None:
    found = decision.recommendation
    if kind == "grade":
        adverse = () if decision.reasons is None else decision.reasons.adverse
        return adverse[0].code if adverse else None
    if found is None:
        return None
    return found.binding_cap if kind == "limit" else found.binding_term.rule
