"""Which adapter asks which kind of backend, in one place."""

from collections.abc import AsyncIterator, Mapping

from adapters.llm.configuration import GGUF, TRITON, Models
from adapters.llm.inspection import inspect
from adapters.llm.own_engines import OwnEngines, wanted_by
from adapters.llm.own_llm import OwnLLM
from adapters.llm.providers import ProviderLLM
from adapters.llm.streams import opened
from adapters.llm.targets import Targets
from adapters.llm.triton import TritonLLM
from domain.ports.llm import LLM, Delta, LLMError, ModelDenied, ModelInfo, Reply, Request
from services.ports.models import Seen


class BackendLLM(LLM):
    """Knows aliases of one deployment, and deployments by key. `engines` are told of `models`; without any it has its
    own."""

    def __init__(self, models: Models, environ: Mapping[str, str], engines: OwnEngines | None = None) -> None:
        self._models = models
        self._targets = Targets(models, environ)
        self._provider = ProviderLLM(models, environ)
        self._triton = TritonLLM(models, environ)
        self._engines = engines if engines is not None else OwnEngines()
        self._engines.know(wanted_by(models))
        self._own = OwnLLM(models, self._engines)

    async def complete(self, request: Request) -> Reply:
        return await self._of(request.alias).complete(request)

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        async with opened(self._of(request.alias), request) as pieces:
            async for piece in pieces:
                yield piece

    def describe(self, alias: str) -> ModelInfo:
        return self._targets.describe(alias)

    async def check(self, alias: str) -> None:
        await self._of(alias).check(alias)

    async def seen(self, key: str) -> Seen:
        """What the backend says of a deployment. Raises KeyError for an unknown one."""
        deployment = self._models.deployments[key]
        target = self._targets.of(key)
        if target.kind == GGUF:
            return await self._in_file(key)
        try:
            secret = self._targets.key(target)
        except ModelDenied as error:
            return Seen(there=False, fault=str(error))
        return await inspect(target, self._models.backends[deployment.backend], deployment, secret)

    async def _in_file(self, key: str) -> Seen:
        try:
            return await self._engines.seen(key)
        except LLMError as error:
            return Seen(there=False, fault=str(error))

    def _of(self, alias: str) -> LLM:
        kind = self._targets.of(alias).kind
        return {TRITON: self._triton, GGUF: self._own}.get(kind, self._provider)
