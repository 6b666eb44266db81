"""The best option at a probability of default, the runner-up, and where the choice flips."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Literal

import numpy as np

from riskscore.errors import UsageRefused
from riskscore.terms_menu.curves import Curves, Deal, curves_of
from riskscore.terms_menu.options import Option

CENT = Decimal("0.01")
SAME_VALUE = 1e-13  # relative

Why = Literal["beyond_cap", "longer_than_better_payers_get"]


@dataclass(frozen=True)
class TermCap:
    """The longest term somebody allows: `code` says who (statute, insurer, ladder, manual)."""

    code: str
    days: int


@dataclass(frozen=True)
class Offer:
    """An option and what it is expected to earn, in money, rounded to the cent."""

    option: Option
    expected_value: Decimal


@dataclass(frozen=True)
class LeftOut:
    """An option that may not be offered. For `beyond_cap` the cap is named; for C3 the days better payers get stand in `days`."""

    offer: Offer
    why: Why
    days: int
    cap: str | None = None


@dataclass(frozen=True)
class Flip:
    """The probability of default at which the choice changes, and the option that is best beyond it."""

    pd: float
    option: Option


@dataclass(frozen=True)
class Choice:
    """The best option at a probability of default, and how firm that is.

    runner_up: the next best that may be offered; None where the menu holds nothing else.
    flips_below, flips_above: where the choice changes for a better and for a worse payer; None where it never does.
    offers: all that may be offered, best first. left_out: what may not, and why.
    """

    best: Offer
    runner_up: Offer | None
    flips_below: Flip | None
    flips_above: Flip | None
    offers: tuple[Offer, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def earns(self) -> bool:
        """Is the best option worth more than not selling?"""
        return self.best.expected_value > 0


def discount_gain(option: Option, deal: Deal, pd: float) -> Decimal:
    """What the seller gains (or gives away, below 0) by offering the discount beside the same net date, in money.

    theta V [r (1 - m) (n + delay - x) / 365 + PD_T LGD - d]: sooner cash at the predicted pay date and less at risk, against the
    discount. Offer it only above 0. Equal, before rounding, to the difference of the two expected values.
    """
    plain = replace(option, discount=0.0, discount_days=0, taken_share=0.0)
    with_discount, without = curves_of([option, plain], deal).at(pd)
    return _money(float(with_discount - without))


def expected_value(option: Option, deal: Deal, pd: float) -> Decimal:
    """What the option is expected to earn at that probability of default, in money, rounded to the cent."""
    return _money(float(curves_of([option], deal).at(pd)[0]))


def choose(menu: Sequence[Option], deal: Deal, pd: float, *, caps: Sequence[TermCap] = ()) -> Choice:
    """The best option of the menu for a payer of that probability of default; never a longer one than a better payer would get.

    With equal values the shorter term wins. Where no option has a fixed cost the choice does not depend on how much is sold: a
    customer who buys nothing yet gets the terms of one who does. Raises ValueError for a probability outside [0, 1]; UsageRefused
    where two options share a code, or the caps leave none.
    """
    if not 0.0 <= pd <= 1.0:
        raise ValueError(f"a probability is between 0 and 1, not {pd}")
    if len({option.code for option in menu}) < len(menu):
        raise UsageRefused("menu: two options have one code, so an answer would not say which. Name them apart.")
    lowest = min(caps, key=lambda cap: cap.days, default=None)
    allowed = sorted((one for one in menu if lowest is None or one.days <= lowest.days), key=lambda one: one.days)
    if not allowed:
        raise UsageRefused("menu: no option is short enough for the caps. Add prepayment to the menu.")
    one_unit, volume = _per_unit(menu, deal)
    curves = _curves(tuple(menu), one_unit)
    rungs = _rungs(tuple(allowed), one_unit, _noise(curves))
    place = max(index for index, rung in enumerate(rungs) if rung.pd <= pd)
    best, longest = rungs[place].option, rungs[place].option.days
    values = dict(zip((one.code for one in menu), curves.at(pd) * volume, strict=True))
    offers = {one.code: Offer(one, _money(float(values[one.code]))) for one in menu}
    # Longer than the rung and yet worth more: only the rule that worse payers get no more keeps it out.
    kept_out = [one for one in allowed if one.days > longest and values[one.code] > values[best.code]]
    open_to = [one for one in allowed if one not in kept_out and one != best]
    ranked = [best, *sorted(open_to, key=lambda one: (-values[one.code], one.days))]
    left = [LeftOut(offers[one.code], "longer_than_better_payers_get", longest) for one in kept_out]
    if lowest is not None:
        left += [LeftOut(offers[one.code], "beyond_cap", lowest.days, lowest.code) for one in menu if one.days > lowest.days]
    return Choice(
        best=offers[best.code],
        runner_up=offers[ranked[1].code] if len(ranked) > 1 else None,
        flips_below=Flip(rungs[place].pd, rungs[place - 1].option) if place else None,
        flips_above=Flip(rungs[place + 1].pd, rungs[place + 1].option) if place + 1 < len(rungs) else None,
        offers=tuple(offers[one.code] for one in ranked),
        left_out=tuple(left),
    )


def ladder(menu: Sequence[Option], deal: Deal) -> tuple[Flip, ...]:
    """The options chosen as PD rises from 0 to 1, each with the PD it is chosen from; their days never rise."""
    one_unit, _ = _per_unit(menu, deal)
    ordered = tuple(sorted(menu, key=lambda one: one.days))
    return _rungs(ordered, one_unit, _noise(_curves(ordered, one_unit)))


def _per_unit(menu: Sequence[Option], deal: Deal) -> tuple[Deal, float]:
    """The deal for one unit of money and how many there are: where no option has a fixed cost, the choice is the same for all."""
    if any(one.fixed_cost for one in menu):
        return deal, 1.0
    return replace(deal, volume=Decimal(1)), float(deal.volume)


@lru_cache(maxsize=1024)
def _curves(menu: tuple[Option, ...], deal: Deal) -> Curves:
    return curves_of(menu, deal)


def _noise(curves: Curves) -> float:
    """Differences that are no difference: curves that coincide must not flip to and fro with the last bit of a float."""
    return SAME_VALUE * float(np.max(np.abs(curves.earned) + curves.at_risk))


@lru_cache(maxsize=1024)
def _rungs(ordered: tuple[Option, ...], deal: Deal, noise: float) -> tuple[Flip, ...]:
    """The walk from PD 0 to 1. A whole book shares few menus and deals, so each is walked once."""
    curves = curves_of(ordered, deal)
    edges = np.concatenate(([0.0], curves.crossings(), [1.0]))
    days = np.array([one.days for one in ordered])
    rungs: list[Flip] = []
    now = -1
    for start, values in zip(edges, curves.at((edges[:-1] + edges[1:])[:, None] / 2), strict=False):
        reachable = values if now < 0 else np.where(days <= days[now], values, -math.inf)
        best = np.flatnonzero(reachable >= np.max(reachable) - noise)
        if now not in best:
            now = int(best[0])
            rungs.append(Flip(float(start), ordered[now]))
    return tuple(rungs)


def _money(value: float) -> Decimal:
    return Decimal(value).quantize(CENT, rounding=ROUND_HALF_UP)
