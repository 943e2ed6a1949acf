"""The engines of ours, by deployment: begun at the first call, ended when idle, at the latest with the program."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from adapters.llm.configuration import GGUF, Models
from adapters.llm.own_engine import Asked, Means, OwnEngine, Wanted
from adapters.llm.parts import seconds_kept
from domain.memory import Shape
from domain.ports.llm import ModelMissing
from services.ports.models import Seen


def wanted_by(models: Models) -> dict[str, Wanted]:
    """What the deployments on backends of kind `gguf` ask for, by key."""
    return {
        key: Wanted(
            path=Path(deployment.model).expanduser(),
            context_tokens=deployment.context_tokens,
            parallel=deployment.parallel,
            rest=seconds_kept(deployment.keep_alive),
        )
        for key, deployment in models.deployments.items()
        if models.backends[deployment.backend].kind == GGUF
    }


class OwnEngines:
    """One engine for each key that is used. Where `know` gives a key another model, calls under way end on the engine
    they began with. All of it belongs to one event loop."""

    def __init__(self, means: Asked = Means) -> None:
        self._means = means
        self._wanted: Mapping[str, Wanted] = {}
        self._engines: dict[str, OwnEngine] = {}
        self._left: list[tuple[str, OwnEngine]] = []

    def know(self, wanted: Mapping[str, Wanted]) -> None:
        """From now on these; an engine for anything else ends as soon as its calls have."""
        self._wanted = dict(wanted)
        for key, engine in tuple(self._engines.items()):
            if self._wanted.get(key) != engine.wanted:
                self._leave(key, engine)

    @asynccontextmanager
    async def held(self, key: str) -> AsyncIterator[OwnEngine]:
        """The engine of `key`, begun if need be, kept while the context lasts. Raises LLMError."""
        engine = self._engine(key)
        with engine.used():
            await engine.begun()
            yield engine

    async def start(self, key: str) -> None:
        """Returns when `key` can be asked. Raises LLMError."""
        async with self.held(key):
            pass

    async def stop(self, key: str) -> None:
        """Returns when its memory is free; calls under way fail. The next call begins it anew."""
        if (engine := self._engines.pop(key, None)) is not None:
            await engine.end()

    def running(self) -> dict[str, int]:
        """The bytes of memory that each needs which runs or is being loaded, by key."""
        found: dict[str, int] = {}
        for key, engine in (*self._engines.items(), *self._left):
            if engine.runs:
                found[key] = found.get(key, 0) + engine.bytes
        return found

    async def close(self) -> None:
        """Ends all of them."""
        engines = [*self._engines.values(), *(engine for _, engine in self._left)]
        self._engines, self._left = {}, []
        await asyncio.gather(*(engine.end() for engine in engines))

    async def check(self, key: str) -> None:
        """Raises LLMError, one sentence, where `key` cannot be run; begins nothing."""
        await self._shape(key)

    async def seen(self, key: str) -> Seen:
        """What is known of it without running it. Raises LLMError as `check` does."""
        shape = await self._shape(key)
        wanted, engine = self._known(key), self._engines.get(key)
        loaded = engine is not None and engine.ready
        return Seen(
            there=True,
            loaded=loaded,
            size=shape.file_bytes,
            memory=wanted.bytes(shape) if loaded else None,
            context_tokens=wanted.context_tokens if loaded else None,
            trained_tokens=shape.trained_tokens,
            capabilities=("completion",),
        )

    async def _shape(self, key: str) -> Shape:
        wanted = self._known(key)
        means = await asyncio.to_thread(self._means)
        return await asyncio.to_thread(wanted.shape, key, means.memory)

    def _known(self, key: str) -> Wanted:
        try:
            return self._wanted[key]
        except KeyError:
            raise ModelMissing(f"No alias '{key}' of kind 'gguf' is configured in models.yaml any more.") from None

    def _engine(self, key: str) -> OwnEngine:
        wanted, engine = self._known(key), self._engines.get(key)
        if engine is None or not engine.serves:
            engine = self._engines[key] = OwnEngine(key, wanted, self._means, after=engine)
        return engine

    def _leave(self, key: str, engine: OwnEngine) -> None:
        del self._engines[key]
        self._left = [*((key, engine) for key, engine in self._left if engine.runs), (key, engine)]
        engine.retire()
