"""Exposure against what stands behind it: by customer, with the alarms of the insurers' calendars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from riskscore.insurance import Alarm, Collateral, Cover, Fault, OpenInvoice, Policy, Register, alarms
from riskscore_pipelines.finance.done import Done

ACTS = ("notice", "hand_over")
"""What an insurer is told of an invoice."""


@dataclass(frozen=True)
class Line:
    """One customer's exposure (0 where it is in credit) and what of it is covered."""

    customer_id: str
    name: str | None
    cover: Cover
    policy: Policy | None


@dataclass(frozen=True)
class Told:
    """An alarm with whose it is and how much is open on the invoice; None where it is about a policy."""

    alarm: Alarm
    customer_id: str
    name: str | None
    insurer: str | None
    opened: Decimal | None


@dataclass(frozen=True)
class Insured:
    """The register beside the book. lines: largest own risk first. collaterals: with what each is worth on the day."""

    on: date
    currency: str
    lines: tuple[Line, ...]
    alarms: tuple[Told, ...]
    collaterals: tuple[tuple[Collateral, str | None, Decimal], ...]
    faults: tuple[Fault, ...]

    def total(self, part: str) -> Decimal:
        """A part of the cover over all customers: exposure, collateral, insured or own_risk."""
        return sum((getattr(line.cover, part) for line in self.lines), Decimal(0))


def insured_of(
    customers: Sequence[Mapping[str, Any]],
    register: Register,
    invoices: Sequence[Mapping[str, Any]],
    done: Done,
    *,
    currency: str,
    ahead_days: int,
) -> Insured:
    """Every customer's exposure against the register. invoices: rows of open ones; those issued under a policy count for it."""
    names = {row["customer_id"]: row["name"] for row in customers}
    lines = [
        Line(who, names[who], register.cover(who, row["balance"]), register.policies.get(who))
        for row in customers
        for who in [row["customer_id"]]
    ]
    by_customer: dict[str, list[Mapping[str, Any]]] = {}
    for invoice in invoices:
        by_customer.setdefault(invoice["customer_id"], []).append(invoice)
    told = []
    for who, policy in register.policies.items():
        covered = [each for each in by_customer.get(who, []) if policy.is_in_force(each["issued_on"])]
        opened = {each["invoice_id"]: each["opened"] for each in covered}
        # The ledger keeps one due date, so that an extension cannot be seen in it.
        items = [
            OpenInvoice(
                each["invoice_id"], each["due_on"], each["due_on"],
                done.get((each["invoice_id"], "notice")), done.get((each["invoice_id"], "hand_over")),
                issued_on=each["issued_on"],
            )
            for each in covered
        ]  # fmt: skip
        told += [
            Told(alarm, who, names.get(who), policy.insurer, opened.get(alarm.invoice_id or ""))
            for alarm in alarms(policy, items, on=register.on, ahead_days=ahead_days)
        ]
    collaterals = [
        (each, names.get(who), each.value(register.on)) for who, held in sorted(register.collaterals.items()) for each in held
    ]
    return Insured(
        register.on,
        currency,
        tuple(sorted(lines, key=lambda line: (-line.cover.own_risk, line.customer_id))),
        tuple(sorted(told, key=lambda each: (each.alarm.on, each.customer_id, each.alarm.invoice_id or "", each.alarm.code))),
        tuple(collaterals),
        register.faults,
    )
