"""From debtors, the rolls of their history and the signed text to the matrix, what is provided for, and the bridge."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from riskscore.provision.matrix import BUCKETS, ONE, Provision, Rate, provide
from riskscore.provision.rates import Roll, defaults_by_roll
from riskscore.provision.reconciliation import Bridge, Item, bridge, expected_loss, to_horizon
from riskscore.provision.text import ProvisionText

ZERO = Decimal(0)
SIX_PLACES = Decimal("0.000001")


@dataclass(frozen=True)
class Debtor:
    """One customer's receivables. opened: money by bucket, credits below zero.

    pd: within the model's horizon; None where the model is silent. lgd: the share lost at default after cover. lgd_late: the
    share lost where the model's probability comes true, after cover, because most who pay late pay in the end; None: as lgd.
    in_default: observed, so that what is lost is lost at default, whatever was foretold.
    """

    customer_id: str
    segment: str
    opened: Mapping[str, Decimal]
    pd: float | None
    lgd: Decimal
    lgd_late: Decimal | None = None
    in_default: bool = False

    @property
    def is_foretold(self) -> bool:
        """Does the model's probability say what will be lost?"""
        return self.pd is not None and not self.in_default

    @property
    def lost_share(self) -> Decimal:
        """The share that the expected loss multiplies the probability by, after cover."""
        return self.lgd_late if self.is_foretold and self.lgd_late is not None else self.lgd


@dataclass(frozen=True)
class Made:
    """A provision with where it came from.

    rolls: what became of open money, by segment ("" for the whole book) and bucket. pooled: segments too small for rates of their
    own. unseen: segment and bucket of rates that rest on the text's `unseen_roll`. provision: as booked; by_history: without
    scenarios and overlays. credits: credits of customers, which are not set against what others owe (0 or below).
    losses: customer to its expected loss, which add up to where the bridge begins.
    silent: what customers owe of whom the model says nothing; the bridge takes history's default rate for them.
    """

    rolls: Mapping[tuple[str, str], Roll]
    pooled: tuple[str, ...]
    unseen: tuple[tuple[str, str], ...]
    provision: Provision
    by_history: Provision
    bridge: Bridge
    losses: Mapping[str, Decimal]
    credits: Decimal
    silent: Decimal


def make(
    debtors: Sequence[Debtor],
    rolls: Iterable[tuple[str, Roll]],
    text: ProvisionText,
    *,
    on: date,
    lgd: Decimal,
    pd_horizon_days: int,
    lgd_late: Decimal | None = None,
) -> Made:
    """The provision of these debtors on that day.

    rolls: customer and what became of its open money, cohorts in any number. lgd: the share lost at default of what nobody
    covers, by which the matrix is made. lgd_late: the share of it lost where the model's probability comes true, for the model's
    own expected loss; None: as lgd. A segment with fewer customers than the text asks for shares the rates of the whole book. A
    given rate is booked as it is; its default rate is the rate over the LGD, so that the bridge can walk through it.
    """
    segments = {debtor.customer_id: debtor.segment for debtor in debtors}
    summed = _summed((segments[customer], roll) for customer, roll in rolls if customer in segments)
    pooled = {segment for segment, count in Counter(segments.values()).items() if count < text.segments.least_customers}
    defaults, unseen = {}, []
    for segment in sorted(set(segments.values())):
        own = "" if segment in pooled else segment
        seen = [summed[own, bucket].flow for bucket in BUCKETS if (own, bucket) in summed]
        defaults[segment] = defaults_by_roll(seen, unseen_roll=text.history.unseen_roll)
        unseen += [(segment, bucket) for bucket in set(BUCKETS) - {flow.bucket for flow in seen if flow.opened}]
    cells = _cells(debtors)
    given = text.given_on(on)
    matrix = []
    for (segment, bucket), held in cells.items():
        owed = sum((amount for _, amount in held), ZERO)
        lost = lgd if not text.cover.counted or not owed else sum((amount * one.lgd for one, amount in held), ZERO) / owed
        rate = given.get((segment, bucket), given.get(("", bucket)))
        matrix.append(_rate(segment, bucket, defaults[segment][bucket], lost.quantize(SIX_PLACES), rate))
    gross = {cell: sum((amount for _, amount in held), ZERO) for cell, held in cells.items()}
    booked = provide(gross, matrix, on=on, scenarios=text.scenarios_on(on), overlays=text.all_overlays)
    by_cell = {(rate.segment, rate.bucket): rate for rate in matrix}
    uncovered = (lgd, lgd if lgd_late is None else lgd_late)
    items = _items(cells, by_cell, uncovered, pd_horizon_days, text)
    losses = dict.fromkeys((debtor.customer_id for debtor in debtors), ZERO)
    for item in items:
        losses[item.customer_id] += expected_loss(item.pd, item.lgd, item.ead)
    return Made(
        rolls=summed,
        pooled=tuple(sorted(pooled)),
        unseen=tuple(cell for cell in gross if cell in unseen and cell not in given and ("", cell[1]) not in given),
        provision=booked,
        by_history=provide(gross, matrix, on=on),
        bridge=bridge(items, booked, pd_horizon_days=pd_horizon_days),
        losses=losses,
        credits=sum((min(amount, ZERO) for debtor in debtors for amount in debtor.opened.values()), ZERO),
        silent=sum((amount for held in cells.values() for one, amount in held if one.pd is None), ZERO),
    )


def _summed(rolls: Iterable[tuple[str, Roll]]) -> dict[tuple[str, str], Roll]:
    """By segment and bucket, and for the whole book as segment ""."""
    sums: dict[tuple[str, str], Roll] = {}
    for segment, roll in rolls:
        for key in {(segment, roll.bucket), ("", roll.bucket)}:
            sums[key] = sums[key] + roll if key in sums else roll
    return sums


def _cells(debtors: Sequence[Debtor]) -> dict[tuple[str, str], list[tuple[Debtor, Decimal]]]:
    """Who owes how much in each segment and bucket; a customer's credit pays nobody else's debt."""
    found: dict[tuple[str, str], list[tuple[Debtor, Decimal]]] = {}
    for debtor in sorted(debtors, key=lambda debtor: debtor.customer_id):
        for bucket, amount in debtor.opened.items():
            if amount > 0:
                found.setdefault((debtor.segment, bucket), []).append((debtor, amount))
    return found


def _rate(segment: str, bucket: str, default_rate: Decimal, lgd: Decimal, given: Decimal | None) -> Rate:
    if given is None:
        return Rate(bucket, default_rate * lgd, default_rate, lgd, segment)
    # A rate above the LGD cannot be of a default rate: then all default, and the rate is what is lost of it.
    return Rate(bucket, given, given / lgd, lgd, segment) if given < lgd else Rate(bucket, given, ONE, given, segment)


def _items(
    cells: Mapping[tuple[str, str], Sequence[tuple[Debtor, Decimal]]],
    matrix: Mapping[tuple[str, str], Rate],
    uncovered: tuple[Decimal, Decimal],
    horizon: int,
    text: ProvisionText,
) -> list[Item]:
    """What the model expects of each. uncovered: the share lost of what nobody covers, at default and by the model."""
    items = []
    for cell, held in cells.items():
        history = float(to_horizon(matrix[cell].default_rate or ZERO, horizon))
        items += [
            Item(
                one.customer_id, cell[1], history if one.pd is None else one.pd,
                one.lost_share if text.cover.counted else uncovered[one.is_foretold], amount, cell[0],
            )
            for one, amount in held
        ]  # fmt: skip
    return items
