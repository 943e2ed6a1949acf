"""Watching: server-sent events of a run or a project."""

import re
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException
from starlette.requests import Request

from domain.project import Project
from domain.run import Run
from infrastructure.container import Container
from infrastructure.rest import identifiers
from infrastructure.rest.access import Caller, Parts
from infrastructure.rest.presenters import project_of
from services.desk import Command
from services.ports.views import Streamed

router = APIRouter()
NUMBER = re.compile(r"[0-9]{1,18}")


def last_seen(
    value: Annotated[str | None, Header(alias="Last-Event-ID", description="The last `id:` that was seen.")] = None,
) -> int:
    """What is no id of ours counts as nothing seen, as browsers expect."""
    return int(value) if value is not None and NUMBER.fullmatch(value) else 0


async def watched_run(caller: Caller, parts: Parts, run_id: identifiers.Run) -> Run:
    """The root of the run. Before the stream begins, so that an unknown one is a plain 404."""
    run = await parts.desk().get(caller, Run, run_id)
    return run if run.parent_id is None else await parts.desk().get(caller, Run, run.root_id)


async def watched_project(caller: Caller, parts: Parts, project_id: identifiers.Project) -> Project:
    return await parts.desk().get(caller, Project, project_id)


async def slot(request: Request) -> AsyncIterator[None]:
    """One of the streams that may be open; 429, before the stream begins, when there is none left."""
    state = request.app.state
    if state.streams >= state.program.settings.limits.streams:
        raise HTTPException(429, "Too many event streams are open; close one, or raise limits.streams.")
    state.streams += 1
    try:
        yield
    finally:
        state.streams -= 1


Last = Annotated[int, Depends(last_seen)]


@router.get(
    "/v1/runs/{run_id}/events",
    tags=["runs"],
    summary="Follow a run",
    operation_id="follow_run",
    response_class=EventSourceResponse,
    dependencies=[Depends(slot)],
)
async def follow_run(
    caller: Caller, parts: Parts, run: Annotated[Run, Depends(watched_run)], last: Last
) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events of its root run, children included; ends with it. `id:` has no gaps; text in the making has
    the event `text` and no id. `Last-Event-ID` resumes."""
    async for event in followed(caller, parts, run.id, last, root=run):
        yield event


@router.get(
    "/v1/projects/{project_id}/events",
    tags=["projects"],
    summary="Follow a project",
    operation_id="follow_project",
    response_class=EventSourceResponse,
    dependencies=[Depends(slot)],
)
async def follow_project(
    caller: Caller, parts: Parts, project: Annotated[Project, Depends(watched_project)], last: Last
) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events of all that happens in a project, from the first one or after `Last-Event-ID`."""
    async for event in followed(caller, parts, project.id, last):
        yield event


async def followed(
    caller: Command, parts: Container, scope: str, seen: int, root: Run | None = None
) -> AsyncIterator[ServerSentEvent]:
    """Ends with `root`; at once, after what was not seen, when it had ended before."""
    workspace = caller.principal.workspace_id
    async for delta in parts.live().listen(scope):
        if delta is not None:
            data = {"run_id": delta.run_id, "task_id": delta.task_id, "text": delta.text}
            yield ServerSentEvent(event="text", data=data)
            continue
        while batch := await parts.streams().since(workspace, scope, seen):
            for item in batch:
                seen = item.number
                yield _event(item)
                if root is not None and item.event.type == "run.ended" and item.event.subject == root.id:
                    return
        if root is not None and root.phase == "ended":
            return


def _event(item: Streamed) -> ServerSentEvent:
    event = item.event
    data = {
        "type": event.type,
        "subject": event.subject,
        "actor": event.actor,
        "at": event.at.isoformat().replace("+00:00", "Z"),
        "project_id": project_of(event.project_id),
        "run_id": event.run_id,
        "data": event.data,
    }
    return ServerSentEvent(id=str(item.number), event=event.type, data=data)
