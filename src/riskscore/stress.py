"""Stress: what the receivables lose when probabilities rise, an industry is hit, or the largest families fail; and the reverse.

Every shock raises probabilities and nothing else, so that a harder one never loses less, and no shock loses what is expected.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from riskscore.errors import UsageRefused

CENT = Decimal("0.01")
ONE = Decimal(1)
HARDEST = 1_000_000.0
"""No book is asked what a multiple beyond this would bring: every probability above one in a million is one by then."""


@dataclass(frozen=True)
class Debt:
    """What one customer owes. pd: within the model's horizon. exposure: money, not negative.

    lgd: the share lost if the customer fails, after cover. lgd_late: the share lost where the model's probability comes true,
    after cover, because most who pay late pay in the end; null: as lgd.
    """

    customer_id: str
    family: str
    sector: str
    pd: float
    lgd: Decimal
    exposure: Decimal
    lgd_late: Decimal | None = None

    @property
    def lost_late(self) -> Decimal:
        """What is lost if the probability comes true."""
        return (self.lgd if self.lgd_late is None else self.lgd_late) * self.exposure

    @property
    def at_stake(self) -> Decimal:
        """What is lost if the customer fails; never less than if it only pays late, whatever was signed."""
        return max(self.lgd * self.exposure, self.lost_late)


@dataclass(frozen=True)
class Shock:
    """What happens. pd_times: every probability times so much, at most 1. sector_times: those of an industry besides.

    top_families: so many families with most at stake fail for certain. Raises UsageRefused for a shock that would lower a risk.
    """

    pd_times: float = 1.0
    sector_times: Mapping[str, float] = field(default_factory=dict)
    top_families: int = 0

    def __post_init__(self) -> None:
        times = (self.pd_times, *self.sector_times.values())
        if not all(1.0 <= each <= HARDEST for each in times) or self.top_families < 0:
            raise UsageRefused("stress: a shock multiplies by 1 or more, and no fewer than 0 families fail. Correct the shock.")


def stressed_loss(debts: Sequence[Debt], shock: Shock) -> Decimal:
    """The expected loss under the shock, in money, each customer's rounded to the cent half up.

    Monotone: a larger multiple or one family more never loses less; with no shock it is PD x (share lost late) x EAD.
    """
    failing = set(largest_families(debts, shock.top_families))
    return sum((_loss(debt, shock, fails=debt.family in failing) for debt in debts), Decimal(0))


def largest_families(debts: Sequence[Debt], n: int) -> tuple[str, ...]:
    """The families with most at stake, largest first; of equals the one whose name comes first."""
    at_stake: dict[str, Decimal] = {}
    for debt in debts:
        at_stake[debt.family] = at_stake.get(debt.family, Decimal(0)) + debt.at_stake
    return tuple(sorted(at_stake, key=lambda family: (-at_stake[family], family))[:n])


def reverse(debts: Sequence[Debt], loss: Decimal) -> float | None:
    """The least multiple of every probability at which the expected loss reaches `loss`, to one part in a million.

    1 where it is reached already; None where it is not, even if everybody with a probability above 0 is certain to pay late.
    """
    if stressed_loss(debts, Shock()) >= loss:
        return 1.0
    if stressed_loss(debts, Shock(pd_times=HARDEST)) < loss:
        return None
    low, high = 1.0, HARDEST
    while high / low > 1 + 1e-7:
        middle = (low * high) ** 0.5  # the multiple spans six powers of ten
        low, high = (low, middle) if stressed_loss(debts, Shock(pd_times=middle)) >= loss else (middle, high)
    return high


def _loss(debt: Debt, shock: Shock, *, fails: bool) -> Decimal:
    times = shock.pd_times * shock.sector_times.get(debt.sector, 1.0)
    lost = debt.at_stake if fails else min(ONE, Decimal(repr(debt.pd * times))) * debt.lost_late
    return lost.quantize(CENT, rounding=ROUND_HALF_UP)
