"""Ways of working: each that ships does a task to its end, and leaves what any task leaves: checked, cited, traced."""

from typing import Any

import pytest

from tests.e2e.rest_client import Rest

WAYS = {
    "one_attempt": "summary",
    "draft_critique_revise": "summary",
    "parallel_drafts": "executive_brief",
    "research_first": "framework",
    "weigh_options": "objectives",
    "map_reduce": "summary",
    "judge_panel": "risk_register",
}


def done(rest: Rest, way: str, makes: str) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]:
    """A project with one task done by `way`: the task, its artifacts, the run."""
    project = rest.project("Tell the caretaker what may be done with the lift")
    rest.source(project)
    rest.source(project, "# Rules\n\nThe second lift may be used by staff only. It must be inspected daily.", "Rules")
    body = {"title": "What the sources say", "expected": [{"kind": makes}], "complexity": "complex", "way": way}
    made = rest.post(f"/v1/projects/{project}/tasks", json=body)
    assert made.status_code == 201, made.text
    run = rest.ended(rest.run_of(project))
    task = rest.get(f"/v1/tasks/{made.json()['id']}").json()
    found = [item for item in rest.items(f"/v1/projects/{project}/artifacts") if item["task_id"] == task["id"]]
    return task, found, run


@pytest.mark.parametrize(("way", "makes"), WAYS.items())
def test_a_task_is_done_by_it_and_leaves_what_any_task_leaves(rest: Rest, way: str, makes: str) -> None:
    task, found, run = done(rest, way, makes)
    assert task["state"] == "done", (task["findings"], run["reason"])
    assert task["way"] == way
    [artifact] = found
    assert artifact["kind"] == makes and artifact["stage"] == "intellectual"
    assert artifact["made_by"] == task["assignee"]["id"]
    assert artifact["derived_from"] and artifact["qa"]["method"] == "rules"


def test_the_workflows_own_rules_choose_the_way(rest: Rest) -> None:
    project = rest.project("Tell the caretaker what may be done with the lift")
    rest.source(project)

    def chosen(**body: Any) -> str | None:
        made = rest.post(f"/v1/projects/{project}/tasks", json={"title": "Something", **body}).json()
        way: str | None = made["way"]
        return way

    assert chosen(complexity="simple", expected=[{"kind": "summary"}]) == "one_attempt"
    assert chosen(complexity="complex", expected=[{"kind": "summary"}]) == "parallel_drafts"
    assert chosen(complexity="complex", expected=[{"kind": "risk_register"}]) == "judge_panel"
    assert chosen(complexity="complex", expected=[{"kind": "review"}]) == "research_first"
    assert chosen(complexity="complex", way="", expected=[{"kind": "review"}]) is None
