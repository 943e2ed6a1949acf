"""Plans, tasks, the inbox, agents and templates."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse

from domain.errors import Invalid
from domain.project import Project
from domain.task import Assignee, Task
from infrastructure.rest import presenters, schemas
from infrastructure.rest.access import Caller, Match, Paged, Parts, etag
from infrastructure.rest.paging import Listed
from services.work_orders import Answer

router = APIRouter()


@router.get("/v1/projects/{project_id}/plan", tags=["plan and tasks"], summary="The plan", operation_id="get_plan")
async def plan(caller: Caller, parts: Parts, project_id: str) -> schemas.PlanOut:
    found = await parts.work_orders().plan(caller, project_id)
    tasks = await parts.store().find(Task, caller.principal.workspace_id, where={"project_id": project_id})
    return presenters.plan(found, tasks)


@router.post(
    "/v1/projects/{project_id}/plan/approve",
    tags=["plan and tasks"],
    summary="Approve the plan that waits",
    operation_id="approve_plan",
)
async def approve(caller: Caller, parts: Parts, project_id: str) -> schemas.PlanOut:
    await parts.work_orders().approve(caller, project_id)
    return await plan(caller, parts, project_id)


@router.get(
    "/v1/projects/{project_id}/tasks",
    tags=["plan and tasks"],
    summary="A project's tasks",
    operation_id="list_project_tasks",
)
async def of_project(caller: Caller, parts: Parts, project_id: str, paged: Paged) -> Listed[schemas.TaskOut]:
    await parts.desk().get(caller, Project, project_id)
    return await _tasks(caller, parts, paged, {"project_id": project_id})


@router.get("/v1/tasks", tags=["plan and tasks"], summary="Tasks of the workspace", operation_id="list_tasks")
async def everywhere(
    caller: Caller,
    parts: Parts,
    paged: Paged,
    state: Annotated[str | None, Query(max_length=40)] = None,
    assignee: Annotated[str | None, Query(max_length=80)] = None,
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


@router.get("/v1/tasks/{task_id}", tags=["plan and tasks"], summary="One task", operation_id="get_task")
async def task(caller: Caller, parts: Parts, task_id: str, response: Response) -> schemas.TaskOut:
    found = await parts.desk().get(caller, Task, task_id)
    response.headers["ETag"] = etag(found.version)
    return presenters.task(found)


@router.patch(
    "/v1/tasks/{task_id}",
    tags=["plan and tasks"],
    summary="Give it to somebody else, skip it, cancel it",
    operation_id="change_task",
)
async def change_task(
    caller: Caller, parts: Parts, task_id: str, body: schemas.TaskPatch, match: Match, response: Response
) -> schemas.TaskOut:
    orders = parts.work_orders()
    if (body.assignee is None) == (body.state is None):
        raise Invalid("Change either the assignee or the state.", [("/assignee", "or /state, one of them")])
    if body.assignee is not None:
        assignee = Assignee(kind=body.assignee.kind, id=body.assignee.id)
        changed = await orders.assign(caller, task_id, assignee, match)
    else:
        changed = await orders.skip(caller, task_id, cancel=body.state == "cancelled")
    response.headers["ETag"] = etag(changed.version)
    return presenters.task(changed)


@router.post(
    "/v1/tasks/{task_id}/complete", tags=["plan and tasks"], summary="Hand in your work", operation_id="complete_task"
)
async def complete(caller: Caller, parts: Parts, task_id: str, body: schemas.ArtifactBody) -> schemas.TaskOut:
    """For a task that is given to you and waits. It is checked like everybody's work."""
    await parts.desk().get(caller, Task, task_id)
    stored = await parts.intake().text(caller.principal.workspace_id, body.text)
    return presenters.task(await parts.work_orders().complete(caller, task_id, body.title, stored))


@router.post(
    "/v1/tasks/{task_id}/retry",
    status_code=202,
    tags=["plan and tasks"],
    summary="Try it again",
    operation_id="retry_task",
)
async def retry(caller: Caller, parts: Parts, task_id: str, body: schemas.RetryBody) -> schemas.TaskOut:
    return presenters.task(await parts.work_orders().retry(caller, task_id, body.hint))


@router.get("/v1/inbox", tags=["inbox"], summary="What waits for you", operation_id="list_inbox")
async def inbox(
    caller: Caller,
    parts: Parts,
    paged: Paged,
    state: Annotated[Literal["open", "answered", "withdrawn"], Query()] = "open",
) -> Listed[schemas.InboxOut]:
    found = await parts.work_orders().inbox(caller, paged.cursor, paged.more, state)
    shown, cursor = paged.cut(found)
    return Listed(items=[presenters.inbox(item) for item in shown], next_cursor=cursor)


@router.get(
    "/v1/inbox/{item_id}/draft",
    tags=["inbox"],
    summary="The draft that an item is about",
    operation_id="get_draft",
    response_class=PlainTextResponse,
)
async def draft(caller: Caller, parts: Parts, item_id: str) -> PlainTextResponse:
    from domain.errors import NotFound
    from domain.inbox import InboxItem

    item = await parts.desk().get(caller, InboxItem, item_id)
    if item.draft is None:
        raise NotFound("draft of the inbox item", item_id)
    _, body = await parts.artifacts().draft(caller, item.draft)
    return PlainTextResponse(body.decode("utf-8", "replace"))


@router.post("/v1/inbox/{item_id}/answer", tags=["inbox"], summary="Answer an item", operation_id="answer_inbox")
async def answer(caller: Caller, parts: Parts, item_id: str, body: schemas.AnswerBody) -> schemas.InboxOut:
    """An approval: `approve`, `reject`. Work: `hand_in` with `text`. A task that needs attention: `accept` its draft
    as it is, `retry` with a hint, or `discard`."""
    from domain.inbox import InboxItem

    await parts.desk().get(caller, InboxItem, item_id)
    stored = await parts.intake().text(caller.principal.workspace_id, body.text) if body.text.strip() else None
    given = Answer(action=body.action, hint=body.hint, title=body.title, handed_in=stored)
    return presenters.inbox(await parts.work_orders().answer(caller, item_id, given))


@router.get("/v1/agents", tags=["agents"], summary="The core team", operation_id="list_agents")
async def agents(caller: Caller, parts: Parts) -> Listed[schemas.AgentOut]:
    return Listed(items=[presenters.agent(profile) for profile in parts.staff().profiles.values()])


@router.get("/v1/agents/{agent_id}", tags=["agents"], summary="One agent", operation_id="get_agent")
async def agent(caller: Caller, parts: Parts, agent_id: str) -> schemas.AgentOut:
    return presenters.agent(parts.staff().agent(agent_id))


@router.get("/v1/templates", tags=["agents"], summary="Templates", operation_id="list_templates")
async def templates(
    caller: Caller, parts: Parts, kind: Annotated[Literal["plan", "profile", "form"], Query()] = "plan"
) -> Listed[schemas.TemplateOut]:
    """Plan templates for now."""
    found = parts.staff().templates.values() if kind == "plan" else ()
    return Listed(
        items=[
            schemas.TemplateOut(
                kind="plan",
                name=item.name,
                title=item.title,
                description=item.description,
                steps=[step.model_dump(mode="json") for step in item.steps],
            )
            for item in found
        ]
    )
