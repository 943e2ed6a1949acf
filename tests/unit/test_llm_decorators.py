import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Any, cast

import pytest

from adapters.llm.limited import LimitedLLM
from adapters.llm.retrying import Patience, RetryingLLM, full_jitter
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

REQUEST = Request(alias="main", system="s", task="t", idempotency_key="k", deadline=60.0)
REPLY = Reply(text="done", model="tiny")
Step = LLMError | Reply | Delta


class ScriptedLLM(LLM):
    """Goes through one list of steps for each call; counts what runs. `pace` in seconds before each step."""

    def __init__(self, *calls: Sequence[Step], parallel: int = 1, pace: float = 0.0) -> None:
        self.calls = list(calls)
        self.parallel = parallel
        self.pace = pace
        self.requests: list[Request] = []
        self.running = self.most = self.closed = 0

    async def complete(self, request: Request) -> Reply:
        last = [piece async for piece in self.stream(request)][-1]
        assert isinstance(last, Reply)
        return last

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        self.requests.append(request)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            for step in self.calls.pop(0) if self.calls else [REPLY]:
                await asyncio.sleep(self.pace)
                if isinstance(step, LLMError):
                    raise step
                yield step
        finally:
            self.running -= 1
            self.closed += 1

    def describe(self, alias: str) -> ModelInfo:
        if alias not in ("main", "other"):
            raise ModelMissing(f"no alias {alias}")
        return ModelInfo(alias=alias, model="tiny", backend="box", context_tokens=8_192, parallel=self.parallel)

    async def check(self, alias: str) -> None:
        raise ModelUnavailable(f"{alias} is away")


class Time:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def monotonic(self) -> float:
        return self.now


def retrying(inner: LLM, time: Time, tries: int = 3) -> RetryingLLM:
    patience = Patience(tries=tries, first=1.0, longest=20.0)
    return RetryingLLM(inner, patience, time.sleep, lambda most: most, time.monotonic)


@pytest.fixture(params=("complete", "stream"))
def ask(request: pytest.FixtureRequest) -> Callable[[LLM, Request], Any]:
    async def whole(llm: LLM, asked: Request) -> Reply:
        return await llm.complete(asked)

    async def streamed(llm: LLM, asked: Request) -> Reply:
        return cast(Reply, [piece async for piece in llm.stream(asked)][-1])

    return whole if request.param == "complete" else streamed


Ask = Callable[[LLM, Request], Any]


async def test_what_may_pass_is_asked_again_with_growing_waits(ask: Ask) -> None:
    time, inner = Time(), ScriptedLLM([ModelUnavailable("a")], [ModelBusy("b")], [REPLY])
    assert await ask(retrying(inner, time), REQUEST) == REPLY
    assert time.slept == [1.0, 2.0]
    assert {request.idempotency_key for request in inner.requests} == {"k"}


async def test_after_the_last_try_the_error_comes_through(ask: Ask) -> None:
    time, inner = Time(), ScriptedLLM(*([ModelUnavailable(str(at))] for at in range(9)))
    with pytest.raises(ModelUnavailable, match="2"):
        await ask(retrying(inner, time), REQUEST)
    assert len(inner.requests) == 3


@pytest.mark.parametrize(
    "error", [ModelMissing, ModelDenied, RequestRefused, ContextTooLong, ReplyTooLong, ModelRepeats]
)
async def test_what_does_not_pass_is_asked_once(ask: Ask, error: type[LLMError]) -> None:
    time, inner = Time(), ScriptedLLM([error("no")])
    with pytest.raises(error):
        await ask(retrying(inner, time), REQUEST)
    assert len(inner.requests) == 1
    assert time.slept == []


async def test_an_error_that_was_billed_is_not_asked_again(ask: Ask) -> None:
    billed = ModelUnavailable("half a reply")
    billed.retryable = False
    inner = ScriptedLLM([billed])
    with pytest.raises(ModelUnavailable):
        await ask(retrying(inner, Time()), REQUEST)
    assert len(inner.requests) == 1


async def test_the_wait_that_a_backend_asks_for_is_honoured(ask: Ask) -> None:
    time, inner = Time(), ScriptedLLM([ModelBusy("later", retry_after=12.0)], [REPLY])
    await ask(retrying(inner, time), REQUEST)
    assert time.slept == [12.0]


async def test_a_wait_past_the_deadline_is_not_begun(ask: Ask) -> None:
    time, inner = Time(), ScriptedLLM([ModelBusy("later", retry_after=61.0)], [REPLY])
    with pytest.raises(ModelBusy):
        await ask(retrying(inner, time), REQUEST)
    assert time.slept == []


async def test_a_later_try_has_only_the_time_that_is_left(ask: Ask) -> None:
    time, inner = Time(), ScriptedLLM([ModelBusy("later", retry_after=45.0)], [REPLY])
    await ask(retrying(inner, time), REQUEST)
    assert [request.deadline for request in inner.requests] == [60.0, 15.0]


async def test_a_call_that_timed_out_is_asked_again_once(ask: Ask) -> None:
    inner = ScriptedLLM([ModelTimedOut("1")], [ModelTimedOut("2")], [REPLY])
    with pytest.raises(ModelTimedOut, match="2"):
        await ask(retrying(inner, Time()), REQUEST)


async def test_a_stream_that_has_begun_is_not_repeated() -> None:
    inner = ScriptedLLM([Delta(text="Ha"), ModelUnavailable("broke off")], [REPLY])
    seen: list[Delta | Reply] = []
    with pytest.raises(ModelUnavailable, match="broke off"):
        async for piece in retrying(inner, Time()).stream(REQUEST):
            seen.append(piece)
    assert seen == [Delta(text="Ha")]
    assert len(inner.requests) == 1


async def test_a_cancelled_wait_is_not_followed_by_a_try(ask: Ask) -> None:
    inner = ScriptedLLM([ModelBusy("later", retry_after=30.0)], [REPLY])
    task = asyncio.ensure_future(ask(RetryingLLM(inner), REQUEST))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(inner.requests) == 1


def test_more_than_five_tries_are_refused() -> None:
    with pytest.raises(ValueError, match="1 to 5"):
        Patience(tries=6)


def test_jitter_stays_between_nothing_and_the_most() -> None:
    assert all(0 <= full_jitter(3.0) <= 3.0 for _ in range(200))


@pytest.mark.parametrize("parallel", [1, 3])
async def test_no_more_calls_run_than_the_alias_allows(ask: Ask, parallel: int) -> None:
    inner = ScriptedLLM(parallel=parallel, pace=0.01)
    llm = LimitedLLM(inner)
    await asyncio.gather(*(ask(llm, REQUEST) for _ in range(9)))
    assert (inner.most, len(inner.requests)) == (parallel, 9)


async def test_aliases_do_not_wait_for_each_other() -> None:
    inner = ScriptedLLM(pace=0.01)
    llm = LimitedLLM(inner)
    other = Request(alias="other", system="s", task="t", idempotency_key="k2")
    await asyncio.gather(llm.complete(REQUEST), llm.complete(other))
    assert inner.most == 2


async def test_waiting_does_not_use_up_the_deadline() -> None:
    inner = ScriptedLLM(pace=0.05)
    llm = LimitedLLM(inner)
    await asyncio.gather(*(llm.complete(REQUEST) for _ in range(3)))
    assert {request.deadline for request in inner.requests} == {60.0}


async def test_a_cancelled_call_or_waiter_gives_its_place_back(ask: Ask) -> None:
    inner = ScriptedLLM(pace=5.0)
    llm = LimitedLLM(inner)
    tasks = [asyncio.ensure_future(ask(llm, REQUEST)) for _ in range(3)]
    await asyncio.sleep(0.02)
    for task in reversed(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    inner.pace = 0.0
    assert await asyncio.wait_for(ask(llm, REQUEST), 1.0) == REPLY
    assert inner.running == 0


async def test_a_failed_call_gives_its_place_back(ask: Ask) -> None:
    llm = LimitedLLM(ScriptedLLM([ModelDenied("no")]))
    with pytest.raises(ModelDenied):
        await ask(llm, REQUEST)
    assert await asyncio.wait_for(ask(llm, REQUEST), 1.0) == REPLY


@pytest.mark.parametrize("wrap", [LimitedLLM, RetryingLLM])
async def test_closing_the_outer_stream_closes_the_inner(wrap: Callable[[LLM], LLM]) -> None:
    inner = ScriptedLLM([Delta(text="a"), Delta(text="b"), REPLY])
    async with aclosing(cast(Any, wrap(inner).stream(REQUEST))) as stream:
        assert await anext(stream) == Delta(text="a")
    assert (inner.closed, inner.running) == (1, 0)


@pytest.mark.parametrize("wrap", [LimitedLLM, RetryingLLM])
async def test_descriptions_and_checks_pass_through(wrap: Callable[[LLM], LLM]) -> None:
    llm = wrap(ScriptedLLM())
    assert llm.describe("main").model == "tiny"
    with pytest.raises(ModelMissing):
        llm.describe("nobody")
    with pytest.raises(ModelUnavailable, match="main is away"):
        await llm.check("main")


async def test_an_unknown_alias_is_missing_before_anything_waits(ask: Ask) -> None:
    with pytest.raises(ModelMissing):
        await ask(LimitedLLM(ScriptedLLM()), Request(alias="x", system="s", task="t", idempotency_key="k"))
