"""What REST answers, as plain JSON for whoever writes it elsewhere."""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, JsonValue

from domain.artifact import Artifact, Version
from domain.conversation import Turn
from domain.plan import Plan
from domain.project import Member, Project
from domain.qa import QARecord
from domain.run import Run, Usage
from domain.task import Task
from infrastructure.rest import presenters
from services.ports.shape import Shown
from services.ports.store import RecordedCall
from services.ports.views import Streamed, Subgraph

PRESENTERS: dict[type, Callable[[Any], BaseModel]] = {
    Project: presenters.project,
    Member: presenters.member,
    Usage: presenters.usage,
    Task: presenters.task,
    Run: presenters.run,
    Turn: presenters.turn,
    RecordedCall: presenters.call,
    QARecord: presenters.qa,
    Subgraph: presenters.graph,
}
OF_THE_MOMENT = {"state", "attempts", "run_id", "findings", "hint", "stale", "created_at"}


def shape(item: Shown | tuple[Artifact, Version]) -> dict[str, JsonValue]:
    """As the port `Shape` says."""
    match item:
        case (artifact, head):
            return presenters.artifact(artifact, head).model_dump(mode="json")
        case Version():
            return _version(item)
        case Plan():
            return _plan(item)
        case Streamed():
            return _event(item)
        case _:
            return PRESENTERS[type(item)](item).model_dump(mode="json")


def _version(item: Version) -> dict[str, JsonValue]:
    """With what its citations stand for."""
    citations: list[JsonValue] = [
        {"label": c.label, "artifact_id": c.artifact_id, "digest": c.digest, "passage": c.ordinal}
        for c in item.citations
    ]
    return {**presenters.version(item).model_dump(mode="json"), "citations": citations}


def _plan(item: Plan) -> dict[str, JsonValue]:
    """Its tasks as this version of the plan says, without how far they are by now."""
    tasks = [
        Task(spec=spec, project_id=item.project_id, workspace_id=item.workspace_id, created_at=item.created_at)
        for spec in item.tasks
    ]
    return presenters.plan(item, tasks).model_dump(mode="json", exclude={"tasks": {"__all__": OF_THE_MOMENT}})


def _event(item: Streamed) -> dict[str, JsonValue]:
    event = item.event
    return {
        "number": item.number,
        "type": event.type,
        "subject": event.subject,
        "actor": event.actor,
        "on_behalf_of": event.on_behalf_of,
        "at": event.at.isoformat().replace("+00:00", "Z"),
        "project_id": event.project_id,
        "run_id": event.run_id,
        "cause": event.cause,
        "data": event.data,
    }
