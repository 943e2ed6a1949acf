"""Language models behind LiteLLM: the LLM port over the backends of `models.yaml`."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any

from adapters.llm import loading
from adapters.llm.asking import arguments
from adapters.llm.clouds import Clouds
from adapters.llm.configuration import Models
from adapters.llm.drafts import LIMIT, Draft, Refused
from adapters.llm.faults import Target, Trace, fault, made, seen_on
from adapters.llm.presence import look
from adapters.llm.streams import opened
from adapters.llm.targets import Targets
from adapters.llm.thinking import veil
from adapters.llm.wire import Wire
from domain.ports.llm import (
    LLM,
    Delta,
    LLMError,
    ModelInfo,
    ModelTimedOut,
    ModelUnavailable,
    Reply,
    Request,
)

WHOLE = 4
STREAMED = 256
"""Bytes on the wire for a byte of reply at most: escapes in a whole reply, a frame around each token in a stream."""

NOTICING_LATE = ("llama.cpp", "llamafile")
"""Kinds whose servers notice only while they stream that the caller went away: they would write a whole reply to its
end, and keep its place taken as long."""

END = re.compile(rb'"done"\s*:\s*true|"finish_?[rR]eason"\s*:\s*"|(?:^|\n)data: ?\[DONE\]|"type"\s*:\s*"message_stop"')
"""What a backend ends a stream with. LiteLLM does not tell: it makes up an end where a stream just stops. None of it
can come from the reply's text, where quotes and newlines are escaped."""


class ProviderLLM(LLM):
    """Each call has a connection of its own, closed when the call ends in whatever way. Nothing is retried here.
    The deadline runs from the first byte sent; the import of LiteLLM before the first call does not count."""

    def __init__(self, models: Models, environ: Mapping[str, str], reply_limit: int = LIMIT) -> None:
        self._models = models
        self._targets = Targets(models, environ)
        self._clouds = Clouds()
        self._limit = reply_limit

    async def warm(self) -> None:
        """Imports LiteLLM, which takes 5 to 18 seconds; start it as a task where the first call must be fast."""
        await loading.litellm()

    def describe(self, alias: str) -> ModelInfo:
        """Of an alias, or of one of its deployments by key."""
        return self._targets.describe(alias)

    async def check(self, alias: str) -> None:
        target = self._targets.of(alias)
        await look(target, self._targets.key(target), timeout=10.0)

    async def complete(self, request: Request) -> Reply:
        if self._targets.of(request.alias).kind in NOTICING_LATE:
            return await self._streamed(request)
        call = await self._call(request, streamed=False)
        try:
            async with asyncio.timeout(request.deadline):
                return await call.whole()
        except Exception as error:
            raise call.fault(error) from None

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        call = await self._call(request, streamed=True)
        try:
            async with AsyncExitStack() as stack:
                await call.open(stack)
                while (text := await call.next()) is not None:
                    if text:
                        yield Delta(text=text)
                yield call.reply()
        except Exception as error:
            raise call.fault(error) from None

    async def _streamed(self, request: Request) -> Reply:
        async with opened(self, request) as pieces:
            *_, last = [piece async for piece in pieces]
        assert isinstance(last, Reply)
        return last

    async def _call(self, request: Request, streamed: bool) -> "_Call":
        target = self._targets.of(request.alias)
        key = self._targets.key(target)
        library = await loading.litellm()
        request = await self._clouds.pass_by(request, target, key)
        deployment = self._models.deployments[request.alias]
        backend = self._models.backends[deployment.backend]
        if backend.kind == "ollama":
            loading.know(library, deployment.model)
        asked = arguments(request, deployment, backend, key or "none")
        info = self.describe(request.alias)
        limit = self._limit * (STREAMED if streamed else WHOLE)
        wire = Wire(backend.base_url, limit, veil if backend.kind == "ollama" else None, backend.ca_file)
        return _Call(library, asked, wire, target, info, Draft(self._limit))


class _Call:
    """One request on its way."""

    def __init__(
        self, library: Any, asked: dict[str, Any], wire: Wire, target: Target, info: ModelInfo, draft: Draft
    ) -> None:
        self._library = library
        self._asked = asked
        self._wire = wire
        self._target = target
        self._info = info
        self._draft = draft
        self._begun = time.monotonic()
        self._end = 0.0
        self._chunks: Any = None

    async def whole(self) -> Reply:
        async with AsyncExitStack() as stack:
            self._draft.whole(await self._send(stack))
        return self.reply()

    async def open(self, stack: AsyncExitStack) -> None:
        """Sends the request; the stack ends it."""
        self._end = asyncio.get_running_loop().time() + self._asked["timeout"]
        self._asked |= {"stream": True, "stream_options": {"include_usage": True}}
        async with asyncio.timeout_at(self._end):
            self._chunks = aiter(await self._send(stack))

    async def next(self) -> str | None:
        """The answer's next piece, perhaps empty; None after the last."""
        if self._chunks is None:
            return None
        try:
            async with asyncio.timeout_at(self._end):
                return self._draft.chunk(await anext(self._chunks))
        except StopAsyncIteration:
            self._chunks = None
            return self._draft.end()

    def reply(self) -> Reply:
        if self._asked.get("stream") and not END.search(self._wire.tail):
            raise Refused(ModelUnavailable, "ended before the reply was complete")
        return self._draft.reply(self._info, time.monotonic() - self._begun)

    def fault(self, error: Exception) -> LLMError:
        trace = seen_on(self._wire)
        if isinstance(error, Refused):
            error = _refusal(error, self._target, trace)
        if isinstance(error, TimeoutError):
            error = made(ModelTimedOut, self._target, Trace())
        return fault(error, self._target, trace)

    async def _send(self, stack: AsyncExitStack) -> Any:
        client = await stack.enter_async_context(self._wire.client(self._asked["timeout"]))
        return await self._library.acompletion(**self._asked, client=self._client(client))

    def _client(self, client: Any) -> Any:
        """Our client in the wrapping that LiteLLM's two ways of sending ask for."""
        if self._target.kind in ("ollama", "vllm", "litellm"):
            handler = self._library.AsyncHTTPHandler(transport=self._wire, follow_redirects=False)
            handler.client = client
            return handler
        return self._library.AsyncOpenAI(
            api_key=self._asked["api_key"],
            base_url=self._asked["api_base"],
            http_client=client,
            max_retries=0,
        )


def _refusal(error: Refused, target: Target, trace: Trace) -> LLMError:
    if error.kind is ModelUnavailable:
        found: LLMError = ModelUnavailable(f"The {target} {error}; try again or use another model.")
        found.retryable = not target.priced
        return found
    return made(error.kind, target, trace)
