"""The page beside the REST API: the same use cases, for people."""

from fastapi import FastAPI
from starlette.responses import RedirectResponse

from infrastructure.web.door import ROOT
from infrastructure.web.routes import AREAS


def install(app: FastAPI) -> None:
    app.add_api_route("/", _front, include_in_schema=False)
    for area in AREAS:
        app.include_router(area.router, include_in_schema=False)


async def _front() -> RedirectResponse:
    return RedirectResponse(ROOT, 303)
