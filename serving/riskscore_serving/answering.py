"""Scores and decisions: asked for, answered, and, where it is a decision, recorded once whatever happens on the way."""

from functools import partial
from typing import Annotated, Self

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi import Path as PathParameter
from pydantic import Field

from riskscore.decisions import Decision, canonical_bytes
from riskscore.errors import ModelRefused
from riskscore.phrases import condition_sentence, outcome_name, would_help_sentence
from riskscore.stores import decisions as log
from riskscore.stores.answers import Answer, Key, new_applicant_id
from riskscore.verdicts import verdict_of, would_help
from riskscore_serving.access.gate import RawRoute, RuledRoute
from riskscore_serving.actors import Actor
from riskscore_serving.api import CustomerOut, Out, OverrideOut, Spoken, spoken
from riskscore_serving.asking import Wanted, in_book_terms
from riskscore_serving.document import asks
from riskscore_serving.office import Office
from riskscore_serving.problems import Refusal, responses
from riskscore_serving.strictness import body_of

router = APIRouter(route_class=RuledRoute)
raw = APIRouter(route_class=RawRoute)


class SaidOut(Out):
    """A code with its sentence."""

    code: str
    says: Spoken


class DecisionOut(CustomerOut):
    """The answer to somebody who asked for credit.

    outcome: approve, conditional, refer (a person decides) or decline. granted: what may be given now, null where a person
    decides. asked: the limit that was asked for. would_help: what would make the answer surer.
    """

    outcome: str = Field(description="approve, conditional, refer or decline")
    outcome_says: Spoken
    conditions: tuple[SaidOut, ...]
    granted: str | None
    asked: str | None
    would_help: tuple[SaidOut, ...]

    @classmethod
    def answering(cls, decision: Decision, lacking: tuple[str, ...] = ()) -> Self:
        """The decision as an answer. lacking: what an applicant left out."""
        verdict = verdict_of(decision)
        return cls(
            **dict(CustomerOut.of(decision)),
            outcome=verdict.outcome,
            outcome_says=spoken(partial(outcome_name, verdict.outcome)),
            conditions=tuple(SaidOut(code=each, says=spoken(partial(condition_sentence, each))) for each in verdict.conditions),
            granted=None if verdict.limit is None else str(verdict.limit),
            asked=None if decision.asked is None else str(decision.asked.limit),
            would_help=tuple(
                SaidOut(code=each, says=spoken(partial(would_help_sentence, each))) for each in would_help(decision, lacking)
            ),
        )


class RecordOut(DecisionOut):
    """A decision as it stands in the record. override: what holds instead of it today; lists leave it out."""

    override: OverrideOut | None = None

    sequence: int = Field(description="its place in the chain")
    recorded_at: str


class ReplayOut(Out):
    """A recorded decision made again with the model and the texts of its time."""

    decision_id: str
    identical: bool
    differs: tuple[str, ...] = Field(description="fields in which the two differ; none where they are identical")


async def office_of(request: Request) -> Office:
    """The office of this request; not a plain function, which would be given a thread of its own to look it up."""
    office: Office = request.app.state.office
    return office


WithOffice = Annotated[Office, Depends(office_of)]
DecisionId = Annotated[str, PathParameter(pattern="^[0-9a-f]{32}$")]


@raw.post("/v1/scores", tags=["decisions"], response_model=DecisionOut, responses=responses(400, 404, 413, 422, 503),
          openapi_extra=asks(Wanted))  # fmt: skip
async def score(request: Request) -> Response:
    """Score a customer of the book or an applicant. Nothing is recorded; without a model that answers there is no score."""
    office: Office = request.app.state.office
    wanted, _ = await body_of(request, Wanted)
    decision, wanted, _ = await _decided(office, wanted)
    referred = decision.referral.reasons if decision.referral else ()
    if "stale_book" in referred:
        raise Refusal("storage-unavailable", "The book is older than this house allows.", headers={"Retry-After": "3600"})
    if "run_held" in referred:
        raise ModelRefused("the run over this book is held for review")
    if {"model_unavailable", "no_model", "no_probability"} & set(referred):
        raise ModelRefused("no model answers")
    return _answer(_told(office, decision, wanted))


@raw.post("/v1/decisions", tags=["decisions"], status_code=201, response_model=DecisionOut,
          responses=responses(400, 404, 409, 413, 422, 503),
          openapi_extra=asks(Wanted, idempotency_key="chosen by who asks, one a decision; required"))  # fmt: skip
async def decide(request: Request) -> Response:
    """Decide a customer of the book or an applicant, and record the decision.

    Asking again with the same Idempotency-Key gives the first answer again (Idempotency-Replayed: true), whatever happened
    between. Where model or book are in doubt the outcome is refer.
    """
    office: Office = request.app.state.office
    who: Actor = request.scope["riskscore_actor"]
    key = key_of(who.name, request.headers.get("idempotency-key"))
    wanted, plain = await body_of(request, Wanted)
    asked = canonical_bytes(plain).decode()
    with office.in_hand(key):
        # Whoever can be decided at no cost is: the recorder looks the key up anyway, in the transaction that counts.
        before = None if office.remembers(wanted.customer_id) else await office.answered(key, asked)
        if before is not None:
            return _answer(before.body, 201, replayed=True)
        decision, wanted, texts = await _decided(office, wanted)
        outcome = request.scope["riskscore_outcome"] = verdict_of(decision).outcome
        body = _told(office, decision, wanted)
        recorded = await office.record(Answer(key, asked, decision, outcome, body, texts))
    return _answer(recorded.body, 201, replayed=recorded.replayed)


@router.get("/v1/decisions/{decision_id}", tags=["decisions"], responses=responses(404, 422, 503))
async def recorded_decision(decision_id: DecisionId, office: WithOffice, request: Request) -> RecordOut:
    """A recorded decision, with caps, reasons in both languages, and what it was made with."""
    found = await office.within(lambda: log.find(office.store(), decision_id))
    if found is None:
        raise HTTPException(404)
    told = DecisionOut.answering(found.decision)
    held = await office.within(lambda: request.app.state.overridden(found.decision.customer_id))
    override = OverrideOut.of(held) if held is not None and held.decision_id == decision_id else None
    return RecordOut(**dict(told), override=override, sequence=found.sequence, recorded_at=found.recorded_at)


@router.get("/v1/decisions/{decision_id}/replay", tags=["decisions"], responses=responses(404, 422, 503))
def replayed_decision(decision_id: DecisionId, request: Request) -> ReplayOut:
    """The recorded decision made again from its record, with the model, grades and policy of its time."""
    replay = request.app.state.replay
    found = None if replay is None else replay(decision_id)
    if found is None:
        raise HTTPException(404)
    return ReplayOut(decision_id=decision_id, identical=found.identical, differs=found.differs)


def key_of(principal: str, given: str | None) -> Key:
    """The idempotency key of a request. Raises Refusal where there is none that can be used."""
    if given is None or not 0 < len(given) <= 200 or not all("\x21" <= letter <= "\x7e" for letter in given):
        raise Refusal("invalid-request", "Idempotency-Key: 1 to 200 visible ASCII characters, chosen by whoever asks.")
    return Key(principal, given)


def _told(office: Office, decision: Decision, wanted: Wanted) -> str:
    """The answer as it is sent."""
    if wanted.customer_id is None:
        return DecisionOut.answering(decision, tuple(wanted.lacking())).model_dump_json()
    return office.told(decision, lambda: DecisionOut.answering(decision).model_dump_json())


async def _decided(office: Office, wanted: Wanted) -> tuple[Decision, Wanted, log.Texts]:
    desk = await office.open_desk()
    wanted = in_book_terms(wanted, desk.as_of, desk.reporting_currency)
    if wanted.customer_id is None:
        return await office.applicant(desk, wanted.application(new_applicant_id())), wanted, desk.texts
    found = await office.customer(desk, wanted.customer_id)
    if found is None:
        raise HTTPException(404)
    return found, wanted, desk.texts


def _answer(body: str, status: int = 200, *, replayed: bool = False) -> Response:
    headers = {"Idempotency-Replayed": "true"} if replayed else None
    return Response(body, status, media_type="application/json", headers=headers)
