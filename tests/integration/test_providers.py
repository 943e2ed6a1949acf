import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any, cast

import httpx
import pytest

from adapters.llm.clouds import Clouds
from adapters.llm.configuration import Models
from adapters.llm.faults import Target
from adapters.llm.providers import ProviderLLM
from adapters.llm.wire import wait_asked
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
from tests.model_servers import (
    Behaviour,
    Drops,
    Endless,
    Fails,
    Hangs,
    ModelServer,
    Raw,
    Says,
    Script,
    default_script,
    model_server,
)

KINDS = ("ollama", "openai", "vllm", "llamafile", "lm_studio")
SCHEMA: Any = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
REQUEST = Request(alias="main", system="You are terse.", task="Secret task.", idempotency_key="step-1", deadline=20.0)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=("ollama", "openai"))
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def models(server: ModelServer, kind: str, key: str | None = None, **alias: Any) -> Models:
    address = server.base_url if kind == "ollama" else server.openai_url
    return Models.model_validate(
        {
            "backends": {"box": {"kind": kind, "base_url": address, "api_key_env": key}},
            "aliases": {"main": {"backend": "box", "model": "tiny"} | alias},
            "default": "main",
        }
    )


def provider(server: ModelServer, kind: str, **alias: Any) -> ProviderLLM:
    return ProviderLLM(models(server, kind, **alias), {})


def always(behaviour: Behaviour) -> Script:
    return lambda body: behaviour


async def pieces(llm: ProviderLLM, request: Request) -> tuple[list[str], Reply]:
    gathered = [piece async for piece in llm.stream(request)]
    last = gathered.pop()
    assert isinstance(last, Reply)
    return [cast(Delta, piece).text for piece in gathered], last


Ask = Callable[[ProviderLLM, Request], Any]


async def streamed(llm: ProviderLLM, request: Request) -> Reply:
    return (await pieces(llm, request))[1]


async def completed(llm: ProviderLLM, request: Request) -> Reply:
    return await llm.complete(request)


@pytest.fixture(params=(completed, streamed))
def ask(request: pytest.FixtureRequest) -> Ask:
    return cast(Ask, request.param)


async def test_gives_text_usage_money_and_thoughts_of_every_kind_of_backend(kind: str, ask: Ask) -> None:
    says = Says(text="Hello to you.", thinking="hm", input_tokens=1_000, output_tokens=500)
    with model_server(always(says)) as server:
        llm = provider(server, kind, price={"input": 2, "output": 4})
        reply = await ask(llm, REQUEST)
    assert reply.text == "Hello to you."
    assert (reply.input_tokens, reply.output_tokens, reply.money) == (1_000, 500, 4_000)
    assert (reply.thinking, reply.finish, reply.model) == ("hm", "stop", "tiny")
    assert 0 < reply.seconds < 20


async def test_a_stream_gives_deltas_that_add_up_to_the_reply(kind: str) -> None:
    with model_server(always("One two three four five six.")) as server:
        deltas, reply = await pieces(provider(server, kind), REQUEST)
    assert len(deltas) > 1
    assert "".join(deltas) == reply.text == "One two three four five six."


async def test_the_schema_reaches_the_backend_as_it_is(kind: str, ask: Ask) -> None:
    with model_server() as server:
        reply = await ask(provider(server, kind), replace(REQUEST, schema=SCHEMA))
        body = server.chats[0].body
    assert json.loads(reply.text) == {"title": "sample"}
    sent = body["format"] if kind == "ollama" else body["response_format"]["json_schema"]["schema"]
    assert sent == SCHEMA


async def test_ollama_is_told_its_context_and_not_to_cut_or_think(ask: Ask) -> None:
    with model_server() as server:
        await ask(provider(server, "ollama", keep_alive="10m", context_tokens=4_096), REQUEST)
        body = server.chats[0].body
    assert body["options"]["num_ctx"] == 4_096
    assert body["options"]["num_predict"] == REQUEST.max_output_tokens
    assert (body["truncate"], body["think"], body["keep_alive"]) == (False, False, "10m")


async def test_the_idempotency_key_is_a_header_and_the_temperature_of_the_alias_wins(kind: str, ask: Ask) -> None:
    with model_server() as server:
        await ask(provider(server, kind, temperature=0.7), REQUEST)
        sent = server.chats[0]
    assert sent.headers["idempotency-key"] == "step-1"
    assert (sent.body["options"] if kind == "ollama" else sent.body)["temperature"] == 0.7


async def test_a_request_goes_to_the_configured_address_once_and_nowhere_else(kind: str, ask: Ask) -> None:
    with model_server() as server:
        await ask(provider(server, kind), REQUEST)
        asked_before = {"/api/show"} if kind == "ollama" else set()
        assert {each.path for each in server.requests} == {server.chats[0].path} | asked_before
        assert len(server.chats) == 1


async def test_no_call_is_repeated_by_the_library(kind: str, ask: Ask) -> None:
    with model_server(always(Fails(status=500))) as server:
        with pytest.raises(ModelUnavailable):
            await ask(provider(server, kind), REQUEST)
        assert len(server.chats) == 1


def test_neither_proxies_nor_addresses_in_the_environment_are_used() -> None:
    with model_server() as right, model_server() as wrong:
        environ = {
            "HTTP_PROXY": "http://127.0.0.1:9",
            "ALL_PROXY": "http://127.0.0.1:9",
            "OPENAI_BASE_URL": wrong.openai_url,
            "OPENAI_API_BASE": wrong.openai_url,
            "OLLAMA_API_BASE": wrong.base_url,
            "OPENAI_API_KEY": "leaked",
            "OLLAMA_API_KEY": "leaked",
        }
        for kind in ("ollama", "openai"):
            _ask_in_a_process(models(right, kind), environ)
        assert len(right.chats) == 4
        assert wrong.requests == []
        assert {each.headers["authorization"] for each in right.chats} == {"Bearer none"}


def _ask_in_a_process(configured: Models, environ: dict[str, str]) -> None:
    code = f"""
import asyncio
from adapters.llm.configuration import Models
from adapters.llm.providers import ProviderLLM
from domain.ports.llm import Request
async def main():
    llm = ProviderLLM(Models.model_validate_json({configured.model_dump_json()!r}), {{}})
    request = Request(alias="main", system="s", task="t", idempotency_key="k", deadline=20)
    await llm.complete(request)
    assert [piece async for piece in llm.stream(request)]
asyncio.run(main())
"""
    path = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", code],
        env=path | environ,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_importing_the_adapter_imports_no_heavy_library() -> None:
    names = ["configuration", "providers", "faults", "limited", "retrying", "discovery", "presence"]
    imports = "; ".join(f"import adapters.llm.{name}" for name in names)
    code = f"import sys; {imports}; print(sorted({{'litellm', 'openai', 'aiohttp'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr


async def test_the_loop_goes_on_while_the_library_is_imported() -> None:
    with model_server() as server:
        configured = models(server, "ollama").model_dump_json()
    code = f"""
import asyncio
from adapters.llm.configuration import Models
from adapters.llm.providers import ProviderLLM
async def main():
    models = Models.model_validate_json({configured!r})
    warming = asyncio.create_task(ProviderLLM(models, {{}}).warm())
    ticks = 0
    while not warming.done():
        await asyncio.sleep(0.05)
        ticks += 1
    print(ticks)
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert int(out) > 10


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, RequestRefused),
        (401, ModelDenied),
        (403, ModelDenied),
        (404, ModelMissing),
        (408, ModelTimedOut),
        (409, RequestRefused),
        (422, RequestRefused),
        (429, ModelBusy),
        (500, ModelUnavailable),
        (502, ModelUnavailable),
        (503, ModelBusy),
        (504, ModelTimedOut),
        (302, ModelUnavailable),
        (418, RequestRefused),
        (599, ModelUnavailable),
    ],
)
async def test_a_status_becomes_an_error_of_ours(
    protocol: str, ask: Ask, status: int, expected: type[LLMError]
) -> None:
    with model_server(always(Fails(status=status, message="echo: Secret task."))) as server:
        with pytest.raises(LLMError) as caught:
            await ask(provider(server, protocol), REQUEST)
        said = str(caught.value)
        assert type(caught.value) is expected
        assert "'main'" in said and "'tiny'" in said and server.base_url in said
        assert "Secret" not in said and "\n" not in said
        assert caught.value.__cause__ is None and caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("Sat, 21 Nov 2026 10:00:20 GMT", 20.0),
        ("Sat, 21 Nov 2026 09:00:00 GMT", 0.0),
        ("-3", 0.0),
        ("soon", None),
        ("Sat, 99 Nov 2026", None),
        ("nan", None),
    ],
)
def test_when_to_come_back_may_be_a_date_by_the_clock_of_the_backend(header: str, seconds: float | None) -> None:
    headers = httpx.Headers({"Retry-After": header, "Date": "Sat, 21 Nov 2026 10:00:00 GMT"})
    assert wait_asked(headers) == seconds


async def test_a_busy_backend_says_when_to_come_back(protocol: str, ask: Ask) -> None:
    with (
        model_server(always(Fails(status=429, headers=(("Retry-After", "7"),)))) as server,
        pytest.raises(ModelBusy) as caught,
    ):
        await ask(provider(server, protocol), REQUEST)
    assert caught.value.retry_after == 7.0


@pytest.mark.parametrize(
    "message",
    [
        "the input length exceeds the context length",
        "request (9000 tokens) exceeds the available context size (8192 tokens)",
        "This model's maximum context length is 8192 tokens",
    ],
)
async def test_a_prompt_that_does_not_fit_is_told_from_other_refusals(kind: str, ask: Ask, message: str) -> None:
    with (
        model_server(always(Fails(status=400, message=message))) as server,
        pytest.raises(ContextTooLong, match="context_tokens"),
    ):
        await ask(provider(server, kind), REQUEST)


async def test_a_model_that_is_not_there_comes_with_the_remedy(ask: Ask) -> None:
    with model_server(models=("other",)) as server, pytest.raises(ModelMissing, match="ollama pull tiny"):
        await ask(provider(server, "ollama"), REQUEST)


@pytest.mark.parametrize("behaviour", [Raw(), Says(), Drops(), Raw(b"{}", "application/json")])
async def test_no_usable_answer_is_unavailable_and_may_be_tried_again(
    kind: str, ask: Ask, behaviour: Behaviour
) -> None:
    with model_server(always(behaviour)) as server, pytest.raises(ModelUnavailable) as caught:
        await ask(provider(server, kind), REQUEST)
    assert caught.value.retryable


async def test_an_empty_reply_says_so(kind: str, ask: Ask) -> None:
    with model_server(always(Says())) as server, pytest.raises(ModelUnavailable, match="answered with nothing"):
        await ask(provider(server, kind), REQUEST)


async def test_a_paid_answer_that_broke_off_is_not_tried_again(kind: str, ask: Ask) -> None:
    with model_server(always(Drops())) as server, pytest.raises(ModelUnavailable) as caught:
        await ask(provider(server, kind, price={"output": 1}), REQUEST)
    assert not caught.value.retryable


async def test_an_error_in_the_middle_of_ollamas_stream_is_unavailable() -> None:
    line = b'{"error": "llama runner crashed on: Secret task."}\n'
    with (
        model_server(always(Raw(line, "application/x-ndjson"))) as server,
        pytest.raises(ModelUnavailable) as caught,
    ):
        await streamed(provider(server, "ollama"), REQUEST)
    assert "Secret" not in str(caught.value)


@pytest.mark.parametrize("kind_", ["ollama", "openai", "vllm"])
async def test_a_stream_that_ends_in_good_order_before_the_reply_does_is_unavailable(kind_: str) -> None:
    chunk: dict[str, Any] = {"model": "tiny", "message": {"role": "assistant", "content": "Half"}, "done": False}
    body = json.dumps(chunk).encode() + b"\n"
    if kind_ != "ollama":
        choice = {"index": 0, "delta": {"role": "assistant", "content": "Half"}, "finish_reason": None}
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "tiny", "choices": [choice]}
        body = b"data: " + json.dumps(chunk).encode() + b"\n\n"
    kind_of_body = "application/x-ndjson" if kind_ == "ollama" else "text/event-stream"
    with (
        model_server(always(Raw(body, kind_of_body))) as server,
        pytest.raises(ModelUnavailable, match="before the reply was complete"),
    ):
        await streamed(provider(server, kind_), REQUEST)


async def test_nobody_there_is_unavailable_with_the_address(protocol: str, ask: Ask) -> None:
    with model_server() as server:
        llm = provider(server, protocol)
    with pytest.raises(ModelUnavailable, match=server.base_url):
        await ask(llm, REQUEST)


async def test_a_backend_that_hangs_ends_at_the_deadline(kind: str, ask: Ask) -> None:
    with model_server(always(Hangs())) as server:
        begun = time.monotonic()
        with pytest.raises(ModelTimedOut):
            await ask(provider(server, kind), replace(REQUEST, deadline=0.5))
        assert time.monotonic() - begun < 3
        assert server.wait_for_disconnect()


async def test_a_reply_without_end_ends_at_the_deadline(kind: str, ask: Ask) -> None:
    with model_server(always(Endless(pause=0.02))) as server:
        begun = time.monotonic()
        with pytest.raises(ModelTimedOut):
            await ask(provider(server, kind), replace(REQUEST, deadline=0.8))
        assert time.monotonic() - begun < 3
        assert server.wait_for_disconnect()


async def test_a_reply_past_the_limit_is_stopped_at_the_backend(kind: str, ask: Ask) -> None:
    with model_server(always(Endless(piece="x" * 5_000))) as server:
        llm = ProviderLLM(models(server, kind), {}, reply_limit=50_000)
        with pytest.raises(ReplyTooLong):
            await ask(llm, REQUEST)
        assert server.wait_for_disconnect()


async def test_a_model_that_says_the_same_for_ever_is_stopped_and_not_asked_again(kind: str) -> None:
    with model_server(always(Endless())) as server:
        with pytest.raises(ModelRepeats, match="says the same over and over") as caught:
            await streamed(provider(server, kind), REQUEST)
        assert server.wait_for_disconnect()
    assert not caught.value.retryable and not caught.value.leaves


async def test_a_reply_that_says_the_same_for_a_while_is_a_reply(kind: str, ask: Ask) -> None:
    with model_server(always("| ----- " * 90)) as server:
        assert (await ask(provider(server, kind), REQUEST)).text == "| ----- " * 90


async def test_a_long_complete_reply_is_refused_too(protocol: str, ask: Ask) -> None:
    with model_server(always(Says(text="x" * 60_000, piece=10_000))) as server:
        llm = ProviderLLM(models(server, protocol), {}, reply_limit=50_000)
        with pytest.raises(ReplyTooLong):
            await ask(llm, REQUEST)


async def test_cancelling_ends_the_request_at_the_backend(kind: str, ask: Ask) -> None:
    with model_server(always(Hangs())) as server:
        task = asyncio.ensure_future(ask(provider(server, kind), REQUEST))
        while not server.chats:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert server.wait_for_disconnect()


async def test_closing_a_stream_ends_the_request_at_the_backend(kind: str) -> None:
    with model_server(always(Endless(pause=0.01))) as server:
        stream = cast(Any, provider(server, kind).stream(REQUEST))
        async with aclosing(stream) as pieces_:
            assert isinstance(await anext(cast(AsyncIterator[Any], pieces_)), Delta)
        assert server.wait_for_disconnect()


@pytest.mark.parametrize("piece", [1, 3, 7, 100])
async def test_thoughts_in_the_text_are_kept_apart(kind: str, ask: Ask, piece: int) -> None:
    text = "<think>First this,\nthen that.</think>\n\nThe answer, with a <think> in it."
    with model_server(always(Says(text=text, piece=piece))) as server:
        reply = await ask(provider(server, kind), REQUEST)
    assert reply.text.strip() == "The answer, with a <think> in it."
    assert reply.thinking.strip() == "First this,\nthen that."


async def test_ollamas_own_piecing_of_thoughts_is_kept_apart(ask: Ask) -> None:
    with model_server(always(Says(text="<think>one two</think>three", piece=7))) as server:
        reply = await ask(provider(server, "ollama"), REQUEST)
    assert (reply.text, reply.thinking) == ("three", "one two")


async def test_a_reply_cut_by_length_says_so(kind: str, ask: Ask) -> None:
    with model_server(always(Says(text="Half", finish="length"))) as server:
        assert (await ask(provider(server, kind), REQUEST)).finish == "length"


async def test_a_model_may_ask_for_tools(kind: str, ask: Ask) -> None:
    tool = Tool(name="search", description="Searches.", parameters={"type": "object", "properties": {}})
    with model_server(always(Says(tools=(("search", {"q": "a"}), ("search", {"q": "b"}))))) as server:
        reply = await ask(provider(server, kind), replace(REQUEST, tools=(tool,)))
        sent = server.chats[0].body["tools"]
    assert sent[0]["function"]["name"] == "search"
    assert [(call.name, call.arguments) for call in reply.tool_calls] == [
        ("search", {"q": "a"}),
        ("search", {"q": "b"}),
    ]
    assert reply.finish == "tools"


async def test_the_key_comes_from_the_environment_given_and_never_into_an_error(protocol: str, ask: Ask) -> None:
    with model_server(always(Fails(status=401, message="bad key k-123"))) as server:
        llm = ProviderLLM(models(server, protocol, key="BOX_KEY"), {"BOX_KEY": "k-123"})
        with pytest.raises(ModelDenied, match="BOX_KEY") as caught:
            await ask(llm, REQUEST)
        assert server.chats[0].headers["authorization"] == "Bearer k-123"
    assert "k-123" not in str(caught.value)


async def test_a_key_that_is_not_set_is_denied_before_any_request(protocol: str, ask: Ask) -> None:
    with model_server() as server:
        llm = ProviderLLM(models(server, protocol, key="BOX_KEY"), {})
        with pytest.raises(ModelDenied, match="BOX_KEY is not set"):
            await ask(llm, REQUEST)
        with pytest.raises(ModelDenied, match="BOX_KEY is not set"):
            await llm.check("main")
        assert server.requests == []


async def test_many_calls_at_a_time_do_not_disturb_each_other(kind: str) -> None:
    def script(body: dict[str, Any]) -> Behaviour:
        task = body["messages"][1]["content"]
        return Fails(status=500) if task == "3" else f"Answer {task}."

    with model_server(script) as server:
        llm = provider(server, kind)
        requests = [replace(REQUEST, task=str(at)) for at in range(8)]
        replies = await asyncio.gather(*map(llm.complete, requests), return_exceptions=True)
    assert isinstance(replies.pop(3), ModelUnavailable)
    assert [cast(Reply, reply).text for reply in replies] == [f"Answer {at}." for at in (0, 1, 2, 4, 5, 6, 7)]


async def test_an_alias_nobody_configured_is_missing(ask: Ask) -> None:
    with model_server() as server:
        llm = provider(server, "ollama")
        with pytest.raises(ModelMissing, match="main"):
            llm.describe("other")
        with pytest.raises(ModelMissing, match="'other'"):
            await ask(llm, replace(REQUEST, alias="other"))


async def test_check_passes_when_the_model_is_there_and_runs_nothing(kind: str) -> None:
    with model_server() as server:
        await provider(server, kind).check("main")
        assert server.chats == []


async def test_check_says_how_to_get_a_missing_model(protocol: str) -> None:
    with (
        model_server(models=("other",)) as server,
        pytest.raises(ModelMissing, match="ollama pull tiny" if protocol == "ollama" else "other"),
    ):
        await provider(server, protocol).check("main")


async def test_check_names_an_address_where_nothing_answers(kind: str) -> None:
    with model_server() as server:
        llm = provider(server, kind)
    with pytest.raises(ModelUnavailable, match=f"Nothing answers .*{server.base_url}.*start the backend"):
        await llm.check("main")


async def test_check_refuses_a_model_that_ollama_runs_in_a_cloud() -> None:
    with (
        model_server(models=({"name": "tiny", "remote_host": "https://example.com"},)) as server,
        pytest.raises(RequestRefused, match="cloud"),
    ):
        await provider(server, "ollama").check("main")


CLOUD = {"name": "tiny", "remote_host": "https://example.com", "remote_model": "tiny:cloud"}


async def test_a_call_for_a_model_that_ollama_runs_in_a_cloud_sends_it_nothing(ask: Ask) -> None:
    with model_server(models=(CLOUD,)) as server:
        with pytest.raises(RequestRefused, match=r"in a cloud, which would receive the prompts.*allow_cloud: true"):
            await ask(provider(server, "ollama"), REQUEST)
        assert server.chats == [] and [each.body for each in server.requests] == [{"model": "tiny"}]


async def test_a_model_in_a_cloud_is_asked_where_that_is_allowed(ask: Ask) -> None:
    with model_server(models=(CLOUD,)) as server:
        allowed = models(server, "ollama").model_dump()
        allowed["backends"]["box"]["allow_cloud"] = True
        await ask(ProviderLLM(Models.model_validate(allowed), {}), REQUEST)
        assert [each.path for each in server.requests] == ["/api/chat"]


async def test_where_a_model_runs_is_asked_once_for_some_minutes() -> None:
    with model_server() as server:
        llm = provider(server, "ollama")
        for _ in range(3):
            await llm.complete(REQUEST)
    assert [each.path for each in server.requests].count("/api/show") == 1


async def test_where_a_model_runs_is_asked_again_after_that() -> None:
    passed = 0.0
    with model_server() as server:
        clouds = Clouds(lambda: passed)
        target = Target(alias="main", model="tiny", address=server.base_url, kind="ollama")
        for passed in (1.0, 200.0, 400.0):  # noqa: B007
            await clouds.pass_by(REQUEST, target, None)
    assert len(server.requests) == 2


async def test_check_tells_another_server_from_a_backend(protocol: str) -> None:
    with model_server() as server:
        wrong = Models.model_validate(
            {
                "backends": {"box": {"kind": "openai", "base_url": server.base_url + "/elsewhere"}},
                "aliases": {"main": {"backend": "box", "model": "tiny"}},
                "default": "main",
            }
        )
        with pytest.raises(ModelUnavailable, match="correct base_url"):
            await ProviderLLM(wrong, {}).check("main")


def test_the_default_script_answers_schemas_and_text() -> None:
    nested = {"$defs": {"n": {"type": "integer", "minimum": 3}}, "type": "object"}
    nested |= {"properties": {"a": {"type": "array", "minItems": 2, "items": {"$ref": "#/$defs/n"}}}}
    assert json.loads(str(default_script({"format": nested}))) == {"a": [3, 3]}
    assert str(default_script({})).startswith("# ")
