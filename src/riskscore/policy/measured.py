"""What a house's own ledger says of numbers that were assumed: entries for the committee to read, correct and sign.

A policy comes with assumptions about losses, lateness and the risk a grade may carry. Some of them a ledger can answer; the
rest follow by the profit of a limit from numbers that only the house knows, its margin above all. Nothing here changes a
policy: the answer is text for people to sign, and it can loosen as well as tighten. House rules are not touched: new customers,
a single buyer, net worth, the three dimensions, budgets and ceilings are appetite, and no ledger can measure that.
"""

import math
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from riskscore.errors import UsageRefused
from riskscore.grades import Grades
from riskscore.policy.params import Params
from riskscore.policy.recommendation import Terms, credit_days
from riskscore.profit import Trade, optimum, yearly

PRIOR_CUSTOMERS = 20
"""So many late customers must have been followed until they weigh as much as the assumption: one insolvency is no rate."""

LEAST_LOSS = Decimal("0.10")
"""Less than a tenth is not believed: a ledger of some good years has not seen the bad one."""

LEAST_CUSTOMERS = 30
"""With fewer customers of whom a habit is known, four of five of them say nothing about the trade."""

MOST_PEAK = Decimal(12)
"""A year's purchases in one month."""

SHARE_STEP = Decimal("0.05")
HUNDREDTH = Decimal("0.01")
N_WITH_BOUND = 8
ALL = Decimal(1)


@dataclass(frozen=True)
class LossHistory:
    """What became of the debt of customers that paid materially late. Money in the reporting currency.

    owed: what they owed when the horizon was over, written-off parts included. lost: of it what was written off, or still not
    paid a year later. n_customers: how many different ones. until: the last day of knowledge.
    """

    owed: Decimal
    lost: Decimal
    n_customers: int
    until: date

    def __post_init__(self) -> None:
        if not (0 <= self.lost <= self.owed and self.n_customers >= 0):
            raise ValueError(f"of {self.owed} owed by {self.n_customers} customers, {self.lost} cannot be lost")


@dataclass(frozen=True)
class Habits:
    """What four of five customers keep within; null where too few are known.

    days_late: whole days after the due date. peak_factor: the largest month of a year over its mean month, 1 to 12.
    """

    days_late: int | None = None
    peak_factor: Decimal | None = None


@dataclass(frozen=True)
class Proposal:
    """One entry to sign: the key, the value as TOML writes it, its unit, and the reason with the figures it rests on."""

    key: str
    value: Decimal | int | tuple[Decimal, ...] | tuple[Terms, ...]
    unit: str
    reason: str


def loss_given_lateness(history: LossHistory, assumed: Decimal) -> Decimal:
    """The share lost of what materially late customers owe: the ledger's, drawn toward the assumption where it saw few.

    (n lost / owed + 20 assumed) / (n + 20), never below a tenth, rounded up to the hundredth; the assumption where nobody was
    late.

    >>> seen = LossHistory(Decimal(1_000_000), Decimal(100_000), 180, date(2026, 6, 30))
    >>> loss_given_lateness(seen, Decimal("0.40"))
    Decimal('0.13')
    """
    if history.owed <= 0:
        return assumed
    n = history.n_customers
    drawn = (n * history.lost / history.owed + PRIOR_CUSTOMERS * assumed) / (n + PRIOR_CUSTOMERS)
    return max(drawn, LEAST_LOSS).quantize(HUNDREDTH, ROUND_CEILING)


def grade_shares(params: Params, grades: Grades, *, lost: Decimal, days_late: int, appetite: Decimal) -> tuple[Decimal, ...]:
    """The share of its need that each grade may have, by what credit to the worst customer of the grade earns and loses.

    That customer has the grade's highest probability (grade 9: certainty), the trade's usual terms and the least spread of
    demand. Its share is the top of the profit curve over the need, at most all of it, in twentieths rounded down. Nothing where
    the expected loss of a year eats more than `appetite` of what the trade earns in it, where the house's ladder stops
    delivery, and in default. Never rises with the grade.
    """
    trades = [_worst_of(grade, params, grades, lost=lost, days_late=days_late) for grade in range(1, N_WITH_BOUND + 2)]
    shares: list[Decimal] = []
    for grade, trade in enumerate(trades):
        affordable = float(trade.loss_rate) <= float(appetite) * float(trade.carry)
        allowed = affordable and params.terms_ladder[grade] != "stop"
        most = ALL if math.isinf(top := float(optimum(trade))) else min(Decimal(top), ALL)
        shares.append((most / SHARE_STEP).to_integral_value(ROUND_FLOOR) * SHARE_STEP if allowed else Decimal(0))
    return (*shares, Decimal(0))


def ladder_for(shares: tuple[Decimal, ...], ladder: tuple[Terms, ...]) -> tuple[Terms, ...]:
    """The house's ladder where a share decides who gets credit at all: prepayment without one, else the house's own days.

    A grade that had to prepay and need not gets the shortest days on the ladder. Never lengthens with the grade.
    """
    days = [step for step in ladder if credit_days(step) > 0]
    if not days:
        return ladder
    shortest = min(days, key=credit_days)
    return tuple(
        step if step == "stop" else ("prepayment" if not share else (step if credit_days(step) > 0 else shortest))
        for step, share in zip(ladder, shares, strict=True)
    )


def propose(params: Params, grades: Grades, history: LossHistory, habits: Habits, *, appetite: Decimal) -> tuple[Proposal, ...]:
    """The numbers that differ from those in force, in the order of the policy; none where the ledger agrees with all.

    appetite: the most of what a trade earns that its expected loss may eat, above 0 to 1. Raises UsageRefused for another one.
    """
    if not 0 < appetite <= 1:
        raise UsageRefused(f"policy measure: an appetite is a share above 0 and at most 1, not {appetite}. Nothing was measured.")
    late = params.need_days_late if habits.days_late is None else habits.days_late
    peak = params.need_peak_factor if habits.peak_factor is None else min(habits.peak_factor, MOST_PEAK)
    # Drawn toward the assumption and not toward what was measured before: the same ledger twice is no more evidence.
    lost = loss_given_lateness(history, params.loss_given_default) if history.owed > 0 else params.loss_of_late
    shares = grade_shares(params, grades, lost=lost, days_late=late, appetite=appetite)
    why = f"at {lost} lost, a margin of {params.profit_margin} and {params.need_assumed_terms} + {late} days"
    every = (
        Proposal("need.days_late", late, "days", "what four of five customers of this book keep within"),
        Proposal(
            "need.peak_factor", peak, "times", "the largest month over the mean month that four of five customers keep within"
        ),
        Proposal(
            "loss.given_lateness", lost, "share of exposure",
            f"{history.lost:,.0f} was lost of {history.owed:,.0f} owed by {history.n_customers} customers that paid materially "
            f"late; drawn toward {params.loss_given_default} as by {PRIOR_CUSTOMERS} customers",
        ),
        Proposal(
            "grade.multiple", shares, "share of the need",
            f"what credit to the worst customer of each grade earns {why}; none where its loss eats more than {appetite} of that",
        ),
        Proposal(
            "security.required_from_grade", next(place for place, share in enumerate(shares, 1) if not share), "grade",
            "high risk begins where credit alone no longer earns enough",
        ),
        Proposal(
            "terms.ladder", ladder_for(shares, params.terms_ladder), "days, prepayment or stop",
            "the house's ladder; prepayment for the grades that get no credit, the shortest days for those that now do",
        ),
    )  # fmt: skip
    unknown = () if history.owed > 0 else ("loss.given_lateness",)  # nobody was followed: an assumption is no figure to sign
    return tuple(each for each in every if each.value != params.value(each.key) and each.key not in unknown)


def as_toml(proposals: tuple[Proposal, ...], *, on: date, source: str) -> str:
    """The entries as text to be added below the policy's own, in force from that day; empty where there are none."""
    return "\n".join(
        f"[[{each.key}]]\nfrom = {on.isoformat()}\nvalue = {_toml(each.value)}\nunit = {_text(each.unit)}\n"
        f"source = {_text(source)}\nreason = {_text(each.reason)}\n"
        for each in proposals
    )


def _worst_of(grade: int, params: Params, grades: Grades, *, lost: Decimal, days_late: int) -> Trade:
    worst = grades.bounds[grade - 1] if grade <= N_WITH_BOUND else 1.0
    return Trade(
        demand=1.0,
        spread=float(params.profit_least_spread),
        days_outstanding=float(max(params.need_assumed_terms + days_late, 1)),
        margin=float(params.profit_margin),
        capital_cost=float(params.profit_capital_cost),
        pd=yearly(worst, grades.horizon_days),
        lgd=float(lost),
        drawn_share=float(params.profit_drawn_before_default),
    )


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(each) for each in value)}]"
    return _text(value) if isinstance(value, str) else str(value)


def _text(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
