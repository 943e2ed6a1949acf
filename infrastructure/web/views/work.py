"""A project's work at a glance: plan, tasks with their agents, models and costs, what waits for a person."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from adapters.report import boxes, words
from adapters.report.drawing import draw
from domain.artifact import Artifact, Version
from domain.inbox import InboxItem
from domain.project import Project
from domain.run import Run, Usage, waits
from domain.task import FINISHED, LIVE, Task
from infrastructure.container import Container
from infrastructure.web.naming import Names, run_state
from infrastructure.web.rendering import Asked
from infrastructure.web.views import budget, news
from services.desk import Command
from services.filing import PROJECT_RUN
from services.ports.store import Store
from services.work.planning import newest_plan

MOST = 10_000
PICTURE = "The plan: tasks from left to right, each behind those it depends on"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A task, with what its attempts used and what they made."""

    task: Task
    who: str
    model: str
    usage: Usage
    cost: str
    made: tuple[Artifact, ...]

    @property
    def writes(self) -> bool:
        """An agent does, now."""
        return self.task.state in LIVE and self.task.spec.assignee.kind != "person"


@dataclass(frozen=True, kw_only=True)
class Work:
    project: Project
    origin: str
    run: Run | None
    rows: tuple[Row, ...]
    waiting: tuple[InboxItem, ...]
    scarce: tuple[budget.Row, ...]
    """Caps that are nearly or wholly used."""
    results: tuple[Artifact, ...]
    usage: Usage
    cost: str
    number: int
    """Of the project's newest event: what comes later is news to who sees this."""
    asked: Asked

    @property
    def tasks(self) -> list[Task]:
        return [row.task for row in self.rows]

    @property
    def sentence(self) -> str:
        return words.result(self.run, self.tasks)

    @property
    def tone(self) -> str:
        return words.tone(self.run, self.tasks)

    @property
    def stale(self) -> int:
        return words.stale_of(self.tasks)

    @property
    def live(self) -> bool:
        return self.run is not None and self.run.phase != "ended"

    @property
    def state(self) -> tuple[str, str, str] | None:
        return run_state(self.run) if self.run is not None else None

    @property
    def unfinished(self) -> bool:
        return any(task.state not in FINISHED for task in self.tasks)

    @property
    def states(self) -> list[tuple[str, int]]:
        """(state, number of tasks), in the order of the legend."""
        numbers = Counter(task.state for task in self.tasks)
        return [(state, numbers[state]) for state in words.STATES if numbers[state]]

    @property
    def shape(self) -> str:
        return news.shape((task.id, task.spec.depends_on) for task in self.tasks)

    @property
    def picture(self) -> Markup:
        """Whole, or those of its boxes that are asked for."""
        only = None if self.asked("picture") else self.asked.of("node")
        return picture([(row.task, row.who) for row in self.rows], only, live=True)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A project in the list of all."""

    project: Project
    run: Run | None
    tasks: Sequence[Task]

    @property
    def sentence(self) -> str:
        return words.result(self.run, self.tasks)

    @property
    def state(self) -> tuple[str, str, str] | None:
        return run_state(self.run) if self.run is not None else None


def summary(project: Project, runs: Sequence[Run], tasks: Sequence[Task]) -> Summary:
    return Summary(project=project, run=newest_project_run(runs), tasks=tasks)


def picture(tasks: Sequence[tuple[Task, str]], only: Collection[str] | None = None, *, live: bool = False) -> Markup:
    """The plan; each task (with the name of who does it) leads to its page. Of some tasks `only`, where they are named;
    where it is `live`, each is a part of the page that can be asked for."""
    if only is not None and not only:
        return Markup()
    drawn = [boxes.of_task(task, f"/page/tasks/{task.id}", who) for task, who in tasks]
    if live:
        drawn = [replace(box, region=f"node-{box.id}") for box in drawn]
    edges = [(id, task.id) for task, _ in tasks for id in task.spec.depends_on]
    return draw(drawn, edges, PICTURE, shrinks=False, only=only)


async def of_project(parts: Container, caller: Command, project_id: str, asked: Asked) -> Work:
    """With what the asked parts of its page show. Raises NotFound."""
    store, workspace, where = parts.store(), caller.principal.workspace_id, {"project_id": project_id}
    number = await parts.streams().latest(workspace, project_id)
    project = await parts.desk().get(caller, Project, project_id)
    plan = await newest_plan(store, workspace, project_id)
    tasks = {task.id: task for task in await store.find(Task, workspace, where=where, limit=MOST)}
    order = [tasks[spec.id] for spec in plan.tasks if spec.id in tasks] if plan is not None else []
    roots = await store.find(Run, workspace, where=where | {"parent_id": None, "graph": PROJECT_RUN}, limit=MOST)
    some = where if asked("tasks") else where | {"task_id": sorted(asked.of("row"))}
    runs = await store.find(Run, workspace, where=some, limit=MOST) if asked("tasks") or asked.of("row") else []
    made = where if asked("tasks") else where | {"run_id": [run.id for run in runs]}
    versions = await store.find(Version, workspace, where=made, limit=MOST) if runs else []
    seen = where if asked("tasks", "results") else some
    artifacts = await store.find(Artifact, workspace, where=seen | {"visible": "1"}, limit=MOST)
    items = await store.find(InboxItem, workspace, where=where | {"state": "open"}) if asked("standing") else []
    names = Names(caller.principal.id, parts.staff().profiles, (project,))
    usage = await store.usage(workspace, project_id) if asked("numbers") else Usage()
    return Work(
        project=project,
        origin=names.told(plan.origin) if plan is not None else "",
        run=_seen(newest_project_run(roots), await _tree(store, roots)),
        rows=rows(parts, order, runs, versions, artifacts, names),
        waiting=tuple(items),
        scarce=await _scarce(parts, caller, project, tasks) if asked("standing") else (),
        results=_results(artifacts),
        usage=usage,
        cost=cost(parts, usage),
        number=number,
        asked=asked,
    )


async def _scarce(
    parts: Container, caller: Command, project: Project, tasks: Mapping[str, Task]
) -> tuple[budget.Row, ...]:
    names = {task.id: task.spec.title for task in tasks.values()}
    rows = budget.rows(parts, await parts.budgets().standings(caller, project), names)
    return tuple(row for row in rows if row.nearly)


async def _tree(store: Store, roots: Sequence[Run]) -> Sequence[Run]:
    """Of the newest project run while it runs."""
    run = newest_project_run(roots)
    if run is None or run.phase != "running":
        return ()
    return await store.find(Run, run.workspace_id, where={"root_id": run.id}, limit=MOST)


def _seen(run: Run | None, tree: Sequence[Run]) -> Run | None:
    """Waiting, where people have to move on all that it started."""
    return replace(run, phase="waiting") if run is not None and waits(tree) else run


def newest_project_run(runs: Sequence[Run]) -> Run | None:
    found = [run for run in runs if run.parent_id is None and run.graph.startswith("project@")]
    return max(found, key=lambda run: run.id) if found else None


def rows(
    parts: Container,
    tasks: Sequence[Task],
    runs: Sequence[Run],
    versions: Sequence[Version],
    artifacts: Sequence[Artifact],
    names: Names,
) -> tuple[Row, ...]:
    used: Mapping[str, Usage] = _usages(runs)
    current = parts.llm().describe(parts.alias()).model
    models = {each.task_id: "rehearsal" if each.rehearsed else each.model or "" for each in versions if each.task_id}
    return tuple(
        Row(
            task=task,
            who=names(task.spec.assignee.id),
            model=models.get(task.id, current if task.state in LIVE and task.spec.assignee.kind != "person" else ""),
            usage=used.get(task.id, Usage()),
            cost=cost(parts, used.get(task.id, Usage())),
            made=tuple(item for item in artifacts if item.task_id == task.id),
        )
        for task in tasks
    )


def _usages(runs: Sequence[Run]) -> dict[str, Usage]:
    found: dict[str, Usage] = defaultdict(Usage)
    for run in runs:
        if run.task_id is not None:
            found[run.task_id] += run.usage
    return found


def cost(parts: Container, usage: Usage) -> str:
    """Money where there was any, else tokens."""
    if usage.money:
        models = parts.models().current
        return words.money(usage.money, models.currency if models is not None else "")
    return words.count(usage.input_tokens + usage.output_tokens, "token") if usage.calls else ""


def _results(artifacts: Sequence[Artifact]) -> tuple[Artifact, ...]:
    """Executive briefs and information products, then what else was made."""
    made = [item for item in artifacts if item.stage != "cognitive"]
    return tuple(sorted(made, key=lambda item: (item.kind != "executive_brief", item.stage != "information_product")))
