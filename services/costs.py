"""What a project or the workspace cost, by whom and for what."""

from dataclasses import dataclass
from typing import get_args

from domain.principal import Principal
from domain.project import Project
from domain.run import Usage
from domain.task import Task
from services.desk import Command, Desk
from services.ports.costs import By, Costs, Share
from services.ports.store import RecordedCall

MOST = 100
"""Lines for each question; the dearest come first."""


@dataclass(frozen=True, kw_only=True)
class CostReport:
    """`parts` holds, for each question, what the calls used by its answers; names of tasks and projects in `names`."""

    total: Usage
    parts: dict[By, tuple[Share, ...]]
    names: dict[str, str]
    dearest: RecordedCall | None


class CostReports:
    def __init__(self, desk: Desk, costs: Costs) -> None:
        self._desk, self._costs = desk, costs

    async def of_project(self, command: Command, project_id: str) -> CostReport:
        """Raises NotFound."""
        await self._desk.get(command, Project, project_id)
        return await self._report(command.principal, project_id)

    async def of_workspace(self, command: Command) -> CostReport:
        return await self._report(command.principal, None)

    async def _report(self, principal: Principal, project_id: str | None) -> CostReport:
        workspace, asked = principal.workspace_id, tuple(get_args(By))
        questions = [by for by in asked if by != ("project_id" if project_id else "task_id")]
        parts = {by: await self._costs.shares(workspace, project_id, by, MOST) for by in questions}
        return CostReport(
            total=await self._costs.total(workspace, project_id),
            parts=parts,
            names=await self._names(workspace, parts),
            dearest=await self._costs.dearest(workspace, project_id),
        )

    async def _names(self, workspace: str, parts: dict[By, tuple[Share, ...]]) -> dict[str, str]:
        tasks = [share.key for share in parts.get("task_id", ()) if share.key]
        projects = [share.key for share in parts.get("project_id", ()) if share.key]
        store = self._desk.store
        found = {task.id: task.spec.title for task in await store.find(Task, workspace, where={"id": tasks})}
        return found | {each.id: each.name for each in await store.find(Project, workspace, where={"id": projects})}
