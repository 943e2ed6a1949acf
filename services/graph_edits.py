"""Edges that people add: what something is about, belongs to or depends on."""

from domain.artifact import Artifact
from domain.errors import Invalid, NotFound
from domain.ids import kind_of
from domain.knowledge_graph import Addable, Edge
from domain.project import Project
from domain.task import Task
from domain.topic import PREFIX, topic_id
from services.artifacts import active_project, visible
from services.desk import Command, Desk
from services.graph_questions import GraphQuestions, Kind
from services.ports.views import Graphs
from services.unit_of_work import UnitOfWork

End = Artifact | Task | Project
FITTING: dict[Addable, tuple[str, ...]] = {
    "about": ("artifact", "task", "project", "topic"),
    "partOf": ("artifact", "task", "project"),
    "dependsOn": ("artifact",),
}
"""To what an edge of a relation may lead."""


class GraphEdits:
    def __init__(self, desk: Desk, graphs: Graphs, questions: GraphQuestions) -> None:
        self._desk, self._graphs, self._questions = desk, graphs, questions

    async def add(self, command: Command, kind: Kind, id: str, source: str, relation: Addable, target: str) -> Edge:
        """From an artifact or a task to what exists in the workspace; what something is about may be a new topic, named
        by its label. Raises NotFound, Invalid, and Conflict for an archived project."""
        await self._questions.check(command, kind, id)

        async def artifact(uow: UnitOfWork) -> Artifact:
            found = await visible(uow, source)
            await self._link(uow, found, relation, target, id if kind == "project" else None)
            return found

        async def task(uow: UnitOfWork) -> Task:
            found = await uow.get(Task, source)
            await self._link(uow, found, relation, target, id if kind == "project" else None)
            return found

        made: Artifact | Task
        if kind_of(source) == "task":
            made = await self._desk.carry_out(command, Task, task)
        else:
            made = await self._desk.carry_out(command, Artifact, artifact)
        ends = await self._graphs.leading(
            made.workspace_id, [source], [relation], direction="out", project_id=made.project_id, limit=10_000
        )
        end = _topic(target)[0] if relation == "about" and kind_of(target) == "thing" else target
        return next(edge for edge in ends if edge.target == end)

    async def _link(
        self, uow: UnitOfWork, source: Artifact | Task, relation: Addable, target: str, project_id: str | None
    ) -> None:
        if project_id not in (None, source.project_id):
            raise NotFound(kind_of(source.id), source.id)
        await active_project(uow, source.project_id)
        end, label = await self._end(uow, source, relation, target)
        data = {"relation": relation, "target": end, "by": uow.scene.principal.id}
        uow.happened("edge.added", source.id, project_id=source.project_id, data={**data, **label})

    async def _end(
        self, uow: UnitOfWork, source: Artifact | Task, relation: Addable, target: str
    ) -> tuple[str, dict[str, str]]:
        """The id at the other end and, of a topic, its label."""
        kind = kind_of(target)
        kind = "topic" if kind == "thing" else kind
        if kind not in FITTING[relation] or (relation == "dependsOn" and isinstance(source, Task)):
            plan = "; what a task depends on stands in the plan" if isinstance(source, Task) else ""
            raise Invalid(
                f"{source.id} cannot be linked by {relation} to {target[:80]!r}: it leads to an "
                f"{' or a '.join(FITTING[relation])}{plan}.",
                [("/target", f"does not fit {relation}")],
            )
        if target == source.id:
            raise Invalid(f"{source.id} cannot be linked to itself.", [("/target", "is the source")])
        if kind == "topic":
            end, label = _topic(target)
            known = await self._graphs.beginning(uow.workspace_id, end, limit=1)
            named = known[0].label if known and known[0].id == end else label
            if target.startswith(PREFIX) and not (known and known[0].id == end):
                raise NotFound("topic", target)
            return end, {"label": label if not target.startswith(PREFIX) else named}
        if kind == "artifact":
            await visible(uow, target)
        elif kind == "task":
            await uow.get(Task, target)
        else:
            await uow.get(Project, target)
        return target, {}


def _topic(said: str) -> tuple[str, str]:
    """The id and the label of a topic that is named by either."""
    if said.startswith(PREFIX):
        return said, said
    label = " ".join(said.split())
    return topic_id(label), label
