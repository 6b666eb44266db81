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

    For the last bucket: so much was open, and so much of it was never paid within a year of its due date.
    """

    bucket: str
    opened: Decimal
    rolled: Decimal

    def __post_init__(self) -> None:
        refuse_unknown(self.bucket)
        if not 0 <= self.rolled <= self.opened:
            raise UsageRefused(f"roll of {self.bucket}: {self.rolled} of {self.opened} cannot be. Count cohorts, not balances.")


def rates_by_roll(flows: Iterable[Flow], lgd: Decimal, *, segment: str = "") -> tuple[Rate, ...]:
    """Rates from history: an invoice is lost if it rolls through every later bucket and is never paid after the last.

    default rate(bucket) = product of the roll rates from it on; a roll rate is the amount rolled over the amount open, months
    together, so that large months count more. Raises UsageRefused for a bucket in which nothing was ever open.

    >>> flows = [Flow(bucket, Decimal(100), Decimal(50)) for bucket in BUCKETS]
    >>> [str(rate.rate) for rate in rates_by_roll(flows, Decimal("0.8"))]
    ['0.025', '0.05', '0.1', '0.2', '0.4']
    """
    opened, rolled = dict.fromkeys(BUCKETS, Decimal(0)), dict.fromkeys(BUCKETS, Decimal(0))
    for flow in flows:
        opened[flow.bucket] += flow.opened
        rolled[flow.bucket] += flow.rolled
    if empty := [bucket for bucket in BUCKETS if opened[bucket] == 0]:
        raise UsageRefused(f"roll rates: nothing was ever open in {', '.join(empty)}. Take a longer history or give the rate.")
    lost, rates = ONE, []
    for bucket in reversed(BUCKETS):
        lost *= rolled[bucket] / opened[bucket]
        rates.append(Rate(bucket, (lost * lgd).normalize(), lost, lgd, segment))
    return tuple(reversed(rates))


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
