"""People's edits of a plan: tasks added, changed and removed, another goal, the rest planned anew."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import HTMLResponse

from domain.errors import Conflict, DomainError, Invalid, VersionMoved
from domain.project import MAX_GOAL, Project
from domain.task import LIVE, Task
from infrastructure.container import Container
from infrastructure.rest.access import Parts
from infrastructure.web.access import Form, Submitted, Visitor
from infrastructure.web.rendering import page
from infrastructure.web.routing import PageRoute, refusal, said
from infrastructure.web.views import editing as view
from services.desk import Command
from services.projects import ProjectChange
from services.work.planning import newest_plan

router = APIRouter(route_class=PageRoute)
MOVED = (
    "Somebody else changed the plan while you were writing. What you typed is kept here, and where the plan says "
    "something else, that is shown. Save again to have yours."
)
GOAL_MOVED = "Somebody else changed the project while you were writing. What you typed is kept; save again to have it."
UNDER_WAY = "is under way, so it cannot be changed now: cancel it first, or wait until it is done."


async def _project(caller: Visitor, parts: Parts, project_id: str) -> Project:
    return await parts.desk().get(caller, Project, project_id)


async def _task(caller: Visitor, parts: Parts, task_id: str) -> Task:
    return await parts.desk().get(caller, Task, task_id)


Of = Annotated[Project, Depends(_project)]
One = Annotated[Task, Depends(_task)]


@router.get("/page/projects/{project_id}/tasks/new")
async def new(request: Request, caller: Visitor, parts: Parts, project: Of) -> Response:
    return await _form(request, caller, parts, project, None)


@router.post("/page/projects/{project_id}/tasks")
async def add(request: Request, caller: Visitor, parts: Parts, project: Of, form: Submitted) -> Response:
    """What others did to the plan meanwhile is no hindrance: nothing of it is lost."""
    typed = view.read(form)
    try:
        await parts.plan_edits().add(caller, project.id, typed.draft("added"))
    except DomainError as error:
        return await _form(request, caller, parts, project, None, typed, error)
    return said(f"/page/projects/{project.id}", "added")


@router.get("/page/tasks/{task_id}/edit")
async def edit(request: Request, caller: Visitor, parts: Parts, task: One) -> Response:
    return await _form(request, caller, parts, await _project(caller, parts, task.project_id), task)


@router.post("/page/tasks/{task_id}/edit")
async def change(request: Request, caller: Visitor, parts: Parts, task: One, form: Submitted) -> Response:
    typed = view.read(form)
    try:
        draft = typed.draft(task.id, task.spec)
        await parts.plan_edits().change(caller, task.id, draft, None, plan=_number(form))
    except DomainError as error:
        project = await _project(caller, parts, task.project_id)
        return await _form(request, caller, parts, project, task, typed, error)
    return said(f"/page/tasks/{task.id}", "changed")


@router.post("/page/tasks/{task_id}/remove")
async def remove(request: Request, caller: Visitor, parts: Parts, task: One, form: Submitted) -> Response:
    try:
        await _check_free(parts, task)
        await parts.plan_edits().remove(caller, task.id, _number(form))
    except DomainError as error:
        project = await _project(caller, parts, task.project_id)
        return await _form(request, caller, parts, project, task, None, error)
    return said(f"/page/projects/{task.project_id}", "removed")


async def _check_free(parts: Container, task: Task) -> None:
    """Raises Conflict while other tasks depend on it, with their titles."""
    plan = await newest_plan(parts.store(), task.workspace_id, task.project_id)
    after = [f"“{spec.title}”" for spec in (plan.tasks if plan is not None else ()) if task.id in spec.depends_on]
    if after:
        verb = "depends" if len(after) == 1 else "depend"
        raise Conflict(f"{', '.join(after)} {verb} on this task; change that first.")


async def _form(
    request: Request,
    caller: Command,
    parts: Container,
    project: Project,
    task: Task | None,
    typed: view.Typed | None = None,
    error: DomainError | None = None,
) -> HTMLResponse:
    """With what was typed before, and why it was refused."""
    found = await view.editing(parts, caller, project, task, typed)
    title = f"Change the task: {task.spec.title}" if task is not None else "Add a task"
    status = refusal(error)[0] if error is not None else 200
    refused = _told(error, task) if error is not None else ""
    return await page(
        request, caller, "edit-task.html.j2", status=status, title=title, here="projects", form=found, refused=refused
    )


def _told(error: DomainError, task: Task | None) -> str:
    if isinstance(error, VersionMoved):
        return MOVED
    if task is not None and task.state in LIVE:
        return f"“{task.spec.title}” {UNDER_WAY}"
    return str(error)


def _number(form: Form) -> int:
    """Of the plan that the form was made from."""
    try:
        return int(form.fields.get("plan", ""))
    except ValueError:
        raise Invalid("This form does not say which plan it changes; open it again.") from None


@router.get("/page/projects/{project_id}/goal")
async def goal(request: Request, caller: Visitor, project: Of) -> Response:
    return await _goal_form(request, caller, project, project.goal)


@router.post("/page/projects/{project_id}/goal")
async def change_goal(request: Request, caller: Visitor, parts: Parts, project: Of, form: Submitted) -> Response:
    typed = form.fields.get("goal", "").replace("\r\n", "\n").strip()
    try:
        wanted = form.text("goal", MAX_GOAL)
        if not wanted:
            raise Invalid("The project needs a goal: say in a sentence what should exist at the end.")
        version = int(form.fields.get("version", "0")) if form.fields.get("version", "").isdigit() else 0
        await parts.projects().change(caller, project.id, ProjectChange(goal=wanted), version)
    except DomainError as error:
        return await _goal_form(request, caller, project, typed, error)
    return said(f"/page/projects/{project.id}", "goal")


async def _goal_form(
    request: Request, caller: Command, project: Project, typed: str, error: DomainError | None = None
) -> HTMLResponse:
    refused = GOAL_MOVED if isinstance(error, VersionMoved) else str(error or "")
    return await page(
        request,
        caller,
        "goal.html.j2",
        status=refusal(error)[0] if error is not None else 200,
        title="Change the goal",
        here="projects",
        project=project,
        typed=typed,
        refused=refused,
    )


@router.post("/page/projects/{project_id}/replan")
async def replan(caller: Visitor, parts: Parts, project_id: str, form: Submitted) -> Response:
    await parts.work_orders().start(caller, project_id, replan=True)
    return said(f"/page/projects/{project_id}", "planned")
