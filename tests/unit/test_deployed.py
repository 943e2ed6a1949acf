"""An alias with several deployments, and what stands in for it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from adapters.llm.deployed import DeployedLLM
from domain.ports.llm import (
    LLM,
    ContextTooLong,
    Delta,
    LLMError,
    ModelBusy,
    ModelDenied,
    ModelInfo,
    ModelMissing,
    ModelRepeats,
    ModelTimedOut,
    ModelUnavailable,
    Reply,
    ReplyTooLong,
    Request,
    RequestRefused,
)

CHAINS = {"main": (("main/1", "main/2"), ("spare",)), "alone": (("alone",),)}
REQUEST = Request(alias="main", system="s", task="t", idempotency_key="k", deadline=60.0)


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Machines(LLM):
    """Each deployment gives what `faults` holds for it, else an answer with its name. `gate` holds answers back."""

    def __init__(self, parallel: int = 1) -> None:
        self.faults: dict[str, LLMError] = {}
        self.asked: list[str] = []
        self.deadlines: list[float] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.begins: set[str] = set()
        self.parallel = parallel

    async def complete(self, request: Request) -> Reply:
        self.asked.append(request.alias)
        self.deadlines.append(request.deadline)
        await self.gate.wait()
        if request.alias in self.faults:
            raise self.faults[request.alias]
        return Reply(text=request.alias, model="tiny")

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        if request.alias in self.begins:
            yield Delta(text="half")
        yield await self.complete(request)

    def describe(self, alias: str) -> ModelInfo:
        if alias not in {"main", "main/1", "main/2", "spare", "alone"}:
            raise ModelMissing(f"No alias '{alias}' is configured.")
        return ModelInfo(alias=alias, model="tiny", backend="box", context_tokens=8_192, parallel=self.parallel)

    async def check(self, alias: str) -> None:
        self.asked.append(alias)
        if alias in self.faults:
            raise self.faults[alias]


class House:
    def __init__(self) -> None:
        self.machines, self.clock = Machines(), Clock()
        self.llm = DeployedLLM(self.machines, CHAINS.__getitem__, self.clock)

    async def ask(self, alias: str = "main") -> str:
        return (await self.llm.complete(Request(alias=alias, system="s", task="t", idempotency_key="k"))).text


async def test_the_least_busy_deployment_is_asked() -> None:
    house = House()
    house.machines.gate.clear()
    calls = [asyncio.create_task(house.ask()) for _ in range(4)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    house.machines.gate.set()
    assert sorted(await asyncio.gather(*calls)) == ["main/1", "main/1", "main/2", "main/2"]


@pytest.mark.parametrize(
    "error", [ModelUnavailable("down"), ModelBusy("busy"), ModelTimedOut("slow"), ModelMissing("-")]
)
async def test_one_that_is_down_is_left_for_the_next(error: LLMError) -> None:
    house = House()
    house.machines.faults["main/1"] = error
    assert await house.ask() == "main/2"
    house.machines.faults["main/2"] = error
    assert await house.ask() == "spare"


@pytest.mark.parametrize(
    "error",
    [ModelDenied("key"), RequestRefused("bad"), ReplyTooLong("long"), ModelRepeats("again"), ContextTooLong("big")],
)
async def test_what_would_be_the_same_elsewhere_is_an_error_at_once(error: LLMError) -> None:
    house = House()
    house.machines.faults["main/1"] = error
    with pytest.raises(type(error)):
        await house.ask()
    assert house.machines.asked == ["main/1"]


async def test_what_may_have_been_billed_is_not_asked_elsewhere() -> None:
    house = House()
    paid = ModelUnavailable("broke off")
    paid.retryable = False
    house.machines.faults["main/1"] = paid
    with pytest.raises(ModelUnavailable, match="broke off"):
        await house.ask()
    assert house.machines.asked == ["main/1"]


async def test_the_first_error_is_told_when_nothing_answers() -> None:
    house = House()
    house.machines.faults = {key: ModelUnavailable(f"{key} is down") for key in ("main/1", "main/2", "spare")}
    with pytest.raises(ModelUnavailable, match="main/1 is down"):
        await house.ask()
    assert house.machines.asked == ["main/1", "main/2", "spare"]


async def test_a_stream_that_began_is_not_begun_again_elsewhere() -> None:
    house = House()
    house.machines.begins.add("main/1")
    house.machines.faults["main/1"] = ModelUnavailable("broke off")
    pieces: list[Delta | Reply] = []
    with pytest.raises(ModelUnavailable):
        async for piece in house.llm.stream(REQUEST):
            pieces.append(piece)
    assert house.machines.asked == ["main/1"]
    assert pieces == [Delta(text="half")]


async def test_three_failures_open_the_breaker_and_two_good_calls_close_it() -> None:
    house = House()
    house.machines.faults["alone"] = ModelUnavailable("down")
    for _ in range(3):
        with pytest.raises(ModelUnavailable, match="down"):
            await house.ask("alone")
    with pytest.raises(ModelUnavailable, match="left alone for 60 more seconds"):
        await house.ask("alone")
    assert len(house.machines.asked) == 3

    house.clock.now += 61
    with pytest.raises(ModelUnavailable, match="down"):
        await house.ask("alone")
    with pytest.raises(ModelUnavailable, match="left alone"):
        await house.ask("alone")

    house.clock.now += 61
    del house.machines.faults["alone"]
    assert await house.ask("alone") == "alone"
    house.machines.faults["alone"] = ModelUnavailable("down")
    with pytest.raises(ModelUnavailable, match="down"):
        await house.ask("alone")
    with pytest.raises(ModelUnavailable, match="left alone"):
        await house.ask("alone")

    house.clock.now += 61
    del house.machines.faults["alone"]
    assert [await house.ask("alone") for _ in range(2)] == ["alone", "alone"]
    house.machines.faults["alone"] = ModelUnavailable("down")
    for _ in range(3):
        with pytest.raises(ModelUnavailable, match="down"):
            await house.ask("alone")


async def test_a_deployment_that_rests_is_tried_by_one_call_at_a_time() -> None:
    house = House()
    house.machines.faults["alone"] = ModelUnavailable("down")
    for _ in range(3):
        with pytest.raises(ModelUnavailable):
            await house.ask("alone")
    house.clock.now += 61
    house.machines.gate.clear()
    first = asyncio.create_task(house.ask("alone"))
    await asyncio.sleep(0)
    with pytest.raises(ModelUnavailable, match="left alone"):
        await house.ask("alone")
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    house.machines.gate.set()
    del house.machines.faults["alone"]
    assert await house.ask("alone") == "alone"


async def test_a_refusal_says_nothing_about_the_deployment() -> None:
    house = House()
    house.machines.faults["alone"] = RequestRefused("bad")
    for _ in range(6):
        with pytest.raises(RequestRefused):
            await house.ask("alone")


async def test_the_deadline_covers_all_that_are_asked() -> None:
    house = House()
    house.machines.faults["main/1"] = ModelTimedOut("slow")
    begun = house.clock.now

    async def slow(request: Request) -> Reply:
        house.clock.now += 45
        return await Machines.complete(house.machines, request)

    house.machines.complete = slow  # type: ignore[method-assign]
    assert (await house.llm.complete(REQUEST)).text == "main/2"
    assert house.machines.deadlines == [60.0, 15.0] and house.clock.now == begun + 90


async def test_an_alias_is_there_when_one_of_its_deployments_is() -> None:
    house = House()
    house.machines.faults["main/1"] = ModelUnavailable("down")
    await house.llm.check("main")
    house.machines.faults["main/2"] = ModelUnavailable("down too")
    with pytest.raises(ModelUnavailable, match=r"^down$"):
        await house.llm.check("main")
    with pytest.raises(ModelMissing, match="nobody"):
        await house.llm.check("nobody")
