"""Tools for models that know none, over a model that writes what a test says."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from adapters.llm.enveloped import EnvelopedLLM, envelope
from domain.ports.llm import LLM, Delta, ModelInfo, ModelUnavailable, Reply, Request, Tool
from services.structured.understanding import understood
from tests.unit.ways_of_asking import Ask, ask

__all__ = ["ask"]

SEARCH = Tool(
    name="search",
    description="Finds passages.",
    parameters={
        "type": "object",
        "properties": {"words": {"type": "string"}, "most": {"type": "integer", "minimum": 1}},
        "required": ["words"],
        "additionalProperties": False,
    },
)
TREE = Tool(
    name="keep",
    description="Keeps a tree.",
    parameters={
        "type": "object",
        "$defs": {"node": {"type": "object", "properties": {"below": {"$ref": "#/$defs/node"}}}},
        "properties": {"root": {"$ref": "#/$defs/node"}},
        "required": ["root"],
    },
)
REQUEST = Request(alias="main", system="s", task="Find it.", idempotency_key="k", tools=(SEARCH, TREE))
CALL = '{"name": "search", "arguments": {"words": "roof"}}'


class Writes(LLM):
    def __init__(self, reply: Reply, price: int = 0) -> None:
        self._reply, self._price = reply, price
        self.requests: list[Request] = []

    async def complete(self, request: Request) -> Reply:
        self.requests.append(request)
        return self._reply

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        yield Delta(text=self._reply.text)
        yield await self.complete(request)

    def describe(self, alias: str) -> ModelInfo:
        return ModelInfo(alias=alias, model="tiny", backend="box", context_tokens=8_192, input_price=self._price)

    async def check(self, alias: str) -> None:
        raise ModelUnavailable(f"{alias} is away")


def wrapped(inner: LLM) -> EnvelopedLLM:
    return EnvelopedLLM(inner, lambda alias: alias == "main", understood)


def written(text: str, **more: Any) -> tuple[Writes, EnvelopedLLM]:
    inner = Writes(Reply(text=text, model="tiny", input_tokens=9, output_tokens=4, money=7, thinking="hm", **more))
    return inner, wrapped(inner)


async def test_a_call_comes_back_as_from_a_model_that_knows_tools(ask: Ask) -> None:
    inner, llm = written(CALL)
    reply = await ask(llm, REQUEST)
    (call,) = reply.tool_calls
    assert (call.name, call.arguments, reply.finish, reply.text) == ("search", {"words": "roof"}, "tools", "")
    assert (reply.input_tokens, reply.output_tokens, reply.money, reply.thinking) == (9, 4, 7, "hm")
    assert (reply.rung, reply.repairs) == ("strict", ())
    (asked,) = inner.requests
    assert asked.tools == () and "- search: Finds passages." in asked.task and asked.schema is not None


async def test_an_answer_comes_back_as_text(ask: Ask) -> None:
    _, llm = written('{"final_answer": "It is the roof."}')
    reply = await ask(llm, REQUEST)
    assert (reply.text, reply.finish, reply.tool_calls) == ("It is the roof.", "stop", ())


async def test_an_answer_with_a_schema_of_its_own_comes_back_as_json(ask: Ask) -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {"sure": {"type": "boolean"}}, "required": ["sure"]}
    _, llm = written('{"final_answer": {"sure": true}}')
    reply = await ask(llm, replace(REQUEST, schema=schema))
    assert json.loads(reply.text) == {"sure": True} and reply.tool_calls == ()


async def test_what_a_small_model_writes_around_and_into_a_call_is_read_and_told(ask: Ask) -> None:
    _, llm = written('Sure!\n```json\n{"name": "Search", "arguments": {words: \'roof\', "most": "3", "why": 1},}\n```')
    reply = await ask(llm, REQUEST)
    assert reply.tool_calls[0].arguments == {"words": "roof", "most": 3}
    assert reply.rung == "coerced" and "a field that the schema does not have" in reply.repairs


async def test_plain_text_is_the_answer_and_said_to_be_one(ask: Ask) -> None:
    _, llm = written("It is the roof.")
    reply = await ask(llm, REQUEST)
    assert (reply.text, reply.finish) == ("It is the roof.", "stop")
    assert reply.repairs == ("taken as the answer: it was plain text",)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"name": "search", "arguments": {}}', "cannot be read"),
        ('{"name": "fetch", "arguments": {"words": "roof"}}', "cannot be read"),
        ('{"name": "search", "arguments": {"words": "roof", "most": 0}}', "cannot be read"),
        (CALL + "\n" + CALL.replace("roof", "wall"), "several answers"),
        ('{"name": "search", "arguments": {"words": "roof"}, "final_answer": "roof"}', "cannot be read"),
    ],
)
async def test_a_call_that_does_not_fit_its_tool_is_an_error(ask: Ask, text: str, fault: str) -> None:
    _, llm = written(text)
    with pytest.raises(ModelUnavailable, match=fault) as caught:
        await ask(llm, REQUEST)
    assert caught.value.retryable, "it cost nothing"


async def test_what_was_billed_is_not_asked_elsewhere(ask: Ask) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        await ask(wrapped(Writes(Reply(text="{}", model="tiny"), price=1)), REQUEST)
    assert not caught.value.leaves


async def test_a_call_cut_by_its_length_is_no_call_and_says_why(ask: Ask) -> None:
    _, llm = written(CALL[:30], finish="length")
    reply = await ask(llm, REQUEST)
    assert (reply.finish, reply.tool_calls, reply.text) == ("length", (), "")


async def test_who_has_to_call_cannot_answer(ask: Ask) -> None:
    inner, llm = written("It is the roof.")
    with pytest.raises(ModelUnavailable, match="no JSON"):
        await ask(llm, replace(REQUEST, must_call=True))
    assert "final_answer" not in json.dumps(inner.requests[0].schema) + inner.requests[0].task


async def test_requests_without_tools_and_other_models_are_left_as_they_are(ask: Ask) -> None:
    for request in (replace(REQUEST, tools=()), replace(REQUEST, alias="other")):
        inner, llm = written(CALL)
        assert (await ask(llm, request)).text == CALL
        assert inner.requests == [request]


def test_schemas_that_refer_to_themselves_do_not_meet_in_the_envelope() -> None:
    schema: dict[str, Any] = {"$defs": {"node": {"const": 1}}, "$ref": "#/$defs/node"}
    built = envelope(replace(REQUEST, schema=schema))
    Draft202012Validator.check_schema(built)
    fits = Draft202012Validator(built).is_valid
    assert fits({"name": "keep", "arguments": {"root": {"below": {"below": {}}}}})
    assert not fits({"name": "keep", "arguments": {"root": {"below": 1}}})
    assert fits({"final_answer": 1}) and not fits({"final_answer": {}})


async def test_check_and_description_go_through() -> None:
    _, llm = written(CALL)
    assert llm.describe("main").model == "tiny"
    with pytest.raises(ModelUnavailable, match="main is away"):
        await llm.check("main")
