"""The pages where people sign in, choose a password and sign out. They work without scripts, in English and Chinese."""

import logging
import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from riskscore.errors import UsageRefused
from riskscore.phrases import LANGUAGES, Lang
from riskscore.stores.access import accounts, sessions
from riskscore.stores.access.accounts import InvitationRefused
from riskscore.stores.access.passwords import PasswordRefused
from riskscore.stores.database import writing
from riskscore_serving.access.company import BACK, NotRecognised
from riskscore_serving.access.door import Doorkeeper
from riskscore_serving.access.forms import (
    SESSION,
    TRIP,
    VISIT,
    PageRoute,
    bound_to,
    cookie,
    drop_cookie,
    form_of,
    form_token,
    new_visit,
    set_cookie,
)
from riskscore_serving.access.known import WithDoor
from riskscore_serving.actors import WithActor

log = logging.getLogger(__name__)

CSP = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
PAGE_HEADERS = {
    "content-security-policy": CSP,
    # With `no-referrer` browsers send `Origin: null` from our own forms, which is what a foreign one looks like.
    "referrer-policy": "same-origin",
}

router = APIRouter(route_class=PageRoute, include_in_schema=False, default_response_class=HTMLResponse)


async def lang_of(request: Request) -> Lang:
    """The language asked for in the address, else the one the browser prefers, else English."""
    asked = request.query_params.get("lang") or request.headers.get("accept-language", "")[:2].casefold()
    return asked if asked in LANGUAGES else "en"


WithLang = Annotated[Lang, Depends(lang_of)]


@cache
def texts() -> dict[str, dict[str, str]]:
    """Language to key to words."""
    return tomllib.loads((files("riskscore_serving.access") / "texts.toml").read_text(encoding="utf-8"))


@cache
def templates() -> Environment:
    """The templates; everything put into them is escaped, and a name that is missing is an error."""
    return Environment(
        loader=PackageLoader("riskscore_serving.access"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )


def page(request: Request, door: Doorkeeper, name: str, lang: Lang, *, status: int = 200, **facts: Any) -> HTMLResponse:
    """A page as an answer; a browser that has neither session nor visit is given a visit, for which its forms are made."""

    def say(key: str, **parts: Any) -> str:
        return texts()[lang][key].format(**parts)

    visit = "" if bound_to(request, door.at) else new_visit()
    token = form_token(door.at, visit or bound_to(request, door.at))
    shown = {"lang": lang, "say": say, "csrf_token": token, "told": None, "title": say(name), **facts}
    answer = HTMLResponse(templates().get_template(f"{name}.html.j2").render(shown), status, headers=PAGE_HEADERS)
    if visit:
        set_cookie(answer, door.at, VISIT, visit)
    return answer


@router.get("/pages.css")
def style() -> Response:
    """The stylesheet of the pages."""
    css = (files("riskscore_serving.access") / "templates" / "pages.css").read_text(encoding="utf-8")
    return Response(css, media_type="text/css")


@router.get("/")
def home(request: Request, door: WithDoor, lang: WithLang, actor: WithActor) -> Response:
    """Who is signed in."""
    return page(request, door, "home", lang, actor=actor)


@router.get("/sign-in")
def ask_to_sign_in(request: Request, door: WithDoor, lang: WithLang, told: str = "") -> Response:
    """The form."""
    words = texts()[lang]
    return _sign_in_page(request, door, lang, told=words[told] if told in {"chosen", "not_let_in"} else None)


@router.post("/sign-in")
def sign_in(request: Request, door: WithDoor, lang: WithLang) -> Response:
    """Recognise somebody by name and password. What is wrong is not told; after ten failures one has to wait."""
    form, words = form_of(request), texts()[lang]
    source = request.client.host if request.client else ""
    found = sessions.sign_in(door.engine, form.get("name", ""), form.get("password", ""), source=source, now=door.now())
    if isinstance(found, int):
        told = words["wait"].format(minutes=-(-found // 60))
        answer = _sign_in_page(request, door, lang, told=told, status=429)
        answer.headers["Retry-After"] = str(found)
        return answer
    if found is None:
        return _sign_in_page(request, door, lang, told=words["wrong"], status=401)
    return begun(request, door, found, lang)


@router.get("/sign-in/company")
def leave_for_company(door: WithDoor) -> Response:
    """Send the browser to the company's sign-on."""
    if door.company is None:
        raise HTTPException(404)
    url, trip = door.company.leave(door.now())
    answer = RedirectResponse(url, 303)
    set_cookie(answer, door.at, TRIP, trip)
    return answer


@router.get(BACK)
def back_from_company(request: Request, door: WithDoor, lang: WithLang) -> Response:
    """Whom the company's sign-on has recognised gets a session, in the role that their groups have here."""
    if door.company is None:
        raise HTTPException(404)
    now, trip = door.now(), request.cookies.get(cookie(door.at, TRIP), "")
    try:
        found = door.company.come_back(request.query_params, trip, now)
        name, epoch = accounts.from_company(
            door.engine, door.company.sign_on.issuer, found.subject, found.name, found.role, now=now
        )
    except (NotRecognised, UsageRefused) as refused:
        # What the accounts say names one; who came back is theirs to say, at the company.
        log.warning("company sign-on: %s", refused if isinstance(refused, NotRecognised) else f"refused as {refused.code}")
        answer: Response = RedirectResponse(f"/sign-in?told=not_let_in&lang={lang}", 303)
    else:
        with writing(door.engine) as connection:
            session = sessions.begin(connection, name, epoch, now=now)
        answer = begun(request, door, session, lang)
    drop_cookie(answer, door.at, TRIP)
    return answer


@router.post("/sign-out")
def sign_out(request: Request, door: WithDoor, lang: WithLang) -> Response:
    """End the session, here and in the browser."""
    sessions.end(door.engine, request.cookies.get(cookie(door.at, SESSION), ""), now=door.now())
    answer = RedirectResponse(f"/sign-in?lang={lang}", 303)
    drop_cookie(answer, door.at, SESSION)
    return answer


@router.get("/setup")
def ask_for_password(request: Request, door: WithDoor, lang: WithLang) -> Response:
    """The form that takes a one-time token."""
    return page(request, door, "setup", lang)


@router.post("/setup")
def choose_password(request: Request, door: WithDoor, lang: WithLang) -> Response:
    """Use a one-time token."""
    form = form_of(request)
    token, password, name = (form.get(key, "") for key in ("token", "password", "name"))
    try:
        accounts.redeem(door.engine, token.strip(), password, name=name, now=door.now())
    except UsageRefused as refused:
        why = {InvitationRefused: "refused_token", PasswordRefused: "refused_password"}.get(type(refused), "refused_name")
        return page(request, door, "setup", lang, told=texts()[lang][why], status=422)
    return RedirectResponse(f"/sign-in?told=chosen&lang={lang}", 303)


def begun(request: Request, door: Doorkeeper, session: str, lang: Lang) -> Response:
    """The answer that begins a session; the one that the browser had before, if any, ends."""
    sessions.end(door.engine, request.cookies.get(cookie(door.at, SESSION), ""), now=door.now())
    answer = RedirectResponse(f"/?lang={lang}", 303)
    set_cookie(answer, door.at, SESSION, session)
    drop_cookie(answer, door.at, VISIT)
    return answer


def _sign_in_page(request: Request, door: Doorkeeper, lang: Lang, *, told: str | None, status: int = 200) -> Response:
    has_company = door.at.exposure.sign_on is not None
    return page(request, door, "sign_in", lang, told=told, status=status, has_company=has_company)
