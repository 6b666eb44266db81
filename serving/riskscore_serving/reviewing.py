"""Reviews over the API: propose an override of a decision, and decide it as a second person."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi import Path as PathParameter
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy.engine import Engine

from riskscore.errors import UsageRefused
from riskscore.review import TRANSITIONS, Act, Delegation, Override, Person, Wanted, can_act, needed_authority
from riskscore.stores import decisions as log
from riskscore.stores import reviews as store
from riskscore_serving.access.gate import RuledRoute
from riskscore_serving.access.known import WithDoor
from riskscore_serving.actors import Actor, WithActor
from riskscore_serving.office import Office
from riskscore_serving.problems import Refusal, responses
from riskscore_serving.strictness import body_of

router = APIRouter(route_class=RuledRoute, tags=["reviews"])

DecisionId = Annotated[str, PathParameter(pattern="^[0-9a-f]{32}$")]
ACTS: tuple[Act, ...] = ("approve", "reject", "withdraw")


def _iso(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("a date as text: 2026-12-31")  # noqa: TRY004  pydantic turns a ValueError into a 422
    return date.fromisoformat(value)


PROSE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
"""What people write: lines and tabs, no other control character; a PostgreSQL database keeps no text with a NUL in it."""


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class OverrideIn(_In):
    """What is to hold instead of the decision; at least one of limit, terms and grade. Who proposes is whoever is signed in."""

    limit: Annotated[str, Field(pattern=r"^[0-9]{1,15}(\.[0-9]{1,2})?$", description="money as text")] | None = None
    terms: Annotated[int, Field(ge=1, le=365)] | Literal["prepayment", "stop"] | None = None
    grade: Annotated[int, Field(ge=1, le=10)] | None = None
    reason: Annotated[str, Field(min_length=10, max_length=2000, pattern=PROSE)]
    valid_until: Annotated[date, BeforeValidator(_iso), Field(description="the last day; then the decision counts again")]

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"limit": "60000.00", "reason": "Parent guarantees up to 80000", "valid_until": "2027-03-31"}]
        }
    )

    @property
    def wanted(self) -> Wanted:
        """As the review room takes it."""
        limit = None if self.limit is None else Decimal(self.limit)
        return Wanted(limit, self.terms, self.grade, self.reason, self.valid_until)


class ActIn(_In):
    """Which review is meant: exactly the one that was read, not whatever is open by now."""

    review_id: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    note: Annotated[str, Field(max_length=2000, pattern=PROSE)] = ""


def _described(shape: type[_In]) -> dict[str, Any]:
    """The body in the OpenAPI document: it is read by hand, more strictly than the framework would."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": shape.model_json_schema()}}}}


async def _override_in(request: Request) -> OverrideIn:
    return (await body_of(request, OverrideIn))[0]


async def _act_in(request: Request) -> ActIn:
    return (await body_of(request, ActIn))[0]


class ReviewOut(BaseModel):
    """A review. cannot: for each act, why the one who asks cannot do it, or null; the same words that a refusal has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    review_id: str
    decision_id: str
    customer_id: str
    state: str = Field(description="proposed, approved, rejected, withdrawn, lapsed (nobody decided) or expired (it is over)")
    currency: str
    decided_limit: Decimal | None
    decided_grade: int | None
    limit: Decimal | None
    terms: int | str | None
    grade: int | None
    reason: str
    valid_until: date
    proposed_by: str
    proposed_on: date
    needs: str = Field(description="the least role that may approve it")
    decided_by: str | None
    decided_on: date | None
    note: str | None
    cannot: dict[str, str | None]

    @classmethod
    def of(cls, found: Override, person: Person, delegation: Delegation, today: date) -> Self:
        """The review as this person sees it."""
        closing, wanted = found.closing, found.wanted
        return cls(
            **{name: getattr(found, name) for name in _AS_IT_IS},
            **{name: getattr(wanted, name) for name in Wanted.__dataclass_fields__},
            state=found.state_on(today),
            needs=needed_authority(found, delegation),
            decided_by=closing.by if closing else None,
            decided_on=closing.on if closing else None,
            note=closing.note if closing else None,
            cannot={act: can_act(found, act, person, delegation, today) for act in ACTS},
        )


_AS_IT_IS = (
    "review_id", "decision_id", "customer_id", "currency", "decided_limit", "decided_grade", "proposed_by", "proposed_on",
)  # fmt: skip


class Reviews(BaseModel):
    """Proposals that wait for a second person, oldest first."""

    reviews: tuple[ReviewOut, ...]


@dataclass(frozen=True)
class Room:
    """What a review is measured with at the moment: the person, the delegation of authority, the day."""

    engine: Engine
    now: int
    person: Person
    delegation: Delegation

    @property
    def today(self) -> date:
        """The day it is."""
        return day_of(self.now)

    def shown(self, found: Override) -> ReviewOut:
        """A review as an answer."""
        return ReviewOut.of(found, self.person, self.delegation, self.today)


def person_of(actor: Actor) -> Person:
    """Who acts, as the review room knows people: by account, whichever way they came in."""
    return Person(actor.name, actor.role, actor.is_machine)


def day_of(now: int) -> date:
    """The day of a second since 1970, in UTC."""
    return datetime.fromtimestamp(now, UTC).date()


async def room_of(request: Request, door: WithDoor, actor: WithActor) -> Room:
    """The room of this request; the delegation is read from the disk, so not on the event loop."""
    office: Office = request.app.state.office
    now = door.now()
    delegation = await office.within(lambda: request.app.state.delegated(day_of(now)))
    return Room(door.engine, now, person_of(actor), delegation)


WithRoom = Annotated[Room, Depends(room_of)]


@router.get("/v1/reviews", responses=responses(503))
def waiting(room: WithRoom) -> Reviews:
    """What waits for a second person."""
    return Reviews(reviews=tuple(room.shown(each) for each in store.queue(room.engine, now=room.now)))


@router.get("/v1/decisions/{decision_id}/reviews", responses=responses(404, 422, 503))
def reviews_of(decision_id: DecisionId, room: WithRoom) -> Reviews:
    """Every review of a decision, oldest first."""
    if log.find(room.engine, decision_id) is None:
        raise HTTPException(404)
    return Reviews(reviews=tuple(room.shown(each) for each in store.of_decision(room.engine, decision_id)))


@router.post(
    "/v1/decisions/{decision_id}/override",
    status_code=201,
    openapi_extra=_described(OverrideIn),
    responses=responses(400, 403, 404, 409, 413, 422, 503),
)
def propose(decision_id: DecisionId, wanted: Annotated[OverrideIn, Depends(_override_in)], room: WithRoom) -> ReviewOut:
    """Propose that something else holds. It changes nothing before a second person approves it."""
    found = log.find(room.engine, decision_id)
    if found is None:
        raise HTTPException(404)
    try:
        return room.shown(store.propose(room.engine, found.decision, wanted.wanted, room.person, now=room.now))
    except UsageRefused as refused:
        raise Refusal("unprocessable", str(refused)) from refused


def _act(act: Act) -> Callable[..., Any]:
    def decide(decision_id: DecisionId, meant: Annotated[ActIn, Depends(_act_in)], room: WithRoom) -> ReviewOut:
        found = store.close(
            room.engine, meant.review_id, decision_id, act, room.person, room.delegation, note=meant.note, now=room.now
        )
        if found is None:
            raise HTTPException(404)
        return room.shown(found)

    decide.__name__, decide.__doc__ = act, f"{act.capitalize()} a proposal: it is {TRANSITIONS['proposed', act]} from now on."
    return decide


for _each in ACTS:
    router.post(
        f"/v1/decisions/{{decision_id}}/{_each}",
        openapi_extra=_described(ActIn),
        responses=responses(400, 403, 404, 409, 413, 422, 503),
    )(_act(_each))
