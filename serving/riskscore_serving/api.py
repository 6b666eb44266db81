"""The API, version 1: one customer, the model and the policy in force. Nothing is recorded by reading."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Protocol, Self

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi import Path as PathParameter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.engine import Engine

from riskscore.decisions import Decision, Doubt
from riskscore.model import Model
from riskscore.phrases import (
    LANGUAGES,
    Lang,
    cap_sentence,
    not_scored_sentence,
    referral_sentence,
    rule_name,
    sentence,
    terms_sentence,
)
from riskscore.policy import PARAMETERS, Params, Recommendation, Terms
from riskscore.reasons import Reason
from riskscore.review import Override
from riskscore.stores.overview import Line
from riskscore.stores.rehearsal import Rehearsal
from riskscore_serving.access.gate import RuledRoute
from riskscore_serving.office import Office
from riskscore_serving.problems import responses

LONGEST_ID = 200


class Desk(Protocol):
    """What answers: a book at a date, with the model and the policy in force, through the one scoring path."""

    @property
    def as_of(self) -> date:
        """The date it answers for."""

    @property
    def model(self) -> Model | None:
        """The approved model; None where there is none, and then everybody is referred."""

    @property
    def params(self) -> Params:
        """The policy in force at the date."""

    @property
    def book_digest(self) -> str:
        """The digest of the book it answers from."""

    @property
    def reporting_currency(self) -> str:
        """ISO 4217 of every amount."""

    @property
    def n_customers(self) -> int:
        """How many customers the book has."""

    def listed(self, store: Callable[[], Engine] | None = None) -> Iterator[Sequence[Line]]:
        """Every customer in one line, some at a time, in no order. store: gives the database where its run may be published."""

    def decide(self, customer_id: str, doubt: Doubt | None = None) -> Decision | None:
        """The decision about one customer; None where the book has no such customer at the date."""

    def rehearsal(self, customer_id: str) -> Rehearsal | None:
        """What decides that customer again as if something had happened; None where the book does not know it at the date."""


class Out(BaseModel):
    """An answer. Money is text with exact decimals, in `currency`; null is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Spoken = Annotated[dict[str, str], Field(description="language (en, zh) to sentence")]


def spoken(say: Callable[[Lang], str]) -> dict[str, str]:
    """A sentence in every language."""
    return {lang: say(lang) for lang in LANGUAGES}


class ReasonOut(Out):
    """Why the risk is higher or lower. share: of everything that pulled the same way."""

    code: str
    share: float
    says: Spoken

    @classmethod
    def of(cls, reason: Reason, currency: str) -> Self:
        """The reason with its sentences."""
        return cls(code=reason.code, share=reason.share, says=spoken(lambda lang: sentence(reason, lang, currency)))


class CapOut(Out):
    """The most one rule of the policy allows."""

    rule: str
    amount: Decimal
    binding: bool
    name: Spoken
    says: Spoken


class LimitOut(Out):
    """The recommended limit, the cautious and the hopeful one, and the caps that made it; the lowest binds."""

    now: Decimal | None
    recommended: Decimal
    conservative: Decimal
    aggressive: Decimal
    security_required: bool
    caps: tuple[CapOut, ...]


class TermsOut(Out):
    """Days of credit, `prepayment` or `stop`."""

    now: int | None
    recommended: Terms
    says: Spoken


class ProvenanceOut(Out):
    """What the answer was made with. The same provenance and customer give the same answer, byte for byte."""

    decision_id: str
    run_id: str
    book: str
    model: str | None
    policy: str
    grades: str
    catalogue: str
    code: str


class CustomerOut(Out):
    """One customer: what is known, the answer, why, and what it was made with. Nothing is recorded by asking."""

    customer_id: str
    as_of: date
    status: str = Field(description="scored, referred (a person decides; the limit is a proposal) or not_scored")
    referred_because: tuple[Spoken, ...]
    currency: str
    exposure: Decimal | None
    overdue: Decimal | None
    data_depth: str | None
    pd: float | None
    pd_low: float | None
    pd_high: float | None
    score: int | None
    grade: int | None
    adverse: tuple[ReasonOut, ...]
    favourable: ReasonOut | None
    limit: LimitOut | None
    terms: TermsOut | None
    provenance: ProvenanceOut

    @classmethod
    def of(cls, decision: Decision) -> Self:
        """The decision as an answer."""
        reasons, referral, made = decision.reasons, decision.referral, decision.provenance
        because = [] if referral is None else [spoken(partial(referral_sentence, each)) for each in referral.reasons]
        if decision.not_scored_reason is not None:
            because.append(spoken(partial(not_scored_sentence, decision.not_scored_reason)))
        favourable = None if reasons is None or reasons.favourable is None else reasons.favourable
        return cls(
            **{name: getattr(decision, name) for name in _AS_THEY_ARE},
            referred_because=tuple(because),
            adverse=() if reasons is None else tuple(ReasonOut.of(each, decision.currency) for each in reasons.adverse),
            favourable=None if favourable is None else ReasonOut.of(favourable, decision.currency),
            limit=_limit(decision),
            terms=_terms(decision),
            provenance=ProvenanceOut(
                decision_id=decision.decision_id,
                run_id=made.run_id,
                **{name: getattr(made, name) for name in ("book", "model", "policy", "grades", "catalogue", "code")},
            ),
        )


class OverrideOut(Out):
    """What two people put in place of what was decided, until its last day; null leaves a part as it was decided."""

    review_id: str
    decision_id: str
    limit: Decimal | None
    terms: Terms | None
    grade: int | None
    reason: str
    valid_until: date
    proposed_by: str
    approved_by: str | None

    @classmethod
    def of(cls, found: Override | None) -> Self | None:
        """The override as an answer; null where none holds."""
        if found is None:
            return None
        wanted = {name: getattr(found.wanted, name) for name in ("limit", "terms", "grade", "reason", "valid_until")}
        approved_by = found.closing.by if found.closing else None
        return cls(
            review_id=found.review_id,
            decision_id=found.decision_id,
            proposed_by=found.proposed_by,
            approved_by=approved_by,
            **wanted,
        )


class KnownCustomerOut(CustomerOut):
    """A customer of the book, with the override that holds today beside what is computed."""

    override: OverrideOut | None


_AS_THEY_ARE = (
    "customer_id", "as_of", "status", "currency", "exposure", "overdue", "data_depth",
    "pd", "pd_low", "pd_high", "score", "grade",
)  # fmt: skip


class ModelOut(Out):
    """The model in force."""

    digest: str
    horizon_days: int
    trained_until: str
    features: tuple[str, ...]


class ParameterOut(Out):
    """One number of the policy, and who signed it."""

    value: Any
    source: str | None


class PolicyOut(Out):
    """The policy in force at the date. A parameter without a value is switched off."""

    as_of: date
    digest: str
    parameters: Mapping[str, ParameterOut]


async def desk_of(request: Request) -> Desk:
    """The desk of this request. Raises StorageFailed where the book does not answer in time."""
    office: Office = request.app.state.office
    desk: Desk = await office.open_desk()
    return desk


WithDesk = Annotated[Desk, Depends(desk_of)]
router = APIRouter(route_class=RuledRoute)


@router.get("/v1/customers/{customer_id}", tags=["customers"], responses=responses(404, 422, 503))
async def customer(
    customer_id: Annotated[str, PathParameter(max_length=LONGEST_ID)], desk: WithDesk, request: Request
) -> KnownCustomerOut:
    """One customer at the date of the book: facts, score, reasons, limit, terms and the caps that made them."""
    office: Office = request.app.state.office
    decision = await office.seen(desk, customer_id)
    if decision is None:
        raise HTTPException(404)
    override = OverrideOut.of(await office.within(lambda: request.app.state.overridden(customer_id)))
    return KnownCustomerOut(**dict(CustomerOut.of(decision)), override=override)


@router.get("/v1/model", tags=["in force"], responses=responses(404, 503))
def model_in_force(desk: WithDesk) -> ModelOut:
    """The approved model; 404 where none is approved."""
    if desk.model is None:
        raise HTTPException(404)
    model = desk.model
    return ModelOut(
        digest=model.digest, horizon_days=model.horizon_days, trained_until=model.trained_until, features=model.feature_names
    )


@router.get("/v1/policy", tags=["in force"], responses=responses(503))
def policy_in_force(desk: WithDesk) -> PolicyOut:
    """Every number of the policy in force, with who signed it."""
    params = desk.params
    return PolicyOut(
        as_of=desk.as_of,
        digest=params.digest,
        parameters={key: ParameterOut(value=params.value(key), source=params.sources.get(key)) for key in PARAMETERS},
    )


def proposal_of(decision: Decision) -> Recommendation | None:
    """What the policy recommends; None where that would deny credit to a natural person: a person has to do that."""
    referred = decision.referral.reasons if decision.referral else ()
    return None if "natural_person" in referred else decision.recommendation


def _limit(decision: Decision) -> LimitOut | None:
    found = proposal_of(decision)
    if found is None:
        return None
    caps = tuple(
        CapOut(
            rule=cap.rule,
            amount=cap.amount,
            binding=cap.rule == found.binding_cap,
            name=spoken(partial(rule_name, cap.rule)),
            says=spoken(partial(cap_sentence, cap, currency=decision.currency)),
        )
        for cap in found.caps
    )
    return LimitOut(
        now=decision.limit_now,
        recommended=found.limit,
        conservative=found.conservative,
        aggressive=found.aggressive,
        security_required=found.security_required,
        caps=caps,
    )


def _terms(decision: Decision) -> TermsOut | None:
    found = proposal_of(decision)
    if found is None:
        return None
    says = spoken(partial(terms_sentence, found.terms, security_required=found.security_required))
    return TermsOut(now=decision.terms_now, recommended=found.terms, says=says)
