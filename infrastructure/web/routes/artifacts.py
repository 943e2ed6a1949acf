"""An artifact: read, compared with its versions and origins, judged, locked, taken away as a file."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import HTMLResponse

from domain.errors import Invalid, NotFound
from infrastructure.container import Container
from infrastructure.rest.access import Parts
from infrastructure.rest.routes.artifacts import attached
from infrastructure.web.access import Submitted, Visitor
from infrastructure.web.rendering import page
from infrastructure.web.routing import PageRoute, said
from infrastructure.web.views import artifact as view
from infrastructure.web.views import form as form_view
from infrastructure.web.views.form import Sheet
from services.artifacts import Judgement
from services.desk import Command

router = APIRouter(prefix="/page/artifacts/{artifact_id}", route_class=PageRoute)
Number = Annotated[int | None, Query(alias="version", ge=1)]
NOTHING_RUNS = "sandbox; default-src 'none'; style-src 'unsafe-inline'"


@router.get("")
async def artifact(
    request: Request, caller: Visitor, parts: Parts, artifact_id: str, number: Number = None
) -> Response:
    return await shown(request, caller, parts, artifact_id, number)


async def shown(
    request: Request,
    caller: Command,
    parts: Container,
    artifact_id: str,
    number: int | None = None,
    *,
    status: int = 200,
    sheet: Sheet | None = None,
) -> HTMLResponse:
    """`sheet` is what was typed into a form before."""
    found = await view.shown(parts, caller, artifact_id, number)
    if found.fillable is not None:
        fresh = form_view.sheet(found.fillable, artifact_id, found.artifact.version)
        sheet = replace(sheet, version=fresh.version) if sheet is not None else fresh
    values = {"title": found.artifact.title, "here": "projects", "shown": found}
    return await page(request, caller, "artifact.html.j2", status=status, **values, sheet=sheet)


@router.post("/qa")
async def judge(caller: Visitor, parts: Parts, artifact_id: str, form: Submitted) -> Response:
    """A person's QA on the version that was looked at, and on no other."""
    verdict = form.fields.get("verdict", "")
    if verdict not in ("accept", "refuse"):
        raise Invalid("Either accept or refuse it.")
    accepted = verdict == "accept"
    judgement = Judgement(
        verdict="accept" if accepted else "refuse", note=form.text("note"), digest=form.fields.get("digest")
    )
    await parts.artifacts().judge(caller, artifact_id, judgement)
    return said(f"/page/artifacts/{artifact_id}", "accepted" if accepted else "refused")


@router.post("/lock")
async def lock(caller: Visitor, parts: Parts, artifact_id: str, form: Submitted) -> Response:
    await parts.artifacts().lock(caller, artifact_id, locked=True)
    return said(f"/page/artifacts/{artifact_id}", "locked")


@router.post("/unlock")
async def unlock(caller: Visitor, parts: Parts, artifact_id: str, form: Submitted) -> Response:
    await parts.artifacts().lock(caller, artifact_id, locked=False)
    return said(f"/page/artifacts/{artifact_id}", "unlocked")


@router.get("/content")
async def content(caller: Visitor, parts: Parts, artifact_id: str, number: Number = None) -> Response:
    """As a file to keep, never as a page."""
    return attached(*await parts.artifacts().content(caller, artifact_id, number))


@router.get("/picture")
async def picture(caller: Visitor, parts: Parts, artifact_id: str, number: Number = None) -> Response:
    """For `<img>` only, where no script of an SVG runs; opened by itself it stands in a sandbox."""
    version, body = await parts.artifacts().content(caller, artifact_id, number)
    if version.media_type not in view.PICTURES:
        raise NotFound("picture", artifact_id)
    return Response(body, media_type=version.media_type, headers={"Content-Security-Policy": NOTHING_RUNS})
