"""Work that does not move is stopped, over whole runs on a local model server. Six texts are the most that a task is
written in: three, and three more once it was planned anew."""

from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

from tests.e2e.programs import asked_for, begun, detail, draft, ended, good, models_yaml, outline, program, verdicts
from tests.model_servers import Script, model_server

ONE_TASK = outline(("Facts", "synthesizer:summary", []))
SOURCED = "The lift carries at most 400 kg and is inspected every twelve months, as the manual of the lift says. [S1]"
SHORT = (f"# Facts\n\n{SOURCED}", f"# FACTS\n\nIn short: {SOURCED}")
"""Two drafts without the sections that are asked for."""


def worked(folder: Path, script: Script) -> tuple[list[str], dict[str, Any]]:
    """What was asked of the model, in order, and the inbox item at the end."""
    with model_server(script) as server, program(folder, models_yaml(server)) as connection:
        _, run = begun(connection)
        assert ended(connection, run)["result"] == "partial"
        [item] = connection.get("/v1/inbox")["items"]
        return [asked_for(chat.body) for chat in server.chats], item


def test_drafts_that_go_back_and_forth_are_stopped_and_the_inbox_says_why(tmp_path: Path) -> None:
    drafts = cycle(SHORT)

    def alternating(body: Mapping[str, Any]) -> str:
        match asked_for(body):
            case "text":
                return next(drafts)
            case "outline":
                return ONE_TASK
            case _:
                return good(body)

    asked, item = worked(tmp_path, alternating)
    assert asked == ["outline", "detail", "text", "text", "text", "detail", "text"], (
        "two texts less than it might write"
    )
    assert "says the same as one that was refused before (number 2 of 2)" in item["detail"]
    assert any("It has the sections" in finding for finding in item["findings"])


def test_what_neither_revisions_nor_another_plan_met_is_not_revised_any_further(tmp_path: Path) -> None:
    numbers = iter(range(100))

    def deaf(body: Mapping[str, Any]) -> str:
        match asked_for(body):
            case "text":
                return f"# Facts\n\nTake {next(numbers)}. {SOURCED}"
            case "outline":
                return ONE_TASK
            case _:
                return good(body)

    asked, item = worked(tmp_path, deaf)
    assert asked == ["outline", "detail", "text", "text", "text", "detail", "text"]
    assert "Stopped early: “It has the sections" in item["detail"] and "in 4 reviews" in item["detail"]


def test_drafts_that_a_reader_refuses_and_that_differ_are_revised_as_often_as_before(tmp_path: Path) -> None:
    numbers = iter(range(100))

    def strict(body: Mapping[str, Any]) -> str:
        match asked_for(body):
            case "text":
                return f"{draft(body)}\n\nTake {next(numbers)}."
            case "outline":
                return ONE_TASK
            case "detail":
                return detail("Say what the manual says, with numbers.", f"It names limit {next(numbers)}")
            case "verdicts":
                return verdicts(body, "not_met", f"Line {next(numbers)} is wrong.")
            case _:
                return good(body)

    asked, _ = worked(tmp_path, strict)
    assert asked.count("text") == 6 and asked.count("verdicts") == 6
