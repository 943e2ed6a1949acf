"""Use cases on budgets: what a workspace and a task may use, and what becomes of work that a cap stopped."""

from dataclasses import dataclass, replace
from typing import TypeVar

from pydantic import JsonValue

from domain.budget import MEASURES, Budget, Cap, Level, caps, needs, shown, widened
from domain.errors import Conflict, Invalid, VersionMoved
from domain.inbox import InboxItem
from domain.project import Project
from domain.task import Task
from domain.workspace import Workspace
from services.desk import Command, Desk
from services.running.parking import Parking
from services.unit_of_work import UnitOfWork

B = TypeVar("B", Workspace, Project, Task)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A cap, and what was used of it."""

    cap: Cap
    used: int


class Budgets:
    def __init__(self, desk: Desk, parking: Parking) -> None:
        self._desk, self._parking = desk, parking

    async def workspace(self, command: Command) -> Workspace:
        """Without caps where none were given."""
        id = command.principal.workspace_id
        return await self._desk.store.get(Workspace, id, id) or Workspace(id=id, workspace_id=id)

    async def set_workspace(self, command: Command, budget: Budget, expected: int | None = None) -> Workspace:
        """Takes the place of the one before; work that it stopped goes on where it lets more be used. Raises
        VersionMoved when `expected` is not its version."""

        async def decide(uow: UnitOfWork) -> Workspace:
            known = await uow.seek(Workspace, uow.workspace_id)
            workspace = known or Workspace(id=uow.workspace_id, workspace_id=uow.workspace_id)
            if expected is not None and workspace.version != expected:
                raise VersionMoved("budget of the workspace", workspace.id)
            return await rebudgeted(uow, workspace, budget)

        changed = await self._desk.carry_out(command, Workspace, decide)
        await self.free("workspace", changed.id)
        return changed

    async def set_task(self, command: Command, id: str, budget: Budget, expected: int | None = None) -> Task:
        """At any time, also while the task is at work. Raises VersionMoved when `expected` is not its version."""

        async def decide(uow: UnitOfWork) -> Task:
            task = await uow.get(Task, id)
            if expected is not None and task.version != expected:
                raise VersionMoved("task", id)
            return await rebudgeted(uow, task, budget)

        changed = await self._desk.carry_out(command, Task, decide)
        await self.free("task", id)
        return changed

    async def standings(self, command: Command, project: Project | None) -> tuple[Standing, ...]:
        """Every cap of the workspace, and of the project and its tasks where one is given; with what was used."""
        workspace = await self.workspace(command)
        found = list(caps("workspace", workspace.id, workspace.budget))
        if project is not None:
            found += caps("project", project.id, project.budget)
            tasks = await self._desk.store.find(Task, workspace.id, where={"project_id": project.id}, limit=10_000)
            found += [cap for task in tasks for cap in caps("task", task.id, task.budget)]
        if not found:
            return ()
        counters = await self._desk.store.counters(workspace.id, sorted({cap.scope for cap in found}))
        used = {(counter.scope, counter.name): counter.spent for counter in counters}
        return tuple(Standing(cap=cap, used=used.get((cap.scope, cap.measure), 0)) for cap in found)

    # work that waits

    async def answered(self, uow: UnitOfWork, item: InboxItem, raised_to: int | None) -> None:
        """`raise` changes the cap that stopped the work. After `stop` its next try is refused, and it ends as it is.
        Raises Invalid on a cap that does not let the next call through."""
        if item.shortage is None:
            raise Conflict(f"The inbox item {item.id} is about no budget.")
        cap, least = item.shortage.cap, item.shortage.least
        if item.answer["action"] == "stop":
            uow.unpark(cap.needs)
        elif raised_to is None or raised_to < least:
            said = f"must be {least} or more"
            raise Invalid(f"Say to what it is raised: at least {shown(cap.measure, least)}.", [("/cap", said)])
        else:
            await _raised(uow, cap, raised_to)

    async def free(self, level: Level, id: str) -> None:
        """After the commit: what waited for a cap of it tries again."""
        for measure in MEASURES:
            await self._parking.free(needs(f"{level}:{id}", measure))


async def _raised(uow: UnitOfWork, cap: Cap, amount: int) -> None:
    match cap.level:
        case "workspace":
            workspace = await uow.get(Workspace, cap.id)
            await rebudgeted(uow, workspace, workspace.budget.with_cap(cap.measure, amount))
        case "project":
            project = await uow.get(Project, cap.id)
            await rebudgeted(uow, project, project.budget.with_cap(cap.measure, amount))
        case "task":
            task = await uow.get(Task, cap.id)
            await rebudgeted(uow, task, task.budget.with_cap(cap.measure, amount))


async def rebudgeted(uow: UnitOfWork, of: B, budget: Budget) -> B:
    """With `budget` instead of what it had, as a part of something else. What waited for more of it is made ready,
    and the question whether to raise it is withdrawn."""
    level: Level = "workspace" if isinstance(of, Workspace) else "project" if isinstance(of, Project) else "task"
    for measure in widened(of.budget, budget):
        waited = needs(f"{level}:{of.id}", measure)
        uow.unpark(waited)
        for item in await uow.find(InboxItem, {"needs": waited, "state": "open"}):
            if item.state == "open":
                uow.put(item.withdrawn())
                uow.happened("inbox.withdrawn", item.id, project_id=item.project_id)
    changed = replace(of, budget=budget)
    uow.put(changed)
    project_id = of.id if isinstance(of, Project) else of.project_id if isinstance(of, Task) else None
    amounts: dict[str, JsonValue] = {measure: budget.cap(measure) for measure in MEASURES}
    uow.happened("budget.changed", of.id, project_id=project_id, data={"level": level, "caps": amounts})
    return changed
