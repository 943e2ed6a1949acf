"""Tools asked of models that have none: a real engine that decodes by a schema, and servers that do not."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from config.settings import Settings
from domain.ports.llm import LLM, Request, Tool
from domain.principal import Principal
from infrastructure.data_directory import DataDirectory
from infrastructure.models import ConfiguredModels
from services.models import CLOCK, Checked, ModelChecks
from tests.engines import Engine, engine
from tests.model_servers import model_server
from tests.triton_servers import triton_server

WHO = Principal(id="usr_1", workspace_id="wsp_1")
REQUEST = Request(alias="main", system="s", task="What time is it in Oslo?", idempotency_key="k", tools=(CLOCK,))
BOOK = Tool(
    name="book",
    description="Books a table.",
    parameters={
        "type": "object",
        "$defs": {"hour": {"type": "integer", "minimum": 0, "maximum": 23}},
        "properties": {"at": {"$ref": "#/$defs/hour"}, "seats": {"type": "integer", "minimum": 1, "maximum": 8}},
        "required": ["at", "seats"],
        "additionalProperties": False,
    },
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with engine(tmp_path_factory.mktemp("engine")) as found:
        yield found


def models(folder: Path, kind: str, url: str, **alias: Any) -> ConfiguredModels:
    written = {
        "default": "main",
        "backends": {"box": {"kind": kind, "base_url": url}},
        "aliases": {"main": {"backend": "box", "model": "tiny", **alias}},
    }
    (folder / "models.yaml").write_text(yaml.safe_dump(written))
    return ConfiguredModels(Settings(data_dir=folder), DataDirectory(folder))


async def checked(found: ConfiguredModels) -> Checked:
    return await ModelChecks(found, found.llm()).checked(WHO, "main")


async def test_the_trial_of_tools_passes_on_a_real_engine(tmp_path: Path, server: Engine) -> None:
    trials = {trial.name: trial for trial in (await checked(models(tmp_path, "llama.cpp", server.openai_url))).trials}
    assert (trials["tools"].passed, trials["tools"].detail) == (True, "called, by an envelope")


async def test_noise_by_grammar_is_a_valid_call_or_an_answer(tmp_path: Path, server: Engine) -> None:
    llm: LLM = models(tmp_path, "llama.cpp", server.openai_url).llm()
    asked = replace(REQUEST, tools=(CLOCK, BOOK), temperature=1.0, must_call=True)
    called = set()
    for number in range(8):
        (call,) = (await llm.complete(replace(asked, task=f"Number {number}."))).tool_calls
        parameters = {tool.name: tool.parameters for tool in asked.tools}[call.name]
        Draft202012Validator(parameters).validate(call.arguments)
        called.add(call.name)
    assert called <= {"time_in", "book"} and called


async def test_an_openai_like_model_is_asked_by_an_envelope_where_that_is_configured(tmp_path: Path) -> None:
    with model_server(lambda body: 'Of course: {"name": "time_in", "arguments": {"city": "Oslo"}}') as served:
        llm = models(tmp_path, "openai", served.openai_url, tools="envelope").llm()
        reply = await llm.complete(REQUEST)
        (chat,) = served.chats
    assert [(call.name, call.arguments) for call in reply.tool_calls] == [("time_in", {"city": "Oslo"})]
    assert "tools" not in chat.body and chat.body["response_format"]["json_schema"]["schema"]["anyOf"]


async def test_triton_gets_tools_in_the_prompt(tmp_path: Path) -> None:
    with triton_server(lambda body: '{"name": "time_in", "arguments": {"city": "Oslo"}}') as served:
        reply = await models(tmp_path, "triton", served.base_url, template="chatml").llm().complete(REQUEST)
    assert reply.finish == "tools"


async def test_what_has_tools_of_its_own_is_told_of_them(tmp_path: Path) -> None:
    with model_server() as served:
        llm = models(tmp_path, "openai", served.openai_url).llm()
        for asked in (REQUEST, replace(REQUEST, must_call=True)):
            await llm.complete(asked)
        may, must = (chat.body for chat in served.chats)
    assert may["tools"][0]["function"]["name"] == "time_in" and "tool_choice" not in may
    assert must["tool_choice"] == "required"
