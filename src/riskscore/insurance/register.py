"""The register: policies and security as a ledger held them on a date, and what in it should be put right."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal, cast

import narwhals.stable.v2 as nw
import pyarrow as pa

from riskscore.errors import InputRefused
from riskscore.insurance.covering import (
    CENT,
    DEFAULT_SHARE,
    DEFAULT_WAITING_DAYS,
    HIGHEST_SHARE,
    Collateral,
    Cover,
    Kind,
    Policy,
    cover,
)
from riskscore.snapshot.calendar import date_of, day_number
from riskscore.snapshot.money import rates_at
from riskscore.tables import Ledger

OPEN_ENDED = date(2099, 12, 31)
"""Stands for the last day of a policy that has none: the ledger holds no later date."""

FaultCode = Literal[
    "share_below_usual", "share_above_highest", "pays_nothing", "two_policies", "dates_out_of_order", "no_notice_days"
]


@dataclass(frozen=True)
class Fault:
    """Something in the register that a person should look at. share: the insured share it is about, where it is about one."""

    code: FaultCode
    customer_id: str
    policy_id: str
    share: Decimal | None = None


@dataclass(frozen=True)
class Register:
    """What stood behind each customer on a day. Money in the reporting currency.

    policies: the insurance in force by customer; of several the one that began last. collaterals: guarantees, collateral and
    deposits by customer, ended ones as well: they are worth nothing, and that should be seen.
    """

    on: date
    policies: Mapping[str, Policy]
    collaterals: Mapping[str, tuple[Collateral, ...]]
    faults: tuple[Fault, ...]

    def cover(self, customer_id: str, exposure: Decimal) -> Cover:
        """What of the customer's exposure is covered on that day; nothing of one below 0."""
        return cover(
            max(exposure, Decimal(0)),
            on=self.on,
            collaterals=self.collaterals.get(customer_id, ()),
            policy=self.policies.get(customer_id),
        )


def take_register(ledgers: Iterable[Ledger], as_of: date, haircuts: Mapping[Kind, Decimal]) -> Register:
    """The register as known at the date, over the buckets of a book. haircuts: by kind of security, as the policy signs them.

    An insured share above .95 counts as .95, a policy that pays nothing is left out, and where hand-over would come before notice
    both fall on the earlier day: each is told as a fault. Raises InputRefused where an amount is in a currency without a rate.
    """
    rows = sorted(
        (row for ledger in ledgers for row in _rows(ledger, as_of)), key=lambda row: (row["customer_id"], row["valid_from"])
    )
    policies: dict[str, Policy] = {}
    collaterals: dict[str, list[Collateral]] = {}
    faults: list[Fault] = []
    for row in rows:
        customer = row["customer_id"]
        if row["kind"] != "insurance":
            kind = cast("Kind", row["kind"])
            collaterals.setdefault(customer, []).append(
                Collateral(customer, kind, row["amount"], haircuts[kind], row["valid_until"], row["provider"])
            )
        elif row["valid_until"] is None or row["valid_until"] >= as_of:
            policy, found = _policy(row)
            faults += found
            if policy is not None:
                if customer in policies:
                    faults.append(Fault("two_policies", customer, policies[customer].policy_id))
                policies[customer] = policy
    return Register(as_of, policies, {customer: tuple(held) for customer, held in collaterals.items()}, tuple(faults))


def _rows(ledger: Ledger, as_of: date) -> list[dict[str, Any]]:
    today = day_number(as_of)
    rates = rates_at(ledger, ledger.lift(pa.table({"as_of": pa.array([today], pa.int32())})))
    known = ledger.frames["securities"].filter(nw.col("known_on") <= today, nw.col("valid_from") <= today)
    rows: list[dict[str, Any]] = known.join(rates, on="currency", how="left").collect("pyarrow").to_native().to_pylist()
    for row in rows:
        if row["rate"] is None:
            raise InputRefused(
                f"securities of {row['customer_id']}: there is no rate for {row['currency']} by {as_of}, so their worth is not "
                "known. Deliver the rate (table rates) and ingest again."
            )
        rate = Decimal(repr(row["rate"]))
        for name in ("amount", "deductible"):
            row[name] = ((row[name] or Decimal(0)) * rate).quantize(CENT, rounding=ROUND_HALF_UP)
        row["valid_from"] = date_of(row["valid_from"])
        row["valid_until"] = None if row["valid_until"] is None else date_of(row["valid_until"])
        row["currency"] = ledger.reporting_currency
    return rows


def _policy(row: Mapping[str, Any]) -> tuple[Policy | None, list[Fault]]:
    customer, policy_id = row["customer_id"], f"{row['customer_id']}/{row['valid_from']}"
    share = DEFAULT_SHARE if row["cover_share"] is None else Decimal(repr(row["cover_share"]))
    notice, hand_over = _whole(row["notice_days"]), _whole(row["hand_over_days"])
    faults: list[Fault] = []
    if share == 0:
        return None, [Fault("pays_nothing", customer, policy_id, share)]
    if share > HIGHEST_SHARE:
        faults.append(Fault("share_above_highest", customer, policy_id, share))
    if notice is not None and hand_over is not None and hand_over < notice:
        faults.append(Fault("dates_out_of_order", customer, policy_id))
        notice = hand_over
    if notice is None:
        faults.append(Fault("no_notice_days", customer, policy_id))
    waiting = _whole(row["waiting_days"])
    policy = Policy(
        policy_id, customer, row["currency"], row["amount"], row["valid_from"],
        row["valid_until"] or OPEN_ENDED, notice, hand_over,
        _whole(row["max_extension_days"]), insured_share=min(share, HIGHEST_SHARE), deductible=row["deductible"],
        protracted_default_days=DEFAULT_WAITING_DAYS if waiting is None else waiting, insurer=row["provider"],
        longest_terms_days=_whole(row["longest_terms_days"]),
    )  # fmt: skip
    if policy.warnings:
        faults.append(Fault("share_below_usual", customer, policy_id, share))
    return policy, faults


def _whole(days: float | None) -> int | None:
    """Days as whole ones, rounded down: a deadline is never later than agreed."""
    return None if days is None else math.floor(days)
