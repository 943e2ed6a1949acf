"""Between entities and their rows."""

from datetime import UTC, datetime
from typing import Any, cast

from pydantic import TypeAdapter
from sqlalchemy import Table

from adapters.store import tables
from domain.artifact import Artifact, Version
from domain.conversation import Turn
from domain.inbox import InboxItem
from domain.message import SentMessage
from domain.plan import Plan
from domain.principal import User
from domain.project import Member, Project
from domain.qa import QARecord
from domain.recommendation import Recommendation
from domain.run import Run
from domain.task import Task
from domain.workspace import Workspace
from services.ports.store import E, Entity

TABLES: dict[type[Entity], Table] = {
    User: tables.users,
    Project: tables.projects,
    Member: tables.members,
    Plan: tables.plans,
    Task: tables.tasks,
    Artifact: tables.artifacts,
    Version: tables.versions,
    QARecord: tables.qa_records,
    Run: tables.runs,
    InboxItem: tables.inbox,
    SentMessage: tables.messages,
    Turn: tables.turns,
    Recommendation: tables.recommendations,
    Workspace: tables.workspaces,
}
KINDS: dict[type[Entity], str] = {
    User: "user",
    Project: "project",
    Member: "member",
    Plan: "plan",
    Task: "task",
    Artifact: "artifact",
    Version: "version",
    QARecord: "QA record",
    Run: "run",
    InboxItem: "inbox item",
    SentMessage: "message",
    Turn: "turn",
    Recommendation: "recommendation",
    Workspace: "workspace",
}
_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}
FIXED = {"id", "workspace_id", "version", "body"}


def adapter(kind: type[Any]) -> TypeAdapter[Any]:
    """Reads and writes `kind` as JSON; made once."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def row_of(entity: Entity) -> dict[str, Any]:
    """The row that stores `entity` one version higher."""
    table = TABLES[type(entity)]
    row = {name: _column(entity, name) for name in table.columns.keys() if name not in FIXED}  # noqa: SIM118
    body = adapter(type(entity)).dump_json(entity, exclude_defaults=True).decode()
    return {"id": entity.id, "workspace_id": entity.workspace_id, "version": entity.version + 1, "body": body, **row}


def entity_of(kind: type[E], body: str, version: int) -> E:
    entity = adapter(kind).validate_json(body)
    object.__setattr__(entity, "version", version)
    return cast(E, entity)


def _column(entity: Entity, name: str) -> str | None:
    if isinstance(entity, Artifact) and name == "visible":
        return "1" if entity.head else "0"
    value = getattr(entity, name)
    return None if value is None else str(value)


def stamp(at: datetime) -> float:
    """Seconds since 1970 in UTC, as times are stored where they are compared."""
    return at.timestamp()


def time_of(stamp: float) -> datetime:
    return datetime.fromtimestamp(stamp, UTC)
