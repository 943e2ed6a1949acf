"""Finds the models of an Ollama that runs on this machine, without LiteLLM."""

import asyncio
from typing import Any

import httpx

from adapters.llm.wire import Wire

LIMIT = 16_000_000
MOST = 50


async def find_ollama(base_url: str = "http://127.0.0.1:11434", timeout: float = 1.0) -> tuple[str, ...]:
    """Names of the chat models there, smallest file first, since that surely fits; () when nothing is there.

    Models that run in a cloud (`remote_host`) and models for embeddings only are left out. `timeout` in seconds,
    for each request.
    """
    base_url = base_url.rstrip("/")
    async with Wire(base_url, LIMIT).client(timeout) as client:
        listed = await _ask(client.get(f"{base_url}/api/tags"))
        models = [each for each in listed.get("models") or () if isinstance(each, dict) and each.get("name")]
        shown = await asyncio.gather(*(_show(client, base_url, each["name"]) for each in models[:MOST]))
    usable = [each for each, more in zip(models, shown, strict=False) if _chats(each | more)]
    return tuple(str(each["name"]) for each in sorted(usable, key=_order))


async def _show(client: httpx.AsyncClient, base_url: str, name: str) -> dict[str, Any]:
    shown = await _ask(client.post(f"{base_url}/api/show", json={"model": name}))
    return {key: shown[key] for key in ("capabilities", "remote_host", "remote_model") if key in shown}


async def _ask(asking: Any) -> dict[str, Any]:
    """The object that is answered; an empty one for anything else."""
    try:
        response = await asking
        value = response.json() if response.status_code == 200 else {}
    except (httpx.HTTPError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _chats(model: dict[str, Any]) -> bool:
    if model.get("remote_host") or model.get("remote_model"):
        return False
    capabilities = model.get("capabilities")
    if isinstance(capabilities, list):
        return "completion" in capabilities
    family = str((model.get("details") or {}).get("family", ""))
    return "bert" not in family and "embed" not in str(model["name"])


def _order(model: dict[str, Any]) -> tuple[int, str]:
    size = model.get("size")
    return size if isinstance(size, int) else 0, str(model["name"])
