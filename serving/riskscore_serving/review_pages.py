"""The page of proposals that wait for a second person: who proposes what instead of which decision, and buttons to decide it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from riskscore.errors import Conflict, NotAllowed
from riskscore.phrases import Lang, day, money, terms_sentence
from riskscore.review import Act, Override, can_act, needed_authority
from riskscore.stores import reviews as store
from riskscore_serving.access.forms import PageRoute, form_of
from riskscore_serving.access.known import WithDoor
from riskscore_serving.access.pages import WithLang, page, texts
from riskscore_serving.problems import Refusal
from riskscore_serving.reviewing import ACTS, Room, WithRoom

router = APIRouter(route_class=PageRoute, include_in_schema=False, default_response_class=HTMLResponse)

LONGEST_NOTE = 2000

WHY_NOT = {
    "Only who proposed it can withdraw it.": "only_own",
    "A token cannot decide a review; a person signs in and does.": "no_token",
    "You proposed it; a second person decides.": "second_person",
    "Your role decides no reviews.": "no_role",
    "The amount and grade are delegated to the role analyst.": "takes_analyst",
    "The amount and grade are delegated to the role approver.": "takes_approver",
}
"""The reasons of the review room to their words on the page; any other is that the proposal was decided or is over."""


@dataclass(frozen=True)
class Shown:
    """A proposal in words. why_not: act to the reason why this person cannot, null where they can."""

    review_id: str
    decision_id: str
    customer_id: str
    facts: tuple[tuple[str, str], ...]
    why_not: dict[Act, str | None]


@router.get("/reviews")
def queue(request: Request, door: WithDoor, lang: WithLang, room: WithRoom, told: str = "") -> Response:
    """What waits, oldest first."""
    return _page(request, door, lang, room, told=texts()[lang]["decided"] if told == "decided" else None)


@router.post("/reviews")
def decide(request: Request, door: WithDoor, lang: WithLang, room: WithRoom) -> Response:
    """Approve, reject or withdraw the proposal that was read; whoever may not is told why."""
    form = form_of(request)
    act, note = form.get("act", ""), form.get("note", "")
    if act not in ACTS or len(note) > LONGEST_NOTE:
        raise Refusal("invalid-request", "act: approve, reject or withdraw; note: at most 2,000 characters.")
    asked = form.get("review_id", ""), form.get("decision_id", "")
    try:
        found = store.close(room.engine, *asked, act, room.person, room.delegation, note=note, now=room.now)
    except (Conflict, NotAllowed) as refused:
        return _page(
            request, door, lang, room, told=_why_not(str(refused), lang), status=409 if isinstance(refused, Conflict) else 403
        )
    if found is None:
        raise HTTPException(404)
    return RedirectResponse(f"/reviews?told=decided&lang={lang}", 303)


def _page(request: Request, door: Any, lang: Lang, room: Room, *, told: str | None, status: int = 200) -> Response:
    shown = [_shown(each, lang, room) for each in store.queue(room.engine, now=room.now)]
    return page(request, door, "reviews", lang, told=told, status=status, reviews=shown, acts=ACTS, wide=True)


def _shown(found: Override, lang: Lang, room: Room) -> Shown:
    words, wanted = texts()[lang], found.wanted

    def said(value: Any, say: Callable[[Any], str]) -> str:
        return words["as_decided"] if value is None else say(value)

    def amount(value: Any) -> str:
        return money(value, found.currency, lang)

    facts = {
        "decided_limit": words["none"] if found.decided_limit is None else amount(found.decided_limit),
        "decided_grade": words["none"] if found.decided_grade is None else str(found.decided_grade),
        "wanted_limit": said(wanted.limit, amount),
        "wanted_terms": said(wanted.terms, lambda terms: terms_sentence(terms, lang)),
        "wanted_grade": said(wanted.grade, str),
        "valid_until": day(wanted.valid_until, lang),
        "reason": wanted.reason,
        "proposed_by": words["who_and_when"].format(who=found.proposed_by, on=day(found.proposed_on, lang)),
        "needs": words[needed_authority(found, room.delegation)],
    }
    reasons = {act: can_act(found, act, room.person, room.delegation, room.today) for act in ACTS}
    return Shown(
        found.review_id, found.decision_id, found.customer_id,
        tuple((words[f"review_{name}"], value) for name, value in facts.items()),
        {act: None if why is None else _why_not(why, lang) for act, why in reasons.items()},
    )  # fmt: skip


def _why_not(reason: str, lang: Lang) -> str:
    return texts()[lang][WHY_NOT.get(reason, "over")]
