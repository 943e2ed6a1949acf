"""What a project or the workspace cost, by whom and for what, what it led to, and what is left of budgets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from domain.artifact import Artifact
from domain.principal import User
from domain.project import Project
from domain.run import Usage
from domain.task import Task
from services.budgets import Budgets, Standing
from services.desk import Command, Desk
from services.ports.costs import By, Costs, Share, Worked
from services.ports.store import RecordedCall

MOST = 100
"""Lines for each question; the dearest come first."""


@dataclass(frozen=True, kw_only=True)
class CostReport:
    """`parts` holds, for each question, what the calls used by its answers, `artifacts` by what they led to (of a
    project only); names of tasks, projects, artifacts and people in `names`. `caps` that there are, as they stand."""

    total: Usage
    parts: dict[By, tuple[Share, ...]]
    artifacts: tuple[Share, ...]
    worked: tuple[Worked, ...]
    caps: tuple[Standing, ...]
    names: dict[str, str]
    dearest: RecordedCall | None


class CostReports:
    def __init__(self, desk: Desk, costs: Costs, budgets: Budgets) -> None:
        self._desk, self._costs, self._budgets = desk, costs, budgets

    async def of_project(self, command: Command, project_id: str) -> CostReport:
        """Raises NotFound."""
        return await self._report(command, await self._desk.get(command, Project, project_id))

    async def of_workspace(self, command: Command) -> CostReport:
        return await self._report(command, None)

    async def _report(self, command: Command, project: Project | None) -> CostReport:
        workspace, asked = command.principal.workspace_id, tuple(get_args(By))
        project_id = project.id if project is not None else None
        questions = [by for by in asked if by != ("project_id" if project_id else "task_id")]
        parts = {by: await self._costs.shares(workspace, project_id, by, MOST) for by in questions}
        made = await self._costs.of_artifacts(workspace, project_id, MOST) if project_id is not None else ()
        worked = await self._costs.worked(workspace, project_id)
        caps = await self._budgets.standings(command, project)
        return CostReport(
            artifacts=made,
            worked=worked,
            caps=caps,
            total=await self._costs.total(workspace, project_id),
            parts=parts,
            names=await self._names(workspace, self._keys(parts, made, worked, caps)),
            dearest=await self._costs.dearest(workspace, project_id),
        )

    @staticmethod
    def _keys(
        parts: dict[By, tuple[Share, ...]],
        made: Sequence[Share],
        worked: Sequence[Worked],
        caps: Sequence[Standing],
    ) -> set[str]:
        """The ids of whatever is told by its name."""
        found = {share.key for by in ("task_id", "project_id") for share in parts.get(by, ())}
        found |= {share.key for share in made} | {standing.cap.id for standing in caps}
        return found | {id for one in worked for id in (one.project_id, one.task_id, one.by)}

    async def _names(self, workspace: str, ids: set[str]) -> dict[str, str]:
        store, where = self._desk.store, {"id": sorted(ids)}
        tasks = await store.find(Task, workspace, where=where)
        projects = await store.find(Project, workspace, where=where)
        artifacts = await store.find(Artifact, workspace, where=where)
        people = await store.find(User, workspace, where=where)
        return (
            {task.id: task.spec.title for task in tasks}
            | {project.id: project.name for project in projects}
            | {person.id: person.name for person in people}
            | {artifact.id: artifact.title for artifact in artifacts}
        )
