"""Runs: starting, steering, watching."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException
from starlette.requests import Request

from domain.project import Project
from domain.run import Run
from infrastructure.container import Container
from infrastructure.rest import presenters, schemas
from infrastructure.rest.access import Caller, Paged, Parts
from infrastructure.rest.paging import Listed
from services.desk import Command
from services.ports.views import Streamed

router = APIRouter(tags=["runs"])
LastEvent = Annotated[str | None, Header(alias="Last-Event-ID", description="The last `id:` that was seen.")]


@router.post("/v1/projects/{project_id}/runs", status_code=202, summary="Start the work", operation_id="start_run")
async def start(caller: Caller, parts: Parts, project_id: str, response: Response) -> schemas.RunOut:
    """Plans, works, checks. 409 while a run of the project is live; there is one at a time."""
    run = await parts.work_orders().start(caller, project_id)
    response.headers["Location"] = f"/v1/runs/{run.id}"
    return presenters.run(run)


@router.get("/v1/projects/{project_id}/runs", summary="A project's runs, newest first", operation_id="list_runs")
async def page(caller: Caller, parts: Parts, project_id: str, paged: Paged) -> Listed[schemas.RunOut]:
    await parts.desk().get(caller, Project, project_id)
    found = await parts.store().find(
        Run,
        caller.principal.workspace_id,
        where={"project_id": project_id, "parent_id": None},
        after=paged.cursor,
        limit=paged.more,
        newest_first=True,
    )
    shown, cursor = paged.cut(found)
    return Listed(items=[presenters.run(item) for item in shown], next_cursor=cursor)


@router.get("/v1/runs/{run_id}", summary="One run", operation_id="get_run")
async def get(caller: Caller, parts: Parts, run_id: str) -> schemas.RunOut:
    return presenters.run(await parts.desk().get(caller, Run, run_id))


@router.get("/v1/runs/{run_id}/calls", summary="Its calls to models", operation_id="list_calls")
async def calls(caller: Caller, parts: Parts, run_id: str) -> Listed[schemas.CallOut]:
    await parts.desk().get(caller, Run, run_id)
    found = await parts.store().calls(caller.principal.workspace_id, run_id)
    return Listed(items=[presenters.call(item) for item in found])


@router.post("/v1/runs/{run_id}/cancel", status_code=202, summary="Cancel it", operation_id="cancel_run")
async def cancel(caller: Caller, parts: Parts, run_id: str) -> schemas.RunOut:
    """What is finished is kept; tasks under way are given back."""
    return presenters.run(await parts.work_orders().steer(caller, run_id, "cancel"))


@router.post("/v1/runs/{run_id}/pause", status_code=202, summary="Pause it", operation_id="pause_run")
async def pause(caller: Caller, parts: Parts, run_id: str) -> schemas.RunOut:
    """Calls under way come to their end; nothing new is begun."""
    return presenters.run(await parts.work_orders().steer(caller, run_id, "pause"))


@router.post("/v1/runs/{run_id}/resume", status_code=202, summary="Go on", operation_id="resume_run")
async def resume(caller: Caller, parts: Parts, run_id: str) -> schemas.RunOut:
    return presenters.run(await parts.work_orders().steer(caller, run_id, "resume"))


@router.get(
    "/v1/runs/{run_id}/events",
    summary="Follow a run",
    operation_id="follow_run",
    response_class=EventSourceResponse,
)
async def follow_run(
    caller: Caller, parts: Parts, request: Request, run_id: str, last_event_id: LastEvent = None
) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events of its root run, children included; ends with it. `id:` has no gaps; text in the making has
    the event `text` and no id. `Last-Event-ID` resumes."""
    run = await parts.desk().get(caller, Run, run_id)
    async for event in _counted(request, _follow(caller, parts, run.root_id, last_event_id, run.root_id)):
        yield event


@router.get(
    "/v1/projects/{project_id}/events",
    tags=["projects"],
    summary="Follow a project",
    operation_id="follow_project",
    response_class=EventSourceResponse,
)
async def follow_project(
    caller: Caller, parts: Parts, request: Request, project_id: str, last_event_id: LastEvent = None
) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events of all that happens in a project, from the first one or after `Last-Event-ID`."""
    await parts.desk().get(caller, Project, project_id)
    async for event in _counted(request, _follow(caller, parts, project_id, last_event_id, None)):
        yield event


async def _counted(request: Request, events: AsyncIterator[ServerSentEvent]) -> AsyncIterator[ServerSentEvent]:
    state = request.app.state
    if state.streams >= state.program.settings.limits.streams:
        raise HTTPException(429, "Too many event streams are open; close one.")
    state.streams += 1
    try:
        async for event in events:
            yield event
    finally:
        state.streams -= 1


async def _follow(
    caller: Command, parts: Container, scope: str, last: str | None, root_id: str | None
) -> AsyncIterator[ServerSentEvent]:
    seen, workspace = int(last) if last is not None and last.isdigit() else 0, caller.principal.workspace_id
    async for delta in parts.live().listen(scope):
        if delta is not None:
            data = {"run_id": delta.run_id, "task_id": delta.task_id, "text": delta.text}
            yield ServerSentEvent(event="text", data=data)
            continue
        while batch := await parts.streams().since(workspace, scope, seen):
            for item in batch:
                seen = item.number
                yield _event(item)
                if item.event.type == "run.ended" and item.event.subject == root_id:
                    return


def _event(item: Streamed) -> ServerSentEvent:
    event = item.event
    data = {
        "type": event.type,
        "subject": event.subject,
        "actor": event.actor,
        "at": event.at.isoformat().replace("+00:00", "Z"),
        "project_id": event.project_id,
        "run_id": event.run_id,
        "data": event.data,
    }
    return ServerSentEvent(id=str(item.number), event=event.type, data=data)
