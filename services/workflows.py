"""Use cases on workflows: what `Shelves` offers, and runs of them."""

from collections.abc import Mapping

from pydantic import JsonValue

from domain.agent_graph import AgentGraph
from domain.project import Project
from domain.run import Run
from services import filing
from services.artifacts import active_project
from services.canonical import digest_of_graph
from services.desk import Command, Desk
from services.pins import pin
from services.recording import Recording
from services.staff import Staff
from services.unit_of_work import UnitOfWork
from services.workflow_inputs import inputs_for
from services.workflow_rules import bare
from services.workflow_shelves import Shelf, Shelves, Workflow


class Workflows(Shelves):
    def __init__(self, desk: Desk, shipped: Shelf, own: Shelf, staff: Staff) -> None:
        super().__init__(shipped, own, staff)
        self._desk = desk
        self._recording = Recording(desk, self, "Workflow")

    async def create(self, command: Command, name: str, text: str) -> Workflow:
        """`add`, once for a key. Raises KeyReused."""
        if not await self._recording.is_repeated(command):
            await self._recording.write(command, "workflow.created", bare(name), lambda: self.add(name, text))
        return self.get(name)

    async def change(self, command: Command, name: str, text: str, expected: str | None = None) -> Workflow:
        """`keep`, on the record."""
        await self._recording.write(command, "workflow.changed", bare(name), lambda: self.keep(name, text, expected))
        return self.get(name)

    async def discard(self, command: Command, name: str, expected: str | None = None) -> None:
        """`remove`, on the record."""
        await self._recording.write(command, "workflow.removed", bare(name), lambda: self.remove(name, expected))

    async def run(self, command: Command, name: str, project_id: str, inputs: Mapping[str, JsonValue]) -> Run:
        """A run of its own in a project. Raises Invalid on inputs that the workflow does not take."""
        graph = self.usable(name)
        given = inputs_for(graph, inputs)

        async def decide(uow: UnitOfWork) -> Run:
            project = await active_project(uow, project_id)
            return self._begun(uow, project, graph, given)

        return await self._desk.carry_out(command, Run, decide)

    def _begun(self, uow: UnitOfWork, project: Project, graph: AgentGraph, inputs: dict[str, JsonValue]) -> Run:
        id = uow.new_id("run")
        run = Run(
            id=id,
            workspace_id=project.workspace_id,
            project_id=project.id,
            root_id=id,
            graph=graph.name,
            graph_digest=digest_of_graph(graph),
            actor=project.manager_id,
            on_behalf_of=uow.scene.principal.id,
            created_at=uow.at,
            correlation=uow.scene.correlation,
            inputs=inputs,
            limits=graph.limits,
            pins=pin(uow, graph, self.graph),
        )
        filing.start_run(uow, run, graph)
        return run
