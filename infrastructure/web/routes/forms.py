"""Forms: one made of a template, one filled in; and what the manager recommends."""

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from domain.errors import DomainError, NotFound, VersionMoved
from infrastructure.rest.access import Parts
from infrastructure.web.access import Submitted, Visitor
from infrastructure.web.routes.artifacts import shown
from infrastructure.web.routing import PageRoute, refusal, said
from infrastructure.web.views import form as view
from services.forms import Filling, NewForm

router = APIRouter(route_class=PageRoute)
MOVED = (
    "Somebody else filled this form in while you were writing. What you typed is kept; the answers as they are now "
    "stand below as a text. Save again to have yours."
)


@router.post("/page/projects/{project_id}/forms")
async def make(caller: Visitor, parts: Parts, project_id: str, form: Submitted) -> Response:
    new = NewForm(template=form.text("template", 60), title=form.text("title", 120))
    made = await parts.forms().make(caller, project_id, new)
    return RedirectResponse(f"/page/artifacts/{made.id}", 303)


@router.post("/page/artifacts/{artifact_id}/fill")
async def fill(request: Request, caller: Visitor, parts: Parts, artifact_id: str, form: Submitted) -> Response:
    """A new version, or with `as=derived` an artifact beside it; `add` only asks for one more row."""
    asked = await parts.forms().read(caller, artifact_id)
    typed, add = view.typed_in(form), form.fields.get("add", "")
    again = view.sheet(asked, artifact_id, typed=typed, add=add)
    if add:
        return await shown(request, caller, parts, artifact_id, sheet=again)
    filling = Filling(answers=view.answers_in(asked.template, typed))
    version = form.fields.get("version", "")
    try:
        filled = await parts.forms().fill(
            caller,
            artifact_id,
            filling,
            int(version) if version.isdigit() else 0,
            derived=form.fields.get("as") == "derived",
        )
    except NotFound:
        raise
    except DomainError as error:
        told = view.refused(again, error, MOVED if isinstance(error, VersionMoved) else "")
        return await shown(request, caller, parts, artifact_id, status=refusal(error)[0], sheet=told)
    return said(f"/page/artifacts/{filled.id}", "filled")


@router.post("/page/recommendations/{id}/accept")
async def accept(caller: Visitor, parts: Parts, id: str, form: Submitted) -> Response:
    """To the form that it made, or to the task by which it is filled in."""
    settled = await parts.recommendations().accept(caller, id)
    if settled.task_id is not None:
        return said(f"/page/tasks/{settled.task_id}", "advised")
    return said(f"/page/artifacts/{settled.artifact_id}", "advised")


@router.post("/page/recommendations/{id}/dismiss")
async def dismiss(caller: Visitor, parts: Parts, id: str, form: Submitted) -> Response:
    settled = await parts.recommendations().dismiss(caller, id)
    return said(f"/page/projects/{settled.project_id}", "dismissed")
