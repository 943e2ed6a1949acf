"""What is wrong with a request is told plainly, at the place where it stands in what was sent."""

from typing import Any

import pytest

from tests.e2e.rest_client import Rest, pointers, refused
from tests.integration.documents.builders import docx, paragraph


def told(problem: dict[str, Any]) -> list[tuple[str, str]]:
    return [(error["pointer"], error["detail"]) for error in problem["errors"]]


def test_a_body_is_refused_in_plain_words(rest: Rest) -> None:
    problem = refused(rest.post("/v1/projects", json={"gaol": "x", "approve_plan": "perhaps"}), 422)
    assert told(problem) == [
        ("/goal", "is missing"),
        ("/approve_plan", "must be true or false"),
        ("/gaol", "is not known here (did you mean 'goal'?)"),
    ]
    long = {"goal": "x", "instructions": "y" * 256_001}
    assert (
        "/instructions is a text longer than 256,000 bytes"
        in refused(rest.post("/v1/projects", json=long), 422)["detail"]
    )
    assert told(refused(rest.get("/v1/projects?limit=0"), 422)) == [("/query/limit", "must be at least 1")]


def test_a_task_is_refused_at_its_own_fields(rest: Rest) -> None:
    tasks = f"/v1/projects/{rest.project()}/tasks"
    first = rest.post(tasks, json={"title": "First"}).json()
    problem = refused(rest.post(tasks, json={"title": "More", "depends_on": ["tsk_nowhere"]}), 422)
    assert problem["detail"].startswith("It depends on tsk_nowhere") and pointers(problem) == ["/depends_on"]
    critic = {"kind": "core", "id": "agt_critic"}
    body = {"title": "Code", "assignee": critic, "expected": [{"kind": "source_change", "section": "code"}]}
    problem = refused(rest.post(tasks, json=body), 422)
    assert "The Critic makes no 'source_change'" in problem["detail"]
    assert told(problem) == [("/expected/0/kind", "is not made by the Critic")]
    problem = refused(rest.patch(f"/v1/tasks/{first['id']}", json={"depends_on": [first["id"]]}), 422)
    assert "circle" in problem["detail"] and pointers(problem) == ["/depends_on"]


def test_a_plan_is_refused_at_the_tasks_that_are_wrong(rest: Rest) -> None:
    plan = f"/v1/projects/{rest.project()}/plan"
    ring = [{"key": "a", "title": "A", "depends_on": ["b"]}, {"key": "b", "title": "B", "depends_on": ["a"]}]
    anyway = {"If-Match": "*"}
    assert pointers(refused(rest.put(plan, json={"tasks": ring}, headers=anyway), 422)) == [
        "/tasks/0/depends_on",
        "/tasks/1/depends_on",
    ]
    twice = [{"key": "a", "title": "A"}, {"key": "a", "title": "B"}]
    problem = refused(rest.put(plan, json={"tasks": twice}, headers=anyway), 422)
    assert pointers(problem) == ["/tasks/0/key", "/tasks/1/key"]


def test_a_document_that_cannot_be_read_is_told_as_a_field(rest: Rest) -> None:
    project = rest.project()
    assert pointers(refused(rest.upload(project, "empty.md", b""), 422)) == ["/file"]
    blank = {"title": "Blank", "text": " \n "}
    assert pointers(refused(rest.post(f"/v1/projects/{project}/artifacts", json=blank), 422))[0] == "/text"


@pytest.mark.parametrize("path", ["projects", "tasks", "inbox", "workflows", "messages", "recommendations"])
def test_a_cursor_that_no_list_gave_is_refused(rest: Rest, path: str) -> None:
    problem = refused(rest.get(f"/v1/{path}?cursor=zzz"), 422)
    assert "begin again without" in problem["detail"] and pointers(problem) == ["/query/cursor"]


def test_a_state_that_no_task_can_be_in_is_refused(rest: Rest) -> None:
    problem = refused(rest.get("/v1/tasks?state=bad"), 422)
    assert pointers(problem) == ["/query/state"] and "'needs_attention'" in problem["detail"]


def test_a_run_that_answers_the_workspace_belongs_to_no_project(rest: Rest) -> None:
    turn = rest.post("/v1/messages", json={"text": "hi"}, headers={"Accept": "application/json"})
    assert turn.status_code in (200, 202), turn.text
    run = rest.ended(turn.json()["run_id"])
    assert run["project_id"] is None
    assert {event.data["project_id"] for event in rest.events(f"/v1/runs/{run['id']}/events") if event.number} == {None}


def test_a_new_version_may_be_a_file(rest: Rest) -> None:
    project = rest.project()
    made = rest.upload(project, "offer.docx", docx(paragraph("The pump costs 900 EUR."))).json()
    path = f"/v1/artifacts/{made['id']}/versions"
    key = {"Idempotency-Key": "newer"}
    newer = {"file": ("offer.docx", docx(paragraph("The pump costs 950 EUR.")))}
    added = rest.post(path, files=newer, headers=key)
    assert added.status_code == 201 and added.json()["version"] == 2, added.text
    assert rest.post(path, files=newer, headers=key).json()["version"] == 2
    assert "wordprocessingml" in added.json()["media_type"]
    assert rest.get(f"/v1/artifacts/{made['id']}/content").content.startswith(b"PK")
    assert pointers(refused(rest.post(path, data={"text": "x"}, files={"fiel": ("a.md", b"x")}), 422)) == ["/file"]
    assert pointers(refused(rest.post(path, json={}), 422)) == ["/text"]


def test_a_form_that_has_nothing_new_says_what_it_still_needs(rest: Rest) -> None:
    made = rest.post(f"/v1/projects/{rest.project()}/forms", json={"template": "worksheet"}).json()
    problem = refused(rest.post(f"/v1/artifacts/{made['id']}/fill", json={"answers": {}}), 422)
    assert "still needs" in problem["detail"] and pointers(problem)[0].startswith("/answers/")
