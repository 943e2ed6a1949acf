"""Budgets at three levels: work that a cap stops waits in the inbox, and is told of once."""

import asyncio
import random
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.llm.rehearsal import RehearsalLLM
from adapters.store.audit import SqlAudit
from adapters.store.views import SqlStreams
from domain.agent_graph import Effect
from domain.budget import MEASURES, Budget, Cap
from domain.inbox import InboxItem
from domain.ports.llm import ModelInfo, Reply, Request
from domain.principal import Principal
from domain.project import Project
from domain.run import Limits, Run
from domain.workspace import Workspace
from services.budgets import Budgets
from services.desk import Command, Desk
from services.forms import Forms
from services.ports.store import Fence
from services.running.calls import Calls
from services.running.caps import Stopped
from services.running.parking import Parked, Parking
from services.staff import Staff
from services.work_orders import Answer, WorkOrders
from tests.integration.test_runners import NOW, House, house
from tests.stores import a_task

__all__ = ["house"]
ANN = Command(principal=Principal(id="usr_1", workspace_id="wsp_1"))


def desk(house: House) -> Desk:
    return Desk(store=house.store, content=house.content, clock=house.clock, live=house.live)


def budgets(house: House) -> Budgets:
    return Budgets(desk(house), Parking(house.journal, house.live))


def orders(house: House) -> WorkOrders:
    forms = Forms(desk(house), Staff(shipped={}, templates={}, forms={}))
    return WorkOrders(desk(house), house.journal, forms, budgets(house))


async def capped(house: House, **caps: int) -> None:
    """The project may use this in all."""
    uow = house.unit()
    uow.put(replace(await uow.get(Project, "prj_1"), budget=Budget(**caps)))
    await uow.commit()


async def items(house: House, state: str = "open") -> list[InboxItem]:
    return await house.store.find(InboxItem, "wsp_1", where={"state": state})


async def state(house: House, id: str) -> Run:
    run = await house.store.get(Run, "wsp_1", id)
    assert run is not None
    return run


async def test_work_that_a_cap_stops_waits_in_the_inbox_and_goes_on_once_it_is_raised(house: House) -> None:
    run = await house.run()
    await capped(house, calls=2)
    assert await house.runner("one", house.noting("one")).advance(run)
    [item] = await items(house)
    assert (await state(house, run)).phase == "waiting"
    assert item.kind == "budget" and item.for_user == "usr_1" and item.shortage is not None
    assert item.shortage.cap == Cap(level="project", id="prj_1", measure="calls", amount=2)
    assert (item.shortage.used, item.shortage.wanted, item.shortage.least) == (2, 1, 3)
    assert await house.journal.ready(10) == []
    await orders(house).answer(ANN, item.id, Answer(action="raise", cap=3))
    assert [row.run_id for row in await house.journal.ready(10)] == [run]
    assert await house.runner("two", house.noting("two")).advance(run)
    found = await state(house, run)
    assert found.result == "succeeded" and found.usage.calls == 3
    assert [call.state for call in await house.store.calls("wsp_1", run)] == ["done"] * 3
    assert await SqlAudit(house.database, house.content).check() == []


async def test_a_cap_is_asked_about_once_however_many_runs_it_stops(house: House) -> None:
    runs = [await house.run() for _ in range(5)]
    await capped(house, calls=0)
    await asyncio.gather(*(house.runner(id, house.noting(id)).advance(id) for id in runs))
    [item] = await items(house)
    assert {row.run_id for row in await house.journal.parked(10)} == set(runs)
    await orders(house).answer(ANN, item.id, Answer(action="raise", cap=4))
    for id in runs:
        await house.runner("later", house.noting("later")).advance(id)
    assert len(await items(house)) == 1 and (await items(house))[0].id != item.id
    assert (await house.store.spent("wsp_1", "project:prj_1")).calls == 4


async def test_work_ends_as_it_is_after_stop_and_nobody_is_asked_again(house: House) -> None:
    run = await house.run()
    await capped(house, calls=1)
    await house.runner("one", house.noting("one")).advance(run)
    [item] = await items(house)
    await orders(house).answer(ANN, item.id, Answer(action="stop"))
    await house.runner("one", house.noting("one")).advance(run)
    found = await state(house, run)
    assert found.result == "failed" and "you said to stop there" in found.reason
    another = await house.run()
    await house.runner("one", house.noting("one")).advance(another)
    assert (await state(house, another)).result == "failed" and await items(house) == []
    await capped(house, calls=2)
    third = await house.run()
    await house.runner("one", house.noting("one")).advance(third)
    assert (await state(house, third)).phase == "waiting" and len(await items(house)) == 1


async def test_a_raise_that_lets_nothing_through_is_refused(house: House) -> None:
    run = await house.run()
    await capped(house, calls=2)
    await house.runner("one", house.noting("one")).advance(run)
    [item] = await items(house)
    for cap in (None, 0, 2):
        with pytest.raises(Exception, match="at least 3 calls"):
            await orders(house).answer(ANN, item.id, Answer(action="raise", cap=cap))
    assert [found.id for found in await items(house)] == [item.id]


async def test_a_budget_that_is_widened_elsewhere_withdraws_the_question(house: House) -> None:
    run = await house.run()
    await budgets(house).set_workspace(ANN, Budget(calls=1))
    await house.runner("one", house.noting("one")).advance(run)
    [item] = await items(house)
    assert item.shortage is not None and item.shortage.cap.level == "workspace"
    await budgets(house).set_workspace(ANN, Budget(calls=1, money=5))
    assert len(await items(house)) == 1
    await budgets(house).set_workspace(ANN, Budget())
    assert await items(house) == [] and [row.run_id for row in await house.journal.ready(10)] == [run]
    await house.runner("one", house.noting("one")).advance(run)
    assert (await state(house, run)).result == "succeeded"


async def test_what_was_raised_before_a_crash_goes_on_after_it(house: House) -> None:
    """The cap, the answer and the work's being due are one commit."""
    run = await house.run()
    await capped(house, calls=1)
    await house.runner("one", house.noting("one")).advance(run)
    [item] = await items(house)
    uow = house.unit()
    answered = item.answered({"action": "raise"}, NOW)
    uow.put(answered)
    await budgets(house).answered(uow, answered, 9)
    await uow.commit()  # and nothing after it
    assert [row.run_id for row in await house.journal.ready(10)] == [run]


async def test_nearly_used_caps_are_told_of_once_at_each_level(house: House) -> None:
    run = await house.run()
    await capped(house, calls=4)
    await budgets(house).set_workspace(ANN, Budget(tokens=1_000_000, calls=5))
    await house.runner("one", house.noting("one")).advance(run)
    assert await warned(house) == []
    another = await house.run()
    await house.runner("one", house.noting("one")).advance(another)
    assert await warned(house) == [("workspace", "calls", 5), ("project", "calls", 4)]
    await capped(house, calls=5)
    await house.runner("one", house.noting("one")).advance(another)
    assert await warned(house) == [("workspace", "calls", 5), ("project", "calls", 4), ("project", "calls", 5)]


async def warned(house: House) -> list[tuple[str, str, int]]:
    found = await SqlStreams(house.database).since("wsp_1", "prj_1", 0, 1000)
    data = [one.event.data for one in found if one.event.type == "budget.warned"]
    return [(str(each["level"]), str(each["measure"]), int(str(each["cap"]))) for each in data]


class Priced(RehearsalLLM):
    """Costs what it is told to, and uses up to what was reserved; `fails` now and then."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def describe(self, alias: str) -> ModelInfo:
        return replace(super().describe(alias), input_price=2_000_000, output_price=8_000_000)

    async def complete(self, request: Request) -> Reply:
        await asyncio.sleep(self.chance.random() / 500)
        reply = await super().complete(request)
        used, seconds = self.chance.randint(0, request.max_output_tokens), self.chance.choice([0, 0.4, 1.7])
        return replace(reply, input_tokens=1, output_tokens=used, money=2 + 8 * used, seconds=seconds)


@st.composite
def caps(draw: st.DrawFn) -> Budget:
    return Budget(
        calls=draw(st.none() | st.integers(0, 12)),
        money=draw(st.none() | st.integers(0, 5_000)),
        tokens=draw(st.none() | st.integers(0, 600)),
        seconds=draw(st.none() | st.integers(0, 12)),
    )


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.tuples(caps(), caps(), caps()), st.integers(2, 8), st.integers(0, 2**32))
def test_no_cap_is_passed_by_more_than_what_was_in_flight(
    limits: tuple[Budget, Budget, Budget], many: int, seed: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(spend(Path(folder), limits, many, random.Random(seed)))


async def spend(folder: Path, limits: tuple[Budget, Budget, Budget], many: int, chance: random.Random) -> None:
    """`many` effects at once, of two tasks, each with calls of any size, until caps stop them."""
    house = House(folder)
    try:
        await house.run()
        uow = house.unit()
        uow.put(Workspace(id="wsp_1", workspace_id="wsp_1", budget=limits[0]))
        uow.put(replace(await uow.get(Project, "prj_1"), budget=limits[1]))
        for id in ("tsk_1", "tsk_2"):
            uow.put(replace(a_task(id, "wsp_1"), budget=limits[2]))
        await uow.commit()
        await asyncio.gather(*(effect(house, number, chance) for number in range(many)))
        assert await SqlAudit(house.database, house.content).check() == []
        scopes = {"workspace:wsp_1": limits[0], "project:prj_1": limits[1]}
        scopes |= {f"task:{id}": limits[2] for id in ("tsk_1", "tsk_2")}
        counters = await house.store.counters("wsp_1", list(scopes))
        for counter in counters:
            assert counter.reserved == 0
            cap = {name: scopes[counter.scope].cap(name) for name in MEASURES}
            most = next(cap[name] for name in MEASURES if name == counter.name)
            # a reservation covers calls, money and tokens; how long a model works is known only afterwards
            over = many * 2 if counter.name == "seconds" else 0
            assert most is None or counter.spent <= most + over
        opened = [item.needs for item in await items(house)]
        assert len(opened) == len(set(opened))
    finally:
        house.database.close()


async def effect(house: House, number: int, chance: random.Random) -> None:
    uow = house.unit()
    found = await state(house, (await house.run()))
    task = chance.choice(["tsk_1", "tsk_2", None])
    uow.put(replace(found, task_id=task, version=found.version))
    await uow.commit()
    run = replace(found, task_id=task, version=found.version + 1)
    segment = await house.journal.claim(run.id, f"owner {number}", 60)
    assert segment is not None
    calls = Calls(
        run,
        Effect(id="1/0", node="a", handler="step@1", at=NOW, remaining=Limits(calls=None)),
        Fence(run_id=run.id, epoch=segment.claim.epoch),
        llm=Priced(chance),
        store=house.store,
        journal=house.journal,
        content=house.content,
        clock=house.clock,
        live=house.live,
    )
    for _ in range(4):
        request = Request(
            alias="rehearsal", system="s", task="t", idempotency_key="-", max_output_tokens=chance.randint(1, 120)
        )
        try:
            await calls.complete(request, agent="agt_1", purpose="test")
        except (Parked, Stopped):
            return
