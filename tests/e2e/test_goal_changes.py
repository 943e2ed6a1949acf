"""The goal changes while a model is at work."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from infrastructure.cli.connection import Connection
from tests.e2e.programs import asked_for, ended, good, models_yaml, outline, program, prompt, until
from tests.model_servers import model_server

OLD, NEW = "Brief me on the lift", "Say who may clear the alarm of the lift"


def changed(tmp_path: Path, during: str) -> tuple[dict[str, Any], list[str]]:
    """The one task of a project whose goal was changed `during` a call; done again, with the prompts of its drafts."""
    connection: Connection
    change: list[Callable[[], object]] = []
    drafts: list[str] = []

    def answer(body: dict[str, Any]) -> str:
        asked = asked_for(body)
        if asked == during and change:
            change.pop()()
        if asked == "text":
            drafts.append(prompt(body))
        match asked:
            case "outline":
                return outline(("Facts", "synthesizer:summary", []))
            case "detail":
                return '{"brief": "no"}'
            case _:
                return good(body)

    with model_server(answer) as server, program(tmp_path, models_yaml(server)) as connection:
        project = connection.post("/v1/projects", {"goal": OLD})["id"]
        connection.post(f"/v1/projects/{project}/artifacts", {"title": "Manual", "text": "The lift carries 400 kg."})
        change.append(lambda: connection.patch(f"/v1/projects/{project}", {"goal": NEW}))
        run = connection.post(f"/v1/projects/{project}/runs")["id"]
        assert ended(connection, run)["result"] == "succeeded"
        [task] = connection.get(f"/v1/projects/{project}/plan")["tasks"]
        if task["stale"]:
            connection.post(f"/v1/tasks/{task['id']}/retry", {})
            again = until(
                lambda: connection.get(f"/v1/tasks/{task['id']}"),
                lambda found: found["attempts"] == 2 and found["state"] == "done",
            )
            assert again["stale"] is None
        return task, drafts


def test_what_was_planned_for_another_goal_meanwhile_goes_towards_the_new_one(tmp_path: Path) -> None:
    task, drafts = changed(tmp_path, "outline")
    assert task["stale"] is None and task["brief"].endswith(f": {NEW}")
    assert drafts and all(NEW in draft and OLD not in draft for draft in drafts)


def test_what_is_done_while_the_goal_changes_is_stale_and_holds_one_goal_when_it_is_done_again(tmp_path: Path) -> None:
    task, drafts = changed(tmp_path, "text")
    assert task["state"] == "done" and "while it was being done" in task["stale"]
    assert OLD in drafts[0] and NEW in drafts[-1] and OLD not in drafts[-1]
