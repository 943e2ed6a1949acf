"""A whole project from the command line on a real inference engine whose words are noise: what it says is well-formed,
and nothing of it passes for work that is done."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.e2e.test_cli import NOTES, RULES, Done, caseworks
from tests.engines import engine

ASKED = "Answer with one JSON value that fits this JSON Schema, and nothing else:\n"


@dataclass(frozen=True, kw_only=True)
class Worked:
    """The project and its data directory, with the engine still there."""

    data: Path
    done: Done

    def listed(self, *words: str) -> Any:
        done = caseworks(self.data, *words, "--json")
        assert done.code == 0
        return done.json


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worked]:
    data, documents = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("documents")
    (documents / "notes.md").write_text(NOTES)
    (documents / "rules.txt").write_text(RULES)
    with engine(tmp_path_factory.mktemp("engine"), context=32_768, parallel=2) as server:
        models = {
            "default": "main",
            "backends": {"box": {"kind": "openai", "base_url": server.openai_url}},
            "aliases": {"main": {"backend": "box", "model": "tiny", "context_tokens": 32_768, "parallel": 2}},
        }
        (data / "models.yaml").write_text(yaml.safe_dump(models))
        goal = "Brief the management on the move of the office"
        yield Worked(data=data, done=caseworks(data, "run", goal, "--input", str(documents), "--json"))


def test_it_ends_with_what_needs_attention_and_shows_nothing_as_done(worked: Worked) -> None:
    document = worked.done.json
    assert (worked.done.code, document["result"]) == (1, "partial")
    assert set(document["tasks"]) == {"needs_attention", "waiting"}
    assert document["artifacts"] == []
    assert "0 of 5 tasks are done" in worked.done.err
    assert "call  plan: outline by the manager on tiny" in worked.done.err


def test_the_inbox_tells_what_the_review_found(worked: Worked) -> None:
    items = worked.listed("inbox")["items"]
    assert len(items) == worked.done.json["tasks"]["needs_attention"]
    assert {item["kind"] for item in items} == {"attention"}
    shown = caseworks(worked.data, "inbox", "show", items[0]["id"])
    assert "missing: " in shown.out, shown.out


def test_every_reply_to_a_schema_is_valid_by_grammar_though_the_plan_makes_no_sense(worked: Worked) -> None:
    replies = structured(worked.data)
    assert len(replies) >= 3 + worked.done.json["tasks"]["needs_attention"], "a plan, and each refused task anew"
    for schema, text in replies:
        Draft202012Validator(schema).validate(json.loads(text))


def test_the_directory_is_sound_afterwards(worked: Worked) -> None:
    found = caseworks(worked.data, "doctor", "--verify")
    assert found.code == 0
    assert "tiny on box answered" in found.out
    assert "all content agree" in found.out


def structured(data: Path) -> list[tuple[Any, str]]:
    """Each schema that was asked for, and what came, where it was not cut off."""
    connection = sqlite3.connect(f"file:{data / 'caseworks.db'}?mode=ro", uri=True)
    calls = [json.loads(body) for (body,) in connection.execute("SELECT body FROM calls")]
    connection.close()
    found = []
    for call in calls:
        prompt, reply = (json.loads(content(data, call[part])) for part in ("request", "reply"))
        _, asked, schema = prompt[1]["content"].partition(ASKED)
        if asked and reply["finish"] != "length":
            found.append((json.loads(schema), reply["text"]))
    return found


def content(data: Path, digest: str) -> str:
    return next(data.glob(f"content/*/*/{digest.removeprefix('sha256:')}")).read_text()
