"""The provision matrix: loss rates by segment and ageing bucket, the economy ahead, signed judgement, what is provided for."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from riskscore.errors import UsageRefused

BUCKETS = ("not_due", "due_1_30", "due_31_60", "due_61_90", "due_over_90")
"""Ageing buckets as the portfolio names them, in the order that unpaid invoices move through them."""

LIFETIME_DAYS = 365  # trade receivables: unpaid a year after due counts as lost before recoveries
CENT = Decimal("0.01")
ONE = Decimal(1)


@dataclass(frozen=True)
class Rate:
    """The loss rate of one segment and bucket, as a share of gross, before macro and overlay.

    default_rate: P(unpaid a year after due | open in the bucket), and lgd: the share then lost. Both are None where a rate is
    given as such; it can be booked, but not bridged. Raises UsageRefused for a share outside [0, 1] or an unknown bucket.
    """

    bucket: str
    rate: Decimal
    default_rate: Decimal | None = None
    lgd: Decimal | None = None
    segment: str = ""

    def __post_init__(self) -> None:
        refuse_unknown(self.bucket)
        for share in (self.rate, self.default_rate, self.lgd):
            if share is not None and not (share.is_finite() and 0 <= share <= 1):
                raise UsageRefused(f"provision rate {self.segment} {self.bucket}: a share is between 0 and 1, not {share}.")


@dataclass(frozen=True)
class Scenario:
    """One view of the economy ahead: its weight, and by how much losses are scaled in it (1 is as in history)."""

    name: str
    weight: Decimal
    scalar: Decimal


@dataclass(frozen=True)
class Overlay:
    """Judgement on top of the matrix: losses of a segment and bucket (empty: all) are scaled by `factor` until `expires_on`.

    Both dates count. Raises UsageRefused without an owner or a reason, for a factor below 0, and for dates the wrong way round.
    """

    factor: Decimal
    owner: str
    reason: str
    starts_on: date
    expires_on: date
    segment: str = ""
    bucket: str = ""

    def __post_init__(self) -> None:
        if not self.owner.strip() or not self.reason.strip():
            raise UsageRefused("overlay: it needs an owner and a reason; judgement nobody signs is not provided for.")
        if not (self.factor.is_finite() and self.factor >= 0) or self.expires_on < self.starts_on:
            raise UsageRefused(f"overlay of {self.owner}: a factor is not negative and an overlay ends after it starts.")
        if self.bucket:
            refuse_unknown(self.bucket)

    def is_in_force(self, on: date) -> bool:
        """Does the overlay change anything on that day?"""
        return self.starts_on <= on <= self.expires_on

    def covers(self, segment: str, bucket: str) -> bool:
        """Does the overlay mean that segment and bucket?"""
        return self.segment in {"", segment} and self.bucket in {"", bucket}


@dataclass(frozen=True)
class Row:
    """The provision of one segment and bucket, in money: history + macro + overlay = amount. `rate` is the matrix's."""

    segment: str
    bucket: str
    gross: Decimal
    rate: Rate
    history: Decimal
    macro: Decimal
    overlay: Decimal

    @property
    def amount(self) -> Decimal:
        """What is provided for."""
        return self.history + self.macro + self.overlay


@dataclass(frozen=True)
class Provision:
    """The provision at a date: its rows in order of segment and bucket, the overlays in force, and those that are not."""

    rows: tuple[Row, ...]
    overlays: tuple[Overlay, ...]
    ignored: tuple[Overlay, ...]

    @property
    def total(self) -> Decimal:
        """What is provided for in all."""
        return sum((row.amount for row in self.rows), Decimal(0))


def given_rates(rates: Mapping[str, Decimal], *, segment: str = "") -> tuple[Rate, ...]:
    """Rates taken as they are, by bucket."""
    return tuple(Rate(bucket, rate, segment=segment) for bucket, rate in rates.items())


def macro_scalar(scenarios: Sequence[Scenario]) -> Decimal:
    """The weighted mean of the scenarios' scalars; 1 without scenarios.

    Raises UsageRefused unless the weights are not negative and sum to one exactly, and for a negative scalar.
    """
    if not scenarios:
        return ONE
    if sum((scenario.weight for scenario in scenarios), Decimal(0)) != 1 or any(scenario.weight < 0 for scenario in scenarios):
        raise UsageRefused("scenarios: the weights must be shares that sum to 1 exactly. Correct them.")
    if any(not scenario.scalar.is_finite() or scenario.scalar < 0 for scenario in scenarios):
        raise UsageRefused("scenarios: a scalar is not negative; 1 leaves history as it is.")
    return sum((scenario.weight * scenario.scalar for scenario in scenarios), Decimal(0))


def provide(
    gross: Mapping[tuple[str, str], Decimal],
    matrix: Sequence[Rate],
    *,
    on: date,
    scenarios: Sequence[Scenario] = (),
    overlays: Sequence[Overlay] = (),
) -> Provision:
    """The provision for what is open, by (segment, bucket), on that day.

    A bucket whose credits exceed what is owed needs none. Nothing is provided for beyond the gross amount. Raises UsageRefused
    where a segment and bucket has no rate or two.
    """
    rates = {(rate.segment, rate.bucket): rate for rate in matrix}
    if len(rates) < len(matrix):
        raise UsageRefused("provision matrix: a segment and bucket has two rates. Keep one.")
    if missing := sorted(set(gross) - set(rates)):
        raise UsageRefused(f"provision matrix: no rate for {missing[0]}, so its receivables would not be provided for. Add it.")
    scalar, in_force = macro_scalar(scenarios), tuple(overlay for overlay in overlays if overlay.is_in_force(on))
    rows = []
    for segment, bucket in sorted(gross, key=lambda key: (key[0], BUCKETS.index(key[1]))):
        owed, rate = max(gross[segment, bucket], Decimal(0)), rates[segment, bucket]
        factor = math.prod((overlay.factor for overlay in in_force if overlay.covers(segment, bucket)), start=ONE)
        history = cents(owed * rate.rate)
        with_macro = cents(owed * min(ONE, rate.rate * scalar))
        with_overlay = cents(owed * min(ONE, rate.rate * scalar * factor))
        rows.append(Row(segment, bucket, gross[segment, bucket], rate, history, with_macro - history, with_overlay - with_macro))
    return Provision(tuple(rows), in_force, tuple(overlay for overlay in overlays if overlay not in in_force))


def refuse_unknown(bucket: str) -> None:
    """Raise UsageRefused for a name that is no ageing bucket."""
    if bucket not in BUCKETS:
        raise UsageRefused(f"no ageing bucket {bucket}. There are: {', '.join(BUCKETS)}.")


def cents(amount: Decimal) -> Decimal:
    """An amount of money rounded to the cent, half up."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)
