"""What the Watcher raises by rule becomes artifacts in the section `alerts`: each once, derived from the goal."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from domain.agent import agent_id
from domain.artifact import Artifact, Version, VersionRef
from domain.changes import RaiseAlert
from domain.health import AT_ONCE, Notice, Vitals, health, notices
from domain.ids import make_id
from domain.plan import Plan
from domain.project import Project
from domain.qa import QARecord
from domain.run import Run, Usage
from domain.task import Task
from services import filing
from services.ports.content import Content
from services.ports.store import Store
from services.unit_of_work import UnitOfWork

WATCHER = agent_id("watcher")
SECTION = "alerts"


class Watch:
    """The Watcher's look at one project, `at` a moment, in the course of a run."""

    def __init__(self, store: Store, content: Content, project: Project, run: Run, at: datetime) -> None:
        self._store, self._content, self._project, self._run, self._at = store, content, project, run, at

    async def at_once(self, tasks: Sequence[Task]) -> list[RaiseAlert]:
        """After tasks have ended; `tasks` as they are once that is committed."""
        workspace, id = self._project.workspace_id, self._project.id
        spent = await self._store.spent(workspace, f"project:{id}")
        vitals = Vitals(project=self._project, tasks=tuple(tasks), spent=spent)
        return (await self._raised(notices(vitals, AT_ONCE)))[0]

    async def at_the_end(self, tasks: Sequence[Task]) -> list[RaiseAlert]:
        """All rules, and a short report on what they found; nothing on work that is healthy."""
        found = notices(await self._vitals(tasks))
        raised, rests_on = await self._raised(found)
        if not rests_on:
            return []
        cause = ("health", self._run.id)
        return [*raised, await self._change("health_report", "Health of the work", health(found), cause, rests_on)]

    async def _raised(self, found: Sequence[Notice]) -> tuple[list[RaiseAlert], list[VersionRef]]:
        """What was not raised before, and the versions of all."""
        if not found:
            return [], []
        ids = {self._id(_cause(notice)): notice for notice in found}
        where = {"project_id": self._project.id, "id": list(ids)}
        known = await self._store.find(Artifact, self._project.workspace_id, where=where)
        there = {item.id: VersionRef(artifact_id=item.id, digest=item.digest) for item in known if item.digest}
        new = [notice for id, notice in ids.items() if id not in there]
        goal = await filing.goal_of(self._store, self._project.workspace_id, self._project.id)
        raised = [await self._change(n.kind, n.title, n.text, _cause(n), [goal]) for n in new]
        return raised, [*there.values(), *(change.version.ref for change in raised)]

    async def _change(
        self, kind: str, title: str, text: str, cause: Sequence[str], rests_on: Sequence[VersionRef]
    ) -> RaiseAlert:
        workspace, content = self._project.workspace_id, text.encode()
        version = Version(
            artifact_id=self._id(cause),
            workspace_id=workspace,
            project_id=self._project.id,
            kind=kind,
            digest=await self._content.put(workspace, content),
            text_digest=await self._content.put(workspace, json.dumps([text], ensure_ascii=False).encode()),
            media_type="text/markdown",
            size=len(content),
            made_by=WATCHER,
            created_at=self._at,
            derived_from=tuple(rests_on),
            run_id=self._run.id,
        )
        return RaiseAlert(version=version, section=SECTION, title=title, owner_id=self._project.owner_id)

    def _id(self, cause: Sequence[str]) -> str:
        """It follows from what it is about, so that two who look at once raise one."""
        key = hashlib.sha256("/".join((self._project.id, "alert", *cause)).encode()).digest()
        return make_id("artifact", self._project.created_at, key)

    async def _vitals(self, tasks: Sequence[Task]) -> Vitals:
        store, workspace, here = self._store, self._project.workspace_id, {"project_id": self._project.id}
        by_task = {**here, "task_id": [task.id for task in tasks]}
        runs = await store.find(Run, workspace, where=by_task, limit=100_000) if tasks else []
        artifacts = await store.find(Artifact, workspace, where=by_task, limit=10_000) if tasks else []
        records = await store.find(QARecord, workspace, where=here, limit=100_000)
        task_of = {artifact.id: artifact.task_id or "" for artifact in artifacts}
        used: dict[str, Usage] = defaultdict(Usage)
        for run in runs:
            used[run.task_id or ""] += run.usage
        reviews: dict[str, list[Sequence[str]]] = defaultdict(list)
        for record in records:
            if record.artifact_id in task_of:
                reviews[task_of[record.artifact_id]].append(record.findings)
        return Vitals(
            project=self._project,
            tasks=tuple(tasks),
            spent=await store.spent(workspace, f"project:{self._project.id}"),
            planned=await self._planned(min((run.created_at for run in runs), default=self._at)),
            used=used,
            reviews=reviews,
        )

    async def _planned(self, began: datetime) -> frozenset[str]:
        """The tasks of the plan by which the work began."""
        plans = await self._store.find(Plan, self._project.workspace_id, where={"project_id": self._project.id})
        by_then = [plan for plan in plans if plan.created_at <= began]
        first = max(by_then, key=lambda plan: plan.number, default=None)
        return frozenset(spec.id for spec in first.tasks) if first is not None else frozenset()


async def file(uow: UnitOfWork, content: Content, change: RaiseAlert) -> None:
    """Published, unless it was before."""
    version = change.version
    if await uow.seek(Artifact, version.artifact_id) is not None:
        return
    uow.put(
        Artifact(
            id=version.artifact_id,
            workspace_id=version.workspace_id,
            project_id=version.project_id,
            kind=version.kind,
            section=change.section,
            title=change.title,
            owner_id=change.owner_id,
            created_at=version.created_at,
        )
    )
    await filing.publish(uow, content, version)


def _cause(notice: Notice) -> tuple[str, ...]:
    return notice.rule, notice.subject, notice.mark
