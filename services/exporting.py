"""A project as one zip file, with all that a person would want to keep outside."""

import errno
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile

from pydantic import JsonValue

from domain.artifact import SECTIONS, Artifact, Version
from domain.conversation import Turn
from domain.plan import Plan
from domain.project import Member, Project
from domain.qa import QARecord
from domain.run import Run
from domain.task import Task
from services.desk import Command, Desk
from services.packing import Pack, safe_name
from services.ports.shape import Shape
from services.ports.store import E, StoreFull
from services.ports.views import Graphs, Streams, Subgraph
from services.provenance import prov
from services.reports import Reports

PAGE = 200
MOST_EDGES = 100_000
Json = dict[str, JsonValue]
ABOUT = """{name}

The project {id} as Caseworks had it on {at}. All texts are UTF-8, all times RFC 3339.

project.json     the project, who is on its team, what its calls to models used
plan.json        every version of the plan, oldest first
tasks.json       the tasks, in the order of the plan
runs.json        the runs and their calls to models, without prompts and replies
conversation.json  what was said to the manager and answered, oldest first
case-file.json   every artifact with its versions, what each was made from, and who checked it
artifacts/       the content of every published version: the newest as title-id.ending, older ones as
                 title-id.vNUMBER.ending; `file` in case-file.json names it
graph.json       the knowledge graph (at most its newest {edges:,} edges), node-link JSON as networkx reads it
prov.json        the same graph as W3C PROV-JSON
events.jsonl     everything that happened, a line each
report.html      the report, for a browser; it loads nothing
SHA256SUMS       the digests of what is in artifacts/

To check that nothing in artifacts/ was changed, run `sha256sum --check SHA256SUMS` in this folder (on macOS
`shasum -a 256 --check SHA256SUMS`). Each digest is also in case-file.json, as `digest`: it is `sha256:` and the
SHA-256 of the file's bytes. What people handed over is here as it came: open what you do not trust with care.

Drafts that nobody accepted are not here. While a project is being worked on, files that were written first may be a
moment older than those written last.
"""


class Exports:
    def __init__(self, desk: Desk, graphs: Graphs, streams: Streams, reports: Reports, shape: Shape) -> None:
        self.desk, self.graphs, self.streams, self.reports, self.shape = desk, graphs, streams, reports, shape

    async def write(self, command: Command, project_id: str, file: IO[bytes]) -> None:
        """The archive, into `file`; what is in it comes in an order that depends on nothing but the project. Raises
        NotFound, ContentMissing, StoreFull."""
        project = await self.desk.get(command, Project, project_id)
        try:
            with ZipFile(file, "w", ZIP_DEFLATED) as archive:
                await _Export(self, command, project, Pack(archive, self.desk.clock.now())).write()
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise StoreFull("The disk is full: the export has no room in the data directory; make some.") from error


@dataclass(frozen=True, kw_only=True)
class _Content:
    """The content of a published version, and where it goes."""

    file: str
    digest: str
    at: datetime


class _Export:
    """One project on its way into an archive."""

    def __init__(self, parts: Exports, command: Command, project: Project, pack: Pack) -> None:
        self._parts, self._command, self._project, self._pack = parts, command, project, pack
        self._store, self._shape = parts.desk.store, parts.shape
        self._workspace = project.workspace_id
        self._contents: list[_Content] = []

    async def write(self) -> None:
        pack = self._pack
        await pack.add("README.txt", self._about())
        await pack.document("project.json", await self._about_project())
        await pack.items("plan.json", self._plans())
        await pack.items("tasks.json", self._tasks())
        await pack.items("runs.json", self._runs())
        await pack.items("conversation.json", self._conversation())
        await pack.items("case-file.json", self._case_file())
        for content in self._contents:
            body = await self._parts.desk.content.get(self._workspace, content.digest)
            await pack.add(content.file, body, content.at)
        await pack.add("SHA256SUMS", b"".join(map(_sum, self._contents)))
        graph = _ordered(await self._parts.graphs.whole(self._workspace, self._project.id, MOST_EDGES))
        await pack.document("graph.json", self._shape(graph))
        await pack.document("prov.json", {**prov(graph)})
        await pack.lines("events.jsonl", self._events())
        await pack.add("report.html", (await self._parts.reports.html(self._command, self._project.id)).encode())

    def _about(self) -> bytes:
        at = self._pack.at.astimezone(UTC).strftime("%Y-%m-%d at %H:%M UTC")
        return ABOUT.format(name=self._project.name, id=self._project.id, at=at, edges=MOST_EDGES).encode()

    async def _about_project(self) -> Json:
        members = [member async for member in self._all(Member) if member.removed_at is None]
        usage = await self._store.usage(self._workspace, self._project.id)
        shown: list[JsonValue] = [self._shape(member) for member in members]
        return {**self._shape(self._project), "members": shown, "usage": self._shape(usage)}

    async def _plans(self) -> AsyncIterator[Json]:
        for plan in await self._plan_versions():
            yield self._shape(plan)

    async def _plan_versions(self) -> list[Plan]:
        return sorted([plan async for plan in self._all(Plan)], key=lambda plan: plan.number)

    async def _tasks(self) -> AsyncIterator[Json]:
        """Those of the plan first, in its order."""
        plans = await self._plan_versions()
        order = {spec.id: place for place, spec in enumerate(plans[-1].tasks)} if plans else {}
        tasks = [task async for task in self._all(Task)]
        for task in sorted(tasks, key=lambda task: (order.get(task.id, len(order)), task.id)):
            yield self._shape(task)

    async def _runs(self) -> AsyncIterator[Json]:
        async for run in self._all(Run):
            calls = await self._store.calls(self._workspace, run.id)
            shown: list[JsonValue] = [self._shape(call) for call in calls]
            yield {**self._shape(run), "calls": shown}

    async def _conversation(self) -> AsyncIterator[Json]:
        async for turn in self._all(Turn):
            yield self._shape(turn)

    async def _case_file(self) -> AsyncIterator[Json]:
        """By section. Notes down which contents are to be written."""
        for section in SECTIONS:
            async for page in self._pages(Artifact, section=section, visible="1"):
                for item in await self._artifacts(page):
                    yield item

    async def _artifacts(self, page: Sequence[Artifact]) -> list[Json]:
        ids = [artifact.id for artifact in page]
        versions = [version async for version in self._all(Version, artifact_id=ids, state="published")]
        records = [record async for record in self._all(QARecord, artifact_id=ids)]
        return [
            self._artifact(
                artifact,
                _until(artifact, versions),
                [record for record in records if record.artifact_id == artifact.id],
            )
            for artifact in page
        ]

    def _artifact(self, artifact: Artifact, versions: Sequence[Version], records: Sequence[QARecord]) -> Json:
        shown: list[JsonValue] = []
        for version in versions:
            older = version.number if version is not versions[-1] else None
            name = safe_name(artifact.title, artifact.id, version.media_type, older)
            content = _Content(
                file=f"artifacts/{artifact.section}/{name}", digest=version.digest, at=version.created_at
            )
            self._contents.append(content)
            checks: list[JsonValue] = [self._shape(record) for record in records if record.digest == version.digest]
            shown.append({**self._shape(version), "file": content.file, "qa": checks})
        return {**self._shape((artifact, versions[-1])), "versions": shown}

    async def _events(self) -> AsyncIterator[Json]:
        """Those that there were when it began."""
        streams, seen = self._parts.streams, 0
        last = await streams.latest(self._workspace, self._project.id)
        while seen < last:
            for item in await streams.since(self._workspace, self._project.id, seen, min(PAGE, last - seen)):
                seen = item.number
                yield self._shape(item)

    async def _all(self, kind: type[E], **where: str | Sequence[str]) -> AsyncIterator[E]:
        async for page in self._pages(kind, **where):
            for item in page:
                yield item

    async def _pages(self, kind: type[E], **where: str | Sequence[str]) -> AsyncIterator[list[E]]:
        """The project's, by id."""
        after = ""
        while True:
            only = {"project_id": self._project.id, **where}
            page = await self._store.find(kind, self._workspace, where=only, after=after, limit=PAGE)
            if page:
                yield page
            if len(page) < PAGE:
                return
            after = page[-1].id


def _until(artifact: Artifact, versions: Sequence[Version]) -> list[Version]:
    """Those up to the head that was read, oldest first."""
    own = {v.number: v for v in versions if v.artifact_id == artifact.id}
    return [own[number] for number in range(1, artifact.head + 1)]


def _ordered(graph: Subgraph) -> Subgraph:
    edges = sorted(graph.edges, key=lambda edge: (edge.at, edge.source, edge.relation, edge.target))
    return replace(graph, edges=tuple(edges))


def _sum(content: _Content) -> bytes:
    """As sha256sum reads it."""
    return f"{content.digest.removeprefix('sha256:')}  {content.file}\n".encode()
