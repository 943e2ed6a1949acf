"""The instructions of a project change: what is not done works by the new ones, what is done is out of date."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infrastructure.cli.connection import Connection
from tests.e2e import programs
from tests.e2e.programs import asked_for, ended, good, models_yaml, outline, program, prompt
from tests.e2e.rest_client import Rest
from tests.model_servers import model_server

OLD, NEW = "Write for children.", "Write for engineers."
AFTER = "The instructions were changed after it was done."


def changed(tmp_path: Path, during: str, way: str = "") -> tuple[list[dict[str, Any]], list[tuple[str, str]], int]:
    """The tasks, one after the other, of a project whose instructions were changed `during` the first call for that;
    what was asked for and with which prompt; and how many had been asked before."""
    connection: Connection
    change: list[Callable[[], object]] = []
    asked: list[tuple[str, str]] = []
    before: list[int] = []

    def answer(body: dict[str, Any]) -> str:
        what = asked_for(body)
        asked.append((what, prompt(body)))
        if what == during and change:
            before.append(len(asked))
            change.pop()()
        if what == "outline":
            return outline(("Facts", "synthesizer:summary", []), ("Brief", "synthesizer:executive_brief", [1]))
        return good(body)

    with model_server(answer) as server, program(tmp_path, models_yaml(server)) as connection:
        project = connection.post("/v1/projects", {"goal": "Brief me on the lift", "instructions": OLD})["id"]
        connection.post(f"/v1/projects/{project}/artifacts", {"title": "Manual", "text": programs.SOURCE})
        if way:
            task = {"title": "Facts", "expected": [{"kind": "framework"}], "complexity": "complex", "way": way}
            connection.post(f"/v1/projects/{project}/tasks", task)
        change.append(lambda: connection.patch(f"/v1/projects/{project}", {"instructions": NEW}))
        run = connection.post(f"/v1/projects/{project}/runs")["id"]
        assert ended(connection, run, 60)["result"] == "succeeded"
        tasks: list[dict[str, Any]] = connection.get(f"/v1/projects/{project}/plan")["tasks"]
        return tasks, asked, before[0]


def test_what_is_not_done_works_by_the_new_ones_and_what_is_being_done_is_out_of_date(tmp_path: Path) -> None:
    tasks, asked, before = changed(tmp_path, "text")
    assert [task["stale"] for task in tasks] == ["The instructions were changed while it was being done.", None]
    old, new = asked[:before], asked[before:]
    assert all(OLD in said for what, said in old if what in ("outline", "text"))
    assert {"text", "verdicts"} <= {what for what, _ in new}
    assert all(NEW in said for what, said in new if what in ("text", "verdicts"))
    assert not any(OLD in said for _, said in new)


def test_what_is_planned_meanwhile_works_by_the_new_ones(tmp_path: Path) -> None:
    tasks, asked, before = changed(tmp_path, "outline")
    assert [task["stale"] for task in tasks] == [None, None]
    drafts = [said for what, said in asked[before:] if what == "text"]
    assert drafts and all(NEW in said and OLD not in said for said in drafts)


def test_a_workflow_is_told_them_too(tmp_path: Path) -> None:
    _, asked, before = changed(tmp_path, "fields", way="research_first")
    texts = [said for what, said in asked[before:] if what == "text"]
    assert texts and all(NEW in said and OLD not in said for said in texts)


@pytest.fixture(scope="module")
def finished(rest: Rest) -> str:
    project = rest.project("Brief me on the lift", instructions=OLD)
    rest.source(project)
    assert rest.ended(rest.run_of(project))["result"] == "succeeded"
    return project


def test_what_is_done_stays_done_and_is_done_again_only_when_asked(rest: Rest, finished: str) -> None:
    number = rest.get(f"/v1/projects/{finished}/plan").json()["number"]
    assert rest.patch(f"/v1/projects/{finished}", json={"instructions": NEW}).status_code == 200
    tasks = rest.items(f"/v1/projects/{finished}/tasks")
    assert {(task["state"], task["stale"]) for task in tasks} == {("done", AFTER)}
    assert rest.get(f"/v1/projects/{finished}/plan").json()["number"] == number
    assert [run["state"] for run in rest.items(f"/v1/projects/{finished}/runs?workflow=project@1")] == ["ended"]
    last = tasks[-1]["id"]
    rest.post(f"/v1/tasks/{last}/retry", json={})
    again = rest.until(f"/v1/tasks/{last}", lambda task: task["attempts"] == 2 and task["state"] == "done")
    assert again["stale"] is None


def test_the_same_ones_again_change_nothing(rest: Rest) -> None:
    project = rest.project("Brief me on the roof", instructions=OLD)
    assert rest.ended(rest.run_of(project))["state"] == "ended"
    rest.patch(f"/v1/projects/{project}", json={"instructions": f" {OLD}\n"})
    assert {task["stale"] for task in rest.items(f"/v1/projects/{project}/tasks")} == {None}


def words_of(rest: Rest, project: str) -> list[str]:
    """Each version of the filed instructions."""
    found = [item for item in rest.items(f"/v1/projects/{project}/artifacts") if item["kind"] == "instructions"]
    assert len(found) <= 1
    versions = [v for item in found for v in rest.items(f"/v1/artifacts/{item['id']}/versions")]
    return [rest.get(f"/v1/artifacts/{found[0]['id']}/content?version={v['number']}").text for v in versions]


def test_they_are_filed_as_they_change(rest: Rest) -> None:
    project = rest.project("Brief me on the cellar")
    assert words_of(rest, project) == []
    for said in (OLD, NEW, ""):
        assert rest.patch(f"/v1/projects/{project}", json={"instructions": said}).json()["instructions"] == said
    assert sorted(words_of(rest, project)) == sorted([OLD, NEW, "There are no instructions any more."])


def test_a_person_who_was_asked_reads_the_new_ones(rest: Rest) -> None:
    project = rest.project("Brief me on the garden", instructions=OLD)
    owner = rest.get(f"/v1/projects/{project}").json()["owner_id"]
    made = rest.post(
        f"/v1/projects/{project}/tasks",
        json={"title": "Look at it", "brief": "Go there.", "assignee": {"kind": "person", "id": owner}},
    ).json()
    rest.run_of(project)

    def asked(inbox: dict[str, Any]) -> list[dict[str, Any]]:
        return [item for item in inbox["items"] if item["task_id"] == made["id"]]

    assert asked(rest.until("/v1/inbox", asked))[0]["detail"] == f"Go there.\n\nInstructions of the project: {OLD}"
    rest.patch(f"/v1/projects/{project}", json={"instructions": NEW})
    assert asked(rest.get("/v1/inbox").json())[0]["detail"] == f"Go there.\n\nInstructions of the project: {NEW}"
    task = rest.get(f"/v1/tasks/{made['id']}").json()
    assert (task["stale"], task["brief"]) == (None, "Go there.")
