"""Forms and recommendations on the command line: filled in from a file, from JSON, and by a person at a terminal."""

import json
import os
import pty
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.test_cli import CASEWORKS, NOTES, _read_until, caseworks, environment

GOAL = "Order the move of the office from one of the three companies before the lease ends"


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a project that is done."""
    folder = tmp_path_factory.mktemp("forms")
    (folder / "notes.md").write_text(NOTES)
    done = caseworks(folder / "data", "run", GOAL, "--input", str(folder / "notes.md"))
    assert done.code == 0, done.err
    assert re.search(r"^Recommended: Pre-mortem", done.out, re.MULTILINE), done.out
    return folder / "data"


def one(text: str, kind: str) -> str:
    return str(re.findall(rf"\b{kind}_[0-9a-z]{{20,}}", text)[-1])


@contextmanager
def terminal(data: Path, *words: str, code: int = 0) -> Iterator[int]:
    here, there = pty.openpty()
    command = [CASEWORKS, "--data-dir", str(data), *words]
    with subprocess.Popen(command, stdin=there, stdout=there, stderr=there, env=environment(TERM="xterm")) as process:
        os.close(there)
        yield here
        assert process.wait(timeout=15) == code
    os.close(here)


def test_a_form_is_printed_filled_in_as_a_file_and_filed(moved: Path, tmp_path: Path) -> None:
    made = caseworks(moved, "artifacts", "new", "worksheet", "--title", "Crane", "--answers", '{"question": "Lift?"}')
    assert made.code == 0, made.err
    id = one(made.out, "art")
    printed = caseworks(moved, "artifacts", "form", id)
    assert "# Crane" in printed.out and "Lift?" in printed.out
    (tmp_path / "form.md").write_text(printed.out.replace("## Conclusion\n", "## Conclusion\n\nA crane is needed.\n"))
    filled = caseworks(moved, "artifacts", "fill", id, "--file", str(tmp_path / "form.md"))
    assert filled.code == 0 and "it is version 2" in filled.out, filled.err
    answers = caseworks(moved, "artifacts", "form", id, "--json").json["answers"]
    assert answers == {"question": "Lift?", "conclusion": "A crane is needed."}
    derived = caseworks(moved, "artifacts", "fill", id, "--derived", "--answers", '{"sure": 4}', "--json").json
    assert [ref["artifact_id"] for ref in derived["derived_from"]] == [id]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--answers", "{oops"], "no JSON"),
        (["--answers", "[1]"], "an object"),
        (["--answers", '{"sure": "very"}'], "sure must be a whole number from 1 to 5"),
        (["--answers", '{"mood": "good"}'], "is not asked"),
        (["--file", "nowhere.md"], "cannot be read"),
        (["--file", "a.md", "--answers", "{}"], "one of them"),
        ([], "Nobody can be asked here"),
    ],
)
def test_what_cannot_be_filled_in_ends_in_a_sentence(moved: Path, words: list[str], said: str) -> None:
    id = one(caseworks(moved, "artifacts", "new", "worksheet").out, "art")
    done = caseworks(moved, "artifacts", "fill", id, *words)
    assert done.code == 2 or done.code == 1, done.out
    assert said in done.err and done.out == ""


def test_a_person_at_a_terminal_is_asked_field_by_field(moved: Path) -> None:
    id = one(caseworks(moved, "artifacts", "new", "decision_matrix", "--title", "Which company?").out, "art")
    with terminal(moved, "artifacts", "fill", id) as here:
        _read_until(here, "What is decided (required)")
        lines = ["Who moves us", "", "Swift", "Steady", "", "Price", "nine", "5", "", "", "Swift", "Soonest.", ""]
        for line in lines:
            os.write(here, f"{line}\n".encode())
        _read_until(here, "is filled in")
    answers = caseworks(moved, "artifacts", "form", id, "--json").json["answers"]
    assert answers == {
        "question": "Who moves us",
        "options": ["Swift", "Steady"],
        "criteria": [{"criterion": "Price", "weight": 5}],
        "decision": "Swift",
        "reason": "Soonest.",
    }


def test_a_recommendation_is_shown_accepted_done_and_what_is_dismissed_stays_away(moved: Path, tmp_path: Path) -> None:
    listed = caseworks(moved, "inbox")
    assert "Recommended: Pre-mortem" in listed.out and "caseworks inbox accept|dismiss rec_" in listed.out
    open_ = caseworks(moved, "inbox", "--json").json["recommendations"]
    wanted = next(item for item in open_ if item["rule"] == "pre_mortem")
    other = next(item for item in open_ if item["rule"] != "pre_mortem")
    assert caseworks(moved, "inbox", "dismiss", other["id"]).code == 0
    accepted = caseworks(moved, "inbox", "accept", wanted["id"])
    assert accepted.code == 0 and "a task for you" in accepted.out, accepted.err
    project = wanted["project_id"]
    waits = caseworks(moved, "run", "--continue", project)
    assert waits.code == 1 and "fill_in --file PATH" in waits.err + waits.out, waits.out
    [item] = caseworks(moved, "inbox", "--json").json["items"]
    shown = caseworks(moved, "inbox", "show", item["id"])
    assert "## What went wrong" in shown.out
    empty = caseworks(moved, "inbox", "answer", item["id"], "fill_in", "--answers", "{}")
    assert empty.code != 0 and "is missing" in empty.err
    answers = {"causes": [{"cause": "The lift is too small", "likely": 4, "bad": 4}], "go": "Yes with the measures"}
    (tmp_path / "answers.json").write_text(json.dumps(answers))
    given = caseworks(moved, "inbox", "answer", item["id"], "fill_in", "--answers", f"@{tmp_path / 'answers.json'}")
    assert given.code == 0, given.err
    done = caseworks(moved, "run", "--continue", project)
    assert done.code == 0, done.err
    after = caseworks(moved, "show", project, "--json").json
    assert {wanted["id"], other["id"]}.isdisjoint(item["id"] for item in after["recommended"])
    assert "pre_mortem" in [artifact["kind"] for artifact in after["artifacts"] if artifact["task_id"]]


VISIT = """name: visit
kind: form
title: Visit
fields:
  - {name: who, label: Who}
  - {name: day, label: Day, type: date}
  - {name: sure, label: Sure, type: rating}
"""


@pytest.fixture(scope="module")
def visit(moved: Path) -> str:
    (moved / "forms").mkdir(exist_ok=True)
    (moved / "forms" / "visit.yaml").write_text(VISIT)
    return one(caseworks(moved, "artifacts", "new", "visit").out, "art")


def test_a_wrong_answer_at_the_terminal_is_asked_again_at_once(moved: Path, visit: str) -> None:
    with terminal(moved, "artifacts", "fill", visit) as here:
        _read_until(here, "Who")
        os.write(here, b"Ann\nnot a date\n")
        told = _read_until(here, "such as 2026-11-30.")
        assert "“not a date” does not fit" in told and "Sure" not in told
        os.write(here, b"2026-12-01\n9\n4\n")
        _read_until(here, "is filled in")
    answers = caseworks(moved, "artifacts", "form", visit, "--json").json["answers"]
    assert answers == {"who": "Ann", "day": "2026-12-01", "sure": 4}


def test_what_was_typed_and_cannot_be_saved_is_kept_in_a_file(moved: Path, visit: str) -> None:
    caseworks(moved, "artifacts", "lock", visit)
    with terminal(moved, "artifacts", "fill", visit, code=2) as here:
        _read_until(here, "Who")
        os.write(here, b"Ben\n\n\n")
        told = _read_until(here, "give it with")
        kept = Path(re.findall(r"kept in (\S+);", told)[0])
        _read_until(here, "locked")
    assert json.loads(kept.read_text()) == {"who": "Ben"}
    caseworks(moved, "artifacts", "unlock", visit)
    assert caseworks(moved, "artifacts", "fill", visit, "--answers", f"@{kept}").code == 0
    kept.unlink()


def test_all_wrong_answers_are_told_at_once(moved: Path, visit: str) -> None:
    done = caseworks(moved, "artifacts", "fill", visit, "--answers", '{"day": "soon", "sure": 9}')
    assert "day must be a date" in done.err and "sure must be a whole number from 1 to 5" in done.err
