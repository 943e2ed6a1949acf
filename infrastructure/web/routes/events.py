"""What a page that is open hears: that something changed, and text while it is written."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from domain.project import Project
from infrastructure.rest.access import Parts, program
from infrastructure.rest.routes.events import Last, slot
from infrastructure.web.access import Visitor
from infrastructure.web.door import session_of

router = APIRouter()
RETRY_MS = 1_000


async def watched(caller: Visitor, parts: Parts, project_id: str) -> Project:
    """Before the stream begins, so that an unknown one is refused."""
    return await parts.desk().get(caller, Project, project_id)


@router.get("/page/projects/{project_id}/events", response_class=EventSourceResponse, dependencies=[Depends(slot)])
async def follow(
    request: Request,
    caller: Visitor,
    parts: Parts,
    project: Annotated[Project, Depends(watched)],
    last: Last,
    after: Annotated[int, Query(ge=0)] = 0,
) -> AsyncIterator[ServerSentEvent]:
    """`changed` with the number of the newest event, after `Last-Event-ID` or else `after`, which the page has
    shown; `text` has no id. It ends with the session."""
    seen = last or after
    sessions, session = program(request).sessions, session_of(request.headers) or ""
    yield ServerSentEvent(comment="open", retry=RETRY_MS)
    async for delta in parts.live().listen(project.id):
        if not sessions.holds(session):
            return
        if delta is not None:
            yield ServerSentEvent(
                event="text", data={"run": delta.run_id, "task": delta.task_id or "", "text": delta.text}
            )
        elif (newest := await parts.streams().latest(caller.principal.workspace_id, project.id)) > seen:
            seen = newest
            yield ServerSentEvent(id=str(seen), event="changed", data=seen)
