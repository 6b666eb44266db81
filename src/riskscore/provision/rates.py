"""Loss rates from history: from roll rates between buckets, or from a payment hazard's survival curve."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from riskscore.errors import UsageRefused
from riskscore.provision.matrix import BUCKETS, LIFETIME_DAYS, ONE, Rate, refuse_unknown


@dataclass(frozen=True)
class Flow:
    """What became of a bucket over a month: so much was open, and so much of it was in the next bucket a month later.

    For the last bucket: so much was open, and so much of it was never paid within a year of its due date. lost: of `opened`
    written off within the month; it is in no later bucket, and was not paid either.
    """

    bucket: str
    opened: Decimal
    rolled: Decimal
    lost: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        refuse_unknown(self.bucket)
        if min(self.rolled, self.lost) < 0 or self.rolled + self.lost > self.opened:
            raise UsageRefused(
                f"roll of {self.bucket}: {self.rolled} and {self.lost} of {self.opened} cannot be. Count cohorts, not balances."
            )


@dataclass(frozen=True)
class Roll:
    """Where the money of a bucket was a month later, whole: the parts add up to `opened`. See `riskscore.portfolio.take_rolls`.

    waiting: still not due. rolled: in the next bucket. written_off: given up. The rest is settled.
    """

    bucket: str
    opened: Decimal
    rolled: Decimal
    written_off: Decimal = Decimal(0)
    waiting: Decimal = Decimal(0)

    @property
    def settled(self) -> Decimal:
        """What was paid, credited or deducted."""
        return self.opened - self.waiting - self.rolled - self.written_off

    @property
    def flow(self) -> Flow:
        """The same without what was still waiting: its month has not come."""
        return Flow(self.bucket, self.opened - self.waiting, self.rolled, self.written_off)

    def __add__(self, other: "Roll") -> "Roll":
        """Two cohorts of one bucket together."""
        sums = (getattr(self, name) + getattr(other, name) for name in ("opened", "rolled", "written_off", "waiting"))
        return Roll(self.bucket, *sums)


def rates_by_roll(flows: Iterable[Flow], lgd: Decimal, *, segment: str = "") -> tuple[Rate, ...]:
    """Rates from history: an invoice is lost if it rolls through every later bucket and is never paid after the last.

    Default rates as in `defaults_by_roll`, times the loss given default.

    >>> flows = [Flow(bucket, Decimal(100), Decimal(50)) for bucket in BUCKETS]
    >>> [str(rate.rate) for rate in rates_by_roll(flows, Decimal("0.8"))]
    ['0.025', '0.05', '0.1', '0.2', '0.4']
    """
    found = defaults_by_roll(flows)
    return tuple(Rate(bucket, (found[bucket] * lgd).normalize(), found[bucket], lgd, segment) for bucket in BUCKETS)


def defaults_by_roll(flows: Iterable[Flow], *, unseen_roll: Decimal | None = None) -> dict[str, Decimal]:
    """P(unpaid a year after due | open in the bucket), by bucket, from history.

    default rate(bucket) = (lost + rolled x default rate(next bucket)) / opened, which is the product of the roll rates from the
    bucket on where nothing is written off early; months together, so that large months count more.
    unseen_roll: the roll rate of a bucket in which nothing was ever open. Raises UsageRefused for such a bucket without it.
    """
    opened, rolled, lost = ({bucket: Decimal(0) for bucket in BUCKETS} for _ in range(3))
    for flow in flows:
        opened[flow.bucket] += flow.opened
        rolled[flow.bucket] += flow.rolled
        lost[flow.bucket] += flow.lost
    empty = [bucket for bucket in BUCKETS if opened[bucket] == 0]
    if empty and unseen_roll is None:
        raise UsageRefused(f"roll rates: nothing was ever open in {', '.join(empty)}. Take a longer history or give the rate.")
    later, found = ONE, {}
    for bucket in reversed(BUCKETS):
        if opened[bucket]:
            later = (lost[bucket] + rolled[bucket] * later) / opened[bucket]
        else:
            later *= unseen_roll if unseen_roll is not None else ONE
        found[bucket] = later
    return {bucket: found[bucket] for bucket in BUCKETS}


def rates_by_survival(
    survival: Sequence[tuple[int, float]], open_by_age: Mapping[str, Mapping[int, Decimal]], lgd: Decimal, *, segment: str = ""
) -> tuple[Rate, ...]:
    """Rates from a payment hazard: P(unpaid a year after due | unpaid so far) = S(365) / S(age), weighted by what is open.

    survival: (days past due, share still unpaid), days rising and shares falling; between two of them the hazard is constant.
    open_by_age: for each bucket, the amount open by days past due (below 0: not due yet). An invoice already older than a year is
    taken as lost. Raises UsageRefused where the curve does not reach from the youngest age to a year, or a bucket is empty.
    """
    days = [day for day, _ in survival]
    shares = [share for _, share in survival]
    falls = all(0.0 < late <= early <= 1.0 for early, late in pairwise(shares))
    if len(days) < 2 or sorted(set(days)) != days or not falls:
        raise UsageRefused("survival: days must rise and shares fall from at most 1 and stay above 0. Check the curve.")
    rates = []
    for bucket in BUCKETS:
        amounts = open_by_age.get(bucket, {})
        total = sum(amounts.values(), Decimal(0))
        if total <= 0:
            raise UsageRefused(f"survival: nothing is open in {bucket}, so its rate has no weights. Leave it to history.")
        lost = sum((amount * _lost(survival, age) for age, amount in amounts.items()), Decimal(0)) / total
        rates.append(Rate(bucket, lost * lgd, lost, lgd, segment))
    return tuple(rates)


def _lost(survival: Sequence[tuple[int, float]], age: int) -> Decimal:
    """P(unpaid a year after due | unpaid at that age)."""
    if age >= LIFETIME_DAYS:
        return ONE
    return Decimal(repr(math.exp(_log_survival(survival, LIFETIME_DAYS) - _log_survival(survival, age))))


def _log_survival(survival: Sequence[tuple[int, float]], day: int) -> float:
    for (before, high), (after, low) in pairwise(survival):
        if before <= day <= after:
            return math.log(high) + (math.log(low) - math.log(high)) * (day - before) / (after - before)
    raise UsageRefused(
        f"survival: the curve does not reach day {day} from due. Extend it to {LIFETIME_DAYS} days and the youngest age."
    )
