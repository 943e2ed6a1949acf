"""The same question gets the reply that it got before, and costs nothing."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from adapters.llm.kept import KeptReplies
from adapters.llm.streams import opened
from adapters.llm.tape import asked
from domain.ids import digest_of
from domain.ports.llm import LLM, Delta, ModelInfo, Reply, Request


class CachingLLM(LLM):
    """Keeps replies where `keeps` says so: by all of the request that decides on the reply and by `identity` of the
    deployment that gives it, for the workspace of the request only. A request of no workspace is always asked, and a
    reply that was cut off is not kept. What is given again is marked `cached` and has no tokens, money or time."""

    def __init__(
        self, inner: LLM, kept: KeptReplies, keeps: Callable[[Request], bool], identity: Callable[[str], str]
    ) -> None:
        self._inner, self._kept, self._keeps, self._identity = inner, kept, keeps, identity

    async def complete(self, request: Request) -> Reply:
        if not self._wanted(request):
            return await self._inner.complete(request)
        key = self._key(request)
        if (found := await self._found(request, key)) is not None:
            return found
        reply = await self._inner.complete(request)
        await self._keep(request, key, reply)
        return reply

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        key = self._key(request) if self._wanted(request) else ""
        if key and (found := await self._found(request, key)) is not None:
            if found.text:
                yield Delta(text=found.text)
            yield found
            return
        async with opened(self._inner, request) as pieces:
            async for piece in pieces:
                if key and isinstance(piece, Reply):
                    await self._keep(request, key, piece)
                yield piece

    def describe(self, alias: str) -> ModelInfo:
        return self._inner.describe(alias)

    async def check(self, alias: str) -> None:
        await self._inner.check(alias)

    def _wanted(self, request: Request) -> bool:
        return bool(request.workspace_id) and self._keeps(request)

    def _key(self, request: Request) -> str:
        entry = {**asked(request), "deployment": self._identity(request.alias)}
        return digest_of(json.dumps(entry, sort_keys=True, ensure_ascii=False).encode(errors="replace"))

    async def _found(self, request: Request, key: str) -> Reply | None:
        found = await asyncio.to_thread(self._kept.get, request.workspace_id, key)
        if found is None:
            return None
        return replace(found, cached=True, input_tokens=0, output_tokens=0, money=0, seconds=0)

    async def _keep(self, request: Request, key: str, reply: Reply) -> None:
        if reply.finish != "length":
            await asyncio.to_thread(self._kept.put, request.workspace_id, key, reply)
