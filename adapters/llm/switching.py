"""The language model that is configured now: a change takes effect with the next call."""

from collections.abc import AsyncIterator, Callable

from adapters.llm.streams import opened
from domain.ports.llm import LLM, Delta, ModelInfo, Reply, Request


class SwitchingLLM(LLM):
    """Asks `current` at each call which model stands there; a call in flight ends on the one it began with."""

    def __init__(self, current: Callable[[], LLM]) -> None:
        self._current = current

    async def complete(self, request: Request) -> Reply:
        return await self._current().complete(request)

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        async with opened(self._current(), request) as pieces:
            async for piece in pieces:
                yield piece

    def describe(self, alias: str) -> ModelInfo:
        return self._current().describe(alias)

    async def check(self, alias: str) -> None:
        await self._current().check(alias)
