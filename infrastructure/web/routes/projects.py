"""Projects: the list, a new one, one at a glance, its case file, its runs, its report."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeVar

from fastapi import APIRouter, Request, Response
from starlette.datastructures import UploadFile
from starlette.responses import HTMLResponse, RedirectResponse

from domain.artifact import SECTIONS, Artifact
from domain.errors import DomainError, Invalid
from domain.project import MAX_GOAL, MAX_INSTRUCTIONS, Project
from domain.recommendation import Recommendation
from domain.run import Run
from domain.task import Task
from infrastructure.container import Container
from infrastructure.rest.access import Parts
from infrastructure.rest.receiving import named, uploaded
from infrastructure.web.access import Form, Submitted, Visitor
from infrastructure.web.door import ROOT
from infrastructure.web.naming import Names
from infrastructure.web.rendering import Asked, page
from infrastructure.web.routing import PageRoute, said
from infrastructure.web.views import watching, work
from services.desk import Command
from services.inputs import Filed, Stored
from services.ports.documents import SUFFIXES, UnreadableDocument
from services.projects import NewProject

router = APIRouter(route_class=PageRoute)
MOST_PROJECTS = 100
AGAIN = " Choose your documents again: a browser does not keep them."
MOST = 10_000
T = TypeVar("T", Task, Run)
Handed = Sequence[tuple[Stored, Filed]]


@router.get(ROOT)
async def projects(request: Request, caller: Visitor, parts: Parts) -> Response:
    found = await parts.projects().page(caller, "", MOST_PROJECTS)
    where = {"project_id": [project.id for project in found]}
    workspace = caller.principal.workspace_id
    tasks = _by_project(await parts.store().find(Task, workspace, where=where, limit=MOST))
    roots = {**where, "parent_id": None}
    runs = _by_project(await parts.store().find(Run, workspace, where=roots, limit=MOST))
    shown = [work.summary(project, runs[project.id], tasks[project.id]) for project in found]
    return await page(request, caller, "projects.html.j2", title="Projects", here="projects", shown=shown)


def _by_project(items: Sequence[T]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = defaultdict(list)
    for item in items:
        found[item.project_id].append(item)
    return found


@router.get("/page/projects/new")
async def new(request: Request, caller: Visitor) -> Response:
    return await _form(request, caller, {}, "")


@router.post("/page/projects")
async def create(request: Request, caller: Visitor, parts: Parts, form: Submitted) -> Response:
    """What was typed comes back with what is wrong with it; files have to be chosen again."""
    try:
        handed = await _handed(parts, caller, form.files)
        project = await parts.projects().create(caller, _wanted(form))
    except (DomainError, UnreadableDocument) as error:
        return await _form(request, caller, form.fields, f"{error}{AGAIN if form.files else ''}")
    await _filed(parts, caller, project.id, handed)
    if form.fields.get("then") == "start":
        await parts.work_orders().start(caller, project.id)
    return RedirectResponse(f"/page/projects/{project.id}", 303)


def _wanted(form: Form) -> NewProject:
    return NewProject(
        goal=form.text("goal", MAX_GOAL),
        name=form.text("name", 300),
        instructions=form.text("instructions", MAX_INSTRUCTIONS),
        approve_plan="approve_plan" in form.fields,
        sign_off_code="no_sign_off_code" not in form.fields,
    )


async def _form(request: Request, caller: Command, given: Mapping[str, str], refused: str) -> HTMLResponse:
    values = {"title": "New project", "here": "projects", "given": given, "refused": refused}
    accept = ",".join(sorted(SUFFIXES))
    return await page(request, caller, "new-project.html.j2", status=422 if refused else 200, accept=accept, **values)


async def _handed(parts: Container, caller: Command, files: Sequence[UploadFile]) -> Handed:
    """Read before anything is filed. Raises UnreadableDocument."""
    workspace = caller.principal.workspace_id
    found = []
    for file in files:
        name = named(file)
        stored = await uploaded(parts, workspace, file, name)
        found.append((stored, Filed(kind="source", section="sources", title=name)))
    return found


async def _filed(parts: Container, caller: Command, project_id: str, handed: Handed) -> None:
    for stored, filed in handed:
        await parts.artifacts().add(caller, project_id, stored, filed)


@router.get("/page/projects/{project_id}")
async def overview(request: Request, caller: Visitor, parts: Parts, project_id: str) -> Response:
    asked = Asked.by(request)
    found = await work.of_project(parts, caller, project_id, asked)
    return await page(
        request,
        caller,
        "project.html.j2",
        title=found.project.name,
        here="projects",
        tab="overview",
        work=found,
        advice=await _advice(parts, caller, found) if asked("advice") else (),
    )


async def _advice(parts: Container, caller: Command, found: work.Work) -> Sequence[Recommendation]:
    """What is open; while the work runs it looks for more by itself."""
    if found.project.state != "active":
        return ()
    if not found.live:
        return await parts.recommendations().of_project(caller, found.project.id, "open")
    where = {"project_id": found.project.id, "state": "open"}
    return await parts.store().find(Recommendation, caller.principal.workspace_id, where=where)


@router.post("/page/projects/{project_id}/inputs")
async def inputs(caller: Visitor, parts: Parts, project_id: str, form: Submitted) -> Response:
    await parts.desk().get(caller, Project, project_id)
    if not form.files:
        raise Invalid("Choose a file first.")
    await _filed(parts, caller, project_id, await _handed(parts, caller, form.files))
    return said(f"/page/projects/{project_id}/case-file", "filed")


@router.post("/page/projects/{project_id}/start")
async def start(caller: Visitor, parts: Parts, project_id: str, form: Submitted) -> Response:
    await parts.work_orders().start(caller, project_id)
    return said(f"/page/projects/{project_id}", "started")


@router.post("/page/projects/{project_id}/redo")
async def redo(caller: Visitor, parts: Parts, project_id: str, form: Submitted) -> Response:
    await parts.work_orders().redo(caller, project_id)
    return said(f"/page/projects/{project_id}", "redone")


@router.post("/page/projects/{project_id}/approve")
async def approve(caller: Visitor, parts: Parts, project_id: str, form: Submitted) -> Response:
    await parts.work_orders().approve(caller, project_id)
    return said(f"/page/projects/{project_id}", "approved")


@router.post("/page/projects/{project_id}/archive")
async def archive(caller: Visitor, parts: Parts, project_id: str, form: Submitted) -> Response:
    await parts.projects().archive(caller, project_id)
    return said(f"/page/projects/{project_id}", "archived")


@router.get("/page/projects/{project_id}/case-file")
async def case_file(request: Request, caller: Visitor, parts: Parts, project_id: str) -> Response:
    project = await parts.desk().get(caller, Project, project_id)
    number = await parts.streams().latest(caller.principal.workspace_id, project_id)
    found = await parts.artifacts().page(caller, project_id, "", MOST)
    sections = [(name, [item for item in found if item.section == name]) for name in SECTIONS]
    filled: list[tuple[str, list[Artifact]]] = [(name, items) for name, items in sections if items]
    names = Names(caller.principal.id, parts.staff().profiles, (project,))
    return await page(
        request,
        caller,
        "case-file.html.j2",
        title=f"Case file: {project.name}",
        here="projects",
        tab="case-file",
        project=project,
        number=number,
        sections=filled,
        names=names,
        accept=",".join(sorted(SUFFIXES)),
        folder=await watching.folder(parts, caller, project),
        forms=sorted(parts.staff().forms.values(), key=lambda form: form.title),
    )


@router.get("/page/projects/{project_id}/report")
async def report(caller: Visitor, parts: Parts, project_id: str) -> Response:
    """Under the policy that the report brings: nothing in it may run."""
    return HTMLResponse(await parts.reports().html(caller, project_id))
