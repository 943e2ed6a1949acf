"""The folder that a project watches, and what was noted of it of late."""

from dataclasses import dataclass
from datetime import datetime

from domain.project import Project
from infrastructure.container import Container
from services.desk import Command

AMONG, MOST = 500, 20


@dataclass(frozen=True, kw_only=True)
class Note:
    at: datetime
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Folder:
    path: str
    notes: tuple[Note, ...]


async def folder(parts: Container, caller: Command, project: Project) -> Folder | None:
    """With the newest notes first, among the last events of the project; None where it watches none."""
    if not project.watched_folder:
        return None
    workspace = caller.principal.workspace_id
    latest = await parts.streams().latest(workspace, project.id)
    events = [one.event for one in await parts.streams().since(workspace, project.id, max(0, latest - AMONG), AMONG)]
    notes = [Note(at=one.at, sentence=str(one.data["sentence"])) for one in events if one.type == "folder.noted"]
    return Folder(path=project.watched_folder, notes=tuple(reversed(notes[-MOST:])))
