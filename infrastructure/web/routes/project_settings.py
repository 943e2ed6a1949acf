"""The settings of one project: what waits for a person, and the folder that it watches."""

from fastapi import APIRouter, Request, Response
from starlette.responses import HTMLResponse

from domain.errors import DomainError, VersionMoved
from domain.project import Project
from infrastructure.container import Container
from infrastructure.rest.access import Parts
from infrastructure.web.access import Submitted, Visitor
from infrastructure.web.rendering import page
from infrastructure.web.routing import PageRoute, refusal, said
from infrastructure.web.views import watching
from services.desk import Command
from services.projects import ProjectChange

router = APIRouter(route_class=PageRoute)
MOVED = "Somebody else changed the project while you were choosing. What you chose is kept; save again to have it."


@router.get("/page/projects/{project_id}/settings")
async def settings(request: Request, caller: Visitor, parts: Parts, project_id: str) -> Response:
    project = await parts.desk().get(caller, Project, project_id)
    chosen = ProjectChange(approve_plan=project.approve_plan, sign_off_code=project.sign_off_code)
    return await _form(request, caller, parts, project, chosen)


@router.post("/page/projects/{project_id}/settings")
async def change(request: Request, caller: Visitor, parts: Parts, project_id: str, form: Submitted) -> Response:
    project = await parts.desk().get(caller, Project, project_id)
    wanted = ProjectChange(approve_plan="approve_plan" in form.fields, sign_off_code="sign_off_code" in form.fields)
    version = form.fields.get("version", "")
    try:
        await parts.projects().change(caller, project_id, wanted, int(version) if version.isdigit() else 0)
    except DomainError as error:
        return await _form(request, caller, parts, project, wanted, error)
    return said(f"/page/projects/{project_id}", "settings")


async def _form(
    request: Request,
    caller: Command,
    parts: Container,
    project: Project,
    chosen: ProjectChange,
    error: DomainError | None = None,
) -> HTMLResponse:
    return await page(
        request,
        caller,
        "project-settings.html.j2",
        status=refusal(error)[0] if error is not None else 200,
        title="Project settings",
        here="projects",
        project=project,
        chosen=chosen,
        folder=await watching.folder(parts, caller, project),
        refused=MOVED if isinstance(error, VersionMoved) else str(error or ""),
    )
