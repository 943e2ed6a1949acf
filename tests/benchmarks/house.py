"""A project in a store of its own, with a runner and handlers of the bench's choice."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import JsonValue

from adapters.clock.system import SystemClock
from adapters.content.files import FileContent
from adapters.dispatch.in_process import InProcessDispatcher
from adapters.live.in_process import InProcessLive
from adapters.llm.rehearsal import RehearsalLLM
from adapters.store.database import Database
from adapters.store.graphs import SqlGraphs
from adapters.store.runs import SqlJournal
from adapters.store.state import SqlStore
from adapters.store.views import SqlSearch
from domain.agent_graph import AgentGraph, Effect
from domain.ports.llm import LLM
from domain.principal import Principal
from domain.project import Project
from domain.run import Run
from services import filing
from services.canonical import digest_of_graph
from services.ports.store import Fence
from services.running.calls import Calls
from services.running.effects import Handlers
from services.running.runner import Runner
from services.unit_of_work import Scene, UnitOfWork

WORKSPACE, PROJECT, USER, MANAGER = "wsp_bench", "prj_bench", "usr_bench", "agt_bench"
AT = datetime(2026, 11, 21, tzinfo=UTC)


class House:
    """As the composition root wires it, with one project and nothing else."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.database = folder, Database(folder / "caseworks.db")
        self.store, self.journal = SqlStore(self.database), SqlJournal(self.database)
        self.search, self.graphs = SqlSearch(self.database), SqlGraphs(self.database)
        self.content, self.clock, self.live = FileContent(folder / "content"), SystemClock(), InProcessLive()
        self.llm: LLM = RehearsalLLM()

    def unit(self) -> UnitOfWork:
        scene = Scene(principal=Principal(id=USER, workspace_id=WORKSPACE), at=self.clock.now())
        return UnitOfWork(store=self.store, clock=self.clock, live=self.live, scene=scene)

    async def founded(self, goal: str = "Find out how long it takes") -> None:
        uow = self.unit()
        uow.put(
            Project(
                id=PROJECT,
                workspace_id=WORKSPACE,
                name="Bench",
                goal=goal,
                owner_id=USER,
                manager_id=MANAGER,
                created_at=AT,
            )
        )
        await uow.commit()

    async def run(self, graph: AgentGraph, **inputs: JsonValue) -> str:
        """A new run of `graph`, ready."""
        uow = self.unit()
        id = uow.new_id("run")
        run = Run(
            id=id,
            workspace_id=WORKSPACE,
            project_id=PROJECT,
            root_id=id,
            graph=graph.name,
            graph_digest=digest_of_graph(graph),
            actor=MANAGER,
            on_behalf_of=USER,
            created_at=uow.at,
            inputs=inputs,
        )
        filing.start_run(uow, run, graph)
        await uow.commit()
        return id

    async def seen(self, run_id: str) -> Run:
        run = await self.store.get(Run, WORKSPACE, run_id)
        assert run is not None
        return run

    async def ended(self, run_id: str) -> None:
        """Raises AssertionError unless the run succeeded."""
        run = await self.seen(run_id)
        assert run.result == "succeeded", f"the run of {run.graph} ended as {run.result}: {run.reason}"

    def calls(self, run: Run, effect: Effect, fence: Fence) -> Calls:
        return Calls(
            run,
            effect,
            fence,
            llm=self.llm,
            store=self.store,
            journal=self.journal,
            content=self.content,
            clock=self.clock,
            live=self.live,
        )

    def runner(self, handlers: Handlers, graph: Callable[[str], AgentGraph]) -> Runner:
        return Runner(
            store=self.store,
            journal=self.journal,
            search=self.search,
            content=self.content,
            clock=self.clock,
            live=self.live,
            handlers=handlers,
            graph=graph,
            calls_for=self.calls,
            owner="bench",
        )

    @asynccontextmanager
    async def dispatching(self, runner: Runner, parallel: int) -> AsyncIterator[None]:
        dispatcher = InProcessDispatcher(
            journal=self.journal, live=self.live, clock=self.clock, advance=runner.advance, parallel=parallel
        )
        await dispatcher.start()
        try:
            yield
        finally:
            await dispatcher.stop(1)


@contextmanager
def house() -> Iterator[House]:
    """In a folder of its own that is gone afterwards."""
    with TemporaryDirectory(prefix="caseworks-bench-") as folder:
        made = House(Path(folder))
        try:
            yield made
        finally:
            made.database.close()
