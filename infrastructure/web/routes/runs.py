"""Runs: how the work went, what it called, what that cost; and steering it."""

from fastapi import APIRouter, Request, Response

from domain.project import Project
from infrastructure.rest.access import Parts
from infrastructure.web.access import Submitted, Visitor
from infrastructure.web.rendering import page
from infrastructure.web.routing import PageRoute, said
from infrastructure.web.views import costs
from infrastructure.web.views import run as view

router = APIRouter(route_class=PageRoute)


@router.get("/page/projects/{project_id}/runs")
async def runs(request: Request, caller: Visitor, parts: Parts, project_id: str) -> Response:
    project = await parts.desk().get(caller, Project, project_id)
    number = await parts.streams().latest(caller.principal.workspace_id, project_id)
    found = await view.of_project(parts, caller, project)
    return await page(
        request,
        caller,
        "runs.html.j2",
        title=f"Runs: {project.name}",
        here="projects",
        tab="runs",
        project=project,
        number=number,
        runs=found,
        costs=await costs.of_project(parts, caller, project),
    )


@router.get("/page/runs/{run_id}")
async def run(request: Request, caller: Visitor, parts: Parts, run_id: str) -> Response:
    found = await view.shown(parts, caller, run_id)
    here = "projects" if found.project is not None else "conversation"
    return await page(request, caller, "run.html.j2", title="Run", here=here, shown=found)


@router.post("/page/runs/{run_id}/pause")
async def pause(caller: Visitor, parts: Parts, run_id: str, form: Submitted) -> Response:
    found = await parts.work_orders().steer(caller, run_id, "pause")
    return said(f"/page/projects/{found.project_id}", "paused")


@router.post("/page/runs/{run_id}/resume")
async def resume(caller: Visitor, parts: Parts, run_id: str, form: Submitted) -> Response:
    found = await parts.work_orders().steer(caller, run_id, "resume")
    return said(f"/page/projects/{found.project_id}", "resumed")


@router.post("/page/runs/{run_id}/cancel")
async def cancel(caller: Visitor, parts: Parts, run_id: str, form: Submitted) -> Response:
    found = await parts.work_orders().steer(caller, run_id, "cancel")
    return said(f"/page/projects/{found.project_id}", "cancelled")
