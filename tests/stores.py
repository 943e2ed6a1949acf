"""A store on real files for tests, and the things that are put in it."""

import json
import random
import threading
import types
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.pool import Pool

from adapters.clock.system import SystemClock
from adapters.content.files import FileContent
from adapters.live.in_process import InProcessLive
from adapters.store.audit import SqlAudit
from adapters.store.database import Database
from adapters.store.graphs import SqlGraphs
from adapters.store.runs import SqlJournal
from adapters.store.state import SqlStore
from adapters.store.views import SqlSearch, SqlStreams
from domain.agent_graph import AgentGraph, ExitNode
from domain.artifact import Artifact, Version, VersionRef
from domain.criterion import Criterion
from domain.events import Event, EventType
from domain.principal import Principal
from domain.project import Project
from domain.run import Run, Usage
from domain.task import Assignee, Expected, Task, TaskSpec
from services import filing
from services.ports.store import Changeset, Indexed, JournalEntry, RecordedCall
from services.unit_of_work import Scene, UnitOfWork

W, OTHER = "wsp_mine", "wsp_other"
AT = datetime(2025, 11, 21, 9, 30, 0, 123456, tzinfo=UTC)
GRAPH = AgentGraph(name="project@1", start="end", nodes=(ExitNode(id="end", result="succeeded"),))
_numbers = count(1)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """All ports on one database and one tree of content."""

    database: Database
    store: SqlStore
    journal: SqlJournal
    graphs: SqlGraphs
    search: SqlSearch
    streams: SqlStreams
    content: FileContent
    audit: SqlAudit

    def unit(self, workspace_id: str = W, actor: str = "usr_ann", run_id: str | None = None) -> UnitOfWork:
        scene = Scene(
            principal=Principal(id=actor, workspace_id=workspace_id), at=AT, run_id=run_id, root_id=run_id, cause="test"
        )
        return UnitOfWork(store=self.store, clock=SystemClock(), live=InProcessLive(), scene=scene)

    async def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """Of any statement; for looking where no port does."""
        found = await self.database.read(lambda c: c.execute(text(sql), values).all())
        return [tuple(row) for row in found]

    async def tamper(self, sql: str, **values: Any) -> None:
        """Past all rules, as somebody with an editor would."""
        await self.database.write(lambda c: c.execute(text(sql), values).rowcount)


@asynccontextmanager
async def asked(at: Opened) -> AsyncIterator[list[tuple[str, str]]]:
    """What SQLite is asked on any connection of `at` meanwhile: the thread and the statement with its values."""
    found: list[tuple[str, str]] = []
    traced: list[Any] = []

    def trace(connection: Any, *_: Any) -> None:
        traced.append(connection)
        connection.set_trace_callback(lambda statement: found.append((threading.current_thread().name, statement)))

    await at.database.write(lambda connection: trace(connection.connection.dbapi_connection))
    event.listen(Pool, "checkout", trace)
    try:
        yield found
    finally:
        event.remove(Pool, "checkout", trace)
        for connection in traced:
            connection.set_trace_callback(None)


@contextmanager
def opened(folder: Path, module: types.ModuleType | None = None) -> Iterator[Opened]:
    database, content = Database(folder / "caseworks.db", module), FileContent(folder / "content")
    try:
        yield Opened(
            database=database,
            store=SqlStore(database),
            journal=SqlJournal(database),
            graphs=SqlGraphs(database),
            search=SqlSearch(database),
            streams=SqlStreams(database),
            content=content,
            audit=SqlAudit(database, content),
        )
    finally:
        database.close()


def fresh(prefix: str) -> str:
    """Ids in the order in which they were asked for."""
    return f"{prefix}_{next(_numbers):08}"


def a_project(id: str = "prj_1", workspace_id: str = W) -> Project:
    return Project(
        id=id,
        workspace_id=workspace_id,
        name="Bees",
        goal="Keep bees",
        owner_id="usr_ann",
        manager_id="agt_manager",
        created_at=AT,
    )


def a_task(id: str, workspace_id: str = W, project_id: str = "prj_1", *depends_on: str) -> Task:
    return Task(spec=a_spec(id, *depends_on), project_id=project_id, workspace_id=workspace_id, created_at=AT)


def a_spec(id: str, *depends_on: str) -> TaskSpec:
    return TaskSpec(
        id=id,
        title=f"Write {id}",
        brief="Write it.",
        assignee=Assignee(kind="core", id="writer"),
        expected=(Expected(kind="report", section="drafts"),),
        criteria=(Criterion(text="It is there"),),
        depends_on=depends_on,
    )


def a_run(id: str, workspace_id: str = W, project_id: str = "prj_1", priority: int = 100) -> Run:
    return Run(
        id=id,
        workspace_id=workspace_id,
        project_id=project_id,
        root_id=id,
        graph=GRAPH.name,
        graph_digest="sha256:graph",
        actor="agt_manager",
        on_behalf_of="usr_ann",
        created_at=AT,
        priority=priority,
    )


def started(run: Run) -> Changeset:
    """What makes `run` known and ready."""
    return Changeset(workspace_id=run.workspace_id, puts=[run], graphs=[(run.graph_digest, GRAPH)], ready=[run])


def an_entry(run_id: str, seq: int) -> JournalEntry:
    return JournalEntry(run_id=run_id, seq=seq, tick=f'{{"n":{seq}}}', effects="", at=AT)


def an_event(
    subject: str, type: EventType = "task.changed", workspace_id: str = W, project_id: str | None = "prj_1", **data: Any
) -> Event:
    return Event(
        type=type, workspace_id=workspace_id, subject=subject, actor="usr_ann", at=AT, project_id=project_id, data=data
    )


def indexed(artifact_id: str, *passages: str, project_id: str = "prj_1", **more: Any) -> Indexed:
    values = {"digest": "sha256:d", "section": "sources", "task_id": None} | more
    return Indexed(project_id=project_id, artifact_id=artifact_id, passages=passages, **values)


def a_call(key: str, run_id: str, workspace_id: str = W, money: int = 0) -> RecordedCall:
    return RecordedCall(
        key=key,
        run_id=run_id,
        workspace_id=workspace_id,
        project_id="prj_1",
        state="done",
        purpose="draft",
        agent="writer",
        alias="small",
        started_at=AT,
        usage=Usage(calls=1, money=money, input_tokens=10, output_tokens=5, seconds=0.5),
    )


async def published(
    opened: Opened,
    uow: UnitOfWork,
    passages: tuple[str, ...],
    *,
    project_id: str = "prj_1",
    kind: str = "source",
    section: str = "sources",
    id: str | None = None,
    derived_from: tuple[Artifact, ...] = (),
    task_id: str | None = None,
) -> Artifact:
    """A version with real content, published the way use cases do; of a new artifact unless `id` names one."""
    workspace = uow.workspace_id
    body = random.Random(len(passages)).randbytes(4) + "\n".join(passages).encode()
    if id is None:
        id = fresh("art")
        uow.put(
            Artifact(
                id=id,
                workspace_id=workspace,
                project_id=project_id,
                kind=kind,
                section=section,
                title=passages[0][:40] or "Untitled",
                owner_id="usr_ann",
                created_at=AT,
                task_id=task_id,
            )
        )
    version = Version(
        artifact_id=id,
        workspace_id=workspace,
        project_id=project_id,
        kind=kind,
        digest=await opened.content.put(workspace, body),
        text_digest=await opened.content.put(workspace, json.dumps(passages).encode()),
        media_type="text/markdown",
        size=len(body),
        made_by="writer" if derived_from else "usr_ann",
        created_at=AT,
        derived_from=tuple(VersionRef(artifact_id=a.id, digest=a.digest or "") for a in derived_from),
        task_id=task_id,
        run_id=fresh("run"),
    )
    return replace(await filing.publish(uow, opened.content, version), version=1)
