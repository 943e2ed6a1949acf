"""Plans and tasks."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from domain.errors import Invalid
from domain.project import Project
from domain.task import Assignee, Task
from infrastructure.rest import identifiers, presenters, schemas
from infrastructure.rest.access import Caller, Match, Paged, Parts, Poster, etag
from infrastructure.rest.paging import Listed

router = APIRouter(tags=["plan and tasks"])


@router.get("/v1/projects/{project_id}/plan", summary="The plan", operation_id="get_plan")
async def plan(caller: Caller, parts: Parts, project_id: identifiers.Project) -> schemas.PlanOut:
    found = await parts.work_orders().plan(caller, project_id)
    tasks = await parts.store().find(Task, caller.principal.workspace_id, where={"project_id": project_id})
    return presenters.plan(found, tasks)


@router.post(
    "/v1/projects/{project_id}/plan/approve",
    summary="Approve the plan that waits",
    operation_id="approve_plan",
)
async def approve(caller: Poster, parts: Parts, project_id: identifiers.Project) -> schemas.PlanOut:
    await parts.work_orders().approve(caller, project_id)
    return await plan(caller, parts, project_id)


@router.get(
    "/v1/projects/{project_id}/tasks",
    summary="A project's tasks",
    operation_id="list_project_tasks",
)
async def of_project(
    caller: Caller, parts: Parts, project_id: identifiers.Project, paged: Paged
) -> Listed[schemas.TaskOut]:
    await parts.desk().get(caller, Project, project_id)
    return await _tasks(caller, parts, paged, {"project_id": project_id})


@router.get("/v1/tasks", summary="Tasks of the workspace", operation_id="list_tasks")
async def everywhere(
    caller: Caller,
    parts: Parts,
    paged: Paged,
    state: Annotated[str | None, Query(max_length=40, description="Only in this state.", examples=["ready"])] = None,
    assignee: Annotated[
        str | None, Query(max_length=80, description="Only theirs: the id of an agent or a user.")
    ] = None,
) -> Listed[schemas.TaskOut]:
    return await _tasks(caller, parts, paged, {} if state is None else {"state": state}, assignee)


async def _tasks(
    caller: Caller, parts: Parts, paged: Paged, where: dict[str, Any], assignee: str | None = None
) -> Listed[schemas.TaskOut]:
    limit = paged.more if assignee is None else 100_000
    found = await parts.store().find(Task, caller.principal.workspace_id, where=where, after=paged.cursor, limit=limit)
    wanted = [task for task in found if assignee in (None, task.spec.assignee.id)]
    shown, cursor = paged.cut(wanted)
    return Listed(items=[presenters.task(item) for item in shown], next_cursor=cursor)


@router.get("/v1/tasks/{task_id}", summary="One task", operation_id="get_task")
async def task(caller: Caller, parts: Parts, task_id: identifiers.Task, response: Response) -> schemas.TaskOut:
    found = await parts.desk().get(caller, Task, task_id)
    response.headers["ETag"] = etag(found.version)
    return presenters.task(found)


@router.patch(
    "/v1/tasks/{task_id}",
    summary="Give it to somebody else, skip it, cancel it",
    operation_id="change_task",
)
async def change_task(
    caller: Caller, parts: Parts, task_id: identifiers.Task, body: schemas.TaskPatch, match: Match, response: Response
) -> schemas.TaskOut:
    orders = parts.work_orders()
    if (body.assignee is None) == (body.state is None):
        raise Invalid("Change either the assignee or the state.", [("/assignee", "or /state, one of them")])
    if body.assignee is not None:
        assignee = Assignee(kind=body.assignee.kind, id=body.assignee.id)
        changed = await orders.assign(caller, task_id, assignee, match)
    else:
        changed = await orders.skip(caller, task_id, match, cancel=body.state == "cancelled")
    response.headers["ETag"] = etag(changed.version)
    return presenters.task(changed)


@router.post("/v1/tasks/{task_id}/complete", summary="Hand in your work", operation_id="complete_task")
async def complete(
    caller: Poster, parts: Parts, task_id: identifiers.Task, body: schemas.ArtifactBody
) -> schemas.TaskOut:
    """For a task that is given to you and waits. It is checked like everybody's work."""
    await parts.desk().get(caller, Task, task_id)
    stored = await parts.intake().text(caller.principal.workspace_id, body.text)
    return presenters.task(await parts.work_orders().complete(caller, task_id, body.title, stored))


@router.post(
    "/v1/tasks/{task_id}/retry",
    status_code=202,
    summary="Try it again",
    operation_id="retry_task",
)
async def retry(
    caller: Poster, parts: Parts, task_id: identifiers.Task, body: schemas.RetryBody | None = None
) -> schemas.TaskOut:
    """With a hint for whoever does it, or without a body."""
    return presenters.task(await parts.work_orders().retry(caller, task_id, body.hint if body is not None else ""))
