"""Looking at the book: its customers page by page, what was decided about one, and every step that led to its score."""

from functools import partial
from itertools import islice
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from fastapi import Path as PathParameter

from riskscore.decisions import Decision
from riskscore.features import CATALOGUE
from riskscore.phrases import code_name
from riskscore.stores import decisions as log
from riskscore.stores.overview import Line, Lines
from riskscore_serving.access.gate import RuledRoute
from riskscore_serving.answering import DecisionOut, RecordOut, WithOffice
from riskscore_serving.api import LONGEST_ID, Desk, Out, Spoken, WithDesk, spoken
from riskscore_serving.problems import Refusal, responses

router = APIRouter(route_class=RuledRoute)

PAGE = 100
CustomerId = Annotated[str, PathParameter(max_length=LONGEST_ID)]


class LineOut(Out):
    """One customer of the book, in one line. Money is exact text in the currency of the book."""

    customer_id: str
    status: str
    outcome: str
    grade: int | None
    score: int | None
    pd: float | None
    exposure: str | None
    overdue: str | None
    limit_now: str | None
    limit_recommended: str | None

    @classmethod
    def of(cls, line: Line) -> "LineOut":
        """The line as it is sent."""
        money = ("exposure", "overdue", "limit_now", "limit_recommended")
        parts = {name: getattr(line, name) for name in cls.model_fields}
        return cls(**{**parts, **{name: None if parts[name] is None else str(parts[name]) for name in money}})


class CustomersOut(Out):
    """A page of the book. after: what to ask for next; null on the last page."""

    as_of: str
    currency: str
    customers: tuple[LineOut, ...]
    after: str | None


class HistoryOut(Out):
    """What was decided about a customer, oldest first."""

    decisions: tuple[RecordOut, ...]


class StepOut(Out):
    """One feature: what it was, what it added to the log-odds, and under which heading people read it."""

    feature: str
    value: float | str | None
    contribution: float
    code: str
    name: Spoken


class ExplanationOut(DecisionOut):
    """The answer with every step to it: base and contributions add up to the log-odds, calibrated they are the probability."""

    base: float | None
    log_odds: float | None
    steps: tuple[StepOut, ...]


@router.get("/v1/customers", tags=["customers"], responses=responses(422, 503))
async def customers(
    desk: WithDesk,
    office: WithOffice,
    grade: Annotated[int | None, Query(ge=1, le=10)] = None,
    min_exposure: Annotated[int | None, Query(ge=0, le=10**12)] = None,
    sort: Literal["customer_id", "-exposure", "-overdue", "-pd", "grade"] = "customer_id",
    after: Annotated[str | None, Query(max_length=LONGEST_ID, description="the `after` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = PAGE,
) -> CustomersOut:
    """The customers of the book, sorted and paged; a page follows the customer it names, whatever was filtered.

    The list is prepared in the background when the server starts and when a newer book opens, from the published run where there
    is one; until it is there the answer is 503 and says how far it is.
    """
    listed = await office.lister.lines(desk)
    return await office.worked(lambda: _page(desk, listed.by(sort), grade, min_exposure, after, limit))


def _page(desk: Desk, lines: Lines, grade: int | None, min_exposure: int | None, after: str | None, limit: int) -> CustomersOut:
    start = 0
    if after is not None:
        place = next((place for place, line in enumerate(lines) if line.customer_id == after), None)
        if place is None:
            raise Refusal("unprocessable", "after: the book of today has no such customer; begin with the first page.")
        start = place + 1
    wanted = (
        line
        for line in islice(lines, start, None)
        if (grade is None or line.grade == grade) and (min_exposure is None or (line.exposure or 0) >= min_exposure)
    )
    page = list(islice(wanted, limit))
    return CustomersOut(
        as_of=desk.as_of.isoformat(),
        currency=desk.reporting_currency,
        customers=tuple(LineOut.of(line) for line in page),
        after=page[-1].customer_id if next(wanted, None) is not None else None,
    )


@router.get("/v1/customers/{customer_id}/history", tags=["customers"], responses=responses(422, 503))
async def history(customer_id: CustomerId, office: WithOffice) -> HistoryOut:
    """Every decision about a customer that was given out. Empty where none was."""
    found = await office.within(lambda: log.history(office.store(), customer_id))
    return HistoryOut(
        decisions=tuple(
            RecordOut(**dict(DecisionOut.answering(each.decision)), sequence=each.sequence, recorded_at=each.recorded_at)
            for each in found
        )
    )


@router.get("/v1/customers/{customer_id}/explanation", tags=["customers"], responses=responses(404, 422, 503))
def explanation(customer_id: CustomerId, desk: WithDesk) -> ExplanationOut:
    """Every step to the score of a customer, largest contribution first."""
    decision = desk.decide(customer_id)
    if decision is None:
        raise HTTPException(404)
    chain = decision.chain
    return ExplanationOut(
        **dict(DecisionOut.answering(decision)),
        base=None if chain is None else chain.base,
        log_odds=None if chain is None else chain.log_odds,
        steps=_steps(decision),
    )


def _steps(decision: Decision) -> tuple[StepOut, ...]:
    if decision.chain is None:
        return ()
    added = sorted(decision.chain.contributions.items(), key=lambda step: (-abs(step[1]), step[0]))
    return tuple(
        StepOut(
            feature=name,
            value=decision.chain.features[name],
            contribution=contribution,
            code=(code := CATALOGUE[name].reason),
            name=spoken(partial(code_name, code)),
        )
        for name, contribution in added
    )
