"""A task with its attempts, and what can be done about it now."""

from dataclasses import dataclass

from domain.artifact import Artifact, Version
from domain.inbox import InboxItem
from domain.project import Project
from domain.run import Run
from domain.task import AGAIN, MOVES, Task
from infrastructure.container import Container
from infrastructure.web.naming import Names
from infrastructure.web.views import work
from infrastructure.web.views.artifact import Link
from infrastructure.web.views.run import Attempt, attempt
from services.desk import Command
from services.work.planning import newest_plan


@dataclass(frozen=True, kw_only=True)
class Shown:
    row: work.Row
    project: Project
    before: tuple[Link, ...]
    after: tuple[Link, ...]
    attempts: tuple[Attempt, ...]
    waiting: tuple[InboxItem, ...]
    number: int
    can_edit: bool

    @property
    def work(self) -> InboxItem | None:
        """The item that waits for this person to hand something in."""
        return next((item for item in self.waiting if item.kind == "work"), None)

    @property
    def form(self) -> InboxItem | None:
        """The item that waits for this person to fill a form in."""
        return next((item for item in self.waiting if item.kind == "form"), None)

    @property
    def again(self) -> bool:
        task = self.row.task
        return task.state in AGAIN and (task.state != "done" or bool(task.stale))

    @property
    def can_skip(self) -> bool:
        return "skipped" in MOVES[self.row.task.state]

    @property
    def can_cancel(self) -> bool:
        return "cancelled" in MOVES[self.row.task.state]


async def shown(parts: Container, caller: Command, id: str) -> Shown:
    """Raises NotFound."""
    store, workspace = parts.store(), caller.principal.workspace_id
    task = await parts.desk().get(caller, Task, id)
    where = {"project_id": task.project_id}
    number = await parts.streams().latest(workspace, task.project_id)
    project = await parts.desk().get(caller, Project, task.project_id)
    plan = await newest_plan(store, workspace, task.project_id)
    tasks = await store.find(Task, workspace, where=where, limit=work.MOST)
    runs = await store.find(Run, workspace, where={"task_id": id}, limit=work.MOST)
    made = await store.find(Artifact, workspace, where={"task_id": id, "visible": "1"})
    versions = await store.find(Version, workspace, where={"run_id": [run.id for run in runs]}, limit=work.MOST)
    names = Names(caller.principal.id, parts.staff().profiles, (project,))
    (row,) = work.rows(parts, [task], runs, versions, made, names)
    return Shown(
        row=row,
        project=project,
        before=tuple(_link(other) for other in tasks if other.id in task.spec.depends_on),
        after=tuple(_link(other) for other in tasks if id in other.spec.depends_on),
        attempts=tuple(attempt(parts, run, names) for run in reversed(runs)),
        waiting=tuple(await store.find(InboxItem, workspace, where={"task_id": id, "state": "open"})),
        number=number,
        can_edit=project.state == "active" and plan is not None and id in {spec.id for spec in plan.tasks},
    )


def _link(task: Task) -> Link:
    return Link(text=task.spec.title, href=f"/page/tasks/{task.id}")
