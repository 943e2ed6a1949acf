"""Backends that answer with wrong JSON: around the reply, where nothing can be made of it, and within, where it is
mended. Over real HTTP, whole and streamed."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from adapters.llm.configuration import Models
from adapters.llm.providers import ProviderLLM
from domain.ports.llm import ModelUnavailable, Reply, Request
from services.structured.coercing import same
from services.structured.faults import Unreadable
from services.structured.ladder import read
from tests.model_behaviours import Behaviour, Raw, Says
from tests.model_servers import ModelServer, model_server

SAMPLE = Path(__file__).parents[1] / "data" / "broken_json.jsonl"
KINDS = ("ollama", "openai", "vllm")
REQUEST = Request(alias="main", system="s", task="Secret task.", idempotency_key="k", deadline=20.0)
Ask = Callable[[ProviderLLM], Awaitable[Reply]]

BODIES = (
    b"",
    b" ",
    b"null",
    b"true",
    b"7",
    b'"Secret task."',
    b"[]",
    b"[{}]",
    b"{}",
    b"{",
    b'{"choices": [',
    b"{'choices': []}",
    b"\xef\xbb\xbf{}",
    b"\xff\xfe\x00",
    b'{"a": NaN}',
    b"{}{}",
    b"not json at all",
    b'{"choices": []}',
    b'{"choices": null}',
    b'{"choices": {}}',
    b'{"choices": "none"}',
    b'{"choices": [null]}',
    b'{"choices": [{}]}',
    b'{"choices": [7]}',
    b'{"choices": [{"message": null}]}',
    b'{"choices": [{"message": []}]}',
    b'{"choices": [{"message": {}}]}',
    b'{"choices": [{"message": {"content": null}}]}',
    b'{"choices": [{"message": {"content": 7}}]}',
    b'{"choices": [{"message": {"content": {"text": "x"}}}]}',
    b'{"choices": [{"message": {"tool_calls": "none"}}]}',
    b'{"choices": [{"message": {"tool_calls": [{}]}}]}',
    b'{"choices": [{"message": {"tool_calls": [{"function": {"name": 7}}]}}]}',
    b'{"choices": [{"delta": null}]}',
    b'{"message": null, "done": true}',
    b'{"message": [], "done": true}',
    b'{"message": {}, "done": true}',
    b'{"message": {"content": 7}, "done": true}',
    b'{"message": {"content": null}, "done": true}',
    b'{"message": {"content": {"text": "x"}}, "done": true}',
    b'{"message": {"tool_calls": "none"}, "done": true}',
    b'{"message": {"tool_calls": [{}]}, "done": true}',
    b'{"message": {"role": 7, "content": ""}, "done": "yes"}',
    b'{"error": 7}',
    b'{"error": null}',
    b'{"usage": {"prompt_tokens": "many"}}',
    b"[" * 20_000,
    b'{"a":' * 20_000,
)


async def completed(llm: ProviderLLM) -> Reply:
    return await llm.complete(REQUEST)


async def streamed(llm: ProviderLLM) -> Reply:
    return cast(Reply, [piece async for piece in llm.stream(REQUEST)][-1])


def provider(server: ModelServer, kind: str) -> ProviderLLM:
    address = server.base_url if kind == "ollama" else server.openai_url
    return ProviderLLM(
        Models.model_validate(
            {
                "backends": {"box": {"kind": kind, "base_url": address}},
                "aliases": {"main": {"backend": "box", "model": "tiny"}},
                "default": "main",
            }
        ),
        {},
    )


@pytest.mark.parametrize("ask", [completed, streamed])
@pytest.mark.parametrize("kind", KINDS)
async def test_wrong_json_around_a_reply_is_no_answer_and_never_a_crash(kind: str, ask: Ask) -> None:
    said: list[Behaviour] = []
    with model_server(lambda body: said[-1]) as server:
        llm = provider(server, kind)
        for body in BODIES:
            events = ask is streamed and kind != "ollama"
            said.append(
                Raw(b"data: " + body + b"\n\n", "text/event-stream") if events else Raw(body, "application/json")
            )
            with pytest.raises(ModelUnavailable) as caught:
                await ask(llm)
            assert caught.value.retryable and "Secret" not in str(caught.value), body[:60]


async def made_of(asked: Awaitable[Reply], schema: dict[str, Any]) -> Any:
    """What was read; None where nothing could be, or where nothing but thoughts came."""
    try:
        return read((await asked).text, schema).value
    except Unreadable:
        return None
    except ModelUnavailable as error:
        assert "answered with nothing" in str(error)
        return None


@pytest.mark.parametrize("ask", [completed, streamed])
@pytest.mark.parametrize("kind", KINDS)
async def test_forty_kinds_of_wrong_json_within_a_reply_come_through_and_are_read_as_meant(kind: str, ask: Ask) -> None:
    rows: list[dict[str, Any]] = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    said: list[Behaviour] = []
    with model_server(lambda body: said[-1]) as server:
        llm = provider(server, kind)
        for row in rows:
            said.append(Says(text=row["raw"]))
            meant = None if row["expected"] == "unrecoverable" else row["expected"]
            assert same(await made_of(ask(llm), row["schema_json"]), meant), row["raw"]
    assert len(rows) >= 40
