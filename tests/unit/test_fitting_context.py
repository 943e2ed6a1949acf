"""What does not fit a model's context is left out in order, and said."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.llm.fitting import FittingLLM, Ratio
from domain.ports.llm import LLM, ContextTooLong, Delta, ModelInfo, Passage, Reply, Request, render
from domain.tokens import estimated_tokens

CONTEXT, REPLY = 2_000, 500


class Counting(LLM):
    """Counts `density` tokens for each of our estimated ones, and refuses what passes `real` with the reply."""

    def __init__(self, density: float = 1.0, real: int = CONTEXT) -> None:
        self.density, self.real = density, real
        self.asked: list[Request] = []

    async def complete(self, request: Request) -> Reply:
        self.asked.append(request)
        counted = int(sum(estimated_tokens(m["content"]) + 8 for m in render(request)) * self.density)
        if counted + request.max_output_tokens > self.real:
            raise ContextTooLong("too long")
        return Reply(text="done", model="tiny", input_tokens=counted)

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        reply = await self.complete(request)
        yield Delta(text="done")
        yield reply

    def describe(self, alias: str) -> ModelInfo:
        return ModelInfo(alias=alias, model="tiny", backend="box", context_tokens=CONTEXT)

    async def check(self, alias: str) -> None:
        self.describe(alias)


def passage(name: str, tokens: int, rank: int = 0) -> Passage:
    return Passage(label=name, text="abc" * tokens, source=f"art_{name}", title=name, rank=rank)


def request(*passages: Passage, task: str = "Do it.") -> Request:
    return Request(alias="main", system="s", task=task, idempotency_key="k", passages=passages, max_output_tokens=REPLY)


async def test_what_fits_is_sent_whole() -> None:
    inner = Counting()
    reply = await FittingLLM(inner).complete(request(passage("a", 300), passage("b", 300, rank=9)))
    assert reply.left_out == () and len(inner.asked[0].passages) == 2


async def test_the_highest_rank_goes_first_and_among_equals_the_last() -> None:
    inner = Counting()
    given_ = request(passage("a", 500), passage("b", 500, rank=1), passage("c", 500, rank=2), passage("d", 500, rank=2))
    reply = await FittingLLM(inner).complete(given_)
    assert reply.left_out == ("d", "c")
    assert [each.title for each in inner.asked[0].passages] == ["a", "b"]
    assert len(inner.asked) == 1


async def test_a_stream_says_it_too() -> None:
    llm = FittingLLM(Counting())
    pieces = [piece async for piece in llm.stream(request(passage("a", 900), passage("b", 900)))]
    assert isinstance(pieces[-1], Reply) and pieces[-1].left_out == ("b",)


async def test_what_people_say_is_never_left_out() -> None:
    inner = Counting()
    told = Passage(label="R", text="abc" * 2_000, source="", trust="instruction")
    with pytest.raises(ContextTooLong, match=r"about 2,\d\d\d tokens.* room for 1,500 beside a reply of 500"):
        await FittingLLM(inner).complete(request(told, passage("a", 100)))
    assert inner.asked == []


async def test_a_prompt_that_the_backend_refuses_is_asked_with_less() -> None:
    inner = Counting(density=1.5)
    reply = await FittingLLM(inner).complete(request(*(passage(name, 250) for name in "abcde")))
    assert reply.left_out and len(inner.asked) <= 3


async def test_a_backend_that_refuses_everything_is_asked_three_times_at_most() -> None:
    inner = Counting(real=600)
    with pytest.raises(ContextTooLong, match="too long"):
        await FittingLLM(inner).complete(request(*(passage(name, 250) for name in "abcde")))
    assert len(inner.asked) == 3


async def test_a_model_that_counts_more_is_known_after_one_reply() -> None:
    inner = Counting(density=1.4)
    llm = FittingLLM(inner)
    await llm.complete(request(passage("a", 600)))
    inner.asked.clear()
    reply = await llm.complete(request(*(passage(name, 250) for name in "abcde")))
    assert reply.left_out and len(inner.asked) == 1


@given(st.lists(st.tuples(st.integers(200, 10_000), st.integers(0, 50_000)), max_size=30))
def test_a_ratio_stays_within_bounds_whatever_is_counted(seen: list[tuple[int, int]]) -> None:
    ratio = Ratio()
    for estimated, counted in seen:
        ratio.learn(estimated, counted)
        assert 0.4 < ratio.value < 4.2
