"""Plans and tasks."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime

from domain.budget import Budget
from domain.criterion import Check, Criterion
from domain.errors import Invalid
from domain.project import Project
from domain.task import Assignee, Task, TaskState
from infrastructure.rest import identifiers, presenters, schemas
from infrastructure.rest.access import Caller, Match, Paged, Parts, Poster, etag, must_match
from infrastructure.rest.paging import Listed
from services.plan_edits import TaskDraft

router = APIRouter(tags=["plan and tasks"])


@router.get("/v1/projects/{project_id}/plan", summary="The plan", operation_id="get_plan")
async def plan(caller: Caller, parts: Parts, project_id: identifiers.Project, response: Response) -> schemas.PlanOut:
    found = await parts.work_orders().plan(caller, project_id)
    tasks = await parts.store().find(Task, caller.principal.workspace_id, where={"project_id": project_id})
    response.headers["ETag"] = etag(found.number)
    return presenters.plan(found, tasks)


@router.put("/v1/projects/{project_id}/plan", summary="Edit the plan", operation_id="replace_plan")
async def replace_plan(
    caller: Caller,
    parts: Parts,
    project_id: identifiers.Project,
    body: schemas.PlanBody,
    match: Match,
    request: Request,
    response: Response,
) -> schemas.PlanOut:
    """Tasks that exist are named by `id`; those left out are cancelled unless they are done. What is done is kept, and
    marked as out of date where the edit asks for more. Tasks under way cannot be changed. The plan's ETag is
    needed as If-Match, so that nobody's edit is lost; where there is no plan yet, that is `*`."""
    await parts.desk().get(caller, Project, project_id)
    must_match(request)
    drafts = [_planned(item, number) for number, item in enumerate(body.tasks, 1)]
    await parts.plan_edits().replace(caller, project_id, drafts, match)
    return await plan(caller, parts, project_id, response)


@router.post(
    "/v1/projects/{project_id}/plan/approve",
    summary="Approve the plan that waits",
    operation_id="approve_plan",
)
async def approve(caller: Poster, parts: Parts, project_id: identifiers.Project, response: Response) -> schemas.PlanOut:
    await parts.work_orders().approve(caller, project_id)
    return await plan(caller, parts, project_id, response)


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


@router.post(
    "/v1/projects/{project_id}/tasks", status_code=201, summary="Add a task to the plan", operation_id="add_task"
)
async def add_task(
    caller: Poster, parts: Parts, project_id: identifiers.Project, body: schemas.TaskBody, response: Response
) -> schemas.TaskOut:
    """Without an assignee it goes to the agent whose work its words name. What only a person can do (call, sign, meet),
    and what names no agent's work, is yours, and its brief says why. The first task of a project makes its plan."""
    draft = TaskDraft(
        key="added",
        title=body.title,
        brief=body.brief,
        assignee=_assignee(body.assignee),
        makes=body.expected[0].kind if body.expected else None,
        section=body.expected[0].section if body.expected else None,
        criteria=_criteria(body.criteria),
        depends_on=body.depends_on,
        complexity=body.complexity,
        due=body.due,
        way=body.way,
        form=body.form,
    )
    added = await parts.plan_edits().add(caller, project_id, draft)
    response.headers["Location"] = f"/v1/tasks/{added.id}"
    response.headers["ETag"] = etag(added.version)
    return presenters.task(added)


@router.get("/v1/tasks", summary="Tasks of the workspace", operation_id="list_tasks")
async def everywhere(
    caller: Caller,
    parts: Parts,
    paged: Paged,
    state: Annotated[TaskState | None, Query(description="Only in this state.", examples=["ready"])] = None,
    assignee: Annotated[
        str | None, Query(max_length=80, description="Only theirs: the id of an agent or a user.")
    ] = None,
    due: Annotated[
        AwareDatetime | None,
        Query(description="Only those due at or before this time.", examples=["2026-12-01T00:00:00Z"]),
    ] = None,
) -> Listed[schemas.TaskOut]:
    return await _tasks(caller, parts, paged, {} if state is None else {"state": state}, assignee, due)


async def _tasks(
    caller: Caller,
    parts: Parts,
    paged: Paged,
    where: dict[str, Any],
    assignee: str | None = None,
    due: datetime | None = None,
) -> Listed[schemas.TaskOut]:
    limit = paged.more if assignee is None and due is None else 100_000
    found = await parts.store().find(Task, caller.principal.workspace_id, where=where, after=paged.cursor, limit=limit)
    wanted = [task for task in found if assignee in (None, task.spec.assignee.id) and _due(task, due)]
    shown, cursor = paged.cut(wanted)
    return Listed(items=[presenters.task(item) for item in shown], next_cursor=cursor)


@router.get("/v1/tasks/{task_id}", summary="One task", operation_id="get_task")
async def task(caller: Caller, parts: Parts, task_id: identifiers.Task, response: Response) -> schemas.TaskOut:
    found = await parts.desk().get(caller, Task, task_id)
    response.headers["ETag"] = etag(found.version)
    return presenters.task(found)


@router.patch(
    "/v1/tasks/{task_id}",
    summary="Change it, give it to somebody else, set its budget, skip it, cancel it",
    operation_id="change_task",
)
async def change_task(
    caller: Caller, parts: Parts, task_id: identifiers.Task, body: schemas.TaskPatch, match: Match, response: Response
) -> schemas.TaskOut:
    """What is done stays done: where a change asks for more, the task is marked as out of date."""
    edits = body.model_fields_set - {"state", "budget"}
    if sum((bool(edits), body.state is not None, body.budget is not None)) != 1:
        said = "or the budget, or other fields, one of them"
        raise Invalid("Change either the state, or the budget, or other fields.", [("/state", said)])
    if body.budget is not None:
        changed = await parts.budgets().set_task(caller, task_id, Budget(**body.budget.model_dump()), match)
    elif body.state is not None:
        changed = await parts.work_orders().skip(caller, task_id, match, cancel=body.state == "cancelled")
    else:
        changed = await parts.plan_edits().change(caller, task_id, _changed(body), match)
    response.headers["ETag"] = etag(changed.version)
    return presenters.task(changed)


@router.post("/v1/tasks/{task_id}/complete", summary="Hand in your work", operation_id="complete_task")
async def complete(
    caller: Poster, parts: Parts, task_id: identifiers.Task, body: schemas.HandInBody
) -> schemas.TaskOut:
    """For a task that is given to you and waits. It is checked like everybody's work."""
    await parts.desk().get(caller, Task, task_id)
    stored = await parts.intake().text(caller.principal.workspace_id, body.text)
    return presenters.task(await parts.work_orders().complete(caller, task_id, body.title, stored, body.minutes))


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


def _due(task: Task, until: datetime | None) -> bool:
    return until is None or (task.spec.due is not None and task.spec.due <= until)


def _planned(body: schemas.PlannedBody, number: int) -> TaskDraft:
    """`number` serves as the key of a new task that nothing needs to name."""
    return replace(_changed(body), key=body.id or body.key or f"#{number}")


def _changed(body: schemas.TaskPatch | schemas.PlannedBody) -> TaskDraft:
    expected = body.expected if isinstance(body, schemas.PlannedBody) else None
    return TaskDraft(
        key="",
        title=body.title,
        brief=body.brief,
        assignee=_assignee(body.assignee),
        makes=expected[0].kind if expected else None,
        section=expected[0].section if expected else None,
        criteria=_criteria(body.criteria),
        depends_on=body.depends_on,
        complexity=body.complexity,
        due=body.due,
        way=body.way,
        no_due="due" in body.model_fields_set and body.due is None,
    )


def _assignee(body: schemas.AssigneeBody | None) -> Assignee | None:
    return Assignee(kind=body.kind, id=body.id) if body is not None else None


def _criteria(bodies: Sequence[schemas.CriterionBody] | None) -> list[Criterion] | None:
    if not bodies:
        return None
    return [
        Criterion(text=b.text, check=Check(rule=b.check.rule, params=b.check.params) if b.check else None)
        for b in bodies
    ]
