"""Events: the record of what happened, and the audit log. Graph, search and streams are projections of them.

The store assigns `position` and the hashes at commit. An event keeps the version it was written with; readers see
it up-cast to the newest.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Literal

from pydantic import Field, JsonValue
from pydantic.dataclasses import dataclass

EventType = Literal[
    "project.created", "project.changed", "project.archived",
    "member.added", "member.changed", "member.removed",
    "plan.adopted", "plan.approved", "plan.rejected",
    "task.moved", "task.changed",
    "artifact.published", "artifact.judged", "artifact.locked", "artifact.unlocked", "artifact.discarded",
    "run.created", "run.moved", "run.ended",
    "call.made", "budget.changed", "budget.warned", "inbox.opened", "inbox.answered", "inbox.withdrawn",
    "message.sent", "message.answered", "message.expired", "turn.said", "turn.kept", "proposal.settled",
    "recommendation.made", "recommendation.settled", "recommendation.withdrawn",
    "artifact.tagged", "artifact.shared", "edge.added", "folder.noted",
    "workflow.created", "workflow.changed", "workflow.removed",
    "agent.created", "agent.changed", "agent.removed",
]  # fmt: skip

CURRENT: dict[str, int] = {}  # types that left version 1
UPCASTERS: dict[tuple[str, int], Callable[[Mapping[str, JsonValue]], dict[str, JsonValue]]] = {}


@dataclass(frozen=True, kw_only=True)
class Event:
    """`subject` is the id of what it is about; `cause` the id of the run, item or request that led to it."""

    type: EventType
    workspace_id: str
    subject: str
    actor: str
    at: datetime
    project_id: str | None = None
    on_behalf_of: str | None = None
    correlation: str = ""
    cause: str = ""
    run_id: str | None = None
    root_id: str | None = None
    data: dict[str, JsonValue] = Field(default_factory=dict)
    version: int = 1


def upcast(event: Event) -> Event:
    """`event` in the newest version of its type."""
    while (event.type, event.version) in UPCASTERS:
        data = UPCASTERS[event.type, event.version](event.data)
        event = replace(event, data=data, version=event.version + 1)
    return event
