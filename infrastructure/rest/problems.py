"""Errors as problem details (RFC 9457). The one table of status codes."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from loguru import logger
from pydantic import ValidationError
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
TITLES = {400: "Bad request", 401: "Not signed in", 404: "Not found", 405: "No such method here", 413: "Too large"}


def install(app: FastAPI) -> None:
    for kind in STATUS:
        app.add_exception_handler(kind, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ValidationError, _built_wrong)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(Exception, _unexpected)


def problem(
    status: int,
    title: str,
    detail: str,
    instance: str = "",
    errors: list[dict[str, str]] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    if instance:
        body["instance"] = instance
    if errors:
        body["errors"] = errors
    return JSONResponse(body, status, media_type="application/problem+json", headers=headers)


async def _known(request: Request, error: Exception) -> JSONResponse:
    status, title = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    fields = error.errors if isinstance(error, Invalid) else ()
    errors = [{"pointer": pointer, "detail": detail} for pointer, detail in fields]
    return problem(status, title, str(error), request.url.path, errors)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = error.errors()
    errors = [{"pointer": _pointer(fault["loc"]), "detail": _told(fault)} for fault in faults[:20]]
    malformed = any(fault["type"] == "json_invalid" for fault in faults)
    detail = f"{errors[0]['pointer'] or 'The request'}: {errors[0]['detail']}."
    return problem(400 if malformed else 422, "Malformed" if malformed else "Invalid", detail, request.url.path, errors)


async def _built_wrong(request: Request, error: Exception) -> JSONResponse:
    """A value of the domain that could not be built from what was sent."""
    assert isinstance(error, ValidationError)
    faults = error.errors(include_url=False, include_input=False)
    errors = [{"pointer": _pointer(("body", *fault["loc"])), "detail": fault["msg"]} for fault in faults[:20]]
    return problem(422, "Invalid", f"{errors[0]['pointer']}: {errors[0]['detail']}.", request.url.path, errors)


async def _plain(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    title = TITLES.get(error.status_code, "Refused")
    detail = str(error.detail)
    if error.status_code == 404 and detail == "Not Found":
        detail = f"There is nothing at {request.url.path}; see /reference for what there is."
    return problem(error.status_code, title, detail, request.url.path, headers=dict(error.headers or {}))


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    logger.opt(exception=error).error("a request failed unexpectedly: {} {}", request.method, request.url.path)
    correlation = getattr(request.state, "correlation", "")
    detail = f"Something broke inside Caseworks; the log says more under the correlation id {correlation}."
    return problem(500, "Internal error", detail, request.url.path)


def _pointer(location: tuple[int | str, ...]) -> str:
    parts = location[1:] if location and location[0] == "body" else location
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)


def _told(fault: dict[str, Any]) -> str:
    return str(jsonable_encoder(fault["msg"])).removeprefix("Value error, ")
