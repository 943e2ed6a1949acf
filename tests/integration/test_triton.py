"""Triton's generate endpoints as a backend, over real HTTP with a server that speaks them and misbehaves on order."""

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.llm.backends import BackendLLM
from adapters.llm.configuration import Models
from adapters.llm.prompts import STYLES, Until, prompt
from adapters.llm.triton import TritonLLM
from domain.ports.llm import (
    ContextTooLong,
    Delta,
    LLMError,
    ModelBusy,
    ModelDenied,
    ModelMissing,
    ModelRepeats,
    ModelTimedOut,
    ModelUnavailable,
    Reply,
    ReplyTooLong,
    Request,
    RequestRefused,
    Tool,
)
from tests.model_behaviours import Behaviour, Drops, Endless, Fails, Hangs, Raw, Says, Script
from tests.triton_servers import TENSORRT, TritonServer, triton_server

REQUEST = Request(alias="main", system="You are terse.", task="Secret task.", idempotency_key="step-1", deadline=20.0)
Ask = Callable[[Any, Request], Any]


def models(server: TritonServer, key: str | None = None, template: str = "chatml", **alias: Any) -> Models:
    return Models.model_validate(
        {
            "backends": {"box": {"kind": "triton", "base_url": server.base_url, "api_key_env": key}},
            "aliases": {"main": {"backend": "box", "model": "tiny", "template": template} | alias},
            "default": "main",
        }
    )


def triton(server: TritonServer, **alias: Any) -> BackendLLM:
    return BackendLLM(models(server, **alias), {})


def always(behaviour: Behaviour) -> Script:
    return lambda body: behaviour


async def completed(llm: Any, request: Request) -> Reply:
    return cast(Reply, await llm.complete(request))


async def streamed(llm: Any, request: Request) -> Reply:
    *deltas, last = [piece async for piece in llm.stream(request)]
    assert isinstance(last, Reply)
    assert "".join(cast(Delta, each).text for each in deltas) == last.text
    return last


@pytest.fixture(params=(completed, streamed))
def ask(request: pytest.FixtureRequest) -> Ask:
    return cast(Ask, request.param)


async def test_gives_text_and_the_tokens_and_the_end_that_the_server_tells(ask: Ask) -> None:
    says = Says(text="Hello to you.", input_tokens=1_000, output_tokens=500, finish="length")
    with triton_server(always(says)) as server:
        reply = await ask(triton(server, price={"input": 2, "output": 4}), REQUEST)
    assert (reply.text, reply.finish, reply.model) == ("Hello to you.", "length", "tiny")
    assert (reply.input_tokens, reply.output_tokens, reply.money) == (1_000, 500, 4_000)


async def test_tokens_are_estimated_where_the_server_tells_none(ask: Ask) -> None:
    with triton_server(always("Hello to you, and to all of yours."), inputs=TENSORRT) as server:
        reply = await ask(triton(server), REQUEST)
    assert reply.text == "Hello to you, and to all of yours."
    assert reply.input_tokens > 10 and reply.output_tokens > 5


async def test_the_conversation_is_one_text_and_options_go_where_the_model_takes_them(ask: Ask) -> None:
    with triton_server() as server:
        await ask(triton(server, temperature=0.7), REQUEST)
    body = server.asked[0]
    assert body["text_input"] == (
        "<|im_start|>system\nYou are terse.<|im_end|>\n"
        "<|im_start|>user\nSecret task.<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    asked_to_stream = ask is streamed
    assert body["parameters"] == {
        "max_tokens": REQUEST.max_output_tokens,
        "temperature": 0.7,
        "stop": "<|im_end|>",
        "stream": asked_to_stream,
    }
    assert body["return_finish_reason"] and body["exclude_input_in_output"]
    assert server.paths == ["/v2/models/tiny", "/v2/models/tiny/generate" + ("_stream" if asked_to_stream else "")]
    assert server.headers[-1]["idempotency-key"] == "step-1"


async def test_a_model_that_knows_no_switches_gets_none(ask: Ask) -> None:
    with triton_server(inputs=TENSORRT) as server:
        await ask(triton(server), REQUEST)
    assert set(server.asked[0]) == {"text_input", "parameters"}
    assert server.asked[0]["parameters"]["stop_words"] == "<|im_end|>"


async def test_a_schema_is_asked_for_in_the_prompt(ask: Ask) -> None:
    schema: Any = {"type": "object", "properties": {"title": {"type": "string"}}}
    with triton_server(always('{"title": "x"}')) as server:
        reply = await ask(triton(server), replace(REQUEST, schema=schema))
    assert json.loads(reply.text) == {"title": "x"}
    assert json.dumps(schema) in server.asked[0]["text_input"]


async def test_what_comes_after_the_end_of_the_turn_is_no_answer(ask: Ask) -> None:
    with triton_server(always(Says(text="Done.<|im_end|>\n<|im_start|>user\nMore?", piece=3))) as server:
        assert (await ask(triton(server), REQUEST)).text == "Done."


async def test_thoughts_are_kept_apart(ask: Ask) -> None:
    with triton_server(always("<think>First this.</think>The answer.")) as server:
        reply = await ask(triton(server), REQUEST)
    assert (reply.text, reply.thinking) == ("The answer.", "First this.")


async def test_tools_are_refused_with_what_to_use_instead(ask: Ask) -> None:
    tool = Tool(name="search", description="Searches.", parameters={"type": "object"})
    with triton_server() as server:
        with pytest.raises(RequestRefused, match="tools: envelope"):
            await ask(triton(server), replace(REQUEST, tools=(tool,)))
        assert server.paths == []


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (Fails(status=400), RequestRefused),
        (Fails(status=400, message="prompt is longer than the maximum model length of 4096"), ContextTooLong),
        (Fails(status=401), ModelDenied),
        (Fails(status=404), ModelMissing),
        (Fails(status=429), ModelBusy),
        (Fails(status=500), ModelUnavailable),
        (Fails(status=503), ModelBusy),
        (Fails(status=504), ModelTimedOut),
        (Raw(), ModelUnavailable),
        (Raw(b"data: {}\n\n", "text/event-stream"), ModelUnavailable),
        (Raw(b'{"error": "out of memory: Secret task."}', "application/json"), ModelUnavailable),
        (Raw(b'data: {"error": "out of memory: Secret task."}\n\n', "text/event-stream"), ModelUnavailable),
        (Raw(b'data: {"error": "exceeds maximum input length"}\n\n', "text/event-stream"), ModelUnavailable),
        (Raw(b"{}", "application/json", headers=(("Content-Encoding", "gzip"),)), ModelUnavailable),
        (Drops(), ModelUnavailable),
        (Says(), ModelUnavailable),
    ],
)
async def test_what_goes_wrong_is_an_error_of_ours(ask: Ask, behaviour: Behaviour, expected: type[LLMError]) -> None:
    if ask is streamed and b"maximum" in getattr(behaviour, "body", b""):
        expected = ContextTooLong
    with triton_server(always(behaviour)) as server:
        with pytest.raises(LLMError) as caught:
            await ask(triton(server), REQUEST)
        said = str(caught.value)
    assert type(caught.value) is expected
    assert "'main'" in said and "'tiny'" in said and server.base_url in said and said.endswith(".")
    assert "Secret" not in said and "\n" not in said


async def test_a_busy_server_says_when_to_come_back(ask: Ask) -> None:
    busy = Fails(status=503, headers=(("Retry-After", "7"),))
    with triton_server(always(busy)) as server, pytest.raises(ModelBusy) as caught:
        await ask(triton(server), REQUEST)
    assert caught.value.retry_after == 7.0


async def test_a_reply_that_is_paid_and_broke_off_is_not_asked_for_again(ask: Ask) -> None:
    with triton_server(always(Drops())) as server, pytest.raises(ModelUnavailable) as caught:
        await ask(triton(server, price={"output": 1}), REQUEST)
    assert not caught.value.retryable


@pytest.mark.parametrize("behaviour", [Hangs(), Says(text="slow " * 40, pause=0.2)])
async def test_a_server_that_hangs_or_dawdles_ends_at_the_deadline(ask: Ask, behaviour: Behaviour) -> None:
    behaviour = replace(behaviour, pause=9.0) if ask is completed and isinstance(behaviour, Says) else behaviour
    with triton_server(always(behaviour)) as server:
        begun = time.monotonic()
        with pytest.raises(ModelTimedOut):
            await ask(triton(server), replace(REQUEST, deadline=0.5))
        assert time.monotonic() - begun < 3
        assert server.wait_for_disconnect()


async def test_cancelling_ends_the_request_at_the_server(ask: Ask) -> None:
    with triton_server(always(Hangs())) as server:
        task = asyncio.ensure_future(ask(triton(server), REQUEST))
        while not server.asked:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert server.wait_for_disconnect()


async def test_closing_a_stream_ends_the_request_at_the_server() -> None:
    with triton_server(always(Endless(pause=0.01))) as server:
        async with aclosing(cast(Any, triton(server).stream(REQUEST))) as pieces:
            assert isinstance(await anext(pieces), Delta)
        assert server.wait_for_disconnect()


async def test_a_reply_past_the_limit_is_stopped_at_the_server() -> None:
    with triton_server(always(Endless(piece="x" * 5_000))) as server:
        with pytest.raises(ReplyTooLong):
            await streamed(TritonLLM(models(server), {}, reply_limit=50_000), REQUEST)
        assert server.wait_for_disconnect()


async def test_a_model_that_says_the_same_for_ever_is_stopped_at_the_server() -> None:
    with triton_server(always(Endless())) as server:
        with pytest.raises(ModelRepeats, match="says the same over and over"):
            await streamed(triton(server), REQUEST)
        assert server.wait_for_disconnect()


async def test_nobody_there_is_unavailable_with_the_address(ask: Ask) -> None:
    with triton_server() as server:
        llm = triton(server)
    with pytest.raises(ModelUnavailable, match=f"Nothing answers .*{server.base_url}"):
        await ask(llm, REQUEST)


async def test_the_key_is_sent_to_the_server(ask: Ask) -> None:
    with triton_server() as server:
        await ask(BackendLLM(models(server, key="BOX_KEY"), {"BOX_KEY": "k-123"}), REQUEST)
    assert {each["authorization"] for each in server.headers} == {"Bearer k-123"}


async def test_check_tells_missing_unloaded_and_ready_apart() -> None:
    with triton_server(models=("other",), unloaded=("tiny",)) as server:
        with pytest.raises(ModelMissing, match=r"not loaded .* POST to .*/v2/repository/models/tiny/load"):
            await triton(server).check("main")
        with pytest.raises(ModelMissing, match=r"\(tiny, other\)"):
            await triton(server, model="third").check("main")
        with pytest.raises(ModelMissing):
            await triton(server).complete(REQUEST)
        await triton(server, model="other").check("main")
        assert server.asked == []


async def test_the_list_of_models_says_that_it_is_loaded() -> None:
    with triton_server() as server:
        seen = await triton(server).seen("main")
    assert seen.there and seen.loaded


@given(st.text(), st.sampled_from(["<|im_end|>", "<|im_start|>", "<|eot_id|>", "<|start_header_id|>"]), st.text())
def test_no_text_of_a_message_ends_its_turn(before: str, mark: str, after: str) -> None:
    for template in ("chatml", "llama3"):
        written = prompt([{"role": "user", "content": before + mark + after}], template)
        assert written.count("<|") == prompt([{"role": "user", "content": ""}], template).count("<|")


@given(st.lists(st.sampled_from(["a", "<|im_end|>", "<", "<|im", "_end|>", "|"])))
def test_a_text_in_pieces_ends_where_the_whole_would(pieces: list[str]) -> None:
    stop = STYLES["chatml"].stop
    until = Until(stop)
    assert "".join(map(until.feed, pieces)) + until.flush() == "".join(pieces).partition(stop)[0]
