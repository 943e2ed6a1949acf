"""Effects that wait for something outside of their run: the run is a row meanwhile, and goes on where it was."""

import asyncio
from pathlib import Path

from domain.agent_graph import AgentGraph, AgentNode, ExitNode, FanOutNode
from domain.ports.llm import Request
from domain.run import Run
from services.running.effects import EffectContext, EffectResult, Handlers, Parked
from services.running.parking import Parking
from tests.integration.test_runners import House, house

__all__ = ["house"]

WIDE = AgentGraph(
    name="wide@1",
    start="all",
    nodes=(
        FanOutNode(id="all", copies=3, do=AgentNode(id="one", handler="step@1", next="end"), next="end"),
        ExitNode(id="end"),
    ),
)


class Gate:
    """Lets effects of a node through once it is open, after their first call."""

    def __init__(self, house: House, closed: str) -> None:
        self.house, self.closed = house, {closed}
        self.calls: list[str] = []
        self.met: list[str] = []

    def handlers(self) -> Handlers:
        async def step(context: EffectContext) -> EffectResult:
            request = Request(alias="rehearsal", system="s", task="t", idempotency_key="-")
            before = await context.calls.complete(request, agent="agt_1", purpose="test")
            node = context.effect.node if context.effect.part is None else f"part {context.effect.part}"
            self.met.append(node)
            if node in self.closed:
                raise Parked(f"gate:{node}")
            self.calls.append(node)
            return EffectResult(output={"text": before.text})

        return {"step@1": step}


async def state(house: House, id: str) -> Run:
    run = await house.store.get(Run, "wsp_1", id)
    assert run is not None
    return run


async def test_a_run_whose_work_waits_is_a_row_and_goes_on_where_it_was(house: House) -> None:
    gate, id = Gate(house, "b"), await house.run()
    runner = house.runner("one", gate.handlers())
    assert await asyncio.wait_for(runner.advance(id), 10)
    assert [row.needs for row in await house.journal.parked(10)] == [("gate:b",)]
    assert await house.journal.ready(10) == []
    gate.closed.clear()
    await Parking(house.journal, house.live).free("gate:b")
    assert [row.run_id for row in await house.journal.ready(10)] == [id]
    assert await house.runner("another", gate.handlers()).advance(id)
    assert (await state(house, id)).result == "succeeded" and gate.calls == ["a", "b", "c"]


async def test_calls_before_the_wait_are_not_made_again(house: House) -> None:
    gate, id = Gate(house, "b"), await house.run()
    await house.runner("one", gate.handlers()).advance(id)
    gate.closed.clear()
    await Parking(house.journal, house.live).free("gate:b")
    await house.runner("one", gate.handlers()).advance(id)
    calls = await house.store.calls("wsp_1", id)
    assert [call.state for call in calls] == ["done"] * 3
    assert (await state(house, id)).usage.calls == 3


async def test_what_comes_free_while_a_run_is_being_parked_is_not_missed(house: House) -> None:
    """However the two fall together, the run is ready afterwards, or has gone on by itself."""
    for turns in range(0, 60, 3):
        gate, id = Gate(house, "a"), await house.run()
        advancing = asyncio.create_task(house.runner("one", gate.handlers()).advance(id))
        while "a" not in gate.met:
            await asyncio.sleep(0)
        for _ in range(turns):
            await asyncio.sleep(0.0005)
        gate.closed.clear()
        await Parking(house.journal, house.live).free("gate:a")
        await advancing
        ready = [row.run_id for row in await house.journal.ready(100)]
        assert id in ready or (await state(house, id)).result == "succeeded"


async def test_parts_that_need_nothing_end_while_another_waits(house: House) -> None:
    gate, id = Gate(house, "part 1"), await house.run(WIDE)
    await house.runner("one", gate.handlers()).advance(id)
    assert sorted(gate.calls) == ["part 0", "part 2"]
    assert [row.needs for row in await house.journal.parked(10)] == [("gate:part 1",)]
    gate.closed.clear()
    await Parking(house.journal, house.live).free("gate:part 1")
    await house.runner("one", gate.handlers()).advance(id)
    assert sorted(gate.calls) == ["part 0", "part 1", "part 2"]
    assert (await state(house, id)).result == "succeeded"


async def test_a_parked_run_can_be_cancelled(house: House) -> None:
    gate, id = Gate(house, "b"), await house.run()
    runner = house.runner("one", gate.handlers())
    await runner.advance(id)
    uow = house.unit()
    uow.signal(id, "cancel")
    await uow.commit()
    await runner.advance(id)
    assert (await state(house, id)).result == "cancelled"
    assert await house.journal.parked(10) == []


async def test_a_new_process_finds_what_was_parked(house: House, tmp_path: Path) -> None:
    gate, id = Gate(house, "a"), await house.run()
    await house.runner("one", gate.handlers()).advance(id)
    again = House(tmp_path)
    try:
        assert [row.run_id for row in await again.journal.parked(10)] == [id]
        gate.closed.clear()
        await Parking(again.journal, again.live).free("gate:a")
        await again.runner("two", gate.handlers()).advance(id)
        assert (await state(again, id)).result == "succeeded"
    finally:
        again.database.close()
