"""Models in files: the LLM port over engines of ours."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.llm.configuration import Backend, Models
from adapters.llm.own_engines import OwnEngines
from adapters.llm.providers import ProviderLLM
from adapters.llm.streams import opened
from adapters.llm.targets import Targets
from domain.ports.llm import LLM, Delta, ModelInfo, ModelUnavailable, Reply, Request

KEY = "CASEWORKS_ENGINE"
"""Names the key of an engine where others name a variable; it never stands in the environment."""


class OwnLLM(LLM):
    """Asks an engine as one asks a llama.cpp server. Loading a model does not count to a request's deadline."""

    def __init__(self, models: Models, engines: OwnEngines) -> None:
        self._models, self._engines = models, engines
        self._targets = Targets(models, {})

    async def complete(self, request: Request) -> Reply:
        async with self._asked(request.alias) as llm:
            return await llm.complete(request)

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        async with self._asked(request.alias) as llm, opened(llm, request) as pieces:
            async for piece in pieces:
                yield piece

    def describe(self, alias: str) -> ModelInfo:
        return self._targets.describe(alias)

    async def check(self, alias: str) -> None:
        await self._engines.check(alias)

    @asynccontextmanager
    async def _asked(self, key: str) -> AsyncIterator[LLM]:
        async with self._engines.held(key) as engine:
            backend = Backend(kind="llama.cpp", base_url=engine.url, api_key_env=KEY)
            name = self._models.deployments[key].backend
            models = self._models.model_copy(update={"backends": {**self._models.backends, name: backend}})
            try:
                yield ProviderLLM(models, {KEY: engine.key})
            except ModelUnavailable as error:
                if not await engine.gone(1.0):
                    raise
                raise ModelUnavailable(
                    f"llama.cpp ended while it worked on {engine.wanted.path} (alias '{key}'), most likely for want of "
                    "memory; it is begun anew with the next call."
                ) from error
