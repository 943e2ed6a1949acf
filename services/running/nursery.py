"""Runs that a run starts: by which workflow, with what, within which limits."""

from collections.abc import Awaitable, Callable

from domain.agent import agent_id
from domain.agent_graph import AgentGraph
from domain.changes import StartChild
from domain.errors import Forbidden, LimitReached
from domain.run import MAX_DEPTH, Run
from services.canonical import digest_of_graph
from services.pins import GraphLookup, pin
from services.unit_of_work import UnitOfWork
from services.work.graphs import SHIPPED
from services.workflow_inputs import inputs_of_child

DELEGATED = "agent@1"  # the graph by which an agent does what another asked of it
Pinned = Callable[[str], Awaitable[AgentGraph]]
"""By its digest."""


class Nursery:
    """Makes the children of one run."""

    def __init__(self, parent: Run, graph: GraphLookup, pinned: Pinned) -> None:
        self._parent, self._graph, self._pinned = parent, graph, pinned

    async def child(self, change: StartChild, uow: UnitOfWork) -> tuple[Run, AgentGraph]:
        """Raises a DomainError where it may not or cannot start."""
        parent, graph = self._parent, await self._workflow(change.graph)
        actor = change.actor or parent.actor
        child = Run(
            id=change.run_id,
            workspace_id=parent.workspace_id,
            project_id=parent.project_id,
            root_id=parent.root_id,
            parent_id=parent.id,
            graph=graph.name,
            graph_digest=digest_of_graph(graph),
            actor=agent_id(actor) if graph.name == DELEGATED else actor,
            on_behalf_of=parent.on_behalf_of,
            created_at=uow.at,
            correlation=parent.correlation,
            task_id=change.task_id or parent.task_id,
            attempt=parent.attempt,
            depth=parent.depth + 1,
            priority=parent.priority if change.priority is None else change.priority,
            inputs=inputs_of_child(graph, change.inputs),
            limits=(change.limits or graph.limits).within(change.within),
            pins=pin(uow, graph, self._graph, parent.pins),
        )
        return child, graph

    async def _workflow(self, name: str) -> AgentGraph:
        """As it was pinned, where it was. Raises NotFound, LimitReached, Forbidden."""
        parent = self._parent
        if parent.depth + 1 > MAX_DEPTH:
            raise LimitReached("depth", f"Runs may start runs {MAX_DEPTH} deep; {parent.id} is that deep already.")
        digest = parent.pins.get(name)
        graph = self._graph(name) if digest is None else await self._pinned(digest)
        if graph.name in SHIPPED and graph.name != DELEGATED and parent.graph not in SHIPPED:
            raise Forbidden(f"The workflow {graph.name} is built in; {parent.graph} may not start it.")
        return graph
