"""The two ways of asking a model, for tests of what stands around one."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from domain.ports.llm import LLM, Delta, Reply, Request


@pytest.fixture(params=("complete", "stream"))
def ask(request: pytest.FixtureRequest) -> Callable[[LLM, Request], Any]:
    async def whole(llm: LLM, asked: Request) -> Reply:
        return await llm.complete(asked)

    async def streamed(llm: LLM, asked: Request) -> Reply:
        *deltas, last = [piece async for piece in llm.stream(asked)]
        assert "".join(cast(Delta, piece).text for piece in deltas) == cast(Reply, last).text
        return cast(Reply, last)

    return whole if request.param == "complete" else streamed


Ask = Callable[[LLM, Request], Any]
