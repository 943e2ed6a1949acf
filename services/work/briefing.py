"""The facts that the manager talks from, put together by code: each a line, the most telling first."""

from collections import Counter
from collections.abc import Iterable, Sequence

from domain.artifact import Artifact, Checked
from domain.events import Event
from domain.inbox import InboxItem
from domain.project import Project
from domain.run import Run
from domain.task import FINISHED, Task
from domain.tokens import estimated_tokens
from services import filing
from services.ports.store import Store
from services.ports.views import Graphs, Streams
from services.work.planning import newest_plan

TASKS, ITEMS, PROJECTS, NEWS, LINEAGES = 25, 8, 12, 6, 4
LOOKED_BACK = 120  # events
TITLE = 90
WAITING, NOTHING_WAITS = "Waiting", "Nothing waits"
UNJUDGED: dict[Checked, str] = {
    "nobody": "judged by nobody",
    "rules": "judged by rules alone",
    "unverified": "with criteria unverified",
}
"""What is said of artifacts that no model or person judged in full."""


class Briefing:
    def __init__(self, streams: Streams, graphs: Graphs) -> None:
        self._streams, self._graphs = streams, graphs

    async def of_project(
        self, store: Store, project: Project, tasks: Sequence[Task], cited: Sequence[str]
    ) -> list[str]:
        """`tasks` in the order of the plan; they are told by their numbers in it. `cited` are artifacts whose origin
        is told."""
        workspace = project.workspace_id
        runs = await store.find(
            Run,
            workspace,
            where={"project_id": project.id, "graph": filing.PROJECT_RUN},
            newest_first=True,
            limit=1,
        )
        plan = await newest_plan(store, workspace, project.id)
        items = await store.find(InboxItem, workspace, where={"project_id": project.id, "state": "open"}, limit=50)
        spent = await store.spent(workspace, f"project:{project.id}")
        return [
            f"The project: {quoted(project.name)} ({project.id}). Its goal: {quoted(project.goal, 400)}.",
            _planned(plan.number if plan is not None else None, tasks),
            _work(runs[0] if runs else None),
            _waiting(items),
            *await _unjudged(store, project),
            *_listed(tasks, finished=False),
            f"Spent so far: {spent.calls:,} calls to models, {spent.money / 1_000_000:.4f} in money.",
            *await self._lineage(project, cited),
            *await self._news(workspace, project.id),
            *_listed(tasks, finished=True),
        ]

    async def of_workspace(self, store: Store, workspace: str) -> list[str]:
        projects = await store.find(
            Project, workspace, where={"state": "active"}, newest_first=True, limit=PROJECTS + 1
        )
        items = await store.find(InboxItem, workspace, where={"state": "open"}, limit=50)
        ids = [project.id for project in projects[:PROJECTS]]
        tasks = await store.find(Task, workspace, where={"project_id": ids}) if ids else []
        filed = await store.find(Artifact, workspace, where={"visible": "1"}, newest_first=True, limit=NEWS)
        more = ", and more" if len(projects) > PROJECTS else ""
        names = {project.id: quoted(project.name) for project in projects}
        return [
            f"Projects under way: {len(ids)}{more}." if ids else "There is no project yet.",
            _waiting(items, names),
            *(
                f"The project {names[project.id]} ({project.id}): "
                + _states([task for task in tasks if task.project_id == project.id])
                for project in projects[:PROJECTS]
            ),
            *(f"Lately filed: {quoted(a.title)} in {names.get(a.project_id, a.project_id)}." for a in filed),
        ]

    async def _lineage(self, project: Project, artifact_ids: Sequence[str]) -> list[str]:
        """What the graph says of artifacts: where they come from, who made and who checked them."""
        lines = []
        for id in dict.fromkeys(artifact_ids[:LINEAGES]):
            found = await self._graphs.neighbors(
                project.workspace_id, id, project_id=project.id, direction="out", limit=20
            )
            labels = {node.id: node.label for node in found.nodes}
            said = [
                f"{words} {', '.join(quoted(labels.get(edge.target, edge.target)) for edge in edges)}"
                for relation, words in RELATIONS.items()
                if (edges := [edge for edge in found.edges if edge.relation == relation][:4])
            ]
            if said:
                lines.append(f"The graph says of {quoted(labels.get(id, id))} ({id}): {'; '.join(said)}.")
        return lines

    async def _news(self, workspace: str, project_id: str) -> list[str]:
        latest = await self._streams.latest(workspace, project_id)
        found = await self._streams.since(workspace, project_id, max(0, latest - LOOKED_BACK), LOOKED_BACK)
        newest = {item.event.subject: line for item in found if (line := _told(item.event))}
        return [f"Lately: {line}" for line in list(newest.values())[::-1][:NEWS]]


RELATIONS = {"wasDerivedFrom": "made from", "wasAttributedTo": "made by", "checkedBy": "checked by"}


def of_waiting(facts: Iterable[str]) -> list[str]:
    """Those that tell what waits for a person."""
    return [fact for fact in facts if fact.startswith((WAITING, NOTHING_WAITS))]


def within(lines: Iterable[str], budget: int) -> str:
    """The first of `lines` that fit into `budget` tokens, one below the other."""
    kept = []
    for line in lines:
        budget -= estimated_tokens(line) + 2
        if budget < 0:
            break
        kept.append(f"- {line}")
    return "\n".join(kept)


def quoted(text: str, most: int = TITLE) -> str:
    """On one line, in quotation marks that it cannot close."""
    flat = " ".join(text.replace("“", "‘").replace("”", "’").split())
    return f"“{flat if len(flat) <= most else flat[: most - 1] + '…'}”"


def _planned(number: int | None, tasks: Sequence[Task]) -> str:
    if number is None:
        return "There is no plan yet; starting the work makes one."
    return f"The plan is number {number}: {_states(tasks)}"


def _states(tasks: Sequence[Task]) -> str:
    if not tasks:
        return "no tasks."
    counts = Counter(task.state.replace("_", " ") for task in tasks)
    told = ", ".join(f"{count} {state}" for state, count in counts.most_common())
    return f"{len(tasks)} task{'s' * (len(tasks) != 1)}, of these {told}."


def _work(run: Run | None) -> str:
    if run is None:
        return "The work has not been started."
    if run.result is None:
        return f"The work is {'under way' if run.phase in ('queued', 'running') else run.phase}."
    reason = f", {quoted(run.reason.rstrip('.'), 200)}" if run.reason else ""
    return f"The work ended: {run.result}{reason}."


def _waiting(items: Sequence[InboxItem], names: dict[str, str] | None = None) -> str:
    if not items:
        return f"{NOTHING_WAITS} for a person."
    known = names or {}
    places = [f", in {known[item.project_id]}" if item.project_id in known else "" for item in items[:ITEMS]]
    told = [f"{quoted(item.title)} ({item.kind}, {item.id}{place})" for item, place in zip(items, places, strict=False)]
    more = f" and {len(items) - ITEMS} more" if len(items) > ITEMS else ""
    return f"{WAITING} for a person: {'; '.join(told)}{more}."


async def _unjudged(store: Store, project: Project) -> list[str]:
    """What was made here and judged by nobody, or not in full."""
    lines = []
    for way, said in UNJUDGED.items():
        where = {"project_id": project.id, "checked": way}
        found = await store.find(Artifact, project.workspace_id, where=where, limit=ITEMS + 1, newest_first=True)
        if found:
            titles = ", ".join(quoted(artifact.title) for artifact in found[:ITEMS])
            lines.append(f"{said.capitalize()}: {titles}{', and more' * (len(found) > ITEMS)}.")
    return lines


def _listed(tasks: Sequence[Task], *, finished: bool) -> list[str]:
    numbered = [(number, task) for number, task in enumerate(tasks, 1) if (task.state in FINISHED) == finished]
    return [
        f"Task {number}: {quoted(task.spec.title)}, {task.state.replace('_', ' ')}, of {task.spec.assignee.id}"
        f"{f'; out of date: {quoted(task.stale)}' if task.stale else ''}."
        for number, task in numbered[:TASKS]
    ]


def _told(event: Event) -> str:
    data = event.data
    match event.type:
        case "task.moved":
            state = str(data.get("state")).replace("_", " ")
            return f"the task {quoted(str(data.get('title')))} {state if state.startswith('needs') else f'is {state}'}."
        case "artifact.published":
            return f"{quoted(str(data.get('title')))} was filed in {data.get('section')}."
        case "plan.adopted":
            return f"plan {data.get('number')} was adopted: {quoted(str(data.get('origin')).rstrip('.'), 160)}."
        case "project.changed":
            return "the project was changed."
        case "run.ended" if data.get("graph") == filing.PROJECT_RUN:
            return f"the work ended: {data.get('result')}."
        case _:
            return ""
