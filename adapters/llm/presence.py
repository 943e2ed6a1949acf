"""Asks a backend whether it has a model, without running it and without LiteLLM."""

import asyncio
from typing import Any
from urllib.parse import quote

import httpx

from adapters.llm.faults import Target, Trace, by_status, fault, made, seen_on
from adapters.llm.wire import Wire
from domain.ports.llm import LLMError, ModelMissing, ModelUnavailable, RequestRefused

LIMIT = 4_000_000

_LISTS = {"anthropic": "/v1/models?limit=1000", "gemini": "/models?pageSize=1000"}
"""Where a provider lists its models, if not at /models."""


async def look(target: Target, key: str | None, timeout: float) -> None:
    """Raises LLMError that says what to do, unless `target` is there."""
    wire = Wire(target.address, LIMIT, ca_file=target.ca_file)
    try:
        async with asyncio.timeout(timeout), wire.client(timeout) as client:
            client.headers.update(_headers(target, key))
            answer = await _answer(client, target)
    except (httpx.TimeoutException, TimeoutError):
        raise fault(TimeoutError(), target, Trace()) from None
    except httpx.HTTPError as error:
        raise fault(error, target, seen_on(wire)) from None
    if answer is not None:
        raise answer


def _headers(target: Target, key: str | None) -> dict[str, str]:
    """The key as the backend wants it."""
    if target.provider == "anthropic":
        return {"x-api-key": key or "none", "anthropic-version": "2023-06-01"}
    if target.provider == "gemini":
        return {"x-goog-api-key": key or "none"}
    return {"Authorization": f"Bearer {key}"} if key else {}


async def _answer(client: httpx.AsyncClient, target: Target) -> LLMError | None:
    if target.kind == "ollama":
        return await _ollama(client, target)
    return await (_triton(client, target) if target.kind == "triton" else _listed(client, target))


async def _triton(client: httpx.AsyncClient, target: Target) -> LLMError | None:
    model = quote(target.model, safe="")
    ready = await client.get(f"{target.address}/v2/models/{model}/ready")
    if ready.status_code in (200, 401, 403):
        return None if ready.status_code == 200 else _refused(ready, target)
    response = await client.post(f"{target.address}/v2/repository/index", json={})
    if response.status_code != 200:
        return _foreign(target, "a Triton") if response.status_code in (404, 405) else _refused(response, target)
    listed = _json(response)
    names = [str(each.get("name")) for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    if target.model not in names:
        return _missing(target, names)
    return ModelMissing(
        f"Triton has not loaded {target}; load it with a POST to {target.address}/v2/repository/models/{model}/load, "
        "or start Triton with it."
    )


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
    response = await client.get(f"{target.address}{_LISTS.get(target.provider or '', '/models')}")
    if response.status_code == 404:
        return _foreign(target, "an OpenAI-like backend")
    if response.status_code != 200:
        return _refused(response, target)
    listed = _object(response) or {}
    data = listed.get("models" if target.provider == "gemini" else "data")
    if not isinstance(data, list):
        return _foreign(target, "an OpenAI-like backend")
    names = [str(each.get("id") or each.get("name")).removeprefix("models/") for each in data if isinstance(each, dict)]
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
    value = _json(response)
    return value if isinstance(value, dict) else None


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
