"""The limits compared in one world, what each is worth in truth, and where the recommended one loses it."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np

from regret.worlds import Floats, Law, Seen
from riskscore.grades import Grades
from riskscore.policy import RULES, Case, Params
from riskscore.policy.limits import caps_of, lowest, rounded_down
from riskscore.profit import Trade, optimum, profit

HOUSE = ("new_customer", "concentration", "capacity")
"""The three plain rules."""

DIMENSIONS = ("accounts", "rating", "on_time", "abnormal")
BEYOND_ANY_LIMIT = 1e12

POLICY_STEPS = (
    "upper end of the interval", "error of the probability", "loss given lateness", "no delivery in default", "grade multiple",
    "loss budget", "three dimensions and conduct", "need", "new customer", "net worth", "single buyer and own sales",
)  # fmt: skip
"""What is taken away from the policy, one after the other, until only the profit curve is left."""


@dataclass(frozen=True)
class Book:
    """One world's customers under one policy. worth: a year's profit in truth, by limit, in money.

    causes: share of the free oracle's profit by `POLICY_STEPS` and the rest. by_cap: share of the house oracle's profit given
    away, and customers, by the rule that bound.
    """

    worth: Mapping[str, float]
    causes: Mapping[str, float]
    by_cap: Mapping[str, tuple[float, int]]

    def regret(self, limit: str, best: str) -> float:
        """The share of what the best limit earns that this one gives away."""
        return 1 - self.worth[limit] / self.worth[best]


@dataclass(frozen=True)
class Judged:
    """A world without customers in default, with them, and without them where an unused limit costs nothing."""

    seed: int
    sound: Book
    everybody: Book
    unused_free: Book

    def as_plain(self) -> dict[str, Any]:
        """As JSON."""
        return {"seed": self.seed, **{name: vars(getattr(self, name)) for name in ("sound", "everybody", "unused_free")}}


def judge(seen: Seen, law: Law, params: Params, grades: Grades) -> Judged:
    """What the limits are worth in this world under that policy."""
    cases = [each.case for each in seen.decisions if each.case is not None]
    sound = np.array([not case.in_default for case in cases])
    truth = seen.trade(params, law.lost, horizon_days=grades.horizon_days)
    limits = limits_of(cases, seen, truth, params, grades)
    steps = steps_of(cases, seen, law, params, grades)
    unused_free = seen.trade(params, law.lost, horizon_days=grades.horizon_days, drawn=0.0)
    without = limits | {"free": np.minimum(optimum(unused_free), BEYOND_ANY_LIMIT)}
    without["house"] = np.minimum(without["free"], limits["plain"])
    bound = [binding(case, params) for case in cases]
    return Judged(
        seen.seed,
        book_of(truth, limits, steps, bound, sound),
        book_of(truth, limits, steps, bound, np.ones_like(sound)),
        book_of(unused_free, without, steps, bound, sound),
    )


def limits_of(cases: Sequence[Case], seen: Seen, truth: Trade, params: Params, grades: Grades) -> dict[str, Floats]:
    """Every limit compared, one entry a customer."""
    free = np.minimum(optimum(truth), BEYOND_ANY_LIMIT)
    plain = each(cases, lambda case: least(case, params, HOUSE))
    told = [as_told(case, pd, grades) for case, pd in zip(cases, seen.pd, strict=True)]
    return {
        "recommended": each(cases, lambda case: recommended(upper(case, params), params)),
        "mean": each(cases, lambda case: recommended(case, params)),
        "told": each(told, lambda case: recommended(case, params)),
        "plain": plain,
        "house": np.minimum(free, plain),
        "free": free,
    }


def steps_of(cases: Sequence[Case], seen: Seen, law: Law, params: Params, grades: Grades) -> list[Floats]:
    """The recommended limit, then without one more of `POLICY_STEPS` each."""
    told = [as_told(case, pd, grades) for case, pd in zip(cases, seen.pd, strict=True)]
    right = replace(params, loss_given_lateness=Decimal(repr(law.lost)))
    found = [
        each(cases, lambda case: recommended(upper(case, params), params)),
        each(cases, lambda case: recommended(case, params)),
        each(told, lambda case: recommended(case, params)),
        each(told, lambda case: recommended(case, right)),
    ]
    gone: tuple[str, ...] = ()
    for more in (("default",), ("grade",), ("loss",), DIMENSIONS, ("need",), ("new_customer",), ("capacity",)):
        gone = (*gone, *more)
        left = tuple(rule for rule in RULES if rule not in gone)
        found.append(each(told, lambda case, left=left: least(case, right, left)))
    found.append(each(told, lambda case: least(case, right, ("profit",))))
    return found


def book_of(truth: Trade, limits: Mapping[str, Floats], steps: Sequence[Floats], bound: Sequence[str], who: Any) -> Book:
    """What the limits are worth to these customers, and where the recommended one loses it."""
    earned = {name: profit(truth, limit) * who for name, limit in limits.items()}
    worth = {name: float(each.sum()) for name, each in earned.items()}
    path = [float((profit(truth, limit) * who).sum()) / worth["free"] for limit in steps] + [1.0]
    causes = dict(zip((*POLICY_STEPS, "demand, rounding, the rest"), np.diff(path).tolist(), strict=True))
    by_cap: dict[str, tuple[float, int]] = defaultdict(lambda: (0.0, 0))
    for rule, points, counts in zip(bound, (earned["house"] - earned["recommended"]) / worth["house"], who, strict=True):
        by_cap[rule] = (by_cap[rule][0] + float(points), by_cap[rule][1] + int(counts))
    return Book(worth, causes, dict(by_cap))


def upper(case: Case, params: Params) -> Case:
    """The case at the end of the interval that the policy recommends by."""
    return replace(case, pd=case.pd_high, grade=case.grade_high) if params.limit_basis == "conservative" else case


def as_told(case: Case, pd: float, grades: Grades) -> Case:
    """The case with the oracle's probability; a customer in default stays what it is."""
    if case.in_default:
        return case
    exact = Decimal(repr(float(pd)))
    return replace(case, pd=exact, pd_high=exact, grade=grades.grade(float(pd)), grade_high=grades.grade(float(pd)))


def recommended(case: Case, params: Params) -> float:
    """The limit of the policy for the case as it stands, rounded as the policy rounds."""
    return float(rounded_down(lowest(caps_of(case, params)).amount, params.limit_digits))


def binding(case: Case, params: Params) -> str:
    """The rule that makes the recommended limit."""
    return lowest(caps_of(upper(case, params), params)).rule


def least(case: Case, params: Params, rules: Sequence[str]) -> float:
    """The smallest cap of some rules; beyond any limit where none of them speaks."""
    return min(
        (float(cap.amount) for cap in caps_of(case, params, {rule: RULES[rule] for rule in rules})), default=BEYOND_ANY_LIMIT
    )


def each(cases: Sequence[Case], limit: Callable[[Case], float]) -> Floats:
    """A limit for every case."""
    return np.array([limit(case) for case in cases])
