"""`caseworks chat` as people and scripts use it: real processes, rehearsed."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.test_cli import CASEWORKS, environment


def chat(folder: Path, *arguments: str, said: str | None = None, code: int = 0) -> str:
    """Standard output, where it exits with `code`."""
    done = subprocess.run(
        [CASEWORKS, "chat", *arguments, "--data-dir", str(folder)],
        input=said or "",
        env=environment(OLLAMA_HOST="127.0.0.1:9"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stderr


@pytest.fixture(scope="module")
def talked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A data directory in which a project was started by talking, and the project."""
    folder = tmp_path_factory.mktemp("chat") / "data"
    said = "What is going on?\nStart a project to repair the lift\n/accept 1\n/accept 7\n/nonsense\n/quit\nNot said.\n"
    shown = chat(folder, said=said)
    assert "There is no project yet." in shown and "1. Start a project: “Repair the lift” (/accept 1" in shown
    assert "Accepted: Start a project: “Repair the lift” → prj_" in shown and "Not said" not in shown
    return folder, shown.partition("→ ")[2].split()[0]


def test_a_project_that_was_started_by_talking_can_be_talked_with(talked: tuple[Path, str]) -> None:
    folder, project = talked
    shown = chat(folder, project, "-m", "What about the lift?")
    assert "Repair the lift [S1]" in shown and "[S1] Goal, passage 1 (art_" in shown
    assert "Rehearsal" in shown


def test_a_script_gets_one_document_and_the_history(talked: tuple[Path, str]) -> None:
    folder, project = talked
    turn = json.loads(chat(folder, project, "--json", "-m", "Add a task to call the electrician"))
    assert turn["state"] == "said" and turn["proposals"][0]["data"]["title"] == "Call the electrician"
    items = json.loads(chat(folder, project, "--history", "--json"))["items"]
    assert items[-1] == turn and items[-2]["text"] == "Add a task to call the electrician"
    assert "Proposed: Add the task" in chat(folder, project, "--history")


def test_what_cannot_be_said_is_told_in_a_sentence(talked: tuple[Path, str]) -> None:
    folder, project = talked
    assert "nothing in the message" in chat(folder, project, "-m", "  ", code=2)
    assert "no project prj_nowhere" in chat(folder, "prj_nowhere", "-m", "Hello", code=2)
    assert "not an id" in chat(folder, "../secret", "-m", "Hello", code=2)
    assert "needs --message" in chat(folder, project, "--json", code=2)


def test_an_answer_is_kept_from_the_conversation(talked: tuple[Path, str]) -> None:
    folder, project = talked
    shown = chat(folder, project, said="What about the lift?\n/keep\n")
    assert "Kept as art_" in shown and "What about the lift?" in shown


def test_every_open_proposal_stays_within_reach(talked: tuple[Path, str]) -> None:
    folder, project = talked
    before = chat(folder, project, "--history").count("/accept")
    first, second = before + 1, before + 2
    said = "Add a task to measure the door\nAdd a task to count the steps\nhi\n"
    said += f"/accept {first}\n/accept {first}\n/history\n"
    shown = chat(folder, project, said=said)
    assert f"{second}. Add the task “Count the steps”" in shown and "Accepted: Add the task “Measure the door”" in shown
    assert f"(/accept {second} or /dismiss {second})" in shown.partition("Accepted")[2]
    dismissed = chat(folder, project, said=f"/dismiss {first}\n/dismiss 99\n")
    assert "Dismissed: Add the task “Count the steps”" in dismissed
