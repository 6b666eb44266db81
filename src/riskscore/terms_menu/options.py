"""The options of a menu: every way of being paid, and what an early-payment discount costs who lets it go."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from riskscore.errors import UsageRefused

DAYS_A_YEAR = 365
STANDARD_CODES = (
    "prepayment", "cash_on_delivery", "net_15", "net_30", "net_45", "net_60", "net_90",
    "early_2_10_net_30", "instalments_30_60_90",
)  # fmt: skip

Kind = Literal["prepayment", "cash_on_delivery", "net", "discount", "instalments"]


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
