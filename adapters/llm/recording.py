"""All calls to models on a tape, and calls answered from one."""

from collections.abc import AsyncIterator

from adapters.llm.streams import opened
from adapters.llm.tape import Recorder, Tape
from domain.ports.llm import LLM, Delta, LLMError, ModelInfo, Reply, Request


class RecordingLLM(LLM):
    """Writes down what came of each call in the end, retries and other deployments left out. A call that was called
    off is not written."""

    def __init__(self, inner: LLM, recorder: Recorder) -> None:
        self._inner, self._recorder = inner, recorder

    async def complete(self, request: Request) -> Reply:
        try:
            reply = await self._inner.complete(request)
        except LLMError as error:
            self._recorder.failed(request, error)
            raise
        self._recorder.answered(request, reply)
        return reply

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        try:
            async with opened(self._inner, request) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Reply):
                        self._recorder.answered(request, piece)
                    yield piece
        except LLMError as error:
            self._recorder.failed(request, error)
            raise

    def describe(self, alias: str) -> ModelInfo:
        return self._inner.describe(alias)

    async def check(self, alias: str) -> None:
        await self._inner.check(alias)


class ReplayingLLM(LLM):
    """Asks no model. `described` says what stands behind an alias, as it was when the tape was made."""

    def __init__(self, described: LLM, tape: Tape) -> None:
        self._described, self._tape = described, tape

    async def complete(self, request: Request) -> Reply:
        return self._tape.next(request)

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        reply = self._tape.next(request)
        if reply.text:
            yield Delta(text=reply.text)
        yield reply

    def describe(self, alias: str) -> ModelInfo:
        return self._described.describe(alias)

    async def check(self, alias: str) -> None:
        """Nothing is asked."""
