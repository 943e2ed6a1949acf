"""Asking the knowledge graphs: neighbours, paths, lineage."""

from typing import Any, Literal

from domain.artifact import Artifact
from domain.errors import NotFound
from domain.project import Project
from services.desk import Command, Desk
from services.ports.views import Direction, Graphs, Subgraph
from services.staff import Staff

Kind = Literal["project", "agent", "workspace"]
MAX_PATHS = 10
MAX_LENGTH = 8
LINEAGE_DEPTH = 5


class GraphQuestions:
    def __init__(self, desk: Desk, graphs: Graphs, staff: Staff) -> None:
        self._desk, self._graphs, self._staff = desk, graphs, staff

    async def whole(self, command: Command, kind: Kind, id: str) -> Subgraph:
        workspace = command.principal.workspace_id
        await self.check(command, kind, id)
        match kind:
            case "project":
                return await self._graphs.whole(workspace, id)
            case "workspace":
                return await self._graphs.whole(workspace, None)
            case "agent":
                return await self._graphs.touching(workspace, id)

    async def neighbors(
        self,
        command: Command,
        kind: Kind,
        id: str,
        node: str,
        direction: Direction,
        relation: str | None,
        depth: int,
    ) -> Subgraph:
        await self.check(command, kind, id)
        return await self._graphs.neighbors(
            command.principal.workspace_id,
            node,
            project_id=id if kind == "project" else None,
            direction=direction,
            relation=relation,
            depth=depth,
        )

    async def paths(self, command: Command, kind: Kind, id: str, start: str, end: str) -> list[list[str]]:
        """Shortest paths first, edges taken in either direction: at most 10, at most 8 edges long."""
        import networkx as nx

        await self.check(command, kind, id)
        around = await self._graphs.neighbors(
            command.principal.workspace_id,
            start,
            project_id=id if kind == "project" else None,
            depth=MAX_LENGTH,
            limit=20_000,
        )
        graph: Any = nx.Graph((edge.source, edge.target) for edge in around.edges)
        if start == end or start not in graph or end not in graph or not nx.has_path(graph, start, end):
            return []
        found: list[list[str]] = []
        for path in nx.shortest_simple_paths(graph, start, end):
            if len(found) == MAX_PATHS or len(path) > MAX_LENGTH + 1:
                break
            found.append(path)
        return found

    async def lineage(self, command: Command, artifact_id: str) -> Subgraph:
        """What an artifact was derived from, step by step."""
        artifact = await self._desk.get(command, Artifact, artifact_id)
        if artifact.head == 0:
            raise NotFound("artifact", artifact_id)
        return await self._graphs.neighbors(
            command.principal.workspace_id,
            artifact_id,
            direction="out",
            relation="wasDerivedFrom",
            depth=LINEAGE_DEPTH,
        )

    async def check(self, command: Command, kind: Kind, id: str) -> None:
        """Raises NotFound for a project, agent or workspace that is not the caller's; the workspace may be `me`."""
        if kind == "project":
            await self._desk.get(command, Project, id)
        elif kind == "workspace" and id not in ("me", command.principal.workspace_id):
            raise NotFound("workspace", id)
        elif kind == "agent" and id.removeprefix("agt_") not in self._staff.profiles:
            managers = await self._desk.store.find(Project, command.principal.workspace_id)
            if all(project.manager_id != id for project in managers):
                raise NotFound("agent", id)
