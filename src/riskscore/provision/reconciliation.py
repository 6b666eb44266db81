"""The bridge: from the model's expected loss to the booked provision, step by step, with a residual to be looked at."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from decimal import Decimal

from riskscore.errors import UsageRefused
from riskscore.provision.matrix import BUCKETS, LIFETIME_DAYS, ONE, Provision, Row, cents, refuse_unknown

TOLERATED_SHARE = Decimal("0.01")


@dataclass(frozen=True)
class Item:
    """One customer's exposure in one bucket as the model sees it. pd: within its horizon. lgd, ead: after cover, in money."""

    customer_id: str
    bucket: str
    pd: float
    lgd: Decimal
    ead: Decimal
    segment: str = ""

    def __post_init__(self) -> None:
        refuse_unknown(self.bucket)
        if not (0.0 <= self.pd <= 1.0 and 0 <= self.lgd <= 1 and self.ead.is_finite() and self.ead >= 0):
            raise ValueError(f"{self.customer_id}: PD and LGD are between 0 and 1 and an exposure is not negative")


@dataclass(frozen=True)
class Steps:
    """The walk from the model's expected loss to the booked provision of one segment and bucket; the steps add up to `booked`.

    mix: one average rate instead of each customer's own. pd: the matrix's default rate instead of the model's average, at the
    model's horizon. lgd: the matrix's instead of the average. horizon: a year after due instead of the model's horizon.
    residual: what none of these explains (receivables the model did not see, rates booked but not derived, roundings).
    """

    segment: str
    bucket: str
    model: Decimal
    mix: Decimal
    pd: Decimal
    lgd: Decimal
    horizon: Decimal
    macro: Decimal
    overlay: Decimal
    residual: Decimal

    @property
    def booked(self) -> Decimal:
        """What the matrix provides for."""
        return sum((getattr(self, one.name) for one in fields(self) if one.name not in {"segment", "bucket"}), Decimal(0))


@dataclass(frozen=True)
class Bridge:
    """The walk per segment and bucket, and whether it explains the provision.

    unexplained_share: the residuals without their signs, as a share of what is booked, so that errors do not cancel out. None
    where nothing is booked and something is unexplained.
    """

    rows: tuple[Steps, ...]
    unexplained_share: Decimal | None

    @property
    def reconciles(self) -> bool:
        """Is at most 1 % unexplained?"""
        return self.unexplained_share is not None and self.unexplained_share <= TOLERATED_SHARE

    def total(self, step: str) -> Decimal:
        """A step over all rows: `model`, `mix`, `pd`, `lgd`, `horizon`, `macro`, `overlay`, `residual` or `booked`."""
        return sum((getattr(row, step) for row in self.rows), Decimal(0))


def expected_loss(pd: float, lgd: Decimal, ead: Decimal) -> Decimal:
    """PD x LGD x EAD in money, rounded to the cent half up.

    >>> expected_loss(0.04, Decimal("0.5"), Decimal(50_000))
    Decimal('1000.00')
    """
    return cents(Decimal(repr(float(pd))) * lgd * ead)


def to_horizon(default_rate: Decimal, horizon_days: int) -> Decimal:
    """A default rate a year after due at the model's horizon, by a constant hazard: 1 - (1 - q) ^ (horizon / 365).

    >>> to_horizon(Decimal("0.36"), 365), round(to_horizon(Decimal("0.19"), 730), 4), to_horizon(Decimal(1), 180)
    (Decimal('0.36'), Decimal('0.3439'), Decimal('1'))
    """
    return ONE - (ONE - default_rate) ** (Decimal(horizon_days) / LIFETIME_DAYS)


def bridge(items: Sequence[Item], provision: Provision, *, pd_horizon_days: int) -> Bridge:
    """From the model's expected loss to the booked provision, step by step, for every segment and bucket of either.

    A default rate a year after due is carried to the model's horizon by `to_horizon`.
    Raises UsageRefused where a rate was given without its default rate and LGD: there is nothing to walk through.
    """
    if pd_horizon_days < 1:
        raise UsageRefused(f"bridge: a horizon is at least a day, not {pd_horizon_days}.")
    booked = {(row.segment, row.bucket): row for row in provision.rows}
    seen: dict[tuple[str, str], list[Item]] = {key: [] for key in booked}
    for item in items:
        seen.setdefault((item.segment, item.bucket), []).append(item)
    ordered = sorted(seen, key=lambda key: (key[0], BUCKETS.index(key[1])))
    rows = tuple(_walk(key, seen[key], booked.get(key), pd_horizon_days) for key in ordered)
    unexplained, total = sum((abs(row.residual) for row in rows), Decimal(0)), sum((row.booked for row in rows), Decimal(0))
    nothing = Decimal(0) if unexplained == 0 else None
    return Bridge(rows, unexplained / total if total > 0 else nothing)


def _walk(key: tuple[str, str], items: Sequence[Item], row: Row | None, horizon: int) -> Steps:
    model = sum((expected_loss(item.pd, item.lgd, item.ead) for item in items), Decimal(0))
    if row is None:
        none = Decimal(0)
        return Steps(*key, model, mix=none, pd=none, lgd=none, horizon=none, macro=none, overlay=none, residual=-model)
    default_rate, lgd = row.rate.default_rate, row.rate.lgd
    if default_rate is None or lgd is None:
        raise UsageRefused(f"bridge: the rate of {key} has no default rate and LGD of its own. Derive it from rolls or survival.")
    owed = sum((item.ead for item in items), Decimal(0))
    mean_pd = sum((item.ead * Decimal(repr(item.pd)) for item in items), Decimal(0)) / owed if owed else Decimal(0)
    mean_lgd = sum((item.ead * item.lgd for item in items), Decimal(0)) / owed if owed else Decimal(0)
    at_horizon = to_horizon(default_rate, horizon)
    averaged = cents(owed * mean_pd * mean_lgd)
    with_rate = cents(owed * at_horizon * mean_lgd)
    with_lgd = cents(owed * at_horizon * lgd)
    with_horizon = cents(owed * default_rate * lgd)
    return Steps(
        *key,
        model,
        mix=averaged - model,
        pd=with_rate - averaged,
        lgd=with_lgd - with_rate,
        horizon=with_horizon - with_lgd,
        macro=row.macro,
        overlay=row.overlay,
        residual=row.history - with_horizon,
    )
