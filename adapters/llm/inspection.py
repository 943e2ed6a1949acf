"""What a backend says of a model, without running it."""

from typing import Any, TypeGuard

import httpx

from adapters.llm.configuration import TRITON, Backend, Deployment
from adapters.llm.faults import Target
from adapters.llm.presence import look
from adapters.llm.wire import Wire
from domain.ports.llm import LLMError
from services.ports.models import Seen

LIMIT = 16_000_000
WAIT = 5.0


async def inspect(target: Target, backend: Backend, deployment: Deployment, key: str | None) -> Seen:
    """Never raises: what is wrong stands in `fault`."""
    try:
        await look(target, key, WAIT)
    except LLMError as error:
        return Seen(there=False, fault=str(error))
    if backend.kind in (TRITON, "litellm"):
        return Seen(there=True, loaded=True if backend.kind == TRITON else None)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with Wire(backend.base_url, LIMIT, ca_file=backend.ca_file).client(WAIT) as client:
        client.headers.update(headers)
        if backend.kind == "ollama":
            return await _ollama(client, backend.base_url, deployment.model)
        return await _openai(client, backend, deployment.model)


async def _ollama(client: httpx.AsyncClient, base_url: str, model: str) -> Seen:
    tags = _named(await _ask(client, "GET", f"{base_url}/api/tags"), "models", model)
    running = _named(await _ask(client, "GET", f"{base_url}/api/ps"), "models", model)
    shown = await _ask(client, "POST", f"{base_url}/api/show", {"model": model})
    about = shown.get("model_info")
    trained = next((v for k, v in about.items() if k.endswith(".context_length")), None) if _is(about) else None
    capabilities = shown.get("capabilities")
    return Seen(
        there=True,
        loaded=bool(running),
        size=_whole(tags.get("size")),
        memory=_whole(running.get("size")),
        on_gpu=_whole(running.get("size_vram")),
        context_tokens=_whole(running.get("context_length")),
        trained_tokens=_whole(trained),
        capabilities=tuple(map(str, capabilities)) if isinstance(capabilities, list) else (),
    )


async def _openai(client: httpx.AsyncClient, backend: Backend, model: str) -> Seen:
    listed = _named(await _ask(client, "GET", f"{backend.base_url}/models"), "data", model)
    meta, status = listed.get("meta"), listed.get("status")
    loaded = {"loaded": True, "unloaded": False}.get(str(status.get("value", ""))) if _is(status) else None
    context = _whole(listed.get("max_model_len"))
    if backend.kind == "llama.cpp":
        props = await _ask(client, "GET", f"{backend.base_url.removesuffix('/v1')}/props")
        settings = props.get("default_generation_settings")
        context = _whole(settings.get("n_ctx")) if _is(settings) else context
    return Seen(
        there=True,
        loaded=loaded,
        size=_whole(meta.get("size")) if _is(meta) else None,
        context_tokens=context,
        trained_tokens=_whole(meta.get("n_ctx_train")) if _is(meta) else None,
    )


async def _ask(client: httpx.AsyncClient, method: str, url: str, body: Any = None) -> dict[str, Any]:
    """The object that is answered; an empty one for anything else: a backend need not know all of this."""
    try:
        response = await client.request(method, url, json=body)
        value = response.json() if response.status_code == 200 else {}
    except (httpx.HTTPError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _named(answer: dict[str, Any], where: str, model: str) -> dict[str, Any]:
    """The entry of `model` in a list; Ollama adds `:latest` to a name without a tag."""
    found = answer.get(where)
    for each in found if isinstance(found, list) else ():
        if _is(each) and {each.get("name"), each.get("model"), each.get("id")} & {model, f"{model}:latest"}:
            return dict(each)
    return {}


def _is(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
