"""An alias is several deployments, and others stand in for it: the least busy is asked, one that is down is left."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from loguru import logger

from adapters.llm.breaker import Breaker
from adapters.llm.streams import opened
from domain.ports.llm import (
    LLM,
    Delta,
    LLMError,
    ModelInfo,
    ModelMissing,
    ModelTimedOut,
    ModelUnavailable,
    Reply,
    Request,
)

Chain = Callable[[str], tuple[tuple[str, ...], ...]]
"""The keys of the deployments behind an alias, then those of each alias that stands in for it."""


@dataclass
class Standing:
    """How a deployment stands: whether it is left alone, and how many calls it works on."""

    breaker: Breaker
    busy: int = 0


class DeployedLLM(LLM):
    """Asks `inner`, which knows deployments by key. Goes on to the next one where an error may be mended there and
    nothing billable came back; a stream only while it has given nothing. What cannot be asked of the last one either
    is the error of the first that was asked. A request's deadline covers all of them. `known` is how deployments stand
    already, by key."""

    def __init__(
        self,
        inner: LLM,
        chain: Chain,
        monotonic: Callable[[], float] = time.monotonic,
        known: dict[str, Standing] | None = None,
    ) -> None:
        self._inner, self._chain, self._monotonic = inner, chain, monotonic
        self._standings = {} if known is None else known

    async def complete(self, request: Request) -> Reply:
        errors: list[LLMError] = []
        for asked in self._requests(request, errors):
            try:
                with self._at(asked.alias):
                    return await self._inner.complete(asked)
            except LLMError as error:
                self._leave(request, asked, error)
                errors.append(error)
        raise errors[0]

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        errors: list[LLMError] = []
        for asked in self._requests(request, errors):
            begun = False
            try:
                with self._at(asked.alias):
                    async with opened(self._inner, asked) as pieces:
                        async for piece in pieces:
                            begun = True
                            yield piece
                return
            except LLMError as error:
                if begun:
                    raise
                self._leave(request, asked, error)
                errors.append(error)
        raise errors[0]

    def describe(self, alias: str) -> ModelInfo:
        return self._inner.describe(alias)

    async def check(self, alias: str) -> None:
        """Each deployment of the alias itself; the first that is there will do."""
        errors: list[LLMError] = []
        for key in self._keys(alias)[0]:
            try:
                return await self._inner.check(key)
            except LLMError as error:
                errors.append(error)
        raise errors[0]

    def _keys(self, alias: str) -> tuple[tuple[str, ...], ...]:
        try:
            return self._chain(alias)
        except KeyError:
            self._inner.describe(alias)  # says which there are
            raise ModelMissing(f"No alias '{alias}' is configured.") from None

    def _requests(self, request: Request, errors: list[LLMError]) -> Iterator[Request]:
        """The request for one deployment after the other, with the time that is left."""
        end = self._monotonic() + request.deadline
        resting: list[tuple[float, str]] = []
        for keys in self._keys(request.alias):
            for key in sorted(keys, key=lambda key: (key != request.prefer, self._load(key))):
                if (rest := self._standing(key).breaker.rests()) > 0:
                    resting.append((rest, key))
                elif (left := end - self._monotonic()) > 0:
                    yield replace(request, alias=key, deadline=min(left, request.deadline))
        if not errors:
            raise self._all_rest(request, resting)

    def _all_rest(self, request: Request, resting: list[tuple[float, str]]) -> LLMError:
        if not resting:
            return ModelTimedOut(f"No time was left to ask a model for alias '{request.alias}'; try again.")
        rest, key = min(resting)
        info = self._inner.describe(key)
        return ModelUnavailable(
            f"The model '{info.model}' (alias '{key}') failed again and again and is left alone for {rest:.0f} more "
            "seconds; look into its backend's log, or name another in `fallbacks` of models.yaml."
        )

    def _load(self, key: str) -> float:
        return self._standing(key).busy / self._inner.describe(key).parallel

    def _standing(self, key: str) -> Standing:
        return self._standings.setdefault(key, Standing(Breaker(self._monotonic)))

    @contextmanager
    def _at(self, key: str) -> Iterator[None]:
        """Counts a call at a deployment, and how it went."""
        standing, good = self._standing(key), None
        tries = standing.breaker.begin()
        standing.busy += 1
        try:
            yield
            good = True
        except LLMError as error:
            good = None if error.remedy in ("shrink", "stop") else False
            raise
        finally:
            standing.busy -= 1
            standing.breaker.end(tries, good=good)

    def _leave(self, request: Request, asked: Request, error: LLMError) -> None:
        """Raises `error` where another deployment would not help."""
        if not error.leaves:
            raise error
        logger.info("{} did not answer for alias {}: {}", asked.alias, request.alias, type(error).__name__)
