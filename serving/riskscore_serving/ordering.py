"""Orders over the API: may it be taken on credit, hold the room for it, and let the room go."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial
from time import time
from typing import Annotated, Any, Self

from fastapi import APIRouter, Header, HTTPException, Request, Response
from fastapi import Path as PathParameter
from fastapi.exceptions import RequestValidationError
from pydantic import Field

from riskscore.decisions import Decision, canonical_bytes
from riskscore.order_check import Answer, check_order, told_once
from riskscore.order_standing import in_force, rules_of, standing_of
from riskscore.phrases import order_outcome_name, order_reason_sentence
from riskscore.stores import decisions as log
from riskscore.stores import orders as store
from riskscore.stores.answers import Key
from riskscore_serving.access.gate import RuledRoute
from riskscore_serving.actors import WithActor
from riskscore_serving.answering import WithOffice, key_of
from riskscore_serving.api import Out, Spoken, spoken
from riskscore_serving.asking_orders import ORDER_EXAMPLES, RELEASE_EXAMPLES, OrderWanted, ReleaseWanted, check_terms
from riskscore_serving.document import asks
from riskscore_serving.office import Office
from riskscore_serving.problems import Refusal, responses
from riskscore_serving.strictness import body_of

router = APIRouter(route_class=RuledRoute, tags=["orders"])

ReservationId = Annotated[str, PathParameter(pattern="^[0-9a-f]{32}$")]


class HeldOut(Out):
    """Room that is held for an order."""

    reservation_id: str
    order_id: str
    amount: Decimal
    due_on: date


class OrderOut(Out):
    """What becomes of an order and why. Money is in `currency`, the book's.

    before, after: what would be owed without the order and with it; null where that is not known. limit: what it was checked
    against, and room what of it was free; null where there is no limit to check against. billed: billed orders that the book
    cannot show yet. reserved: what else is held for this customer.
    """

    customer_id: str
    order_id: str
    as_of: date = Field(description="date of the book that says what is owed")
    outcome: str = Field(description="allow, warn (the limit is nearly used), block (never a shipped order) or prepay")
    outcome_says: Spoken
    reason: str
    says: Spoken
    currency: str
    receivables: Decimal | None
    billed: Decimal
    before: Decimal | None
    after: Decimal | None
    limit: Decimal | None
    room: Decimal | None
    decision_id: str | None = Field(description="the decision in force; null: there is none")
    reservation_id: str | None = Field(description="what is held for this order from now on; null: nothing new is")
    reserved: tuple[HeldOut, ...]


class ReservationOut(HeldOut):
    """A reservation that was let go: `cancelled`, `billed` (it counts until a book of a later date is read) or `replaced`."""

    customer_id: str
    currency: str
    because: str | None
    billed_on: date | None
    released_at: str | None

    @classmethod
    def of(cls, found: store.Reservation) -> Self:
        """The reservation as an answer."""
        return cls(**{name: getattr(found, name) for name in cls.model_fields})


@router.post("/v1/orders/check", response_model=OrderOut, responses=responses(400, 413, 422, 503),
             openapi_extra=asks(OrderWanted, ORDER_EXAMPLES))  # fmt: skip
async def check(
    request: Request,
    office: WithOffice,
    who: WithActor,
    idempotency_key: Annotated[
        str | None, Header(description="chosen by who asks, one an order; required where room is reserved")
    ] = None,
) -> Response:
    """May this order be taken on credit? With `reserve`, its room is held in the same transaction: no other order gets it.

    The limit is that of the decision in force, or what two people put in its place. Where the book is stale, the customer not
    known, no decision in force or its review long overdue, the order is blocked until a person has looked. Without `reserve`
    nothing is recorded. Asking again with the same Idempotency-Key gives the first answer again.
    """
    wanted, plain = await body_of(request, OrderWanted)
    asked = canonical_bytes(plain).decode()
    key = key_of(who.name, idempotency_key) if wanted.reserve else None
    if key is not None and (before := await office.within(lambda: store.find(office.store(), key, asked))) is not None:
        return _sent(before)
    desk = await office.open_desk()
    check_terms(wanted, office.today(), desk.reporting_currency)
    today = await office.customer(desk, wanted.customer_id)
    override = partial(request.app.state.overridden, wanted.customer_id)
    given = await office.within(partial(_checked, office, desk, wanted, today, override, key, asked))
    request.scope["riskscore_order"] = given.outcome
    return _sent(given)


@router.post("/v1/orders/{reservation_id}/release", responses=responses(400, 404, 409, 413, 422, 503),
             openapi_extra=asks(ReleaseWanted, RELEASE_EXAMPLES))  # fmt: skip
async def release(reservation_id: ReservationId, request: Request, office: WithOffice, who: WithActor) -> ReservationOut:
    """Let go of what is held for an order, because there is no order any more or because it was billed.

    What was billed goes on counting until a book of a later date is read. Saying the same twice changes nothing.
    """
    wanted, _ = await body_of(request, ReleaseWanted)
    if wanted.billed_on is not None and wanted.billed_on > office.today():
        raise RequestValidationError([{"loc": ("body", "billed_on"), "type": "date_order"}])
    found = await office.within(
        lambda: store.release(
            office.store(), reservation_id, wanted.because, billed_on=wanted.billed_on, by=who.name, now=int(time())
        )
    )
    if found is None:
        raise HTTPException(404)
    return ReservationOut.of(found)


def _checked(
    office: Office, desk: Any, wanted: OrderWanted, today: Decision | None, overridden: Any, key: Key | None, request: str
) -> store.Given:
    """The answer by what is in force, with everything that is held at the moment it is given."""
    engine, on, order = office.store(), office.today(), wanted.as_order(office.today())
    given = log.given_out(engine, wanted.customer_id, since=order.ordered_on, until=on)
    latest = in_force(given, on)
    standing = standing_of(
        today, given, overridden(), desk.params, ordered_on=order.ordered_on, on=on, currency=desk.reporting_currency,
        is_stale=office.staleness(desk) is not None,
    )  # fmt: skip
    rules = rules_of(desk.params, today.case.annual_sales if today is not None and today.case is not None else None)

    def judge(held: store.Held) -> Answer:
        now = replace(
            standing,
            receivables=standing.receivables if held.is_sound else None,
            unbilled=wanted.unbilled + held.billed,
            open_orders=told_once([*held.open_orders, *wanted.others(on)]),
        )
        return check_order(order, now, rules, on=on)

    def tell(answer: Answer, held: store.Held, reservation_id: str | None) -> str:
        return OrderOut(
            customer_id=wanted.customer_id,
            order_id=order.order_id,
            as_of=desk.as_of,
            outcome=answer.outcome,
            outcome_says=spoken(lambda lang: order_outcome_name(answer.outcome, lang)),
            reason=answer.reason,
            says=spoken(lambda lang: order_reason_sentence(answer, lang, desk.reporting_currency)),
            currency=desk.reporting_currency,
            receivables=standing.receivables,
            billed=held.billed,
            **{name: getattr(answer, name) for name in ("before", "after", "limit", "room")},
            decision_id=None if latest is None else latest.decision_id,
            reservation_id=reservation_id,
            reserved=tuple(
                HeldOut(
                    reservation_id=held.reservations[each.order_id],
                    order_id=each.order_id,
                    amount=each.amount,
                    due_on=each.due_on,
                )
                for each in held.open_orders
                if each.order_id != order.order_id
            ),
        ).model_dump_json()

    about = store.Asked(
        wanted.customer_id, order, desk.reporting_currency, desk.as_of, None if latest is None else latest.decision_id
    )
    if key is None:
        return store.look(engine, about, judge, tell)
    return store.reserve(engine, key, request, about, judge, tell, now=int(time()))


def _sent(given: store.Given) -> Response:
    if not given.same_request:
        raise Refusal("unprocessable", "This Idempotency-Key was used for another request.")
    headers = {"Idempotency-Replayed": "true"} if given.replayed else None
    return Response(given.body, media_type="application/json", headers=headers)
