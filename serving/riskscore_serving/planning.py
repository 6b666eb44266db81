"""What would raise the grade, the limit or the terms of a customer: plans, each replayed on the real path."""

from collections import OrderedDict
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from threading import BoundedSemaphore, Lock
from typing import Annotated, Literal, Self

from fastapi import APIRouter, HTTPException, Query, Request
from pydantic import Field

from riskscore import plans
from riskscore.phrases import (
    Lang,
    event_sentences,
    plan_notes,
    plan_sentence,
    search_notes,
    why_none_sentence,
    would_help_sentence,
)
from riskscore.plans import Event, Plans, Secure, Settle, Target
from riskscore.policy import Terms
from riskscore.verdicts import would_help
from riskscore_serving.access.gate import RuledRoute
from riskscore_serving.answering import SaidOut
from riskscore_serving.api import Desk, Out, Spoken, WithDesk, spoken
from riskscore_serving.looking import CustomerId
from riskscore_serving.problems import Refusal, responses

router = APIRouter(route_class=RuledRoute)

MOST_REPLAYS = 100
"""Sets of events that one answer may try: a bound on what one request costs."""

PATIENCE = 1.0
"""Seconds a request waits for the one place at which plans are made; plans take more of a core than anything else here."""

REMEMBERED = 512


class EventOut(Out):
    """One thing to do. event: settle, guarantee, deposit or publish. amount: in `currency`; null of accounts.

    figures: what accounts are assumed to show at the least, in `currency`; with weaker ones the plan does not hold.
    """

    event: str = Field(description="settle, guarantee, deposit or publish")
    invoice_id: str | None = None
    amount: str | None = None
    currency: str
    period_end: str | None = None
    assumption: str | None = Field(default=None, description="of accounts: as_before, thin or sound")
    figures: dict[str, str] | None = None
    says: Spoken

    @classmethod
    def of(cls, event: Event, currency: str) -> Self:
        """The event as it is sent."""
        says = spoken(lambda lang: event_sentences([event], lang, currency)[0])
        if isinstance(event, Settle):
            return cls(
                event="settle", invoice_id=event.invoice_id, amount=str(event.amount), currency=event.currency, says=says
            )  # fmt: skip
        if isinstance(event, Secure):
            return cls(event=event.kind, amount=str(event.amount), currency=event.currency, says=says)
        return cls(
            event="publish", currency=event.currency, period_end=event.period_end.isoformat(), assumption=event.assumption,
            figures={name: str(amount) for name, amount in event.figures}, says=says,
        )  # fmt: skip


class OutlookOut(Out):
    """What is recommended: grade, limit, terms; pd is null where the model does not speak."""

    grade: int | None
    limit: str
    terms: Terms
    pd: float | None

    @classmethod
    def of(cls, found: plans.Outlook) -> Self:
        """The outlook as it is sent."""
        return cls(grade=found.grade, limit=str(found.limit), terms=found.terms, pd=found.pd)


class PlanOut(Out):
    """Events that together reach the target, what they take in money of the book, and what is recommended then.

    minimal: none of them can be left out; false only where the replays ran out before that was shown.
    """

    says: Spoken
    notes: tuple[Spoken, ...]
    events: tuple[EventOut, ...]
    cash: str
    guaranteed: str
    then: OutlookOut
    minimal: bool


class PlansOut(Out):
    """What a customer could do today, the least cost first. Nothing is recorded by asking.

    now: null where a person decides, and where there is no answer. why_none: why there is no plan; held_by: the rule, or for a
    grade the reason, that holds the best that was tried. would_help: what would make the answer surer, as in every answer.
    replays: sets of events tried; replays_spent: no more were allowed, there may be cheaper plans.
    """

    customer_id: str
    as_of: str
    currency: str
    target: str
    wanted: str | None
    now: OutlookOut | None
    plans: tuple[PlanOut, ...]
    why_none: SaidOut | None
    held_by: str | None
    notes: tuple[Spoken, ...]
    would_help: tuple[SaidOut, ...]
    replays: int
    replays_spent: bool

    @classmethod
    def of(cls, found: Plans, helps: tuple[str, ...]) -> Self:
        """The plans as they are sent."""
        now, currency = found.now, found.currency
        shown = () if now is None else tuple(
            PlanOut(
                says=spoken(partial(_plan_sentence, plan, now, currency)),
                notes=_each_spoken(partial(plan_notes, plan)),
                events=tuple(EventOut.of(each, currency) for each in plan.events),
                cash=str(plan.cost.cash), guaranteed=str(plan.cost.guaranteed),
                then=OutlookOut.of(plan.after), minimal=plan.minimal,
            )
            for plan in found.plans
        )  # fmt: skip
        why = found.why_none
        return cls(
            customer_id=found.customer_id,
            as_of=found.as_of.isoformat(),
            currency=currency,
            target=found.target.kind,
            wanted=None if found.target.limit is None else str(found.target.limit),
            now=None if now is None or why == "person_decides" else OutlookOut.of(now),
            plans=shown,
            why_none=None if why is None else SaidOut(code=why, says=spoken(lambda lang: why_none_sentence(found, lang) or "")),
            held_by=found.held_by,
            notes=_each_spoken(partial(search_notes, found)),
            would_help=tuple(SaidOut(code=each, says=spoken(partial(would_help_sentence, each))) for each in helps),
            replays=found.n_replays,
            replays_spent=found.spent,
        )


class Planner:
    """Makes plans, one request at a time; the same question to the same desk is answered once."""

    def __init__(self) -> None:
        self._place, self._lock = BoundedSemaphore(1), Lock()
        self._told: OrderedDict[tuple[str, Target], PlansOut] = OrderedDict()
        self._told_of: Desk | None = None

    def plans(self, desk: Desk, customer_id: str, target: Target) -> PlansOut | None:
        """The plans; None where the book knows no such customer. Raises Refusal where others are being made for too long."""
        if (told := self._remembered(desk, customer_id, target)) is not None:
            return told
        if not self._place.acquire(timeout=PATIENCE):
            raise Refusal("overloaded", headers={"Retry-After": "5"})
        try:
            rehearsal = desk.rehearsal(customer_id)
            if rehearsal is None:
                return None
            found = rehearsal.plans(target, most_replays=MOST_REPLAYS)
            told = PlansOut.of(found, would_help(rehearsal.base))
        finally:
            self._place.release()
        with self._lock:
            if self._told_of is desk:
                self._told[customer_id, target] = told
                while len(self._told) > REMEMBERED:
                    self._told.popitem(last=False)
        return told

    def _remembered(self, desk: Desk, customer_id: str, target: Target) -> PlansOut | None:
        with self._lock:
            if self._told_of is not desk:
                self._told.clear()
                self._told_of = desk
            return self._told.get((customer_id, target))


@router.get("/v1/customers/{customer_id}/plans", tags=["customers"], responses=responses(404, 422, 503))
def plans_of(
    customer_id: CustomerId,
    desk: WithDesk,
    request: Request,
    target: Annotated[Literal["grade", "limit", "terms"], Query(description="what to reach: grade up one, limit, longer terms")],
    limit: Annotated[
        int | None,
        Query(ge=1, le=10**12, description="with target=limit: the limit wanted; absent: a step up", examples=[150000]),
    ] = None,
) -> PlansOut:
    """What a customer could do today to reach a better grade, a higher limit or longer terms.

    Events of the ledger only: settle invoices, give a guarantee, pay in a deposit, publish accounts. Every plan was decided again
    on the path of every decision. A bounded number of sets of events is tried; `replays_spent` says when that was not all.
    """
    if limit is not None and target != "limit":
        raise Refusal("unprocessable", "limit: says which limit to reach, and needs target=limit.")
    planner: Planner = request.app.state.planner
    found = planner.plans(desk, customer_id, Target(target, None if limit is None else Decimal(limit)))
    if found is None:
        raise HTTPException(404)
    return found


def _plan_sentence(plan: plans.Plan, now: plans.Outlook, currency: str, lang: Lang) -> str:
    return plan_sentence(plan, now, lang, currency)


def _each_spoken(say: Callable[[Lang], tuple[str, ...]]) -> tuple[Spoken, ...]:
    english, chinese = say("en"), say("zh")
    return tuple({"en": one, "zh": other} for one, other in zip(english, chinese, strict=True))
