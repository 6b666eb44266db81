"""Which payment terms earn most: every option of a menu by expected value, the best, the runner-up, and where the choice flips.

    EV = V [m - d theta - r (1 - m) T / 365 - c] - V (1 - theta) PD_T LGD - fix

V is what the customer buys under the option, m the margin, d the discount and theta the share that takes it, r the cost of
capital, T the days the money is away, c the cost of cover, fix what the option costs whatever is sold. PD_T is the probability of
default within those days. All shares are of the sale.

A worse payer never gets longer terms (rule C3 of the product specification). Ranking by expected value alone would break that: a
costly cover can make long terms worth while only for weak payers. So the menu is walked from PD 0 upwards, and no option longer
than the one already reached is taken again. The walk is exact: it moves from crossing to crossing of the curves, not over a grid.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskscore.errors import UsageRefused

CENT = Decimal("0.01")
DAYS_A_YEAR = 365
SAME_VALUE = 1e-13  # relative
HALVINGS = 64  # a crossing is known to the last bit of a float in [0, 1]

STANDARD_CODES = (
    "prepayment", "cash_on_delivery", "net_15", "net_30", "net_45", "net_60", "net_90",
    "early_2_10_net_30", "instalments_30_60_90",
)  # fmt: skip

Kind = Literal["prepayment", "cash_on_delivery", "net", "discount", "instalments"]
Why = Literal["beyond_cap", "longer_than_better_payers_get"]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Option:
    """One way of being paid. `code` names it for good; shares are of the sale.

    days: the latest day any part may be paid by, counted from delivery: what statutes, insurers and ladders bound.
    mean_days: the amount-weighted mean of the agreed days; equal to `days` but for instalments.
    volume_share: what the customer buys under this option, as a share of what it buys under its usual terms.
    discount, discount_days, taken_share: the discount, by when it may be taken, and the share of the sales that takes it.
    covered_share, cover_cost: the part of a loss an insurer or guarantor pays, and what that costs.
    fixed_cost: money the option costs however much is sold (paperwork of a guarantee, refused deliveries).

    Raises UsageRefused for a number outside its range.
    """

    code: str
    kind: Kind
    days: int
    mean_days: float
    volume_share: float
    discount: float = 0.0
    discount_days: int = 0
    taken_share: float = 0.0
    covered_share: float = 0.0
    cover_cost: float = 0.0
    fixed_cost: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        shares = (self.discount, self.taken_share, self.covered_share, self.cover_cost)
        if not all(0.0 <= share <= 1.0 for share in shares):
            raise UsageRefused(f"option {self.code}: a share is between 0 and 1, not {shares}. Correct the menu.")
        if not (0.0 <= self.volume_share < math.inf and self.fixed_cost.is_finite() and self.fixed_cost >= 0):
            raise UsageRefused(f"option {self.code}: volume and fixed cost are finite and not negative. Correct the menu.")
        if not 0 <= self.mean_days <= self.days or not 0 <= self.discount_days <= self.days:
            raise UsageRefused(f"option {self.code}: the days of its parts lie between 0 and {self.days}. Correct the menu.")


@dataclass(frozen=True)
class Deal:
    """What the value of every option depends on.

    volume: V under the customer's usual terms, in money. margin, capital_cost (a year), lgd: shares.
    delay_days: how late the customer is expected to pay beyond any credit terms.
    pd_horizon_days: the horizon of the probability of default; a constant hazard carries it to the days of an option.

    Raises ValueError for a number outside its range.
    """

    volume: Decimal
    margin: float
    capital_cost: float
    lgd: float
    delay_days: float
    pd_horizon_days: int

    def __post_init__(self) -> None:
        if not (0.0 <= self.margin <= 1.0 and 0.0 <= self.lgd <= 1.0):
            raise ValueError(f"margin and loss given default are between 0 and 1, not {self.margin} and {self.lgd}")
        if not (self.volume.is_finite() and self.volume >= 0 and self.pd_horizon_days >= 1):
            raise ValueError(f"volume is not negative, a horizon at least a day: {self.volume}, {self.pd_horizon_days}")
        if not (0.0 <= self.capital_cost < math.inf and 0.0 <= self.delay_days < math.inf):
            raise ValueError(f"cost of capital and delay are finite, not negative: {self.capital_cost}, {self.delay_days}")


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


def prepayment(*, volume_share: float) -> Option:
    """Paid before delivery: no credit, no loss, and the fewest sales."""
    return Option("prepayment", "prepayment", 0, 0.0, volume_share)


def cash_on_delivery(*, volume_share: float, fixed_cost: Decimal = Decimal(0)) -> Option:
    """Paid at the door: no credit; `fixed_cost` holds what refused deliveries cost."""
    return Option("cash_on_delivery", "cash_on_delivery", 0, 0.0, volume_share, fixed_cost=fixed_cost)


def net(days: int, *, volume_share: float) -> Option:
    """The whole invoice is due after so many days."""
    return Option(f"net_{days}", "net", days, float(days), volume_share)


def early_payment(discount: float, within_days: int, net_days: int, *, taken_share: float, volume_share: float) -> Option:
    """A discount for paying within so many days, else the whole after `net_days`: 2/10 net 30 is (0.02, 10, 30)."""
    code = f"early_{discount * 100:g}_{within_days}_net_{net_days}"
    return replace(
        net(net_days, volume_share=volume_share),
        code=code, kind="discount", discount=discount, discount_days=within_days, taken_share=taken_share,
    )  # fmt: skip


def instalments(parts: Sequence[tuple[float, int]], *, volume_share: float) -> Option:
    """Parts of the invoice (share, days), e.g. thirds after 30, 60 and 90 days. Raises UsageRefused unless the shares make one.

    They are valued at their mean day: the probability of default is concave in time, so that overstates the loss, never hides it.
    """
    if not parts or abs(sum(share for share, _ in parts) - 1.0) > 1e-9:
        raise UsageRefused(f"instalments {list(parts)}: the shares must sum to 1. Correct the menu.")
    latest = max(days for _, days in parts)
    code = "instalments_" + "_".join(str(days) for _, days in parts)
    return Option(code, "instalments", latest, math.fsum(share * days for share, days in parts), volume_share)


def insured(option: Option, *, insured_share: float, premium: float) -> Option:
    """The same terms with credit insurance: the insurer pays `insured_share` of a loss for a premium on the sale."""
    return replace(option, code=f"{option.code}_insured", covered_share=insured_share, cover_cost=premium)


def guaranteed(option: Option, *, covered_share: float, fee: float, fixed_cost: Decimal = Decimal(0)) -> Option:
    """The same terms against a guarantee; `fee` is what of its cost falls on the seller."""
    return replace(
        option, code=f"{option.code}_guaranteed", covered_share=covered_share, cover_cost=fee,
        fixed_cost=option.fixed_cost + fixed_cost,
    )  # fmt: skip


def standard_menu(volume_shares: Mapping[str, float], *, taken_share: float) -> tuple[Option, ...]:
    """Prepayment, cash on delivery, net 15/30/45/60/90, 2/10 net 30 and thirds after 30, 60 and 90 days.

    volume_shares: for each code, what the customer would still buy. There is no default: with equal volumes prepayment always
    wins, so this number carries the choice. Raises UsageRefused naming the codes that have none.
    """
    if missing := [code for code in STANDARD_CODES if code not in volume_shares]:
        raise UsageRefused(f"menu: no volume share for {', '.join(missing)}. Say what is bought under these terms.")
    return (
        prepayment(volume_share=volume_shares["prepayment"]),
        cash_on_delivery(volume_share=volume_shares["cash_on_delivery"]),
        *(net(days, volume_share=volume_shares[f"net_{days}"]) for days in (15, 30, 45, 60, 90)),
        early_payment(0.02, 10, 30, taken_share=taken_share, volume_share=volume_shares["early_2_10_net_30"]),
        instalments([(1 / 3, 30), (1 / 3, 60), (1 / 3, 90)], volume_share=volume_shares["instalments_30_60_90"]),
    )


def discount_rate(discount: float, within_days: int, net_days: int) -> tuple[float, float]:
    """What a buyer pays a year for not taking the discount: the simple and the effective rate.

    d / (1 - d) * 365 / (n - x), and (1 + d / (1 - d)) ^ (365 / (n - x)) - 1. Raises ValueError for a discount outside [0, 1) or a
    net date not after the discount date.

    >>> [f"{rate:.2%}" for rate in discount_rate(0.02, 10, 30)]
    ['37.24%', '44.59%']
    """
    if not 0.0 <= discount < 1.0 or net_days <= within_days:
        raise ValueError(f"a discount is in [0, 1) and the net date after {within_days} days, not {discount} and {net_days}")
    step, periods = discount / (1 - discount), DAYS_A_YEAR / (net_days - within_days)
    return step * periods, math.expm1(periods * math.log1p(step))


def discount_gain(option: Option, deal: Deal, pd: float) -> Decimal:
    """What the seller gains (or gives away, below 0) by offering the discount beside the same net date, in money.

    theta V [r (1 - m) (n + delay - x) / 365 + PD_T LGD - d]: sooner cash at the predicted pay date and less at risk, against the
    discount. Offer it only above 0. Equal, before rounding, to the difference of the two expected values.
    """
    plain = replace(option, discount=0.0, discount_days=0, taken_share=0.0)
    with_discount, without = _curves([option, plain], deal).at(pd)
    return _money(float(with_discount - without))


def expected_value(option: Option, deal: Deal, pd: float) -> Decimal:
    """What the option is expected to earn at that probability of default, in money, rounded to the cent."""
    return _money(float(_curves([option], deal).at(pd)[0]))


def choose(menu: Sequence[Option], deal: Deal, pd: float, *, caps: Sequence[TermCap] = ()) -> Choice:
    """The best option of the menu for a payer of that probability of default; never a longer one than a better payer would get.

    With equal values the shorter term wins. Raises ValueError for a probability outside [0, 1]; UsageRefused where two options
    share a code, or the caps leave none.
    """
    if not 0.0 <= pd <= 1.0:
        raise ValueError(f"a probability is between 0 and 1, not {pd}")
    if len({option.code for option in menu}) < len(menu):
        raise UsageRefused("menu: two options have one code, so an answer would not say which. Name them apart.")
    lowest = min(caps, key=lambda cap: cap.days, default=None)
    allowed = sorted((one for one in menu if lowest is None or one.days <= lowest.days), key=lambda one: one.days)
    if not allowed:
        raise UsageRefused("menu: no option is short enough for the caps. Add prepayment to the menu.")
    rungs = ladder(allowed, deal)
    place = max(index for index, rung in enumerate(rungs) if rung.pd <= pd)
    best, longest = rungs[place].option, rungs[place].option.days
    values = dict(zip((one.code for one in menu), _curves(menu, deal).at(pd), strict=True))
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
    ordered = sorted(menu, key=lambda one: one.days)
    curves = _curves(ordered, deal)
    edges = np.concatenate(([0.0], curves.crossings(), [1.0]))
    days = np.array([one.days for one in ordered])
    # Curves that coincide must not flip to and fro with the last bit of a float.
    noise = SAME_VALUE * float(np.max(np.abs(curves.earned) + curves.at_risk))
    rungs: list[Flip] = []
    now = -1
    for start, values in zip(edges, curves.at((edges[:-1] + edges[1:])[:, None] / 2), strict=False):
        reachable = values if now < 0 else np.where(days <= days[now], values, -math.inf)
        best = np.flatnonzero(reachable >= np.max(reachable) - noise)
        if now not in best:
            now = int(best[0])
            rungs.append(Flip(float(start), ordered[now]))
    return tuple(rungs)


class _Curves(NamedTuple):
    """Each option's value as a curve in PD: earned - at_risk (1 - (1 - PD) ^ power)."""

    earned: Floats
    at_risk: Floats
    power: Floats

    def at(self, pd: float | Floats) -> Floats:
        """The values at that PD, one per option in the last axis."""
        return self.earned - self.at_risk * (1 - (1 - pd) ** self.power)

    def crossings(self) -> Floats:
        """Every PD strictly inside (0, 1) at which two options are worth the same, rising.

        With x = 1 - PD the difference of two curves is c + a x^p - b x^q, which turns at most once, where a p x^p = b q x^q: so
        there is at most one crossing on either side of the turn, and bisection finds it.
        """
        one, other = np.triu_indices(len(self.earned), k=1)
        a, p, b, q = self.at_risk[one], self.power[one], self.at_risk[other], self.power[other]
        constant = self.earned[one] - self.earned[other] - a + b
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            turn = np.exp((np.log(b * q) - np.log(a * p)) / (p - q))
        turn = np.where(np.isfinite(turn), np.clip(turn, 0.0, 1.0), 0.0)
        low, high = np.concatenate((np.zeros_like(turn), turn)), np.concatenate((turn, np.ones_like(turn)))
        constant, a, p, b, q = (np.tile(part, 2) for part in (constant, a, p, b, q))
        starts_below = constant + a * low**p - b * low**q < 0
        crosses = starts_below != (constant + a * high**p - b * high**q < 0)
        low, high, constant, a, p, b, q, starts_below = (
            part[crosses] for part in (low, high, constant, a, p, b, q, starts_below)
        )
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            not_yet = (constant + a * middle**p - b * middle**q < 0) == starts_below
            low, high = np.where(not_yet, middle, low), np.where(not_yet, high, middle)
        roots = np.unique(1.0 - (low + high) / 2)
        return roots[(roots > 0.0) & (roots < 1.0)]


def _curves(menu: Sequence[Option], deal: Deal) -> _Curves:
    rows = []
    for one in menu:
        credit_days = one.mean_days + deal.delay_days if one.days > 0 else 0.0
        away = one.taken_share * one.discount_days + (1 - one.taken_share) * credit_days
        share = deal.margin - one.discount * one.taken_share - deal.capital_cost * (1 - deal.margin) * away / DAYS_A_YEAR
        sold = float(deal.volume) * one.volume_share
        at_risk = sold * (1 - one.taken_share) * deal.lgd * (1 - one.covered_share)
        rows.append((sold * (share - one.cover_cost) - float(one.fixed_cost), at_risk, credit_days / deal.pd_horizon_days))
    earned, at_risk, power = np.array(rows, dtype=np.float64).T
    return _Curves(earned, at_risk, power)


def _money(value: float) -> Decimal:
    return Decimal(value).quantize(CENT, rounding=ROUND_HALF_UP)
