"""Exposure against what stands behind it: by customer, with the alarms of the insurers' calendars."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from riskscore.errors import InputRefused, UsageRefused
from riskscore.insurance import Alarm, Collateral, Cover, Fault, OpenInvoice, Policy, Register, alarms

ACTS = ("notice", "hand_over")
HEADER = ["invoice_id", "act", "done_on"]
Done = Mapping[tuple[str, str], date]
"""Invoice and act to the day it was done."""


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


def read_done(path: Path) -> Done:
    """What was done for insured invoices, from a CSV file with the columns `invoice_id`, `act` (notice or hand_over), `done_on`.

    Raises UsageRefused where the file cannot be read, InputRefused naming the line that is not of that shape or says two days.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = list(csv.reader(file)) or [[]]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageRefused(f"{path}: cannot be read ({error}).") from error
    if header != HEADER:
        raise InputRefused(f"{path} line 1: the columns are {','.join(HEADER)}, not {','.join(header)}. Nothing was read.")
    found: dict[tuple[str, str], date] = {}
    for number, row in enumerate(rows, start=2):
        if len(row) != len(HEADER) or row[1] not in ACTS:
            raise InputRefused(f"{path} line {number}: an invoice, notice or hand_over, and a day are wanted. Correct the line.")
        try:
            day = date.fromisoformat(row[2])
        except ValueError as error:
            raise InputRefused(f"{path} line {number}: {row[2]!r} is not a date such as 2026-06-30. Correct the line.") from error
        if found.setdefault((row[0], row[1]), day) != day:
            raise InputRefused(f"{path} line {number}: {row[0]} has a {row[1]} on two days. Keep the one that was in time.")
    return found
