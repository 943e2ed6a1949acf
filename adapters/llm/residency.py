"""Loading and unloading models: at Ollama, llama.cpp's router, Triton with explicit model control, and by ourselves."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import httpx

from adapters.llm.configuration import Backend, Deployment
from adapters.llm.faults import Target, Trace, by_status, fault, made, seen_on
from adapters.llm.hosts import KINDS
from adapters.llm.own_engine import Wanted
from adapters.llm.own_engines import OwnEngines
from adapters.llm.shapes import shape_of
from adapters.llm.wire import Wire
from domain.memory import Shape
from domain.ports.llm import ModelUnavailable

ANSWER = 16_000_000
LOOK = 5.0
LOAD = 600.0
"""Seconds that loading may take: a large model from a slow disk."""


class Residency(ABC):
    """One model, as the one that holds it tells."""

    @abstractmethod
    async def moves(self) -> bool:
        """Whether it is loaded and unloaded when told."""

    @abstractmethod
    async def loaded(self) -> bool:
        """False where nobody answers."""

    @abstractmethod
    async def shape(self) -> Shape | None:
        """What decides on its memory, where that is told."""

    @abstractmethod
    async def reported(self) -> int | None:
        """The memory that it really takes, where it is loaded and that is told."""

    @abstractmethod
    async def load(self) -> None:
        """Raises LLMError."""

    @abstractmethod
    async def unload(self) -> None:
        """Raises LLMError."""


class OwnResidency(Residency):
    """A model in a file, which an engine of ours runs."""

    def __init__(self, key: str, wanted: Wanted, engines: OwnEngines) -> None:
        self._key, self._wanted, self._engines = key, wanted, engines

    async def moves(self) -> bool:
        return True

    async def loaded(self) -> bool:
        return self._key in self._engines.running()

    async def shape(self) -> Shape | None:
        return await asyncio.to_thread(self._wanted.shape, self._key, 0)

    async def reported(self) -> int | None:
        return None

    async def load(self) -> None:
        await self._engines.start(self._key)

    async def unload(self) -> None:
        await self._engines.stop(self._key)


class ServedResidency(Residency):
    """A model at a backend."""

    def __init__(self, target: Target, backend: Backend, deployment: Deployment, key: str | None) -> None:
        self._target, self._backend, self._deployment = target, backend, deployment
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    async def moves(self) -> bool:
        """A llama.cpp that does not route tells no state of its model."""
        if self._backend.kind != "llama.cpp":
            return self._backend.kind in KINDS
        listed = _named(await self._look("GET", "/models"), "data", self._deployment.model)
        return not listed or isinstance(listed.get("status"), dict)

    async def loaded(self) -> bool:
        match self._backend.kind:
            case "ollama":
                answer = await self._look("GET", "/api/ps")
                return bool(_named(answer, "models", self._deployment.model))
            case "llama.cpp":
                listed = _named(await self._look("GET", "/models"), "data", self._deployment.model)
                status = listed.get("status")
                return bool(listed) and (not isinstance(status, dict) or status.get("value") in ("loaded", "sleeping"))
            case "triton":
                index = await self._look("POST", "/v2/repository/index", {})
                return any(
                    each.get("name") == self._deployment.model and each.get("state") == "READY"
                    for each in index
                    if isinstance(each, dict)
                )
            case _:
                return False

    async def shape(self) -> Shape | None:
        if self._backend.kind != "ollama":
            return None
        listed = _named(await self._look("GET", "/api/tags"), "models", self._deployment.model)
        shown = await self._look("POST", "/api/show", {"model": self._deployment.model})
        about, size = shown.get("model_info") if isinstance(shown, dict) else None, listed.get("size")
        try:
            return shape_of(about, size) if isinstance(about, dict) and isinstance(size, int) else None
        except ValueError:
            return None

    async def reported(self) -> int | None:
        if self._backend.kind != "ollama":
            return None
        running = _named(await self._look("GET", "/api/ps"), "models", self._deployment.model).get("size")
        return running if isinstance(running, int) and running > 0 else None

    async def load(self) -> None:
        match self._backend.kind:
            case "ollama":
                await self._tell(
                    "/api/chat", {**self._ollama(), "options": {"num_ctx": self._deployment.context_tokens}}
                )
            case "llama.cpp":
                await self._tell("/models/load", {"model": self._deployment.model}, root=True)
            case _:
                await self._tell(f"/v2/repository/models/{self._name}/load", {})

    async def unload(self) -> None:
        match self._backend.kind:
            case "ollama":
                await self._tell("/api/chat", {**self._ollama(), "keep_alive": 0})
            case "llama.cpp":
                await self._tell("/models/unload", {"model": self._deployment.model}, root=True)
            case _:
                await self._tell(f"/v2/repository/models/{self._name}/unload", {})

    @property
    def _name(self) -> str:
        return quote(self._deployment.model, safe="")

    def _ollama(self) -> dict[str, Any]:
        """No messages: Ollama loads, or unloads, and answers at once."""
        asked: dict[str, Any] = {"model": self._deployment.model, "messages": [], "stream": False}
        keep = self._deployment.keep_alive
        return asked if keep is None else {**asked, "keep_alive": keep}

    async def _look(self, method: str, path: str, body: Any = None) -> Any:
        """What is answered; nothing for anything that is no use."""
        async with Wire(self._backend.base_url, ANSWER, ca_file=self._backend.ca_file).client(LOOK) as client:
            try:
                response = await client.request(method, self._at(path), json=body, headers=self._headers)
                return response.json() if response.status_code == 200 else {}
            except (httpx.HTTPError, ValueError):
                return {}

    async def _tell(self, path: str, body: Any, *, root: bool = False) -> None:
        wire = Wire(self._backend.base_url, ANSWER, ca_file=self._backend.ca_file)
        address = self._at(path).replace("/v1/", "/", 1) if root else self._at(path)
        try:
            async with wire.client(LOAD) as client:
                response = await client.post(address, json=body, headers=self._headers)
        except httpx.HTTPError as error:
            raise fault(error, self._target, seen_on(wire)) from None
        if response.status_code != 200:
            raise made(by_status(response.status_code), self._target, Trace(status=response.status_code))
        if "error" in _object(response):
            raise ModelUnavailable(f"The backend could not load or unload {self._target}; look into its log.")

    def _at(self, path: str) -> str:
        return f"{self._backend.base_url}{path}"


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        value = response.json()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _named(answer: Any, where: str, model: str) -> dict[str, Any]:
    found: Iterable[Any] = answer.get(where) or () if isinstance(answer, dict) else ()
    for each in found:
        if isinstance(each, dict) and {each.get("name"), each.get("model"), each.get("id")} & {
            model,
            f"{model}:latest",
        }:
            return each
    return {}
