"""Errors as problem details (RFC 9457). The one table of status codes."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from loguru import logger
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from domain.errors import (
    ArtifactLocked,
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    LimitReached,
    NotFound,
    RefusedTransition,
    SelfReview,
    VersionMoved,
)
from domain.ports.llm import LLMError
from domain.wording import Place, phrased, told
from services.desk import KeyReused
from services.ports.content import ContentMissing
from services.ports.documents import UnreadableDocument
from services.ports.store import StoreError, StoreFull

STATUS: dict[type[Exception], tuple[int, str]] = {
    NotFound: (404, "Not found"),
    Forbidden: (403, "Not allowed"),
    KeyReused: (422, "Idempotency key reused"),
    VersionMoved: (412, "Changed in the meantime"),
    Conflict: (409, "Conflict"),
    RefusedTransition: (409, "Not possible in this state"),
    ArtifactLocked: (423, "Locked"),
    SelfReview: (409, "Nobody checks their own work"),
    LimitReached: (429, "Limit reached"),
    Invalid: (422, "Invalid"),
    DomainError: (422, "Refused"),
    UnreadableDocument: (422, "Unreadable document"),
    ContentMissing: (500, "Content missing"),
    StoreFull: (507, "Disk full"),
    StoreError: (503, "Store unavailable"),
    LLMError: (502, "Model unavailable"),
}
TITLES = {
    400: "Malformed",
    401: "Not signed in",
    404: "Not found",
    405: "No such method here",
    413: "Too large",
    415: "No such media type here",
    421: "Unknown host",
    422: "Invalid",
    428: "Which version is missing",
    429: "Too many requests",
    500: "Internal error",
}
MOST_ERRORS = 20
Errors = Sequence[tuple[str, str]]


def install(app: FastAPI) -> None:
    for kind in STATUS:
        app.add_exception_handler(kind, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ValidationError, _built_wrong)
    app.add_exception_handler(HTTPException, _plain)


def problem(
    status: int,
    detail: str,
    instance: str,
    errors: Errors = (),
    *,
    title: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """`errors` holds (JSON pointer, message) pairs."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title or TITLES.get(status, "Refused"),
        "status": status,
        "detail": detail,
        "instance": instance,
    }
    if errors:
        body["errors"] = [{"pointer": pointer, "detail": said} for pointer, said in errors[:MOST_ERRORS]]
    return JSONResponse(body, status, media_type="application/problem+json", headers=headers)


def unexpected(error: Exception, method: str, path: str, correlation: str) -> JSONResponse:
    return problem(500, broken(error, method, path, correlation), path)


def broken(error: Exception, method: str, path: str, correlation: str) -> str:
    """What a person is told; the log is told the rest."""
    logger.opt(exception=error).error("a request failed unexpectedly: {} {}", method, path)
    return f"Something broke inside Caseworks; the log says more under the correlation id {correlation}."


async def _known(request: Request, error: Exception) -> JSONResponse:
    status, title = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    errors = error.errors if isinstance(error, Invalid) else ()
    if isinstance(error, UnreadableDocument):
        errors = ((_of_document(request), "cannot be read"),)
    return problem(status, str(error), request.url.path, errors, title=title)


def _of_document(request: Request) -> str:
    return "/file" if request.headers.get("content-type", "").startswith("multipart/") else "/text"


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    asked = _asked(request)
    faults = [{**fault, "loc": tuple(fault["loc"])} for fault in error.errors()]
    sent = [{**fault, "loc": fault["loc"][1:]} for fault in faults if fault["loc"][:1] == ("body",)]
    errors = [(_pointer(place), said) for _, place, said in phrased(sent, asked, error.body)]
    errors += [(_pointer(place), said) for _, place, said in phrased([f for f in faults if f["loc"][:1] != ("body",)])]
    return problem(422, _first(errors), request.url.path, errors)


def _asked(request: Request) -> dict[str, Any] | None:
    """The JSON Schema of what a request's body should be."""
    field = getattr(request.scope.get("route"), "body_field", None)
    kind = getattr(getattr(field, "field_info", None), "annotation", None)
    return kind.model_json_schema() if isinstance(kind, type) and issubclass(kind, BaseModel) else None


async def _built_wrong(request: Request, error: Exception) -> JSONResponse:
    """A value of the domain that could not be built from what was sent."""
    assert isinstance(error, ValidationError)
    errors = [(_pointer(place), said) for place, said in told(error)]
    return problem(422, _first(errors), request.url.path, errors)


async def _plain(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail = str(error.detail)
    if error.status_code == 404 and detail == "Not Found":
        detail = f"There is nothing at {request.url.path}; see /reference for what there is."
    if error.status_code == 405:
        detail = f"{request.method} is no method of {request.url.path}; see /reference for what there is."
    return problem(error.status_code, detail, request.url.path, headers=error.headers)


def _first(errors: Errors) -> str:
    return f"{errors[0][0] or 'The request'}: {errors[0][1]}."


def _pointer(location: Place) -> str:
    return "".join(f"/{escaped(part)}" for part in location)


def escaped(part: int | str) -> str:
    """A part of a JSON pointer (RFC 6901)."""
    return str(part).replace("~", "~0").replace("/", "~1")
