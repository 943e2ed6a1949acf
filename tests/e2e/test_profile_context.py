"""What a profile says of context and memory decides what a model is shown."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from config.catalogue import AGENTS
from domain.ids import digest_of
from infrastructure.cli.connection import Connection
from tests.e2e import programs
from tests.e2e.programs import asked_for, ended, good, program
from tests.model_servers import ModelServer, Says, model_server

SHIPPED = yaml.safe_load((AGENTS / "synthesizer.yaml").read_text("utf-8"))
TITLES = ("Alpha", "Beta", "Gamma")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Connection, ModelServer]]:
    with (
        model_server(lambda body: Says(text=good(body)), models=("tiny",)) as server,
        program(tmp_path_factory.mktemp("context"), programs.models_yaml(server)) as connection,
    ):
        yield connection, server


def shown(served: tuple[Connection, ModelServer], **fields: Any) -> dict[str, str]:
    """What the synthesizer, with these fields in its profile, is asked for three tasks in a row, by their titles."""
    connection, server = served
    text = connection.get("/v1/agents/synthesizer")["yaml"]
    changed = SHIPPED | {name: yaml.safe_load(value) for name, value in fields.items()}
    connection.put("/v1/agents/synthesizer", {"yaml": yaml.safe_dump(changed)}, match=digest_of(text.encode()))
    before = len(server.chats)
    project = connection.post("/v1/projects", {"goal": "Brief me on the lift and its alarm 17"})["id"]
    connection.post(f"/v1/projects/{project}/artifacts", {"title": "Lift manual", "text": programs.SOURCE})
    ids: list[str] = []
    for title in TITLES:
        task = {
            "title": title, "brief": "Say what the lift manual says about alarm 17.",
            "assignee": {"kind": "core", "id": "agt_synthesizer"}, "way": "one_attempt",
            "expected": [{"kind": "summary", "section": "synthesis"}], "depends_on": ids[-1:],
        }  # fmt: skip
        ids.append(connection.post(f"/v1/projects/{project}/tasks", task)["id"])
    assert ended(connection, connection.post(f"/v1/projects/{project}/runs")["id"], 60)["result"] == "succeeded"
    prompts = [programs.prompt(chat.body) for chat in server.chats[before:] if asked_for(chat.body) == "text"]
    return {title: next(text for text in prompts if f"Your task: {title}" in text) for title in TITLES}


def sources(prompt: str) -> list[str]:
    """From what the passages are, in their order."""
    return re.findall(r'<passage(?: id="S\d+")? from="([^"]+)"', prompt)


def once(titles: list[str]) -> list[str]:
    return list(dict.fromkeys(titles))


def test_by_default_direct_inputs_come_first_then_what_is_found_and_nothing_is_remembered(served: Any) -> None:
    prompts = shown(served)
    assert once(sources(prompts["Gamma"])) == ["Beta", "Lift manual"]
    assert not any("what you made earlier" in prompt for prompt in prompts.values())


def test_the_order_decides_what_stands_first(served: Any) -> None:
    assert once(sources(shown(served, context="{order: [search, direct]}")["Gamma"])) == ["Lift manual", "Beta"]


def test_a_part_that_the_order_leaves_out_is_not_put_in(served: Any) -> None:
    assert once(sources(shown(served, context="{order: [direct]}")["Gamma"])) == ["Beta"]
    assert once(sources(shown(served, context="{order: [search]}")["Gamma"])) == ["Lift manual"]


def test_only_the_sections_that_are_named_are_searched(served: Any) -> None:
    prompts = shown(served, context="{sections: [notes]}")
    assert once(sources(prompts["Gamma"])) == ["Beta"]
    assert once(sources(prompts["Alpha"])) == ["Lift manual"], "a direct input is no search"


def test_the_share_of_direct_inputs_limits_them(served: Any) -> None:
    little = shown(served, context="{order: [direct], direct_share: 0.25}", context_tokens="300")
    much = shown(served, context="{order: [direct], direct_share: 1}", context_tokens="300")
    assert 0 < len(sources(little["Gamma"])) < len(sources(much["Gamma"])) == 4


def test_an_agent_is_reminded_of_what_it_made_before_but_not_of_what_it_is_given(served: Any) -> None:
    prompts = shown(served, memory="{outputs: 3, tokens: 150}")
    told = {title: [s for s in sources(prompt) if s.startswith("what")] for title, prompt in prompts.items()}
    assert told == {"Alpha": [], "Beta": [], "Gamma": ["what you made earlier: Alpha"]}
    reminder = prompts["Gamma"].partition("what you made earlier: Alpha")[2].partition("</passage>")[0]
    assert "The lift carries" in reminder and "#" not in reminder and "[S1]" not in reminder
    assert len(reminder) < 400
