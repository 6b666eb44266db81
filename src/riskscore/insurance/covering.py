"""What stands behind a receivable: credit-insurance policies with their calendar, and collateral with its haircut and last day.

A policy pays `min(loss, limit) x insured share - deductible`, but only if its dates are kept: an overdue invoice must be
notified, then handed over, within set days, or cover is lost. `calendar` says when, `alarms` says what was missed or is about to
be. Collateral counts after its haircut and until it expires; on the next day it no longer lowers the loss given default.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Literal

from riskscore.errors import UsageRefused

CENT = Decimal("0.01")
DEFAULT_SHARE = Decimal("0.90")
LOWEST_USUAL_SHARE, HIGHEST_SHARE = Decimal("0.70"), Decimal("0.95")
DEFAULT_WAITING_DAYS = 90

AlarmCode = Literal[
    "notice_missed", "notice_due", "hand_over_missed", "hand_over_due", "extension_too_long", "terms_too_long", "cover_expiring",
]  # fmt: skip
Kind = Literal["guarantee", "collateral", "deposit"]
"""As the table of securities has them: another's promise, pledged goods, money in hand."""


@dataclass(frozen=True)
class Policy:
    """Credit insurance of one buyer. Money in the policy's currency; both dates of the cover count.

    insured_limit: the exposure that is covered at most. insured_share: what of a loss the insurer pays, 0.90 where nothing else
    is agreed. deductible: borne first in every claim. protracted_default_days: days past due after which not paying is a claim.
    notice_days, hand_over_days: days past due by which an overdue invoice must be notified, and handed over for collection.
    max_extension_days: by how many days a due date may be put off without asking. Of these None is not known: then nothing is
    asked, and no alarm can be raised. insurer: who pays, where known. longest_terms_days: a delivery on longer terms is not
    covered; None is not known.

    Raises UsageRefused for an insured share not above 0 or above 0.95 (no insurer covers more: it is a slip), amounts or days
    below 0, and dates the wrong way round. A share below 0.70 is unusual but taken: see `warnings`.
    """

    policy_id: str
    customer_id: str
    currency: str
    insured_limit: Decimal
    starts_on: date
    expires_on: date
    notice_days: int | None
    hand_over_days: int | None
    max_extension_days: int | None
    insured_share: Decimal = DEFAULT_SHARE
    deductible: Decimal = Decimal(0)
    protracted_default_days: int = DEFAULT_WAITING_DAYS
    insurer: str | None = None
    longest_terms_days: int | None = None

    def __post_init__(self) -> None:
        days = (
            self.notice_days, self.hand_over_days, self.max_extension_days, self.protracted_default_days, self.longest_terms_days,
        )  # fmt: skip
        if not 0 < self.insured_share <= HIGHEST_SHARE:
            raise UsageRefused(f"policy {self.policy_id}: an insured share is above 0 and at most .95, not {self.insured_share}.")
        is_negative = any(each is not None and each < 0 for each in days)
        if not all(amount.is_finite() and amount >= 0 for amount in (self.insured_limit, self.deductible)) or is_negative:
            raise UsageRefused(f"policy {self.policy_id}: amounts and days are not negative. Correct the register.")
        notice, hand_over = self.notice_days, self.hand_over_days
        swapped = notice is not None and hand_over is not None and hand_over < notice
        if self.expires_on < self.starts_on or swapped:
            raise UsageRefused(f"policy {self.policy_id}: it ends after it starts, and notice comes before hand-over.")

    @property
    def warnings(self) -> tuple[str, ...]:
        """Codes of what is unusual but allowed: `share_below_usual`."""
        return ("share_below_usual",) if self.insured_share < LOWEST_USUAL_SHARE else ()

    def is_in_force(self, on: date) -> bool:
        """Is a delivery of that day covered?"""
        return self.starts_on <= on <= self.expires_on


@dataclass(frozen=True)
class Calendar:
    """The last day for notice and for hand-over of one invoice, and the first day on which not paying is a claim.

    None where the policy does not say.
    """

    notice_by: date | None
    hand_over_by: date | None
    claim_from: date


@dataclass(frozen=True)
class OpenInvoice:
    """An insured invoice that is not paid, and what was done about it. due_on: as extended; agreed_due_on: as first agreed.

    issued_on: from when its terms count; None is not known, and then their length is not judged.
    """

    invoice_id: str
    due_on: date
    agreed_due_on: date
    notified_on: date | None = None
    handed_over_on: date | None = None
    issued_on: date | None = None


@dataclass(frozen=True)
class Alarm:
    """What was missed, or must be done by `on`. `days` are left until then, negative once it has passed."""

    code: AlarmCode
    policy_id: str
    invoice_id: str | None
    on: date
    days: int

    @property
    def endangers_cover(self) -> bool:
        """May the insurer refuse to pay?"""
        return self.code in {"notice_missed", "hand_over_missed", "extension_too_long", "terms_too_long"}


@dataclass(frozen=True)
class Collateral:
    """Security for one customer. `haircut` is the share of its amount that is not counted on; None in `expires_on` is open-ended.

    Raises UsageRefused for an amount below 0 or a haircut outside [0, 1].
    """

    customer_id: str
    kind: Kind
    amount: Decimal
    haircut: Decimal
    expires_on: date | None = None
    provider: str | None = None

    def __post_init__(self) -> None:
        if not (self.amount.is_finite() and self.amount >= 0) or not 0 <= self.haircut <= 1:
            raise UsageRefused(f"collateral of {self.customer_id}: an amount is not negative and a haircut between 0 and 1.")

    def is_in_force(self, on: date) -> bool:
        """Can it be drawn on that day? Its last day counts."""
        return self.expires_on is None or on <= self.expires_on

    def value(self, on: date) -> Decimal:
        """What it is worth on that day, rounded down to the cent: amount x (1 - haircut), and nothing once it has expired."""
        worth = self.amount * (1 - self.haircut) if self.is_in_force(on) else Decimal(0)
        return worth.quantize(CENT, rounding=ROUND_DOWN)


@dataclass(frozen=True)
class Cover:
    """What of an exposure is covered on a day, in money: the parts and what stays with the seller add up to the exposure."""

    exposure: Decimal
    collateral: Decimal
    insured: Decimal

    @property
    def own_risk(self) -> Decimal:
        """What nobody else pays for."""
        return self.exposure - self.collateral - self.insured


def payout(policy: Policy, loss: Decimal) -> Decimal:
    """What the insurer pays for a loss: min(loss, limit) x insured share - deductible, never below 0, to the cent half up.

    Raises ValueError for a loss below 0.
    """
    if loss < 0:
        raise ValueError(f"a loss is not negative: {loss}")
    paid = min(loss, policy.insured_limit) * policy.insured_share - policy.deductible
    return max(paid, Decimal(0)).quantize(CENT, rounding=ROUND_HALF_UP)


def uninsured_exposure(policy: Policy, exposure: Decimal) -> Decimal:
    """What of an exposure stays with the seller if it is lost whole: the exposure less the payout."""
    return exposure - payout(policy, exposure)


def exposure_within(policy: Policy, appetite: Decimal) -> Decimal:
    """The highest exposure of which at most `appetite` stays with the seller, rounded down to the cent.

    Up to the insured limit each unit leaves 1 - share, beyond it the whole unit; the deductible takes of the appetite first.
    Where the appetite does not even bear that, what is left is exposure that no claim would reach: the appetite itself.
    """
    share, limit = policy.insured_share, policy.insured_limit
    claimable = policy.deductible / share  # below this loss nothing is paid
    if appetite < claimable or limit <= claimable:
        return max(appetite, Decimal(0)).quantize(CENT, rounding=ROUND_DOWN)
    within = (appetite - policy.deductible) / (1 - share)
    beyond = limit * share - policy.deductible + appetite
    return (within if within <= limit else beyond).quantize(CENT, rounding=ROUND_DOWN)


def calendar(policy: Policy, due_on: date) -> Calendar:
    """The dates of an invoice due on that day: notice and hand-over by, a claim from the day after the waiting period."""
    return Calendar(
        notice_by=None if policy.notice_days is None else due_on + timedelta(days=policy.notice_days),
        hand_over_by=None if policy.hand_over_days is None else due_on + timedelta(days=policy.hand_over_days),
        claim_from=due_on + timedelta(days=policy.protracted_default_days + 1),
    )


def alarms(policy: Policy, invoices: Sequence[OpenInvoice], *, on: date, ahead_days: int = 7) -> tuple[Alarm, ...]:
    """What endangers cover on that day, and what must be done within `ahead_days`, soonest first.

    An invoice that was notified or handed over in time raises nothing for that step; done too late, it stays missed. An act dated
    after `on` is not known yet. A cover that ends within `ahead_days` is told once per policy.
    """
    found: list[Alarm] = []
    for invoice in invoices:
        dates = calendar(policy, invoice.due_on)
        found += _step("notice", policy, invoice.invoice_id, dates.notice_by, invoice.notified_on, on, ahead_days)
        found += _step("hand_over", policy, invoice.invoice_id, dates.hand_over_by, invoice.handed_over_on, on, ahead_days)
        if invoice.issued_on is not None and policy.longest_terms_days is not None:
            covered_until = invoice.issued_on + timedelta(days=policy.longest_terms_days)
            if invoice.agreed_due_on > covered_until:
                found.append(
                    Alarm("terms_too_long", policy.policy_id, invoice.invoice_id, covered_until, (covered_until - on).days)
                )
        extended = (invoice.due_on - invoice.agreed_due_on).days
        if policy.max_extension_days is not None and extended > policy.max_extension_days:
            latest = invoice.agreed_due_on + timedelta(days=policy.max_extension_days)
            found.append(Alarm("extension_too_long", policy.policy_id, invoice.invoice_id, latest, (latest - on).days))
    left = (policy.expires_on - on).days
    if 0 <= left <= ahead_days:
        found.append(Alarm("cover_expiring", policy.policy_id, None, policy.expires_on, left))
    return tuple(sorted(found, key=lambda alarm: (alarm.on, alarm.code, alarm.invoice_id or "")))


def cover(exposure: Decimal, *, on: date, collaterals: Sequence[Collateral] = (), policy: Policy | None = None) -> Cover:
    """What of an exposure is covered on that day: collateral first, insurance on what is left.

    A policy not in force, and collateral that has expired, cover nothing. Raises ValueError for an exposure below 0.
    """
    if exposure < 0:
        raise ValueError(f"an exposure is not negative: {exposure}")
    secured = min(exposure, sum((collateral.value(on) for collateral in collaterals), Decimal(0)))
    insured = payout(policy, exposure - secured) if policy is not None and policy.is_in_force(on) else Decimal(0)
    return Cover(exposure, secured, insured)


def lgd_after_cover(lgd: Decimal, covered: Cover) -> Decimal:
    """The share of the exposure that is lost at default once cover has paid: lgd x own risk / exposure.

    `lgd` is the loss share of what nobody covers. 0 exposure has the uncovered LGD. Raises ValueError outside [0, 1].

    >>> lgd_after_cover(Decimal("0.5"), Cover(Decimal(100), Decimal(20), Decimal(40)))
    Decimal('0.2')
    """
    if not 0 <= lgd <= 1:
        raise ValueError(f"a loss given default is between 0 and 1, not {lgd}")
    return lgd if covered.exposure == 0 else lgd * covered.own_risk / covered.exposure


def uninsured_total(exposures: Mapping[str, Decimal], policies: Sequence[Policy], *, on: date) -> Decimal:
    """What of all exposures (by customer) stays with the seller on that day, were each lost whole.

    Raises UsageRefused where two policies in force cover one customer: which one pays is not ours to guess.
    """
    in_force = [policy for policy in policies if policy.is_in_force(on)]
    by_customer = {policy.customer_id: policy for policy in in_force}
    if len(by_customer) < len(in_force):
        raise UsageRefused("insurance register: a customer has two policies in force on one day. Close one.")
    return sum(
        (
            uninsured_exposure(by_customer[customer], exposure) if customer in by_customer else exposure
            for customer, exposure in exposures.items()
        ),
        Decimal(0),
    )


def _step(
    name: Literal["notice", "hand_over"],
    policy: Policy,
    invoice_id: str,
    by: date | None,
    done_on: date | None,
    on: date,
    ahead_days: int,
) -> list[Alarm]:
    """The alarm of one step of one invoice, if any; none where the policy names no day for it."""
    if by is None:
        return []
    known = done_on if done_on is not None and done_on <= on else None
    left = (by - on).days
    missed: AlarmCode = "notice_missed" if name == "notice" else "hand_over_missed"
    due: AlarmCode = "notice_due" if name == "notice" else "hand_over_due"
    if (known is None and left < 0) or (known is not None and known > by):
        return [Alarm(missed, policy.policy_id, invoice_id, by, left)]
    return [Alarm(due, policy.policy_id, invoice_id, by, left)] if known is None and left <= ahead_days else []
