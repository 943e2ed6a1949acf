"""The settings of one project: what waits for a person, what it may use, and the folder that it watches."""

from collections.abc import Sequence
from dataclasses import replace

from fastapi import APIRouter, Request, Response
from starlette.responses import HTMLResponse

from domain.budget import Measure
from domain.errors import DomainError, VersionMoved
from domain.project import Project
from infrastructure.container import Container
from infrastructure.rest.access import Parts
from infrastructure.web.access import Submitted, Visitor
from infrastructure.web.rendering import page
from infrastructure.web.routing import PageRoute, refusal, said
from infrastructure.web.views import budget, watching
from services.desk import Command
from services.projects import ProjectChange

router = APIRouter(route_class=PageRoute)
MOVED = "Somebody else changed the project while you were choosing. What you chose is kept; save again to have it."


@router.get("/page/projects/{project_id}/settings")
async def settings(request: Request, caller: Visitor, parts: Parts, project_id: str) -> Response:
    project = await parts.desk().get(caller, Project, project_id)
    chosen = ProjectChange(approve_plan=project.approve_plan, sign_off_code=project.sign_off_code)
    return await _form(request, caller, parts, project, chosen, budget.fields(project.budget))


@router.post("/page/projects/{project_id}/settings")
async def change(request: Request, caller: Visitor, parts: Parts, project_id: str, form: Submitted) -> Response:
    project = await parts.desk().get(caller, Project, project_id)
    wanted = ProjectChange(approve_plan="approve_plan" in form.fields, sign_off_code="sign_off_code" in form.fields)
    version = form.fields.get("version", "")
    try:
        caps = budget.read(form)
        whole = replace(wanted, budget=caps if caps != project.budget else None)
        await parts.projects().change(caller, project_id, whole, int(version) if version.isdigit() else 0)
    except DomainError as error:
        typed = [(name, label, form.text(name, 100)) for name, label, _ in budget.fields(project.budget)]
        return await _form(request, caller, parts, project, wanted, typed, error)
    return said(f"/page/projects/{project_id}", "settings")


async def _form(
    request: Request,
    caller: Command,
    parts: Container,
    project: Project,
    chosen: ProjectChange,
    caps: Sequence[tuple[Measure, str, str]],
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
        caps=caps,
        folder=await watching.folder(parts, caller, project),
        refused=MOVED if isinstance(error, VersionMoved) else str(error or ""),
    )
