"""More fields than a model manages at once: asked for in parts, each a call of its own, looked at as a whole."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import yaml

from infrastructure.cli.connection import Connection
from tests.e2e.programs import ended, models_yaml, program, prompt
from tests.engines import engine
from tests.model_servers import Says, model_server

NAMES = ("colour", "size", "weight", "sound", "ways", "cost", "done")
SURVEY = """name: survey@1
start: ask
nodes:
  ask:
    type: model
    prompt: Describe the pump.
    gives:
      colour: {choices: [red, green, blue]}
      size: {type: number}
      weight: {type: number}
      sound: {type: boolean}
      ways: {type: list, choices: [road, rail]}
      cost: {type: number}
      done: {type: boolean}
    next: end
  end: {type: exit, output: {colour: "{{ nodes.ask.colour }}", done: "{{ nodes.ask.done }}"}}
"""
GOOD: dict[str, Any] = {
    "colour": "red",
    "size": 3,
    "weight": 4.5,
    "sound": True,
    "ways": ["rail"],
    "cost": 7,
    "done": False,
}


def surveyed(connection: Connection) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The run, and its calls in their order."""
    connection.post("/v1/workflows", {"name": "survey", "yaml": SURVEY})
    project = connection.post("/v1/projects", {"goal": "Describe the pump"})["id"]
    run = connection.post("/v1/workflows/survey/runs", {"project_id": project, "inputs": {}})["id"]
    done = ended(connection, run)
    return done, connection.get(f"/v1/runs/{run}/calls")["items"]


def fields(body: Mapping[str, Any]) -> list[str]:
    return list(body["response_format"]["json_schema"]["schema"]["properties"])


def test_a_real_engine_gives_all_fields_group_by_group(tmp_path: Path) -> None:
    with engine(tmp_path) as server:
        models = {
            "default": "main",
            "backends": {"box": {"kind": "llama.cpp", "base_url": server.openai_url}},
            "aliases": {"main": {"backend": "box", "model": "tiny", "fields_at_once": 3}},
        }
        with program(tmp_path / "data", yaml.safe_dump(models)) as connection:
            done, calls = surveyed(connection)
    assert done["result"] == "succeeded" and done["output"]["colour"] in ("red", "green", "blue")
    assert [call["purpose"] for call in calls] == [f"survey@1: ask, part {n} of 3" for n in (1, 2, 3)]
    assert {(call["rung"], call["asked"]) for call in calls} == {("strict", "first")}


def test_a_part_that_is_wrong_is_asked_for_again_alone_and_the_others_are_told(tmp_path: Path) -> None:
    wrong = [json.dumps({"sound": "perhaps", "ways": ["rail"], "cost": 7})]

    def script(body: Mapping[str, Any]) -> str:
        if "sound" in fields(body) and wrong:
            return wrong.pop()
        return "Sure: " + json.dumps({name: GOOD[name] for name in fields(body)})

    with (
        model_server(script) as server,
        program(tmp_path, models_yaml(server, fields_at_once=3)) as connection,
    ):
        done, calls = surveyed(connection)
        token = (tmp_path / "token").read_text().strip()
        numbers = httpx.get(
            f"{connection.url}/metrics", headers={"Authorization": f"Bearer {token}"}, trust_env=False
        ).text
        shares = connection.get("/v1/costs")["by_rung"]
    first, second, again, third = (chat.body for chat in server.chats)
    assert done["output"] == {"colour": "red", "done": False}
    assert [fields(body) for body in (first, second, again, third)] == [
        ["colour", "size", "weight"],
        ["sound", "ways", "cost"],
        ["sound", "ways", "cost"],
        ["done"],
    ]
    assert "Give only `sound`, `ways`, `cost` now; this is part 2 of 3." in prompt(second)
    assert '"weight": 4.5' in prompt(second) and '"ways": ["rail"]' in prompt(third)
    assert "At $.sound" in again["messages"][-1]["content"]
    assert [(call["rung"], call["asked"]) for call in calls] == [
        ("strict", "first"),
        ("refused", "first"),
        ("strict", "again"),
        ("strict", "first"),
    ]
    assert {share["key"]: share["usage"]["calls"] for share in shares}["refused"] == 1
    assert 'caseworks_structured_replies_total{asked="first",model="tiny",rung="refused"} 1.0' in numbers


def test_what_never_comes_right_fails_and_says_at_which_part(tmp_path: Path) -> None:
    def script(body: Mapping[str, Any]) -> Any:
        if "done" in fields(body):
            return Says(text='{"done": "per', finish="length")
        return json.dumps({name: GOOD[name] for name in fields(body)})

    with model_server(script) as server, program(tmp_path, models_yaml(server, fields_at_once=3)) as connection:
        done, calls = surveyed(connection)
    assert done["result"] == "failed" and "cut off" in done["reason"]
    assert [(call["rung"], call["asked"]) for call in calls[-3:]] == [
        ("cut", "first"),
        ("cut", "longer"),
        ("failed", "longer"),
    ]
    assert {call["purpose"] for call in calls[-3:]} == {"survey@1: ask, part 3 of 3"}


def test_a_model_that_manages_more_is_asked_once(tmp_path: Path) -> None:
    with model_server() as server, program(tmp_path, models_yaml(server)) as connection:
        surveyed(connection)
    assert [fields(chat.body) for chat in server.chats] == [list(NAMES)]
