"""A run on a real protocol written down, and the same run again without any model."""

import json
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.programs import good, models_yaml
from tests.e2e.test_cli import GOAL, NOTES, RULES, Done, caseworks
from tests.e2e.test_project_on_an_engine import content
from tests.model_servers import model_server

ID = re.compile(r"(?<=art_)\w+")
PRICE = {"price": {"input": 2, "output": 8}, "context_tokens": 32_768}


@dataclass(frozen=True, kw_only=True)
class Recorded:
    tape: Path
    documents: Path
    data: Path
    done: Done
    asked: int


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    folder = tmp_path_factory.mktemp("recorded")
    documents, data, tape = folder / "documents", folder / "data", folder / "run.jsonl"
    for made in (documents, data):
        made.mkdir()
    (documents / "notes.md").write_text(NOTES)
    (documents / "rules.txt").write_text(RULES)
    with model_server(good, models=("tiny",)) as server:
        (data / "models.yaml").write_text(models_yaml(server, **PRICE))
        done = caseworks(data, "run", GOAL, "--input", str(documents), "--record", str(tape), "--json")
        yield Recorded(tape=tape, documents=documents, data=data, done=done, asked=len(server.chats))


def replayed(recorded: Recorded, data: Path, goal: str = GOAL) -> Done:
    words = ("run", goal, "--input", str(recorded.documents), "--replay", str(recorded.tape), "--json")
    return caseworks(data, *words)


def made(data: Path, project: str) -> list[tuple[str, str, str]]:
    """What the project has, with its text but for ids, which are new in each run."""
    items = caseworks(data, "artifacts", "list", "--project", project, "--json").json["items"]
    return sorted((item["title"], item["kind"], ID.sub("", content(data, item["digest"]))) for item in items)


def test_all_calls_of_the_run_are_in_one_file_of_its_owner(recorded: Recorded) -> None:
    assert recorded.done.code == 0, recorded.done.err
    head, *calls = (json.loads(line) for line in recorded.tape.read_text().splitlines())
    assert len(calls) == recorded.asked > 6
    assert stat.S_IMODE(recorded.tape.stat().st_mode) == 0o600
    assert head["models"]["aliases"]["main"]["model"] == "tiny"
    assert all(call["messages"] and call["options"] and call["reply"]["input_tokens"] == 7 for call in calls)


def test_the_same_run_comes_again_without_a_model_and_without_a_configuration(
    recorded: Recorded, tmp_path: Path
) -> None:
    again = replayed(recorded, tmp_path)
    assert again.code == 0, again.err
    assert again.json["cost"] == recorded.done.json["cost"]
    assert again.json["tasks"] == recorded.done.json["tasks"]
    assert made(tmp_path, again.json["project_id"]) == made(recorded.data, recorded.done.json["project_id"])


def test_another_goal_is_refused_in_one_sentence_with_the_nearest_request(recorded: Recorded, tmp_path: Path) -> None:
    done = replayed(recorded, tmp_path, "Brief the management on the move of the printing press")
    assert done.code == 1
    assert f"The recording {recorded.tape} has no reply to" in done.err and "the nearest is on line 2" in done.err
    assert "of the office" in done.err and "of the printing press" in done.err


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--record", "{tape}"), 2, "is there already; name a new file"),
        (("--record", "{tape}.d/x"), 2, "lies in a folder that does not exist"),
        (("--replay", "{tape}.none"), 2, "is not there; name a file that --record wrote"),
        (("--replay", "{tape}", "--record", "{tape}.new"), 2, "With --replay nothing is asked of a model"),
        (("--replay", "{tape}", "--rehearse"), 2, "With --replay nothing is asked of a model"),
        (("--replay", "{notes}"), 3, "Line 1 of the recording"),
    ],
)
def test_what_cannot_be_recorded_or_replayed_is_told_before_anything_is_made(
    recorded: Recorded, tmp_path: Path, words: tuple[str, ...], code: int, told: str
) -> None:
    given = [word.format(tape=recorded.tape, notes=recorded.documents / "notes.md") for word in words]
    done = caseworks(tmp_path, "run", GOAL, *given)
    assert (done.code, done.out) == (code, ""), done.err
    assert told in " ".join(done.err.split())
