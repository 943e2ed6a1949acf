"""The memory that the models of `models.yaml` share on their hosts."""

import asyncio
from collections.abc import Callable, Mapping

from adapters.llm.configuration import Deployment, Models
from adapters.llm.own_engines import OwnEngines, wanted_by
from adapters.llm.residency import OwnResidency, Residency, ServedResidency
from adapters.llm.targets import Targets
from domain.memory import Shape
from domain.memory import need as memory_of
from domain.ports.llm import LLMError
from services.ports.model_memory import Hosted, ModelMemory

PLANNED = 85
"""Percent of what is measured that is planned for."""


class HostMemory(ModelMemory):
    """`measured` gives the bytes that models may take on this machine, asked where a host has no `memory_limit`."""

    def __init__(
        self, models: Models, environ: Mapping[str, str], measured: Callable[[], int], engines: OwnEngines
    ) -> None:
        self._models, self._engines, self._files = models, engines, wanted_by(models)
        self._targets = Targets(models, environ)
        used = {backend.host for backend in models.backends.values()}
        self._limits = {
            name: host.memory_limit or measured() * PLANNED // 100
            for name, host in models.hosts.items()
            if name in used
        }
        self._needs: dict[str, int] = {}
        self._first = {self._same(key): key for key in reversed(models.deployments)}

    @property
    def limits(self) -> Mapping[str, int]:
        return self._limits

    def keys(self, alias: str) -> tuple[str, ...]:
        if alias not in self._models.aliases:
            return ()
        keys = (key for key in self._models.chain(alias)[0] if self._host(key) is not None)
        return tuple(dict.fromkeys(self._first[self._same(key)] for key in keys))

    async def need(self, key: str) -> int | None:
        return None if self._host(key) is None else await self._need(self._first[self._same(key)])

    async def hosted(self, host: str) -> tuple[Hosted, ...]:
        return tuple(await asyncio.gather(*(self._hosted(key, host) for key in self._on(host))))

    async def resident(self, host: str) -> frozenset[str]:
        keys = self._on(host)
        loaded = await asyncio.gather(*(self._loaded(key) for key in keys))
        return frozenset(key for key, is_loaded in zip(keys, loaded, strict=True) if is_loaded)

    async def load(self, key: str) -> None:
        await self._residency(key).load()
        reported = await self._residency(key).reported()
        if reported is not None and self._deployment(key).memory is None:
            self._needs[key] = reported

    async def unload(self, key: str) -> None:
        await self._residency(key).unload()

    def _on(self, host: str) -> tuple[str, ...]:
        return tuple(key for key in self._first.values() if self._host(key) == host)

    def _same(self, key: str) -> tuple[str, str, int]:
        """Aliases that agree on this share one model in memory; it goes by the first one's key. A file has an engine
        for each."""
        deployment = self._deployment(key)
        return deployment.backend, key if key in self._files else deployment.model, deployment.context_tokens

    def _host(self, key: str) -> str | None:
        return self._models.backends[self._deployment(key).backend].host

    def _deployment(self, key: str) -> Deployment:
        return self._models.deployments[key]

    async def _hosted(self, key: str, host: str) -> Hosted:
        deployment = self._deployment(key)
        return Hosted(
            key=key,
            host=host,
            bytes=await self._need(key),
            slots=deployment.parallel,
            load_seconds=deployment.load_seconds,
            movable=await self._moves(key),
        )

    async def _moves(self, key: str) -> bool:
        try:
            return await self._residency(key).moves()
        except LLMError:
            return True

    async def _need(self, key: str) -> int:
        """As configured, else as the backend reported once it was loaded, else as its shape says."""
        deployment = self._deployment(key)
        if deployment.memory is not None:
            return deployment.memory
        if key not in self._needs:
            shape = await self._shape(key)
            if shape is None:
                return self._limits[self._host(key) or ""]
            self._needs[key] = memory_of(shape, deployment.context_tokens, deployment.parallel).total
        return self._needs[key]

    async def _shape(self, key: str) -> Shape | None:
        try:
            return await self._residency(key).shape()
        except LLMError:
            return None

    async def _loaded(self, key: str) -> bool:
        try:
            residency = self._residency(key)
            return await residency.loaded() or not await residency.moves()
        except LLMError:
            return False

    def _residency(self, key: str) -> Residency:
        """Raises LLMError where its credentials are not to be had."""
        if key in self._files:
            return OwnResidency(key, self._files[key], self._engines)
        target = self._targets.of(key)
        backend = self._models.backends[self._deployment(key).backend]
        return ServedResidency(target, backend, self._deployment(key), self._targets.key(target))
