"""Folders that projects watch: what is new or changed in them becomes a new artifact or a new version in `sources`.

The path in the folder decides the artifact's id, so that the same path is the same artifact after a restart and after
the folder was moved. What was taken is told by digests, which are compared when the program starts. Nothing is ever
deleted: that a file is gone is noted.
"""

import asyncio
import contextlib
import hashlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from loguru import logger

from domain.artifact import Artifact
from domain.errors import DomainError
from domain.ids import derived_id, digest_of
from domain.principal import Principal
from domain.project import Project
from services import filing
from services.artifacts import active_project
from services.desk import Command, Desk
from services.inputs import Filed, Intake, Stored, file, version_of
from services.ports.documents import UnreadableDocument
from services.ports.folders import Folders, Seen
from services.unit_of_work import UnitOfWork

INTERVAL_SECONDS = 2.0


@dataclass(kw_only=True)
class _Watched:
    """What is known of a project's folder. `marks` are of files that were dealt with; `waiting` says of files that have
    to stand still for one interval first how they were seen and since when."""

    project: Project
    folder: str
    marks: dict[str, tuple[int, ...]] = field(default_factory=dict)
    waiting: dict[str, tuple[tuple[int, ...], float]] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    noted: set[tuple[str, str, str]] = field(default_factory=set)


class Watching:
    """Looks every `interval` seconds while a project has a folder, and not at all while none has."""

    def __init__(self, desk: Desk, intake: Intake, folders: Folders, interval: float = INTERVAL_SECONDS) -> None:
        self._desk, self._intake, self._folders, self._interval = desk, intake, folders, interval
        self._watched: dict[str, _Watched] = {}
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Some project's folder was set or taken away."""
        self._changed.set()

    async def run(self, principal: Principal) -> None:
        """Until it is cancelled. What goes wrong with one project is logged and does not stop the others."""
        self._changed.set()
        while True:
            if self._changed.is_set():
                self._changed.clear()
                await self._try_to_list(principal)
            for watched in list(self._watched.values()):
                await self._visit(principal, watched)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), self._interval if self._watched else None)

    async def _try_to_list(self, principal: Principal) -> None:
        try:
            await self._list(principal)
        except Exception:
            logger.exception("The projects that watch a folder could not be listed")

    async def _list(self, principal: Principal) -> None:
        where = {"state": "active"}
        projects = await self._desk.store.find(Project, principal.workspace_id, where=where, limit=100_000)
        wanted = {project.id: project for project in projects if project.watched_folder}
        for id in [id for id, known in self._watched.items() if _folder(wanted.get(id)) != known.folder]:
            del self._watched[id]
        for id, project in wanted.items():
            if id not in self._watched:
                watched = _Watched(project=project, folder=_folder(project))
                watched.digests = await self._taken(project)
                self._watched[id] = watched

    async def _taken(self, project: Project) -> dict[str, str]:
        """Path and digest of what was taken from the folder before."""
        where = {"project_id": project.id, "section": "sources", "visible": "1"}
        found = await self._desk.store.find(Artifact, project.workspace_id, where=where, limit=100_000)
        return {item.title: item.digest or "" for item in found if item.id == watched_id(project, item.title)}

    async def _visit(self, principal: Principal, watched: _Watched) -> None:
        try:
            project = await self._desk.store.get(Project, principal.workspace_id, watched.project.id)
            if project is None or project.state != "active" or _folder(project) != watched.folder:
                self._watched.pop(watched.project.id, None)
            else:
                await _Visit(self._desk, self._intake, self._folders, self._interval, principal, watched).make()
        except Exception:
            logger.exception("The folder of the project {} could not be looked into", watched.project.id)


@dataclass(frozen=True)
class _Visit:
    """One look into one folder."""

    desk: Desk
    intake: Intake
    folders: Folders
    interval: float
    principal: Principal
    watched: _Watched

    async def make(self) -> None:
        try:
            look = await asyncio.to_thread(self.folders.look, Path(self.watched.folder))
        except UnreadableDocument as error:
            await self._note("", str(error))
            return
        for sentence in look.refused:
            await self._note("", sentence)
        for seen in look.files:
            if self._is_settled(seen):
                await self._deal_with(seen)
        await self._miss({seen.path for seen in look.files})

    def _is_settled(self, seen: Seen) -> bool:
        """Whether it is new or changed, and has stood still for an interval."""
        if self.watched.marks.get(seen.path) == seen.mark:
            return False
        now = asyncio.get_running_loop().time()
        mark, since = self.watched.waiting.get(seen.path, (None, now))
        if mark != seen.mark:
            self.watched.waiting[seen.path] = (seen.mark, now)
        return mark == seen.mark and now - since >= self.interval * 0.9

    async def _deal_with(self, seen: Seen) -> None:
        try:
            if not await self._take(seen):
                return
        except (UnreadableDocument, DomainError) as error:
            await self._note(seen.path, f"{seen.path} was not taken from the folder: {error}", str(seen.mark))
        except OSError as error:
            await self._note(seen.path, f"{seen.path} could not be read ({error.strerror}); change it to try again.")
        self.watched.marks[seen.path] = seen.mark
        self.watched.waiting.pop(seen.path, None)

    async def _take(self, seen: Seen) -> bool:
        """False when it changes while it is read."""
        with tempfile.TemporaryDirectory(prefix="caseworks-") as folder:
            copy = Path(folder) / "copy"
            if not await asyncio.to_thread(self.folders.copy, Path(self.watched.folder), seen, copy):
                return False
            digest = digest_of(await asyncio.to_thread(copy.read_bytes))
            if self.watched.digests.get(seen.path) != digest:
                name = PurePosixPath(seen.path).name
                stored = await self.intake.read(self.principal.workspace_id, copy, name)
                await self._file(seen.path, stored)
                self.watched.digests[seen.path] = digest
        return True

    async def _file(self, path: str, stored: Stored) -> None:
        id, project_id, content = watched_id(self.watched.project, path), self.watched.project.id, self.desk.content

        async def decide(uow: UnitOfWork) -> Artifact:
            await active_project(uow, project_id)
            artifact = await uow.seek(Artifact, id)
            if artifact is None:
                return await file(
                    uow, content, project_id, stored, Filed(kind="source", section="sources", title=path, id=id)
                )
            if artifact.digest == stored.digest:
                return artifact
            return await filing.publish(uow, content, version_of(uow, artifact.writable(), stored, ()))

        await self.desk.carry_out(Command(principal=self.principal), Artifact, decide)

    async def _miss(self, present: set[str]) -> None:
        """Notes what is gone for the second look in a row: some programs replace a file by deleting it first."""
        gone = self.watched.digests.keys() - present
        for path in sorted(gone & self.watched.missing):
            self.watched.marks.pop(path, None)
            digest = self.watched.digests[path]
            await self._note(path, f"{path} is no longer in the folder; its artifact stays as it is.", digest)
        self.watched.missing = gone

    async def _note(self, path: str, sentence: str, about: str = "") -> None:
        """An event of the project; once for the same thing, also after a restart on the same day."""
        project_id = self.watched.project.id
        if (path, sentence, about) in self.watched.noted:
            return
        self.watched.noted.add((path, sentence, about))
        logger.warning("Watched folder of {}: {}", project_id, sentence)
        key = hashlib.sha256("\n".join((project_id, path, sentence, about)).encode()).hexdigest()
        command = Command(principal=self.principal, key=f"folder-{key}", request=digest_of(key.encode()))

        async def decide(uow: UnitOfWork) -> Project:
            project = await active_project(uow, project_id)
            data = {"path": path, "sentence": sentence}
            uow.happened("folder.noted", project_id, project_id=project_id, data=dict(data))
            return project

        await self.desk.carry_out(command, Project, decide)


def watched_id(project: Project, path: str) -> str:
    """The id of the artifact that `path` in the project's folder is."""
    return derived_id("artifact", project.created_at, project.id.encode(), "watched", path)


def _folder(project: Project | None) -> str:
    return (project.watched_folder or "") if project is not None else ""
