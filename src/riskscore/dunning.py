"""Reminders: which step an overdue invoice has reached, and the one action a customer gets on a day.

A ladder of steps (e-mail, call, letter, agency), each from a day past due on. Payment cancels what is left, because nothing is
open any more; a contested amount rests; a customer gets one action a day, the highest that is due, for all invoices that wait.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from riskscore.recipe import parse_signed

StepName = Literal["email", "call", "letter", "agency"]
Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
Done = Mapping[tuple[str, str], date]
"""Invoice and step to the day it was taken."""


class Step(BaseModel):
    """One step of the ladder: from so many days past due, and whose it is."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=True)

    action: StepName
    from_day: Annotated[int, Field(ge=1, le=3650)]
    owner: Text
    source: Text
    reason: Text


class Ladder(BaseModel):
    """The steps, gentlest first, and the amount below which nobody is reminded, in the currency the book reports in."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=True)

    least_amount: Annotated[Decimal, Field(ge=0, strict=False)]
    steps: Annotated[list[Step], Field(alias="step", min_length=1)]

    @model_validator(mode="after")
    def _steps_rise(self) -> Self:
        days = [step.from_day for step in self.steps]
        if days != sorted(set(days)) or len({step.action for step in self.steps}) < len(days):
            raise ValueError("the days of the steps must rise, and no step may stand twice")
        return self

    def reached(self, days_past_due: int) -> int | None:
        """The place of the highest step that an invoice so late has reached; None before the first."""
        places = [place for place, step in enumerate(self.steps) if step.from_day <= days_past_due]
        return places[-1] if places else None

    def taken(self, invoice_id: str, done: Done, on: date) -> int | None:
        """The place of the highest step that was taken for the invoice by that day."""
        places = [place for place, step in enumerate(self.steps) if done.get((invoice_id, step.action), date.max) <= on]
        return places[-1] if places else None


@dataclass(frozen=True)
class Action:
    """What is due for one customer today. since: the day its step was reached. invoices: those that wait, oldest first."""

    customer_id: str
    step: Step
    since: date
    invoices: tuple[str, ...]
    amount: Decimal
    oldest_days: int


@dataclass(frozen=True)
class Reminders:
    """The actions of a day, highest step and largest amount first; and what rests because it is contested, by customer."""

    on: date
    actions: tuple[Action, ...]
    resting: Mapping[str, Decimal]


def parse(text: str) -> Ladder:
    """The ladder written in that TOML text. Raises UsageRefused naming the key that is unknown, missing or out of its range."""
    return parse_signed(text, Ladder, "dunning")


def reminders(invoices: Sequence[Mapping[str, Any]], done: Done, ladder: Ladder, *, on: date) -> Reminders:
    """The reminders of that day. invoices: rows as `riskscore.portfolio.take_open_invoices` has them, of the same day.

    An invoice waits where the step it has reached, or a higher one, was not taken by then: one that is looked at late gets the
    step of its age, not the gentlest. A customer for whom something was done on the very day gets nothing more.
    """
    waiting: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    resting: dict[str, Decimal] = {}
    for row in invoices:
        reached = ladder.reached(row["days_past_due"])
        if reached is None:
            continue
        customer, contested = row["customer_id"], row["contested"]
        if contested > 0:
            resting[customer] = resting.get(customer, Decimal(0)) + contested
        taken = ladder.taken(row["invoice_id"], done, on)
        if row["opened"] - contested >= max(ladder.least_amount, Decimal("0.01")) and (taken is None or taken < reached):
            waiting.setdefault(customer, []).append((reached, row))
    busy = _done_today(invoices, done, on)
    actions = [_action(customer, held, ladder, on) for customer, held in waiting.items() if customer not in busy]
    order = sorted(actions, key=lambda each: (-each.step.from_day, -each.amount, each.customer_id))
    return Reminders(on, tuple(order), resting)


def _action(customer: str, held: Sequence[tuple[int, Mapping[str, Any]]], ladder: Ladder, on: date) -> Action:
    highest = max(reached for reached, _ in held)
    step = ladder.steps[highest]
    oldest = max(row["days_past_due"] for reached, row in held if reached == highest)
    return Action(
        customer_id=customer,
        step=step,
        since=on - timedelta(days=oldest - step.from_day),
        invoices=tuple(row["invoice_id"] for _, row in sorted(held, key=lambda each: -each[1]["days_past_due"])),
        amount=sum((row["opened"] - row["contested"] for _, row in held), Decimal(0)),
        oldest_days=max(row["days_past_due"] for _, row in held),
    )


def _done_today(invoices: Sequence[Mapping[str, Any]], done: Done, on: date) -> Collection[str]:
    touched = {invoice for (invoice, _), day in done.items() if day == on}
    return {row["customer_id"] for row in invoices if row["invoice_id"] in touched}
