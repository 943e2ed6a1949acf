"""Which model servers answer on this machine, asked on loopback only and without LiteLLM."""

import asyncio
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from adapters.llm.shapes import shape_of
from adapters.llm.wire import Wire
from domain.memory import Shape
from services.ports.machine import Installed, ModelServers, Server

LIMIT = 4_000_000
WAIT = 1.0
MOST = 100

USUAL = {
    "ollama": "http://127.0.0.1:11434",
    "triton": "http://127.0.0.1:8000",
    "vllm": "http://127.0.0.1:8000",
    "litellm": "http://127.0.0.1:4000",
    "llama.cpp": "http://127.0.0.1:8080",
    "lm_studio": "http://127.0.0.1:1234",
}
"""Where each kind listens unless it is told otherwise."""


class LoopbackServers(ModelServers):
    """Asks at `addresses`, by kind; those that are not on loopback are not asked. `wait` in seconds, a request."""

    def __init__(self, addresses: Mapping[str, str] = USUAL, wait: float = WAIT) -> None:
        self._addresses = {kind: url.rstrip("/") for kind, url in addresses.items() if is_loopback(url)}
        self._wait = wait

    async def answering(self) -> tuple[Server, ...]:
        found = await asyncio.gather(*(self._at(kind, url) for kind, url in self._addresses.items()))
        return tuple(server for server in found if server is not None)

    async def _at(self, kind: str, address: str) -> Server | None:
        async with Wire(address, LIMIT).client(self._wait) as client:
            asked = _Asked(client, address)
            if kind == "ollama":
                return await _ollama(asked)
            if kind == "triton":
                return await _triton(asked)
            if kind == "litellm":
                return await _litellm(asked)
            return await _listing(asked, kind)


def is_loopback(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class _Asked:
    client: httpx.AsyncClient
    address: str

    async def json(self, method: str, path: str, body: Any = None) -> Any:
        """None where nothing, or no JSON, is answered."""
        response = await self._response(method, path, body)
        try:
            return response.json() if response is not None else None
        except ValueError:
            return None

    async def table(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        value = await self.json(method, path, body)
        return value if isinstance(value, dict) else {}

    async def ready(self, path: str) -> bool:
        return await self._response("GET", path, None) is not None

    async def _response(self, method: str, path: str, body: Any) -> httpx.Response | None:
        try:
            response = await self.client.request(method, f"{self.address}{path}", json=body)
        except httpx.HTTPError:
            return None
        return response if response.status_code == 200 else None


async def _ollama(asked: _Asked) -> Server | None:
    version = (await asked.table("GET", "/api/version")).get("version")
    if not isinstance(version, str):
        return None
    listed = _entries(await asked.table("GET", "/api/tags"), "models")
    running = _entries(await asked.table("GET", "/api/ps"), "models")
    named = {name: each for each in listed if (name := _name(each, "name"))}
    shapes = await asyncio.gather(*(_shape(asked, name, each) for name, each in named.items()))
    models = [Installed(name=name, shape=shape) for name, shape in zip(named, shapes, strict=True)]
    loaded = sum(_bytes(each.get("size")) for each in running)
    return Server(
        kind="ollama", address=asked.address, version=version[:40], models=tuple(models), evicts=True, loaded=loaded
    )


async def _shape(asked: _Asked, name: str, listed: dict[str, Any]) -> Shape | None:
    about = (await asked.table("POST", "/api/show", {"model": name})).get("model_info")
    try:
        return shape_of(about, _bytes(listed.get("size"))) if isinstance(about, dict) else None
    except ValueError:
        return None


async def _triton(asked: _Asked) -> Server | None:
    """An inference server of the KServe protocol that says it is Triton."""
    if not await asked.ready("/v2/health/ready"):
        return None
    about = await asked.table("GET", "/v2")
    if about.get("name") != "triton":
        return None
    return Server(kind="triton", address=asked.address, version=str(about.get("version", ""))[:40])


async def _litellm(asked: _Asked) -> Server | None:
    """Its models run elsewhere."""
    alive = await asked.json("GET", "/health/liveliness")
    return Server(kind="litellm", address=asked.address, evicts=True) if "alive" in str(alive).lower() else None


async def _listing(asked: _Asked, kind: str) -> Server | None:
    """One that lists its models as OpenAI does; it is taken for what usually listens there."""
    answered = await asked.table("GET", "/v1/models")
    if not isinstance(answered.get("data"), list):
        return None
    models = tuple(Installed(name=name) for each in _entries(answered, "data") if (name := _name(each, "id")))
    return Server(kind=kind, address=f"{asked.address}/v1", models=models)


def _entries(answer: dict[str, Any], where: str) -> list[dict[str, Any]]:
    found = answer.get(where)
    return [each for each in found[:MOST] if isinstance(each, dict)] if isinstance(found, list) else []


def _name(entry: dict[str, Any], key: str) -> str:
    name = entry.get(key)
    return name[:200] if isinstance(name, str) else ""


def _bytes(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
