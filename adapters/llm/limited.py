"""At most so many calls at a time for an alias, because a local model serves no more without slowing them all."""

import asyncio
from collections.abc import AsyncIterator

from adapters.llm.streams import opened
from domain.ports.llm import LLM, Delta, ModelInfo, Reply, Request


class LimitedLLM(LLM):
    """`describe(alias).parallel` calls run, the others wait in the order they came. Waiting does not count to a
    request's deadline, so this goes outside of RetryingLLM. A cancelled call gives its place back at once. `places` are
    those that are there already, by alias."""

    def __init__(self, inner: LLM, places: dict[str, asyncio.Semaphore] | None = None) -> None:
        self._inner = inner
        self._places = {} if places is None else places

    async def complete(self, request: Request) -> Reply:
        async with self._place(request.alias):
            return await self._inner.complete(request)

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        async with self._place(request.alias), opened(self._inner, request) as pieces:
            async for piece in pieces:
                yield piece

    def describe(self, alias: str) -> ModelInfo:
        return self._inner.describe(alias)

    async def check(self, alias: str) -> None:
        await self._inner.check(alias)

    def _place(self, alias: str) -> asyncio.Semaphore:
        if alias not in self._places:
            self._places[alias] = asyncio.Semaphore(self._inner.describe(alias).parallel)
        return self._places[alias]
