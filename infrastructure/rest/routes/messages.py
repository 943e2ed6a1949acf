"""Conversations with the manager: of a project, and of the workspace."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event
from starlette.exceptions import HTTPException

from domain.artifact import Artifact, Version
from domain.conversation import Turn
from domain.run import Run
from infrastructure.container import Container
from infrastructure.rest import identifiers, presenters, schemas
from infrastructure.rest.access import Caller, Paged, Parts, Poster
from infrastructure.rest.paging import Listed
from infrastructure.rest.routes.events import followed
from services.desk import Command

router = APIRouter(tags=["conversation"])
PING_SECONDS = 15.0
STREAM = "text/event-stream"
STREAMED: dict[int | str, dict[str, Any]] = {
    202: {
        "description": "The manager's turn, `thinking`, and its run; as a stream where that is accepted.",
        "model": schemas.AnsweringOut,
        "content": {STREAM: {"schema": {"type": "string"}}},
    }
}


@router.post(
    "/v1/projects/{project_id}/messages",
    status_code=202,
    summary="Say something to the project's manager",
    operation_id="say_in_project",
    response_model=schemas.AnsweringOut,
    responses=STREAMED,
)
async def say_in_project(
    request: Request, caller: Poster, parts: Parts, project_id: identifiers.Project, body: schemas.SayBody
) -> Response:
    """The manager answers in a run of its own, from the case file and the records, and proposes what is to be changed;
    409 while it answers another message. With `Accept: text/event-stream` the answer is streamed: `turn` as it begins,
    the run's events with their numbers, `text` without one, `turn` as it ended. Cut off, follow the run's events, or
    send the same again with the same Idempotency-Key."""
    return await _answered(request, caller, parts, await parts.conversation().say(caller, project_id, body.text))


@router.post(
    "/v1/messages",
    status_code=202,
    summary="Say something in the workspace's conversation",
    operation_id="say_in_workspace",
    response_model=schemas.AnsweringOut,
    responses=STREAMED,
)
async def say_in_workspace(request: Request, caller: Poster, parts: Parts, body: schemas.SayBody) -> Response:
    """What is going on, what waits for you, a project to start. It streams as a project's conversation does."""
    return await _answered(request, caller, parts, await parts.conversation().say(caller, None, body.text))


@router.get(
    "/v1/projects/{project_id}/messages",
    summary="A project's conversation, a page at a time from its end",
    operation_id="list_project_messages",
)
async def of_project(
    caller: Caller, parts: Parts, project_id: identifiers.Project, paged: Paged
) -> Listed[schemas.TurnOut]:
    """In each page the newest stands last; `next_cursor` leads to what was said before."""
    return await _page(caller, parts, project_id, paged)


@router.get(
    "/v1/messages",
    summary="The workspace's conversation, a page at a time from its end",
    operation_id="list_messages",
)
async def of_workspace(caller: Caller, parts: Parts, paged: Paged) -> Listed[schemas.TurnOut]:
    return await _page(caller, parts, None, paged)


@router.get("/v1/messages/{turn_id}", summary="One message", operation_id="get_message")
async def get(caller: Caller, parts: Parts, turn_id: identifiers.Turn) -> schemas.TurnOut:
    return presenters.turn(await parts.conversation().turn(caller, turn_id))


@router.post(
    "/v1/messages/{turn_id}/retry",
    status_code=202,
    summary="Ask again for an answer that failed",
    operation_id="retry_message",
    response_model=schemas.AnsweringOut,
    responses=STREAMED,
)
async def retry(request: Request, caller: Poster, parts: Parts, turn_id: identifiers.Turn) -> Response:
    return await _answered(request, caller, parts, await parts.conversation().again(caller, turn_id))


@router.post("/v1/messages/{turn_id}/keep", status_code=201, summary="Keep it as a note", operation_id="keep_message")
async def keep(
    caller: Poster,
    parts: Parts,
    turn_id: identifiers.Turn,
    response: Response,
    body: schemas.KeepBody | None = None,
) -> schemas.ArtifactOut:
    """Filed in `notes`, derived from what it cites. What was kept before is answered with the same note."""
    artifact = await parts.conversation().keep(caller, turn_id, body.project_id if body is not None else None)
    response.headers["Location"] = f"/v1/artifacts/{artifact.id}"
    return presenters.artifact(artifact, await _head(caller, parts, artifact))


@router.post(
    "/v1/messages/{turn_id}/proposals/{proposal_id}/accept",
    summary="Accept a proposal: it is done",
    operation_id="accept_proposal",
)
async def accept(
    caller: Poster, parts: Parts, turn_id: identifiers.Turn, proposal_id: identifiers.Proposal
) -> schemas.TurnOut:
    """By the rules of an edit of your own; `made` is the id of what came of it."""
    return presenters.turn(await parts.conversation().settle(caller, turn_id, proposal_id, "accepted"))


@router.post(
    "/v1/messages/{turn_id}/proposals/{proposal_id}/dismiss",
    summary="Dismiss a proposal",
    operation_id="dismiss_proposal",
)
async def dismiss(
    caller: Poster, parts: Parts, turn_id: identifiers.Turn, proposal_id: identifiers.Proposal
) -> schemas.TurnOut:
    return presenters.turn(await parts.conversation().settle(caller, turn_id, proposal_id, "dismissed"))


async def _page(caller: Command, parts: Container, project_id: str | None, paged: Paged) -> Listed[schemas.TurnOut]:
    found = await parts.conversation().page(caller, project_id, paged.cursor, paged.more)
    shown, cursor = paged.cut(found)
    return Listed(items=[presenters.turn(item) for item in reversed(shown)], next_cursor=cursor)


async def _head(caller: Command, parts: Container, artifact: Artifact) -> Version:
    return (await parts.artifacts().versions(caller, artifact.id))[artifact.head - 1]


async def _answered(request: Request, caller: Command, parts: Container, turn: Turn) -> Response:
    run = await parts.desk().get(caller, Run, turn.run_id or "")
    headers = {"Location": f"/v1/messages/{turn.id}"}
    if STREAM not in request.headers.get("accept", ""):
        return JSONResponse(presenters.answering(turn, run).model_dump(mode="json"), 202, headers)
    state = request.app.state
    if state.streams >= state.program.settings.limits.streams:
        raise HTTPException(429, "Too many event streams are open; close one, or raise limits.streams.")
    events = _kept_alive(_stream(caller, parts, turn, run))
    return EventSourceResponse(_counted(state, events), 202, headers)


async def _stream(caller: Command, parts: Container, turn: Turn, run: Run) -> AsyncIterator[bytes]:
    yield _event("turn", presenters.answering(turn, run).model_dump(mode="json"))
    async for event in followed(caller, parts, run.id, 0, root=run):
        yield _event(event.event or "", event.data, event.id)
    said = await parts.conversation().turn(caller, turn.id)
    yield _event("turn", presenters.turn(said).model_dump(mode="json"))


def _event(kind: str, data: Any, id: str | None = None) -> bytes:
    return format_sse_event(event=kind, data_str=json.dumps(data, ensure_ascii=False), id=id)


async def _counted(state: Any, events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    state.streams += 1
    try:
        async for event in events:
            yield event
    finally:
        state.streams -= 1


async def _kept_alive(events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """With a comment now and then while there is nothing to tell: proxies close what is silent."""
    queue: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def pump() -> None:
        try:
            async for event in events:
                queue.put_nowait(event)
        finally:
            queue.put_nowait(None)

    pumping = asyncio.create_task(pump())
    try:
        while True:
            try:
                event = await asyncio.wait_for(queue.get(), PING_SECONDS)
            except TimeoutError:
                yield KEEPALIVE_COMMENT
                continue
            if event is None:
                return
            yield event
    finally:
        pumping.cancel()
        await asyncio.gather(pumping, return_exceptions=True)
