"""Who carries a run on: two runners that fight, one that froze, timers that outlive a process."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.clock.system import SystemClock
from adapters.content.files import FileContent
from adapters.dispatch.in_process import InProcessDispatcher
from adapters.live.in_process import InProcessLive
from adapters.llm.rehearsal import RehearsalLLM
from adapters.store.database import Database
from adapters.store.runs import SqlJournal
from adapters.store.state import SqlStore
from adapters.store.views import SqlSearch
from domain.agent_graph import AgentGraph, AgentNode, Effect, ExitNode
from domain.budget import Budget
from domain.changes import MoveTask
from domain.criterion import Criterion
from domain.plan import Plan
from domain.ports.llm import LLM, ModelUnavailable, Reply, Request
from domain.principal import Principal
from domain.project import Project
from domain.run import Run
from domain.task import Assignee, Expected, Task, TaskSpec
from services import filing
from services.canonical import digest_of_graph
from services.ports.journal import Segment
from services.ports.store import Fence
from services.running.calls import Calls
from services.running.effects import EffectContext, EffectResult, Handlers
from services.running.runner import Runner
from services.unit_of_work import Scene, UnitOfWork

NOW = datetime(2026, 11, 21, tzinfo=UTC)
CHAIN = AgentGraph(
    name="chain@1",
    start="a",
    nodes=(
        AgentNode(id="a", handler="step@1", next="b", retry_after=0.2),
        AgentNode(id="b", handler="step@1", next="c"),
        AgentNode(id="c", handler="step@1", next="end"),
        ExitNode(id="end"),
    ),
)


class House:
    """A store with one project, and as many runners on it as a test wants."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder / "x.db")
        self.store, self.journal = SqlStore(self.database), SqlJournal(self.database)
        self.content, self.clock, self.live = FileContent(folder / "content"), SystemClock(), InProcessLive()
        self.llm: LLM = RehearsalLLM()
        self.started: list[tuple[str, str]] = []

    def unit(self) -> UnitOfWork:
        scene = Scene(principal=Principal(id="usr_1", workspace_id="wsp_1"), at=NOW)
        return UnitOfWork(store=self.store, clock=self.clock, live=self.live, scene=scene)

    async def run(self, graph: AgentGraph = CHAIN) -> str:
        uow = self.unit()
        if await uow.seek(Project, "prj_1") is None:
            uow.put(
                Project(
                    id="prj_1",
                    workspace_id="wsp_1",
                    name="p",
                    goal="g",
                    owner_id="usr_1",
                    manager_id="agt_1",
                    created_at=NOW,
                )
            )
        id = uow.new_id("run")
        run = Run(
            id=id,
            workspace_id="wsp_1",
            project_id="prj_1",
            root_id=id,
            graph=graph.name,
            graph_digest=digest_of_graph(graph),
            actor="agt_1",
            on_behalf_of="usr_1",
            created_at=NOW,
        )
        filing.start_run(uow, run, graph)
        await uow.commit()
        return id

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

    def runner(self, name: str, handlers: Handlers, lease: float = 15, beat: float | None = None) -> Runner:
        return Runner(
            store=self.store,
            journal=self.journal,
            search=SqlSearch(self.database),
            content=self.content,
            clock=self.clock,
            live=self.live,
            handlers=handlers,
            graph=lambda _: CHAIN,
            calls_for=self.calls,
            owner=name,
            lease_seconds=lease,
            beat_seconds=beat,
        )

    def noting(self, name: str, wait: Callable[[], float] = lambda: 0.01) -> Handlers:
        """A handler that notes when an effect starts, calls the model, and takes a while."""

        async def step(context: EffectContext) -> EffectResult:
            self.started.append((name, context.effect.id))
            await asyncio.sleep(wait())
            request = Request(alias="rehearsal", system="s", task="t", idempotency_key="-")
            reply = await context.calls.complete(request, agent="agt_1", purpose="test")
            return EffectResult(output={"text": reply.text})

        return {"step@1": step}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = House(tmp_path)
    yield made
    made.database.close()


async def test_of_two_runners_that_fight_for_a_run_one_has_it(house: House) -> None:
    for _ in range(5):
        run = await house.run()
        house.started.clear()
        one, two = house.runner("one", house.noting("one")), house.runner("two", house.noting("two"))
        outcome = await asyncio.gather(one.advance(run), two.advance(run))
        assert sorted(outcome) == [False, True]
        assert len(house.started) == 3 and len({name for name, _ in house.started}) == 1
        found = await house.store.get(Run, "wsp_1", run)
        assert found is not None and found.result == "succeeded" and found.usage.calls == 3


async def test_a_runner_that_froze_past_its_lease_can_neither_write_nor_start_an_effect(house: House) -> None:
    run = await house.run()
    frozen_for = iter([1.2])
    frozen = house.runner("frozen", house.noting("frozen", lambda: next(frozen_for, 0.0)), lease=0.5, beat=60)
    asleep = asyncio.create_task(frozen.advance(run))
    await asyncio.sleep(0.7)
    assert await house.runner("fresh", house.noting("fresh")).advance(run) is True
    calls = await house.store.calls("wsp_1", run)
    found = await house.store.get(Run, "wsp_1", run)
    assert await asleep is True
    assert house.started[0] == ("frozen", house.started[1][1]), "the effect is started again under the same id"
    assert [name for name, _ in house.started] == ["frozen", "fresh", "fresh", "fresh"]
    assert await house.store.calls("wsp_1", run) == calls, "it wrote nothing when it woke"
    assert await house.store.get(Run, "wsp_1", run) == found


async def test_a_failure_that_may_pass_is_tried_again_by_a_timer_that_is_a_row(house: House) -> None:
    run = await house.run()
    tries: list[str] = []

    async def step(context: EffectContext) -> EffectResult:
        tries.append(context.effect.id)
        if len(tries) == 1:
            raise ModelUnavailable("It is starting up.")
        return EffectResult()

    first = house.runner("first", {"step@1": step})
    assert await first.advance(run) is True
    waiting = await house.store.get(Run, "wsp_1", run)
    assert waiting is not None and waiting.phase == "waiting"
    assert await house.journal.next_due() is not None
    second = house.runner("second", {"step@1": step})
    dispatcher = InProcessDispatcher(journal=house.journal, live=house.live, clock=house.clock, advance=second.advance)
    await dispatcher.start()
    try:
        async with asyncio.timeout(5):
            while (found := await house.store.get(Run, "wsp_1", run)) is None or found.phase != "ended":
                await asyncio.sleep(0.02)
    finally:
        await dispatcher.stop(1)
    assert found.result == "succeeded" and len(tries) == 4


async def test_a_change_that_a_rule_refuses_fails_the_run_and_changes_nothing(house: House) -> None:
    run = await house.run()
    uow = house.unit()
    spec = TaskSpec(
        id="tsk_1",
        title="T",
        brief="b",
        assignee=Assignee(kind="core", id="agt_x"),
        expected=(Expected(kind="note", section="notes"),),
        criteria=(Criterion(text="c"),),
    )
    plan = Plan(
        project_id="prj_1", workspace_id="wsp_1", number=1, tasks=(spec,), made_by="agt_1", origin="o", created_at=NOW
    )
    await filing.adopt(uow, plan)
    await uow.commit()

    async def step(context: EffectContext) -> EffectResult:
        return EffectResult(changes=(MoveTask(task_id="tsk_1", to="done"),))

    await house.runner("one", {"step@1": step}).advance(run)
    found = await house.store.get(Run, "wsp_1", run)
    assert found is not None and found.result == "failed" and "cannot become done" in found.reason
    task = await house.store.get(Task, "wsp_1", "tsk_1")
    assert task is not None and task.state == "waiting"


async def test_cancelling_ends_a_call_under_way_at_once(house: House) -> None:
    run = await house.run()
    ended = asyncio.Event()

    async def step(context: EffectContext) -> EffectResult:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        return EffectResult()

    carrying = asyncio.create_task(house.runner("one", {"step@1": step}).advance(run))
    await asyncio.sleep(0.2)
    uow = house.unit()
    uow.signal(run, "cancel")
    await uow.commit()
    async with asyncio.timeout(5):
        await carrying
        await ended.wait()
    found = await house.store.get(Run, "wsp_1", run)
    assert found is not None and found.result == "cancelled"


RACE = AgentGraph.model_validate(
    {
        "name": "race@1",
        "start": "race",
        "nodes": {
            "race": {
                "type": "fan_out",
                "copies": 3,
                "join": "first",
                "do": {"type": "agent", "handler": "step@1"},
                "next": "end",
            },
            "end": {"type": "exit"},
        },
    }
)


async def test_the_slower_parts_of_a_race_are_called_off_and_what_they_reserved_counts_as_spent(house: House) -> None:
    run = await house.run(RACE)
    ended: list[int | None] = []

    async def step(context: EffectContext) -> EffectResult:
        request = Request(alias="rehearsal", system="s", task="t", idempotency_key="-")
        slow = context.effect.part != 1
        context.calls._llm = NeverLLM() if slow else RehearsalLLM()
        try:
            await asyncio.sleep(0 if slow else 0.1)
            await context.calls.complete(request, agent="agt_1", purpose="test")
        finally:
            ended.append(context.effect.part)
        return EffectResult(output={"part": context.effect.part})

    async with asyncio.timeout(10):
        await house.runner("one", {"step@1": step}).advance(run)
    found = await house.store.get(Run, "wsp_1", run)
    assert found is not None and found.result == "succeeded"
    assert sorted(map(str, ended)) == ["0", "1", "2"]
    calls = await house.store.calls("wsp_1", run)
    assert sorted(call.state for call in calls) == ["done", "failed", "failed"]
    assert {call.error for call in calls if call.state == "failed"} == {
        "It was called off: nobody waited for it any more."
    }
    uow = house.unit()
    project = await uow.get(Project, "prj_1")
    uow.put(replace(project, budget=Budget(calls=3)))
    await uow.commit()
    another = await house.run()
    await house.runner("two", house.noting("two")).advance(another)
    refused = await house.store.get(Run, "wsp_1", another)
    assert refused is not None and refused.phase == "waiting"
    assert [row.needs for row in await house.journal.parked(10)] == [("budget:project:prj_1:calls",)]


class NeverLLM(RehearsalLLM):
    """A model that takes its time."""

    async def complete(self, request: Request) -> Reply:
        await asyncio.sleep(60)
        return await super().complete(request)


async def test_many_runs_share_the_dispatcher_and_a_waiting_one_holds_no_place(house: House) -> None:
    runs = [await house.run() for _ in range(30)]
    runner = house.runner("one", house.noting("one"))
    dispatcher = InProcessDispatcher(
        journal=house.journal, live=house.live, clock=house.clock, advance=runner.advance, parallel=4
    )
    await dispatcher.start()
    try:
        async with asyncio.timeout(20):
            for run in runs:
                while (found := await house.store.get(Run, "wsp_1", run)) is None or found.phase != "ended":
                    await asyncio.sleep(0.01)
    finally:
        await dispatcher.stop(1)
    assert len(house.started) == 90
    assert await house.journal.ready(100) == []


class Overtaken(SqlJournal):
    """A run is cancelled between its claim and the moment when its runner hears of that."""

    def __init__(self, house: House) -> None:
        super().__init__(house.database)
        self._house = house

    async def claim(self, run_id: str, owner: str, seconds: float) -> Segment | None:
        found = await super().claim(run_id, owner, seconds)
        uow = self._house.unit()
        uow.signal(run_id, "cancel")
        await uow.commit()
        return found


async def test_a_signal_that_comes_while_a_run_is_claimed_is_taken_up_at_once(house: House) -> None:
    run = await house.run()

    async def step(context: EffectContext) -> EffectResult:
        await asyncio.sleep(60)
        return EffectResult()

    house.journal = Overtaken(house)
    async with asyncio.timeout(2):
        await house.runner("one", {"step@1": step}, beat=60).advance(run)
    found = await house.store.get(Run, "wsp_1", run)
    assert found is not None and found.result == "cancelled"


async def test_a_runner_does_not_take_a_run_that_it_has_in_hand(house: House) -> None:
    run = await house.run()
    runner = house.runner("one", house.noting("one"))
    assert list(await asyncio.gather(runner.advance(run), runner.advance(run))) == [True, False]
    assert len(house.started) == 3
