"""What an allocation is asked (customers, budgets) and what it answers (limits, prices)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from riskscore.errors import UsageRefused
from riskscore.profit import Floats, Trade, optimum

UTMOST_TAIL = 1e-4  # a limit that demand exceeds once in 10,000 is as good as none: where the curve sets no limit, this does

Texts = NDArray[np.str_]
Code = Literal["total", "expected_loss", "family_share", "class_share", "sector_share", "insurer"]


@dataclass(frozen=True, eq=False)
class Candidates:
    """The customers that limits are given to, one per position of every array.

    trade: what each limit depends on. ceiling: the lowest cap the policy allows, in money; infinite for none.
    family, risk_class, sector, insurer: the group of each customer; an empty text belongs to none.
    insured_share: the share of the limit that counts against the insurer's commitment.

    Raises ValueError where the arrays differ in length, or a ceiling or share is out of range.
    """

    trade: Trade
    ceiling: Floats
    family: Texts
    risk_class: Texts
    sector: Texts
    insurer: Texts
    insured_share: Floats

    def __post_init__(self) -> None:
        n = len(self.ceiling)
        if any(len(getattr(self, one.name)) != n for one in fields(self) if one.name != "trade"):
            raise ValueError("every array needs one entry per customer")
        if not np.all(self.ceiling >= 0) or not np.all((self.insured_share >= 0) & (self.insured_share <= 1)):
            raise ValueError("a ceiling is not negative and an insured share between 0 and 1")
        each = {one.name: np.broadcast_to(np.asarray(getattr(self.trade, one.name), np.float64), (n,)) for one in fields(Trade)}
        object.__setattr__(self, "trade", Trade(**each))

    @property
    def wanted(self) -> Floats:
        """What each customer would get alone: the top of its curve, at most its ceiling."""
        demand, spread = np.asarray(self.trade.demand), np.asarray(self.trade.spread)
        utmost = demand * np.exp(-spread * ndtri(UTMOST_TAIL) - spread * spread / 2)
        wanted: Floats = np.minimum(np.minimum(optimum(self.trade), self.ceiling), np.maximum(utmost, demand))
        return wanted


@dataclass(frozen=True)
class Budgets:
    """What is scarce. None or an absent group is not limited.

    total, expected_loss: money over all customers. family_share: the largest share of all limits that any one family may have;
    class_shares, sector_shares: the same for the named groups. insurer_amounts: money each insurer has committed in all.

    Shares are of the limits given here, so that with fewer than 1 / share families nothing can be given.
    Raises UsageRefused for an amount below 0 or a share outside (0, 1].
    """

    total: Decimal | None = None
    expected_loss: Decimal | None = None
    family_share: Decimal | None = None
    class_shares: Mapping[str, Decimal] = field(default_factory=dict)
    sector_shares: Mapping[str, Decimal] = field(default_factory=dict)
    insurer_amounts: Mapping[str, Decimal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        amounts = [*self.insurer_amounts.values(), *(amount for amount in (self.total, self.expected_loss) if amount is not None)]
        shares = [*self.class_shares.values(), *self.sector_shares.values()]
        shares += [] if self.family_share is None else [self.family_share]
        if not all(amount.is_finite() and amount >= 0 for amount in amounts):
            raise UsageRefused("budgets: an amount is finite and not negative. Correct the budget.")
        if not all(share.is_finite() and 0 < share <= 1 for share in shares):
            raise UsageRefused("budgets: a share is above 0 and at most 1. Leave a group out to leave it free.")


@dataclass(frozen=True)
class Price:
    """What one more unit of room would earn in a year. `code` and `group` say of which constraint.

    price: money of profit per unit of money of room; 0 where there is room left. room: the money it allows (for a share: the
    share times all limits). used: the money it has. share: of a share constraint, else None.
    """

    code: Code
    group: str | None
    price: float
    room: float
    used: float
    share: float | None = None

    @property
    def per_point(self) -> float | None:
        """What one percentage point more of share would earn in a year; None where the constraint is an amount."""
        return None if self.share is None else self.price * self.room / self.share / 100


@dataclass(frozen=True, eq=False)
class Allocation:
    """The limits, rounded down to the cent, in the order of the candidates; and what they earn and may lose in a year.

    profit, expected_loss: on the curves themselves. planned_profit: on the pieces, the value the prices are slopes of.
    prices: dearest first, every constraint but the families that have room left. n_pieces, n_rounds: the size of the programme.
    """

    limits: tuple[Decimal, ...]
    profit: Decimal
    expected_loss: Decimal
    planned_profit: float
    prices: tuple[Price, ...]
    n_pieces: int
    n_rounds: int
