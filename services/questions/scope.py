"""Whose graph is asked, and what in it a question is about."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from domain.artifact import Artifact
from domain.errors import NotFound
from domain.ids import kind_of
from domain.knowledge_graph import Relation
from domain.plan import Plan
from domain.project import Project
from domain.run import Run
from domain.task import Task
from domain.topic import PREFIX
from services.ports.store import Store
from services.ports.views import Graphs

TOUCHED: tuple[Relation, ...] = ("wasAttributedTo", "checkedBy", "assignedTo")
THINGS = "artifact, task, plan, run, project or topic"
Entity = Artifact | Task | Plan | Run | Project


@dataclass(frozen=True, kw_only=True)
class Scope:
    """A project, an agent (what it made, checked or was given), or else the whole workspace."""

    store: Store
    graphs: Graphs
    workspace_id: str
    project_id: str | None = None
    agent: str | None = None

    async def entity(self, id: str) -> Entity:
        """Raises NotFound for what is elsewhere, staged, or not of these kinds."""
        found = await self._stored(id)
        if found is None or (isinstance(found, Artifact) and found.head == 0):
            raise NotFound(THINGS, id)
        home = found.id if isinstance(found, Project) else found.project_id
        if self.project_id not in (None, home) or not await self.touched([id]):
            raise NotFound(THINGS, id)
        return found

    async def touched(self, ids: Sequence[str]) -> Collection[str]:
        """Those of `ids` that the agent has to do with; all where no agent is asked about."""
        if self.agent is None:
            return ids
        names = {self.agent, self.agent.removeprefix("agt_")}
        edges = await self.graphs.leading(self.workspace_id, ids, TOUCHED, direction="out", limit=20 * len(ids))
        return {edge.source for edge in edges if edge.target in names}

    async def labels(self, ids: Sequence[str]) -> dict[str, str]:
        return {id: node.label for id, node in (await self.graphs.nodes(self.workspace_id, list(ids))).items()}

    async def _stored(self, id: str) -> Entity | None:
        store, workspace = self.store, self.workspace_id
        if "/" in id and not id.startswith(PREFIX):
            return await store.get(Plan, workspace, id)
        match kind_of(id):
            case "artifact":
                return await store.get(Artifact, workspace, id)
            case "task":
                return await store.get(Task, workspace, id)
            case "run":
                return await store.get(Run, workspace, id)
            case "project":
                return await store.get(Project, workspace, id)
            case _:
                return None


def spoken(id: str, labels: dict[str, str]) -> str:
    """Who that is, in a sentence. A project's manager has an id that says nothing."""
    name = labels.get(id, id)
    if kind_of(name) != "agent":
        return name
    plain = name.removeprefix("agt_").replace("_", " ")
    return "the manager" if any(map(str.isdigit, plain)) else f"the {plain}"
