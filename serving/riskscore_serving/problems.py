"""Errors as RFC 9457 problems: what kind, what to do, which field. Never the value that was sent, never a trace."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from riskscore.errors import Conflict, ModelRefused, NotAllowed, NotReproduced, RiskscoreError, StorageFailed
from riskscore_serving.logs import trace_of

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

TITLES = {
    "invalid-request": (400, "The request cannot be understood."),
    "unauthenticated": (401, "Sign in, or send a token that holds."),
    "forbidden": (403, "Your role may not do this."),
    "not-found": (404, "There is no such thing here."),
    "method-not-allowed": (405, "This cannot be done to it."),
    "conflict": (409, "It is being changed, or is not in a state in which this can be done."),
    "too-large": (413, "The request is larger than this server reads."),
    "unprocessable": (422, "Fields of the request cannot be used; the errors name them."),
    "too-many-requests": (429, "Too many attempts; wait as long as Retry-After says."),
    "internal": (500, "Something went wrong here. The log of the server has it under the instance id."),
    "model-unavailable": (503, "No approved model can be asked; nothing was decided."),
    "storage-unavailable": (503, "The book or a store does not answer; nothing was decided."),
    "overloaded": (503, "More is asked than can be answered just now; try again."),
}
"""Problem type to status and title. The types are a public contract."""

BY_STATUS = {status: kind for kind, (status, _) in reversed(TITLES.items())}


class Refusal(Exception):
    """A request that is not served, as a kind of `TITLES`. detail: a sentence of ours, never a value that was sent."""

    def __init__(self, kind: str, detail: str | None = None, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(kind)
        self.kind, self.detail, self.headers = kind, detail, headers


class FieldError(BaseModel):
    """Which field is wrong, by JSON pointer, and why. The value itself is never repeated: it may be personal."""

    pointer: str
    detail: str


class Problem(BaseModel):
    """The body of every answer that is not a success."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(description="`urn:riskscore:problem:` and the kind")
    title: str
    status: int
    detail: str | None = None
    instance: str = Field(description="the id of the request, as in the X-Request-Id header and in the log")
    errors: Sequence[FieldError] = ()


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What an endpoint documents: each status answers with a problem."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {"model": Problem, "description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: schema}}
        for status in statuses
    }


def problem(
    kind: str, request_id: str, *, detail: str | None = None, errors: Sequence[FieldError] = (), retry: bool = False
) -> JSONResponse:
    """The answer for a kind of `TITLES`."""
    status, title = TITLES[kind]
    body = Problem(
        type=f"urn:riskscore:problem:{kind}", title=title, status=status, detail=detail, instance=request_id, errors=errors
    )
    headers = {"Retry-After": "5"} if retry else None
    return JSONResponse(body.model_dump(mode="json", exclude_none=True), status, media_type=MEDIA_TYPE, headers=headers)


def answer_of(refusal: Refusal, scope: Scope) -> JSONResponse:
    """The answer that a refusal is."""
    answer = problem(refusal.kind, str(scope["riskscore_request_id"]), detail=refusal.detail)
    answer.headers.update(refusal.headers or {})
    return answer


async def _gone(request: Request, _: Exception) -> JSONResponse:
    return problem("invalid-request", request_id(request), detail="The body was cut off.")  # for the figures: nobody reads it


def install(app: FastAPI) -> None:
    """Every error of the app becomes a problem."""
    app.add_exception_handler(ClientDisconnect, _gone)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        answer = problem(BY_STATUS.get(error.status_code, "invalid-request"), request_id(request))
        answer.headers.update(error.headers or {})  # of a 405: which methods there are
        return answer

    @app.exception_handler(Refusal)
    async def _refused(request: Request, error: Refusal) -> JSONResponse:
        return answer_of(error, request.scope)

    @app.exception_handler(RequestValidationError)
    async def _fields(request: Request, error: RequestValidationError) -> JSONResponse:
        found = [
            FieldError(pointer="/" + "/".join(str(part) for part in each["loc"]), detail=str(each["type"]))
            for each in error.errors()
        ]
        return problem("unprocessable", request_id(request), errors=found)

    @app.exception_handler(RiskscoreError)
    async def _ours(request: Request, error: RiskscoreError) -> JSONResponse:
        log.warning("%s %s: %s", request_id(request), error.code, error)
        if isinstance(error, NotReproduced):
            log.error("%s: the same manifest gave another result; report it as a bug", request_id(request))
        if isinstance(error, Conflict | NotAllowed):  # the sentence is about states and roles, never about a value
            return problem("conflict" if isinstance(error, Conflict) else "forbidden", request_id(request), detail=str(error))
        if isinstance(error, ModelRefused):
            return problem("model-unavailable", request_id(request), retry=True)
        if isinstance(error, StorageFailed):
            return problem("storage-unavailable", request_id(request), retry=True)
        return problem("internal", request_id(request))

    @app.exception_handler(Exception)
    async def _bug(request: Request, error: Exception) -> JSONResponse:
        log.error("%s failed: %s", request_id(request), trace_of(error))
        return problem("internal", request_id(request))


def request_id(request: Request) -> str:
    """The id that the guard gave to this request."""
    return str(request.scope["riskscore_request_id"])
