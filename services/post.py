"""Messages between agents, filed with whatever sends them."""

from collections.abc import Mapping

from pydantic import JsonValue

from domain.agent_graph import text_of
from domain.agent_graph.ticks import OUTSIDE
from domain.changes import EndRun
from domain.ids import derived_id
from domain.message import SentMessage
from domain.ports.a2a import Envelope
from domain.run import Run
from services.ports.content import Content
from services.unit_of_work import UnitOfWork
from services.work.legend import LABEL


def send(uow: UnitOfWork, message: SentMessage) -> None:
    uow.put(message)
    uow.happened("message.sent", message.id, project_id=message.project_id, data=_told(message))
    if message.kind == "request":
        uow.announce(Envelope(message_id=message.id, workspace_id=message.workspace_id, project_id=message.project_id))


def expire(uow: UnitOfWork, message: SentMessage) -> None:
    """Nobody waits for the answer any more."""
    uow.put(message.moved("expired"))
    uow.happened("message.expired", message.id, project_id=message.project_id, data=_told(message))


async def close(uow: UnitOfWork, run: Run, end: EndRun) -> None:
    """What `run` was asked to do by another agent is answered: with a reply where it was a request."""
    asked = run.inputs.get("answers")
    where = {"id": asked} if isinstance(asked, str) else {"correlation": run.id, "state": "sent"}
    for message in await uow.find(SentMessage, where):
        if message.state != "sent":
            continue
        uow.put(message.moved("answered"))
        uow.happened("message.answered", message.id, project_id=message.project_id, data=_told(message))
        if message.kind == "request":
            body: dict[str, JsonValue] = {**end.output, "result": end.result, "reason": end.reason}
            send(uow, _reply(uow, run, message, body))
            payload = {**body, "run_id": message.correlation, OUTSIDE: end.outside}
            uow.signal(message.run_id, "child_ended", payload)


async def words(content: Content, message: SentMessage) -> str:
    """What the message says, without labels of passages: they mean something in another prompt only."""
    body = message.body
    said = body.get("text") or body.get("task") or body.get("reason")
    return LABEL.sub("", await _said(content, message.workspace_id, said)).strip()


async def _said(content: Content, workspace_id: str, value: JsonValue) -> str:
    match value:
        case Mapping() if isinstance(parts := value.get("parts"), list):
            return "".join([await _said(content, workspace_id, part) for part in parts])
        case Mapping() if isinstance(digest := value.get("content"), str):
            return (await content.get(workspace_id, digest)).decode("utf-8", "replace")
        case Mapping() if "text" in value:
            return await _said(content, workspace_id, value["text"])
        case list():
            return "\n".join([await _said(content, workspace_id, item) for item in value])
    return text_of(value)


def _reply(uow: UnitOfWork, run: Run, message: SentMessage, body: dict[str, JsonValue]) -> SentMessage:
    return SentMessage(
        id=derived_id("message", uow.at, run.id.encode(), "reply"),
        workspace_id=message.workspace_id,
        project_id=message.project_id,
        kind="reply",
        sender=run.actor,
        recipient=message.sender,
        correlation=message.correlation,
        run_id=run.id,
        sent_at=uow.at,
        body=body,
        depth=run.depth,
        state="told",
    )


def _told(message: SentMessage) -> dict[str, JsonValue]:
    return {
        "kind": message.kind,
        "sender": message.sender,
        "recipient": message.recipient,
        "correlation": message.correlation,
    }
