"""The LLM port over a real inference engine: what it promises holds where tokens, grammar and slots are real."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any, cast

import pytest
from jsonschema import Draft202012Validator

from adapters.llm.configuration import Models
from adapters.llm.providers import ProviderLLM
from domain.ports.llm import ContextTooLong, Delta, Reply, Request
from tests.engines import Engine, engine

REQUEST = Request(alias="main", system="You are terse.", task="Say it.", idempotency_key="step-1", deadline=60.0)
LEAST = 7_200
LONG: Any = {
    "type": "array",
    "items": {"type": "string", "minLength": LEAST // 8},
    "minItems": 8,
    "maxItems": 8,
}
"""Takes seconds, and at least `LEAST` tokens."""
SCHEMAS: dict[str, Any] = {
    "nested": {
        "type": "object",
        "properties": {
            "who": {
                "type": "object",
                "properties": {"name": {"type": "string", "minLength": 3, "maxLength": 9}, "old": {"type": "boolean"}},
                "required": ["name", "old"],
                "additionalProperties": False,
            },
            "parts": {"type": "array", "items": {"type": "array", "items": {"type": "null"}, "maxItems": 2}},
        },
        "required": ["who", "parts"],
        "additionalProperties": False,
    },
    "enum": {
        "type": "object",
        "properties": {
            "verdict": {"type": "string", "enum": ["met", "not_met", "unverified"]},
            "next": {"anyOf": [{"type": "null"}, {"type": "string", "const": "naïve “ü”"}]},
        },
        "required": ["verdict", "next"],
        "additionalProperties": False,
    },
    "bounded": {
        "type": "object",
        "properties": {
            "scores": {
                "type": "array",
                "items": {"type": "integer", "minimum": 3, "maximum": 17},
                "minItems": 2,
                "maxItems": 4,
            },
            "code": {"type": "string", "pattern": "^[a-c]{2}-[0-9]{1,3}$"},
        },
        "required": ["scores", "code"],
        "additionalProperties": False,
    },
    "referring": {
        "type": "object",
        "$defs": {"day": {"type": "object", "properties": {"at": {"type": "string", "format": "date"}}}},
        "properties": {"days": {"type": "array", "items": {"$ref": "#/$defs/day"}, "minItems": 1, "maxItems": 3}},
        "required": ["days"],
        "additionalProperties": False,
    },
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with engine(tmp_path_factory.mktemp("engine"), context=16_384, parallel=2) as found:
        yield found


@pytest.fixture(params=("openai", "llama.cpp"))
def llm(request: pytest.FixtureRequest, server: Engine) -> ProviderLLM:
    configured = {
        "backends": {"box": {"kind": request.param, "base_url": server.openai_url}},
        "aliases": {"main": {"backend": "box", "model": "tiny"}},
        "default": "main",
    }
    return ProviderLLM(Models.model_validate(configured), {})


async def streamed(llm: ProviderLLM, request: Request) -> tuple[str, Reply]:
    """The deltas put together, and the reply after them."""
    pieces = [piece async for piece in llm.stream(request)]
    last = pieces.pop()
    assert isinstance(last, Reply)
    return "".join(cast(Delta, piece).text for piece in pieces), last


async def test_text_comes_with_its_true_count_of_tokens(llm: ProviderLLM) -> None:
    reply = await llm.complete(REQUEST)
    assert reply.text and reply.finish == "stop"
    assert reply.input_tokens > len(REQUEST.system + REQUEST.task), "a token is a byte here, and turns have marks"
    assert 0 < reply.output_tokens < REQUEST.max_output_tokens


async def test_a_stream_gives_the_same_reply_in_pieces_with_the_same_usage(llm: ProviderLLM) -> None:
    request = replace(REQUEST, temperature=0.0)
    whole = await llm.complete(request)
    text, reply = await streamed(llm, request)
    assert text == reply.text == whole.text
    assert (reply.input_tokens, reply.output_tokens) == (whole.input_tokens, whole.output_tokens)


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
async def test_what_a_schema_asks_for_is_valid_by_grammar(llm: ProviderLLM, schema: Any) -> None:
    Draft202012Validator.check_schema(schema)
    asked = [replace(REQUEST, schema=schema, temperature=each / 10) for each in range(0, 16, 5)]
    replies = [await llm.complete(each) for each in asked] + [(await streamed(llm, each))[1] for each in asked]
    for reply in replies:
        assert reply.finish == "stop"
        Draft202012Validator(schema).validate(json.loads(reply.text))


async def test_a_reply_cut_by_length_says_so(llm: ProviderLLM) -> None:
    request = replace(REQUEST, schema=LONG, max_output_tokens=20)
    for reply in (await llm.complete(request), (await streamed(llm, request))[1]):
        assert (reply.finish, reply.output_tokens) == ("length", 20)


async def test_a_prompt_past_the_context_is_told_and_not_cut(llm: ProviderLLM) -> None:
    request = replace(REQUEST, task="word " * 4_000)
    with pytest.raises(ContextTooLong, match="does not fit"):
        await llm.complete(request)
    with pytest.raises(ContextTooLong, match="does not fit"):
        await streamed(llm, request)


@pytest.mark.parametrize("llm", ["llama.cpp"], indirect=True)
async def test_cancelling_frees_the_slot_at_once(server: Engine, llm: ProviderLLM) -> None:
    before = server.written()
    task = asyncio.ensure_future(llm.complete(replace(REQUEST, schema=LONG, max_output_tokens=8_000)))
    assert await asyncio.to_thread(server.comes_to, 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(server.comes_to, 0)
    assert server.written() - before < LEAST, "it went on to the end"


async def test_closing_a_stream_frees_the_slot_at_once(server: Engine, llm: ProviderLLM) -> None:
    before = server.written()
    stream = cast(Any, llm.stream(replace(REQUEST, schema=LONG, max_output_tokens=8_000)))
    async with aclosing(stream) as pieces:
        assert isinstance(await anext(pieces), Delta)
    assert await asyncio.to_thread(server.comes_to, 0)
    assert server.written() - before < LEAST, "it went on to the end"


async def test_calls_beside_each_other_are_all_answered_though_they_outnumber_the_slots(llm: ProviderLLM) -> None:
    schema = SCHEMAS["bounded"]
    asked = [replace(REQUEST, task=f"Number {number}.", schema=schema) for number in range(6)]
    for reply in await asyncio.gather(*map(llm.complete, asked)):
        Draft202012Validator(schema).validate(json.loads(reply.text))


async def test_the_check_finds_the_model_and_runs_nothing(server: Engine, llm: ProviderLLM) -> None:
    await llm.check("main")
    assert server.busy() == 0
