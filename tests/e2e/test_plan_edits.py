"""A person changes the plan, the goal, what was handed over: what is done is kept, and said to be stale."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.rest_client import Rest, pointers, refused


def tasks(rest: Rest, project: str) -> dict[str, dict[str, Any]]:
    return {task["title"]: task for task in rest.get(f"/v1/projects/{project}/plan").json()["tasks"]}


@pytest.fixture
def done(rest: Rest) -> Iterator[str]:
    project, _ = rest.done("Summarise what the manual says about the lift")
    yield project


def quiet(rest: Rest, project: str) -> None:
    """Until no run of the project is live."""
    rest.until(f"/v1/projects/{project}/runs", lambda found: all(run["state"] == "ended" for run in found["items"]))


def test_a_task_is_added_to_a_finished_plan_and_done_without_another_word(rest: Rest, done: str) -> None:
    before = rest.get(f"/v1/projects/{done}/plan")
    brief = tasks(rest, done)["Executive brief"]["id"]
    made = rest.post(
        f"/v1/projects/{done}/tasks",
        json={"title": "Assumptions of the brief", "expected": [{"kind": "assumption_audit"}], "depends_on": [brief]},
    )
    assert made.status_code == 201, made.text
    task = made.json()
    assert made.headers["Location"] == f"/v1/tasks/{task['id']}"
    assert task["assignee"] == {"kind": "core", "id": "agt_critic"}
    quiet(rest, done)
    assert rest.get(f"/v1/tasks/{task['id']}").json()["state"] == "done"
    after = rest.get(f"/v1/projects/{done}/plan").json()
    assert after["number"] == before.json()["number"] + 1 and "added the task" in after["origin"]
    assert after["origin"].endswith("The plan began as the template “research brief”.")
    assert len(after["tasks"]) == len(before.json()["tasks"]) + 1


def test_the_first_task_makes_a_plan_that_waits_for_a_start(rest: Rest) -> None:
    project = rest.project("Run the village fair")
    rest.source(project)
    made = rest.post(f"/v1/projects/{project}/tasks", json={"title": "Summary of the manual"})
    assert made.status_code == 201 and made.json()["state"] == "waiting"
    assert rest.get(f"/v1/projects/{project}/runs").json()["items"] == []
    rest.ended(rest.run_of(project))
    plan = rest.get(f"/v1/projects/{project}/plan").json()
    assert [task["title"] for task in plan["tasks"]] == ["Summary of the manual"]


def test_two_people_who_edit_one_plan_do_not_undo_each_other(rest: Rest, done: str) -> None:
    path = f"/v1/projects/{done}/plan"
    tag = rest.get(path).headers["ETag"]
    kept = [{"id": task["id"]} for task in tasks(rest, done).values()]
    first = rest.put(path, json={"tasks": [*kept, {"title": "First"}]}, headers={"If-Match": tag})
    assert first.status_code == 200, first.text
    second = rest.put(path, json={"tasks": [*kept, {"title": "Second"}]}, headers={"If-Match": tag})
    refused(second, 412)
    assert "If-Match" in refused(rest.put(path, json={"tasks": kept}), 428)["detail"]
    assert "First" in tasks(rest, done) and "Second" not in tasks(rest, done)


def test_what_is_done_stays_and_is_redone_only_when_asked(rest: Rest, done: str) -> None:
    summary = tasks(rest, done)["Summary of the sources"]
    changed = rest.patch(f"/v1/tasks/{summary['id']}", json={"brief": "Summarise only what is forbidden."})
    assert changed.status_code == 200 and changed.json()["state"] == "done"
    assert "after it was done" in changed.json()["stale"]
    quiet(rest, done)
    assert rest.get(f"/v1/tasks/{summary['id']}").json()["attempts"] == 1
    assert rest.post(f"/v1/tasks/{summary['id']}/retry").status_code == 202
    again = rest.until(f"/v1/tasks/{summary['id']}", lambda found: found["attempts"] == 2 and found["state"] == "done")
    assert again["stale"] is None


def test_a_new_version_of_a_source_makes_what_rests_on_it_stale_and_nothing_else(rest: Rest, done: str) -> None:
    [source] = [a for a in rest.items(f"/v1/projects/{done}/artifacts") if a["section"] == "sources"]
    newer = {"text": "# Manual\n\nThe lift carries at most 300 kg. It is inspected every six months."}
    assert rest.post(f"/v1/artifacts/{source['id']}/versions", json=newer).status_code == 201
    after = tasks(rest, done)
    assert f"“{source['title']}”" in after["Summary of the sources"]["stale"]
    made = {a["task_id"]: a for a in rest.items(f"/v1/projects/{done}/artifacts") if a["task_id"]}
    for task in after.values():
        rests = source["id"] in [ref["artifact_id"] for ref in made[task["id"]]["derived_from"]]
        assert bool(task["stale"]) == rests, task["title"]


def test_a_new_goal_keeps_what_is_done_and_a_replan_plans_the_rest(rest: Rest, done: str) -> None:
    before = tasks(rest, done)
    changed = rest.patch(f"/v1/projects/{done}", json={"goal": "Decide whether the lift is replaced"})
    assert changed.status_code == 200 and changed.json()["goal"] == "Decide whether the lift is replaced"
    assert all("goal was changed" in task["stale"] for task in tasks(rest, done).values())
    [goal] = [a for a in rest.items(f"/v1/projects/{done}/artifacts") if a["kind"] == "goal"]
    assert goal["version"] == 2
    started = rest.post(f"/v1/projects/{done}/runs", json={"replan": True})
    rest.ended(started.json()["id"])
    plan = rest.get(f"/v1/projects/{done}/plan").json()
    kept = [task["id"] for task in plan["tasks"]][: len(before)]
    assert kept == [task["id"] for task in before.values()] and len(plan["tasks"]) > len(before)


def test_tasks_are_found_by_when_they_are_due(rest: Rest) -> None:
    project = rest.project("Plan the move")
    for title, due in (("Early", "2027-01-05T00:00:00Z"), ("Late", "2027-03-01T00:00:00+02:00"), ("Some day", None)):
        rest.post(f"/v1/projects/{project}/tasks", json={"title": title, "due": due}).raise_for_status()
    found = rest.get("/v1/tasks", params={"due": "2027-02-01T00:00:00Z"}).json()["items"]
    assert [task["title"] for task in found if task["project_id"] == project] == ["Early"]
    early = found[0]["id"]
    assert rest.patch(f"/v1/tasks/{early}", json={"due": None}).json()["due"] is None
    refused(rest.patch(f"/v1/tasks/{early}", json={"due": "2027-01-01T00:00:00"}), 422)


def test_a_plan_that_breaks_a_rule_is_refused_with_the_place(rest: Rest, done: str) -> None:
    path = f"/v1/projects/{done}/plan"

    def put(body: dict[str, Any]) -> Any:
        return rest.put(path, json=body, headers={"If-Match": "*"})

    circle = [{"key": "a", "title": "A", "depends_on": ["b"]}, {"key": "b", "title": "B", "depends_on": ["a"]}]
    assert "circle" in refused(put({"tasks": circle}), 422)["detail"]
    unknown = [{"key": "a", "title": "A", "depends_on": ["zz"]}]
    assert pointers(refused(put({"tasks": unknown}), 422)) == ["/tasks/0/depends_on"]
    nobody = [{"key": "a", "title": "A", "assignee": {"kind": "core", "id": "agt_nobody"}}]
    assert pointers(refused(put({"tasks": nobody}), 422)) == ["/tasks/0/assignee/id"]
    alien = [{"key": "a", "title": "A", "assignee": {"kind": "person", "id": "usr_nobody"}}]
    assert "not on the team" in refused(put({"tasks": alien}), 422)["detail"]
    many = [{"title": f"Task {n}"} for n in range(500)]
    assert "500 tasks" in refused(put({"tasks": many}), 422)["detail"]
    twice = [{"key": "a", "title": "A"}, {"key": "a", "title": "B"}]
    assert "a key of its own" in refused(put({"tasks": twice}), 422)["detail"]
    assert "no tsk_" not in path and refused(put({"tasks": [{"id": "tsk_nowhere"}]}), 404)


def test_a_plan_that_is_at_work_is_not_asked_about_again(rest: Rest) -> None:
    project = rest.project("Brief me on the lift", approve_plan=True)
    rest.source(project)
    run = rest.run_of(project)
    rest.until("/v1/inbox", lambda found: any(item["project_id"] == project for item in found["items"]))
    assert rest.post(f"/v1/projects/{project}/plan/approve").status_code == 200
    rest.ended(run)
    assert rest.ended(rest.run_of(project))["result"] == "succeeded"


OLD, NEW = "Summarise what the manual says about the lift", "Say who may clear the alarm of the lift"


def test_what_is_done_again_after_a_new_goal_works_towards_it_and_is_up_to_date(rest: Rest, done: str) -> None:
    number = rest.get(f"/v1/projects/{done}/plan").json()["number"]
    rest.patch(f"/v1/projects/{done}", json={"goal": NEW}).raise_for_status()
    changed = rest.get(f"/v1/projects/{done}/plan").json()
    assert changed["number"] == number + 1 and "changed the goal" in changed["origin"]
    assert all(task["brief"].endswith(f": {NEW}") and OLD not in task["brief"] for task in changed["tasks"])
    first = tasks(rest, done)["Summary of the sources"]["id"]
    rest.post(f"/v1/tasks/{first}/retry").raise_for_status()
    again = rest.until(f"/v1/tasks/{first}", lambda found: found["attempts"] == 2 and found["state"] == "done")
    assert again["stale"] is None
    said = tasks(rest, done)["Executive brief"]["stale"]
    assert "goal was changed" in said and "“Summary of the sources”" in said


def test_what_was_not_begun_goes_on_towards_a_new_goal(rest: Rest) -> None:
    project = rest.project(OLD, approve_plan=True)
    rest.source(project)
    run = rest.run_of(project)
    rest.until("/v1/inbox", lambda found: any(item["project_id"] == project for item in found["items"]))
    me = {"kind": "person", "id": owner(rest, project)}
    mine = {"title": "Tell the caretaker", "brief": f"In a letter: {OLD}", "assignee": me}
    rest.post(f"/v1/projects/{project}/tasks", json=mine).raise_for_status()
    rest.post(f"/v1/projects/{project}/plan/approve").raise_for_status()
    rest.until("/v1/inbox", lambda found: work_of(found["items"], project))
    assert work_of(rest.items("/v1/inbox"), project)[0]["detail"].endswith(OLD)
    rest.patch(f"/v1/projects/{project}", json={"goal": NEW}).raise_for_status()
    assert {task["brief"].endswith(NEW) for task in tasks(rest, project).values()} == {True}
    assert work_of(rest.items("/v1/inbox"), project)[0]["detail"].endswith(NEW)
    assert tasks(rest, project)["Tell the caretaker"]["stale"] is None
    rest.post(f"/v1/runs/{run}/cancel").raise_for_status()


def owner(rest: Rest, project: str) -> str:
    return str(rest.get(f"/v1/projects/{project}/members").json()["items"][0]["subject_id"])


def work_of(items: list[dict[str, Any]], project: str) -> list[dict[str, Any]]:
    return [item for item in items if item["project_id"] == project and item["kind"] == "work"]


def test_a_task_that_is_taken_up_again_waits_for_what_it_depends_on(rest: Rest) -> None:
    project = rest.project("Plan the move")
    first = rest.post(f"/v1/projects/{project}/tasks", json={"title": "Summary of the manual"}).json()["id"]
    body = {"title": "Summary of that", "depends_on": [first]}
    second = rest.post(f"/v1/projects/{project}/tasks", json=body).json()["id"]
    rest.patch(f"/v1/tasks/{second}", json={"state": "skipped"}).raise_for_status()
    assert rest.post(f"/v1/tasks/{second}/retry").json()["state"] == "waiting"


def test_what_no_agent_can_do_is_for_whoever_asks_with_the_reason(rest: Rest) -> None:
    project = rest.project("Plan the move")
    me = {"kind": "person", "id": owner(rest, project)}

    def added(title: str) -> dict[str, Any]:
        made = rest.post(f"/v1/projects/{project}/tasks", json={"title": title})
        assert made.status_code == 201, made.text
        return dict(made.json())

    for title in ("Call the supplier by phone", "Ask the lawyer"):
        assert added(title)["assignee"] == me
        assert added(title)["brief"].endswith("only a person can do this.")
    nobodys = added("Decide which option")
    assert nobodys["assignee"] == me and "names no work of any agent" in nobodys["brief"]
    assert added("Write a summary of the offers")["assignee"]["id"] == "agt_synthesizer"
    strategist = {"assignee": {"kind": "core", "id": "agt_strategist"}, "title": "Objectives"}
    given = rest.patch(f"/v1/tasks/{nobodys['id']}", json=strategist).json()
    assert "brief" in given, given
    assert given["brief"] == "Decide which option"
