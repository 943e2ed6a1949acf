"""What a call that nobody waits for any more leaves behind, through everything that a call goes through."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from adapters.llm.configuration import Models
from domain.ports.llm import LLM, Request
from infrastructure.model_calls import language_model
from tests.model_behaviours import Hangs, Json
from tests.model_servers import ModelServer, model_server

Ask = Callable[[LLM, Request], Awaitable[object]]


async def completed(llm: LLM, request: Request) -> object:
    return await llm.complete(request)


async def streamed(llm: LLM, request: Request) -> object:
    return [piece async for piece in llm.stream(request)]


def composed(kind: str, *servers: ModelServer) -> LLM:
    """The port with all of its decorators; one call at a time at each server."""
    deployments = [{"backend": f"box{number}", "model": "tiny"} for number, _ in enumerate(servers)]
    suffix = "" if kind == "ollama" else "/v1"
    return language_model(
        Models.model_validate(
            {
                "backends": {f"box{n}": {"kind": kind, "base_url": s.base_url + suffix} for n, s in enumerate(servers)},
                "aliases": {"main": {"deployments": deployments}},
                "default": "main",
            }
        )
    )


def asked(task: str) -> Request:
    return Request(alias="main", system="s", task=task, idempotency_key=task, deadline=30.0)


def hangs_when_told(body: Json) -> Any:
    return Hangs() if "Hang." in body["messages"][-1]["content"] else "Well."


@pytest.mark.parametrize("ask", [completed, streamed])
@pytest.mark.parametrize("kind", ["ollama", "openai", "vllm", "llama.cpp"])
async def test_cancelling_ends_the_request_and_the_next_call_has_its_place(kind: str, ask: Ask) -> None:
    with model_server(hangs_when_told) as server:
        llm = composed(kind, server)
        first = asyncio.ensure_future(ask(llm, asked("Hang.")))
        while not server.chats:
            await asyncio.sleep(0.01)
        second = asyncio.ensure_future(ask(llm, asked("Go on.")))
        first.cancel()
        assert await asyncio.wait_for(second, 20)
        assert first.cancelled()
        assert await asyncio.to_thread(server.wait_for_disconnect)
        assert len(server.chats) == 2


async def test_a_deployment_whose_call_was_cancelled_is_not_the_busier_one() -> None:
    with model_server(hangs_when_told) as one, model_server(hangs_when_told) as other:
        llm = composed("openai", one, other)
        call = asyncio.ensure_future(completed(llm, asked("Hang.")))
        while not one.chats:
            await asyncio.sleep(0.01)
        call.cancel()
        await asyncio.wait([call])
        await completed(llm, asked("Go on."))
        assert (len(one.chats), len(other.chats)) == (2, 0)
