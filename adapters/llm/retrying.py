"""Asks again after errors that may pass."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

from adapters.llm.streams import opened
from domain.ports.llm import LLM, Delta, LLMError, ModelBusy, ModelInfo, ModelTimedOut, Reply, Request

Sleep = Callable[[float], Awaitable[None]]
Jitter = Callable[[float], float]
Monotonic = Callable[[], float]

MOST_TRIES = 5


def full_jitter(most: float) -> float:
    """A wait between nothing and `most` seconds, evenly spread, so that callers do not come back in step."""
    return random.uniform(0, most)  # noqa: S311


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How often and how slowly. Waits are up to `first`, then twice that and so on, `longest` at most, in seconds;
    `timeouts` is how many calls that timed out are asked again."""

    tries: int = 3
    first: float = 1.0
    longest: float = 20.0
    timeouts: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.tries <= MOST_TRIES:
            raise ValueError(f"tries must be 1 to {MOST_TRIES}, not {self.tries}")

    def wait(self, failed: int, error: LLMError, jitter: Jitter) -> float:
        """Seconds before the next try after `failed` ones: at least what the backend asks for."""
        wait = jitter(min(self.longest, self.first * 2.0 ** (failed - 1)))
        asked = error.retry_after if isinstance(error, ModelBusy) else None
        return wait if asked is None else max(wait, asked)


PATIENCE = Patience()


class RetryingLLM(LLM):
    """Repeats a call only where nothing billable came back (`LLMError.retryable`), and never past the request's
    deadline, which covers all tries and waits. A stream is repeated only while it has given nothing. Each try has
    the same idempotency key."""

    def __init__(
        self,
        inner: LLM,
        patience: Patience | Callable[[str], Patience] = PATIENCE,
        sleep: Sleep = asyncio.sleep,
        jitter: Jitter = full_jitter,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._inner = inner
        self._patience = patience if callable(patience) else lambda _: patience
        self._sleep = sleep
        self._jitter = jitter
        self._monotonic = monotonic

    async def complete(self, request: Request) -> Reply:
        tries = self._tries(request)
        while True:
            try:
                return await self._inner.complete(tries.request())
            except LLMError as error:
                await self._sleep(tries.wait(error))

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        tries, begun = self._tries(request), False
        while True:
            try:
                async with opened(self._inner, tries.request()) as pieces:
                    async for piece in pieces:
                        begun = True
                        yield piece
                return
            except LLMError as error:
                if begun:
                    raise
                wait = tries.wait(error)
            await self._sleep(wait)

    def describe(self, alias: str) -> ModelInfo:
        return self._inner.describe(alias)

    async def check(self, alias: str) -> None:
        await self._inner.check(alias)

    def _tries(self, request: Request) -> "_Tries":
        return _Tries(request, self._patience(request.alias), self._jitter, self._monotonic)


class _Tries:
    """The tries of one request."""

    def __init__(self, request: Request, patience: Patience, jitter: Jitter, monotonic: Monotonic) -> None:
        self._request = request
        self._patience = patience
        self._jitter = jitter
        self._monotonic = monotonic
        self._end = monotonic() + request.deadline
        self._failed = 0
        self._timeouts = 0

    def request(self) -> Request:
        """The request with the time that is left."""
        if self._failed == 0:
            return self._request
        return replace(self._request, deadline=max(0.001, self._left()))

    def wait(self, error: LLMError) -> float:
        """Seconds until the next try. Raises `error` where there is none."""
        self._failed += 1
        self._timeouts += isinstance(error, ModelTimedOut)
        if not error.retryable or self._failed >= self._patience.tries:
            raise error
        if self._timeouts > self._patience.timeouts:
            raise error
        wait = self._patience.wait(self._failed, error, self._jitter)
        if wait >= self._left():
            raise error
        return wait

    def _left(self) -> float:
        return self._end - self._monotonic()
