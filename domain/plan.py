"""A plan: an immutable version of the DAG of tasks. Data that the project run works on."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from graphlib import CycleError, TopologicalSorter

from pydantic.dataclasses import dataclass

from domain.errors import InvalidPlan
from domain.task import TaskSpec

MAX_TASKS = 100


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Version `number` of a project's plan. `origin` says who or what made it, in a sentence."""

    project_id: str
    workspace_id: str
    number: int
    tasks: tuple[TaskSpec, ...]
    made_by: str
    origin: str
    created_at: datetime
    template: str | None = None
    version: int = 0

    def __post_init__(self) -> None:
        check_tasks(self.tasks)

    @property
    def id(self) -> str:
        return f"{self.project_id}/{self.number}"

    def task(self, id: str) -> TaskSpec:
        return next(task for task in self.tasks if task.id == id)

    def revised(self, *specs: TaskSpec, made_by: str, origin: str, at: datetime) -> "Plan":
        """The next version, with `specs` in place of the tasks of the same ids. Raises InvalidPlan without one."""
        new = {spec.id: spec for spec in specs}
        if gone := [id for id in new if id not in [task.id for task in self.tasks]]:
            raise InvalidPlan(f"The plan {self.id} has no task {gone[0]}.")
        tasks = tuple(new.get(task.id, task) for task in self.tasks)
        return self.followed_by(tasks, made_by=made_by, origin=origin, at=at)

    def towards(self, goal: str, instead_of: str) -> "Plan":
        """With the briefs of its tasks towards another goal."""
        return replace(self, tasks=tuple(task.towards(goal, instead_of) for task in self.tasks))

    def followed_by(self, tasks: tuple[TaskSpec, ...], *, made_by: str, origin: str, at: datetime) -> "Plan":
        """The next version. Its origin goes on naming the template that it began as."""
        began = "" if self.template is None else f"The plan began as the template “{self.template.replace('_', ' ')}”."
        origin = origin if not began or began in origin else f"{origin.rstrip('.')}. {began}"
        return replace(
            self, number=self.number + 1, tasks=tasks, made_by=made_by, origin=origin, created_at=at, version=0
        )


def check_tasks(tasks: Collection[TaskSpec]) -> None:
    """Raises InvalidPlan unless `tasks` are 1 to 100 with distinct ids that form a DAG."""
    if not tasks:
        raise InvalidPlan("A plan needs at least one task.")
    if len(tasks) > MAX_TASKS:
        raise InvalidPlan(f"The plan has {len(tasks)} tasks; at most {MAX_TASKS} are allowed: join small ones.")
    ids = [task.id for task in tasks]
    if len(set(ids)) != len(ids):
        raise InvalidPlan("Two tasks of the plan have the same id.")
    for task in tasks:
        if missing := [id for id in task.depends_on if id not in ids]:
            raise InvalidPlan(f"The task {task.title!r} depends on {missing[0]}, which the plan does not have.")
    order(tasks)


def order(tasks: Collection[TaskSpec]) -> tuple[str, ...]:
    """Task ids, dependencies first. Raises InvalidPlan on a cycle, naming the tasks in it."""
    titles = {task.id: task.title for task in tasks}
    try:
        return tuple(TopologicalSorter({task.id: task.depends_on for task in tasks}).static_order())
    except CycleError as error:
        ring = " → ".join(repr(titles[id]) for id in reversed(error.args[1]))
        said = f"The plan runs in a circle: {ring}; remove one of these dependencies."
        places = [f"/tasks/{number}/depends_on" for number, task in enumerate(tasks) if task.id in error.args[1]]
        raise InvalidPlan(said, [(place, "is part of a circle") for place in places]) from None


def check_staff(tasks: Collection[TaskSpec], staff: Collection[str]) -> None:
    """Raises InvalidPlan where a task is given to an agent or a person that is not in `staff`."""
    for task in tasks:
        if task.assignee.id not in staff:
            known = ", ".join(sorted(staff))
            raise InvalidPlan(
                f"The task {task.title!r} is given to {task.assignee.id!r}, who is not on the team: {known}."
            )


def critical_path(tasks: Collection[TaskSpec]) -> dict[str, int]:
    """For each task the length of the longest chain from it to the plan's end, itself included."""
    lengths: dict[str, int] = {}
    behind: dict[str, list[str]] = {task.id: [] for task in tasks}
    for task in tasks:
        for id in task.depends_on:
            behind[id].append(task.id)
    for id in reversed(order(tasks)):
        lengths[id] = 1 + max((lengths[next] for next in behind[id]), default=0)
    return lengths
