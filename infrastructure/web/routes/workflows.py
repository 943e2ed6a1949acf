"""Workflows: which there are, how each goes, and one started in a project."""

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from starlette.responses import HTMLResponse

from domain.errors import DomainError, Invalid, NotFound
from infrastructure.container import Container
from infrastructure.rest.access import Parts
from infrastructure.web.access import Submitted, Visitor
from infrastructure.web.rendering import page
from infrastructure.web.routing import PageRoute, refusal, said
from infrastructure.web.views import workflow as view
from services.desk import Command

router = APIRouter(prefix="/page/workflows", route_class=PageRoute)


@router.get("")
async def workflows(request: Request, caller: Visitor, parts: Parts) -> Response:
    found = parts.workflows().all()
    shown = [(each, view.ORIGINS[each.origin]) for each in found]
    return await page(request, caller, "workflows.html.j2", title="Workflows", here="workflows", shown=shown)


@router.get("/{name}")
async def workflow(request: Request, caller: Visitor, parts: Parts, name: str, project: str = "") -> Response:
    return await _page(request, caller, parts, name, {"project": project})


@router.post("/{name}/start")
async def start(request: Request, caller: Visitor, parts: Parts, name: str, form: Submitted) -> Response:
    project = form.text("project", 100)
    try:
        if not project:
            raise Invalid("Choose the project in which it is to run.")
        inputs = view.given(parts.workflows().get(name).graph, form.fields)
        run = await parts.workflows().run(caller, name, project, inputs)
    except NotFound:
        raise
    except DomainError as error:
        return await _page(request, caller, parts, name, form.fields, error)
    return said(f"/page/runs/{run.id}", "running")


async def _page(
    request: Request,
    caller: Command,
    parts: Container,
    name: str,
    typed: Mapping[str, str],
    error: DomainError | None = None,
) -> HTMLResponse:
    found = await view.shown(parts, caller, name, typed)
    graph = found.workflow.graph
    return await page(
        request,
        caller,
        "workflow.html.j2",
        status=refusal(error)[0] if error is not None else 200,
        title=(graph.title if graph is not None else "") or name,
        here="workflows",
        shown=found,
        refused=str(error or ""),
    )
