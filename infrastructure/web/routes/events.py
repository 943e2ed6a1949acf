"""What a page that is open hears: that something changed, and text while it is written."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from domain.project import Project
from infrastructure.container import Container
from infrastructure.rest.access import Parts, program
from infrastructure.rest.routes.events import Last, slot
from infrastructure.web.access import Visitor
from infrastructure.web.door import session_of
from infrastructure.web.views import news
from services.desk import Command

router = APIRouter()
RETRY_MS = 1_000
MOST = 500  # events of which a page is told what they concern; with more, it looks at everything


async def watched(caller: Visitor, parts: Parts, project_id: str) -> Project:
    """Before the stream begins, so that an unknown one is refused."""
    return await parts.desk().get(caller, Project, project_id)


@router.get("/page/conversation/events", response_class=EventSourceResponse, dependencies=[Depends(slot)])
async def follow_conversation(
    request: Request, caller: Visitor, parts: Parts, last: Last, after: Annotated[int, Query(ge=0)] = 0
) -> AsyncIterator[ServerSentEvent]:
    """The workspace's, as `follow` does a project's."""
    async for event in _news(request, caller, parts, caller.principal.workspace_id, last or after):
        yield event


@router.get("/page/projects/{project_id}/events", response_class=EventSourceResponse, dependencies=[Depends(slot)])
async def follow(
    request: Request,
    caller: Visitor,
    parts: Parts,
    project: Annotated[Project, Depends(watched)],
    last: Last,
    after: Annotated[int, Query(ge=0)] = 0,
) -> AsyncIterator[ServerSentEvent]:
    """`changed` with the number of the newest event and what they concern, after `Last-Event-ID` or else `after`, which
    the page has shown; `text` has no id. It ends with the session."""
    async for event in _news(request, caller, parts, project.id, last or after):
        yield event


async def _news(
    request: Request, caller: Command, parts: Container, scope: str, seen: int
) -> AsyncIterator[ServerSentEvent]:
    sessions, session = program(request).sessions, session_of(request.headers) or ""
    yield ServerSentEvent(comment="open", retry=RETRY_MS)
    async for delta in parts.live().listen(scope):
        if not sessions.holds(session):
            return
        if delta is not None:
            yield ServerSentEvent(
                event="text", data={"run": delta.run_id, "task": delta.task_id or "", "text": delta.text}
            )
        elif found := await parts.streams().since(caller.principal.workspace_id, scope, seen, MOST):
            names, seen = news.of(each.event for each in found), found[-1].number
            if len(found) == MOST:
                names, seen = [news.ALL], await parts.streams().latest(caller.principal.workspace_id, scope)
            yield ServerSentEvent(id=str(seen), event="changed", data={"names": names})
