"""Asks a backend whether it has a model, without running it and without LiteLLM."""

from typing import Any

import httpx

from adapters.llm.faults import Target, Trace, by_status, fault, made
from adapters.llm.wire import Wire
from domain.ports.llm import LLMError, ModelMissing, ModelUnavailable, RequestRefused

LIMIT = 4_000_000


async def look(target: Target, key: str | None, timeout: float) -> None:
    """Raises LLMError that says what to do, unless `target` is there."""
    wire = Wire(target.address, LIMIT)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        async with wire.client(timeout) as client:
            client.headers.update(headers)
            answer = await (_ollama(client, target) if target.kind == "ollama" else _listed(client, target))
    except httpx.TimeoutException as error:
        raise fault(TimeoutError(str(error)), target, Trace()) from None
    except httpx.HTTPError as error:
        raise fault(error, target, Trace(status=wire.status, overflow=wire.overflow)) from None
    if answer is not None:
        raise answer


async def _ollama(client: httpx.AsyncClient, target: Target) -> LLMError | None:
    response = await client.post(f"{target.address}/api/show", json={"model": target.model})
    if response.status_code != 200:
        return _refused(response, target)
    shown = _object(response)
    if shown is None:
        return _foreign(target, "Ollama")
    if (shown.get("remote_host") or shown.get("remote_model")) and not target.cloud_allowed:
        return RequestRefused(
            f"Ollama runs {target} in a cloud, which would receive the prompts; choose a model that is stored locally, "
            "or write `allow_cloud: true` for the backend in models.yaml."
        )
    return None


async def _listed(client: httpx.AsyncClient, target: Target) -> LLMError | None:
    response = await client.get(f"{target.address}/models")
    if response.status_code == 404:
        return _foreign(target, "an OpenAI-like backend")
    if response.status_code != 200:
        return _refused(response, target)
    data = (_object(response) or {}).get("data")
    if not isinstance(data, list):
        return _foreign(target, "an OpenAI-like backend")
    names = [str(each.get("id")) for each in data if isinstance(each, dict)]
    return None if target.model in names else _missing(target, names)


def _missing(target: Target, names: list[str]) -> LLMError:
    there = ", ".join(names[:5]) or "none"
    return ModelMissing(
        f"The backend does not have {target}; load it there or name one of its models in models.yaml ({there})."
    )


def _refused(response: httpx.Response, target: Target) -> LLMError:
    return made(by_status(response.status_code), target, Trace(status=response.status_code))


def _foreign(target: Target, kind: str) -> LLMError:
    return ModelUnavailable(
        f"What answers at {target.address} is not {kind} (alias '{target.alias}'); correct base_url in models.yaml."
    )


def _object(response: httpx.Response) -> dict[str, Any] | None:
    try:
        value = response.json()
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
