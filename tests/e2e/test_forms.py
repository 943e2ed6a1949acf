"""Forms over REST: made of a template, filled in by field or as Markdown, waited for by a task."""

from typing import Any

import pytest

from tests.e2e.rest_client import Rest, pointers, refused

OWN = [
    {"name": "keys", "label": "Who has the keys?", "required": True},
    {"name": "cost", "label": "What does it cost?", "type": "number"},
]


@pytest.fixture
def project(rest: Rest) -> str:
    return rest.project("Move the office to the new hall by April")


def made(rest: Rest, project: str, template: str = "questionnaire", **more: Any) -> dict[str, Any]:
    answer = rest.post(f"/v1/projects/{project}/forms", json={"template": template, **more})
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/v1/artifacts/{answer.json()['id']}"
    found: dict[str, Any] = answer.json()
    return found


def test_there_are_ten_forms_each_with_its_layout_and_schema(rest: Rest) -> None:
    found = rest.get("/v1/templates", params={"kind": "form"}).json()["items"]
    assert {item["name"] for item in found} == {
        "note", "list", "checklist", "worksheet", "questionnaire", "decision_matrix", "pre_mortem", "risk_matrix",
        "timeline", "glossary",
    }  # fmt: skip
    for item in found:
        form = item["form"]
        assert item["kind"] == "form" and form["kind"] == item["name"]
        assert list(form["answers_schema"]["properties"]) == [field["name"] for field in form["fields"]]
        assert form["markdown"].startswith(f"# {item['title']}\n")


def test_a_form_is_a_note_that_people_read_and_search_finds(rest: Rest, project: str) -> None:
    form = made(rest, project, "worksheet", title="Crane", answers={"question": "Does the press fit into the lift?"})
    assert (form["kind"], form["section"], form["stage"]) == ("worksheet", "notes", "cognitive")
    assert (form["title"], form["media_type"]) == ("Crane", "application/json")
    content = rest.get(f"/v1/artifacts/{form['id']}/content").json()
    assert set(content) == {"form", "title", "description", "fields", "answers"}
    assert content["answers"] == {"question": "Does the press fit into the lift?"}
    report = rest.get(f"/v1/projects/{project}/report").text
    assert "Does the press fit into the lift?" in report and "&#34;answers&#34;" not in report


def test_filling_in_makes_versions_and_keeps_what_is_left_out(rest: Rest, project: str) -> None:
    form = made(rest, project, fields=OWN)
    path = f"/v1/artifacts/{form['id']}"
    first = rest.post(f"{path}/fill", json={"answers": {"keys": "Ann"}})
    assert first.status_code == 201 and first.json()["version"] == 2
    rest.post(f"{path}/fill", json={"answers": {"cost": 12.5}}).raise_for_status()
    assert rest.get(f"{path}/form").json()["answers"] == {"keys": "Ann", "cost": 12.5}
    rest.post(f"{path}/fill", json={"answers": {"keys": None}}).raise_for_status()
    text = rest.get(f"{path}/form").json()["markdown"]
    assert "12.5" in text and "Ann" not in text
    rest.post(f"{path}/fill", json={"markdown": text.replace("12.5", "14")}).raise_for_status()
    assert rest.get(f"{path}/form").json()["answers"] == {"cost": 14}
    assert pointers(refused(rest.post(f"{path}/fill", json={"answers": {"cost": 14}}), 422)) == ["/answers/keys"]
    rest.post(f"{path}/fill", json={"answers": {"keys": "Ann"}}).raise_for_status()
    refused(rest.post(f"{path}/fill", json={"answers": {"keys": "Ann"}}), 409)


def test_filling_in_beside_the_form_makes_an_artifact_derived_from_it(rest: Rest, project: str) -> None:
    form = made(rest, project, fields=OWN)
    filled = rest.post(f"/v1/artifacts/{form['id']}/fill", json={"answers": {"keys": "Bob"}, "as": "derived"})
    assert filled.status_code == 201
    assert filled.json()["id"] != form["id"] and filled.json()["kind"] == "questionnaire"
    assert [ref["artifact_id"] for ref in filled.json()["derived_from"]] == [form["id"]]
    assert rest.get(f"/v1/artifacts/{form['id']}").json()["version"] == 1
    again = {"answers": {"cost": 1}}
    rest.post(f"/v1/artifacts/{filled.json()['id']}/fill", json=again).raise_for_status()


def test_what_was_changed_or_locked_in_the_meantime_is_not_filled_in(rest: Rest, project: str) -> None:
    form = made(rest, project, fields=OWN)
    path = f"/v1/artifacts/{form['id']}"
    tag = rest.get(path).headers["ETag"]
    assert rest.post(f"{path}/fill", json={"answers": {"keys": "A"}}, headers={"If-Match": tag}).status_code == 201
    refused(rest.post(f"{path}/fill", json={"answers": {"keys": "B"}}, headers={"If-Match": tag}), 412)
    rest.post(f"{path}/lock").raise_for_status()
    refused(rest.post(f"{path}/fill", json={"answers": {"keys": "B"}}), 423)
    assert rest.get(f"{path}/form").json()["answers"] == {"keys": "A"}


def test_the_same_request_twice_makes_one_form(rest: Rest, project: str) -> None:
    sent = {"json": {"template": "note"}, "headers": {"Idempotency-Key": "one-note"}}
    first, second = (rest.post(f"/v1/projects/{project}/forms", **sent) for _ in range(2))  # type: ignore[arg-type]
    assert first.json()["id"] == second.json()["id"]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"template": "poem"}, ["/template"]),
        ({"template": "note", "fields": OWN}, ["/fields"]),
        ({"template": "note", "answers": {"text": 5, "mood": "good"}}, ["/answers/mood", "/answers/text"]),
        ({"template": "checklist", "fields": [{"name": "a", "label": "A", "type": "choice"}]}, ["/fields/0"]),
        ({"template": "checklist", "fields": [{"name": "A b", "label": "A"}]}, ["/fields/0/name"]),
        ({"template": "checklist", "fields": [{"name": "a", "label": "A"}] * 41}, ["/fields"]),
        ({"template": "timeline", "answers": {"entries": [{"what": "x"}] * 10_000}}, ["/answers/entries"]),
        ({"template": "note", "color": "red"}, ["/color"]),
    ],
)
def test_a_form_that_cannot_be_made_is_refused_at_its_place(
    rest: Rest, project: str, body: dict[str, Any], where: list[str]
) -> None:
    assert sorted(pointers(refused(rest.post(f"/v1/projects/{project}/forms", json=body), 422))) == where


def test_answers_that_do_not_fit_are_refused_at_their_place(rest: Rest, project: str) -> None:
    form = made(rest, project, fields=OWN)
    fill = f"/v1/artifacts/{form['id']}/fill"
    found = refused(rest.post(fill, json={"answers": {"cost": "much", "keys": ["a"], "other": 1}}), 422)
    assert sorted(pointers(found)) == ["/answers/cost", "/answers/keys", "/answers/other"]
    other = rest.get(f"/v1/artifacts/{made(rest, project, 'note')['id']}/form").json()["markdown"]
    assert "not the form" in refused(rest.post(fill, json={"markdown": other}), 422)["detail"]
    refused(rest.post(fill, json={}), 422)
    refused(rest.post(fill, json={"answers": {}, "markdown": other}), 422)
    source = rest.source(project)
    assert "is no form" in refused(rest.post(f"/v1/artifacts/{source}/fill", json={"answers": {}}), 422)["detail"]
    refused(rest.get(f"/v1/artifacts/{source}/form"), 422)
    refused(rest.get("/v1/artifacts/art_nowhere/form"), 404)


def waiting(rest: Rest, project: str) -> dict[str, Any]:
    page = rest.until("/v1/inbox", lambda found: any(item["project_id"] == project for item in found["items"]))
    [item] = [item for item in page["items"] if item["project_id"] == project]
    return dict(item)


def test_a_task_waits_for_a_form_and_goes_on_when_it_is_filled_in(rest: Rest, project: str) -> None:
    form = made(rest, project, fields=OWN)
    added = rest.post(f"/v1/projects/{project}/tasks", json={"title": "Ask the caretaker", "form": form["id"]})
    assert added.status_code == 201, added.text
    task = added.json()
    assert (task["assignee"]["kind"], task["form"]) == ("person", form["id"])
    assert task["expected"] == [{"kind": "questionnaire", "section": "notes"}]
    run = rest.run_of(project)
    item = waiting(rest, project)
    assert (item["kind"], item["answers"], item["task_id"]) == ("form", ["fill_in"], task["id"])
    assert [field["name"] for field in item["form"]["fields"]] == ["answered_by", "remarks", "keys", "cost"]
    answer = f"/v1/inbox/{item['id']}/answer"
    missing = refused(rest.post(answer, json={"action": "fill_in", "answers": {"cost": "x"}}), 422)
    assert sorted(pointers(missing)) == ["/answers/cost", "/answers/keys"]
    refused(rest.post(answer, json={"action": "fill_in"}), 422)
    refused(rest.post(answer, json={"action": "hand_in", "text": "Ann"}), 422)
    assert (
        "waits for a form"
        in refused(rest.post(f"/v1/tasks/{task['id']}/complete", json={"title": "Keys", "text": "Ann"}), 409)["detail"]
    )
    assert rest.post(answer, json={"action": "fill_in", "answers": {"keys": "Ann"}}).status_code == 200
    assert rest.ended(run)["result"] == "succeeded"
    done = rest.get(f"/v1/tasks/{task['id']}").json()
    assert done["state"] == "done"
    [filled] = [a for a in rest.items(f"/v1/projects/{project}/artifacts") if a["task_id"] == task["id"]]
    assert filled["kind"] == "questionnaire" and [r["artifact_id"] for r in filled["derived_from"]] == [form["id"]]
    assert filled["qa"]["verdict"] == "passed"
    assert "fields are filled in" in filled["qa"]["criteria"][0]["evidence"]
    assert rest.get(f"/v1/artifacts/{filled['id']}/form").json()["answers"] == {"keys": "Ann"}
    refused(rest.post(answer, json={"action": "fill_in", "answers": {"keys": "Bob"}}), 409)


def test_a_task_takes_only_a_form_of_its_project_and_a_person(rest: Rest, project: str) -> None:
    tasks = f"/v1/projects/{project}/tasks"
    elsewhere = made(rest, rest.project("Another goal altogether"))["id"]
    for id in ("art_nowhere", elsewhere, rest.source(project)):
        refused(rest.post(tasks, json={"title": "Fill it in", "form": id}), 422)
    form = made(rest, project)["id"]
    agent = {"title": "Fill it in", "form": form, "assignee": {"kind": "core", "id": "agt_critic"}}
    refused(rest.post(tasks, json=agent), 422)


ASK = """
name: ask@1
title: Ask a person
start: ask
nodes:
  - {id: ask, type: human, kind: form, form: worksheet, title: What you know, next: fill}
  - id: fill
    type: transform
    function: fill_form@1
    arguments: {form: note, answers: {text: "{{ ask.answers.conclusion }}", matters: "Rated {{ ask.answers.sure }}"}}
    next: end
  - id: end
    type: exit
    publish: true
    output: {note: "{{ fill.value.artifact_id }}", said: "{{ ask.answers.conclusion }}"}
"""


def test_a_workflow_asks_by_a_form_and_uses_the_answers(rest: Rest, project: str) -> None:
    created = rest.post("/v1/workflows", json={"name": "ask", "yaml": ASK})
    assert created.status_code == 201, created.text
    started = rest.post("/v1/workflows/ask/runs", json={"project_id": project})
    assert started.status_code == 202, started.text
    item = waiting(rest, project)
    assert (item["kind"], item["form"]["template"]) == ("form", "worksheet")
    answers = {"question": "Is it tight?", "conclusion": "It is tight.", "sure": 4}
    answer = f"/v1/inbox/{item['id']}/answer"
    wrong = refused(rest.post(answer, json={"action": "fill_in", "answers": {**answers, "sure": 9}}), 422)
    assert pointers(wrong) == ["/answers/sure"]
    rest.post(answer, json={"action": "fill_in", "answers": answers}).raise_for_status()
    run = rest.ended(started.json()["id"])
    assert run["result"] == "succeeded", run
    assert run["output"]["said"] == "It is tight."
    note = rest.get(f"/v1/artifacts/{run['output']['note']}/form").json()
    assert note["answers"] == {"text": "It is tight.", "matters": "Rated 4"}


def test_a_workflow_that_asks_by_a_form_that_is_not_there_is_refused(rest: Rest) -> None:
    text = ASK.replace("form: worksheet", "form: poem").replace("ask@1", "asks@1")
    problem = refused(rest.post("/v1/workflows", json={"name": "asks", "yaml": text}), 422)
    assert "no form 'poem'" in problem["detail"]
