"""What is still to come: the tasks of projects at work that are not done yet, and the model that each will ask for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.run import Run
from domain.task import FINISHED, LIVE, Task
from services.filing import LIVE_PHASES, PROJECT_RUN
from services.ports.store import Store
from services.staff import Staff
from services.work.choosing import Choosing

MOST = 2_000
NOBODY = ""
"""The alias of work that asks for no model, or not now."""


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """A task by its id; `depends_on` are ids of tasks, or of the runs that wait for a model in their place. What is at
    work without waiting for a model is nobody's."""

    id: str
    alias: str
    depends_on: tuple[str, ...]
    running: bool


class Outlook:
    def __init__(self, store: Store, staff: Staff, choosing: Choosing) -> None:
        self._store, self._staff, self._choosing = store, staff, choosing

    async def ahead(self, workspaces: Sequence[str], waiting: Sequence[str]) -> list[Ahead]:
        """Over all projects of `workspaces` that are at work. `waiting` are the runs that wait for a model: they stand
        for their tasks."""
        return [each for workspace in workspaces for each in await self._of(workspace, waiting)]

    async def _of(self, workspace: str, waiting: Sequence[str]) -> list[Ahead]:
        live = {"graph": PROJECT_RUN, "phase": LIVE_PHASES}
        projects = [run.project_id for run in await self._store.find(Run, workspace, where=live, limit=MOST)]
        if not projects:
            return []
        runs = await self._store.find(Run, workspace, where={"id": list(waiting)}, limit=MOST)
        found = await self._store.find(Task, workspace, where={"project_id": projects}, limit=MOST)
        unfinished = {task.id: task for task in found if task.state not in FINISHED and task.state != "needs_attention"}
        stand_ins = _by_task(runs)
        return [self._ahead(task, unfinished, stand_ins) for task in unfinished.values() if task.id not in stand_ins]

    def _ahead(self, task: Task, tasks: Mapping[str, Task], stand_ins: Mapping[str, tuple[str, ...]]) -> Ahead:
        needed = (each for id in task.spec.depends_on if id in tasks for each in stand_ins.get(id, (id,)))
        return Ahead(
            id=task.id, alias=self._alias(task), depends_on=tuple(dict.fromkeys(needed)), running=task.state in LIVE
        )

    def _alias(self, task: Task) -> str:
        profile = self._staff.profiles.get(task.spec.assignee.id.removeprefix("agt_"))
        if profile is None or task.spec.assignee.kind == "person" or task.state in LIVE:
            return NOBODY
        return self._choosing.choose(profile, "draft", task.project_id, task=task).alias


def _by_task(runs: Sequence[Run]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for run in runs:
        if run.task_id is not None:
            found[run.task_id] = (*found.get(run.task_id, ()), run.id)
    return found
