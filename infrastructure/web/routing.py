"""Routes whose refusals are pages too."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from domain.wording import phrased
from infrastructure.rest.problems import STATUS, TITLES, broken
from infrastructure.web.rendering import failure

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class PageRoute(APIRoute):
    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except tuple(STATUS) as error:
                return await failure(request, *refusal(error), str(error))
            except HTTPException as error:
                title = TITLES.get(error.status_code, "Refused")
                return await failure(request, error.status_code, title, str(error.detail))
            except (RequestValidationError, ValidationError) as error:
                return await failure(request, 422, "Invalid", _first(error))
            except Exception as error:
                detail = broken(error, request.method, request.url.path, request.state.correlation)
                return await failure(request, 500, TITLES[500], detail)

        return handled


def _first(error: RequestValidationError | ValidationError) -> str:
    _, place, said = next(phrased(error.errors()))
    return f"{str(place[-1]).replace('_', ' ').capitalize() if place else 'It'}: {said}."


def refusal(error: Exception) -> tuple[int, str]:
    """Status and title of an error that has them."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def said(address: str, key: str) -> RedirectResponse:
    """Back to a page, which says what was done (a key of `rendering.SAID`)."""
    return RedirectResponse(f"{address}?said={key}", 303)
