"""What the manager recommends, over REST: made in the run and when one looks, accepted, dismissed, done."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.rest_client import Rest, refused, server

ORDER = "Order the heat pump for the hall from the local supplier before the summer"
QUIET = "Summarise what the manual of the lift says about inspections and failures"


def recommended(rest: Rest, project: str, state: str = "open") -> dict[str, dict[str, Any]]:
    found = rest.items(f"/v1/projects/{project}/recommendations?state={state}")
    return {item["rule"]: item for item in found}


def told(rest: Rest, project: str) -> list[str]:
    """What happened to its recommendations, oldest first. The project is archived with that."""
    rest.delete(f"/v1/projects/{project}").raise_for_status()
    found = rest.events(f"/v1/projects/{project}/events", until="project.archived")
    return [event.kind for event in found if event.kind.startswith("recommendation.")]


def waiting(rest: Rest, project: str, kind: str = "form") -> dict[str, Any]:
    def there(found: dict[str, Any]) -> bool:
        return any(item["project_id"] == project and item["kind"] == kind for item in found["items"])

    page = rest.until("/v1/inbox", there)
    return next(dict(item) for item in page["items"] if item["project_id"] == project and item["kind"] == kind)


def test_before_there_is_a_plan_accepting_makes_the_form_alone(rest: Rest) -> None:
    project = rest.project("Help with the lift")
    found = recommended(rest, project)
    assert set(found) == {"vague_goal", "missing_inputs"}
    one = found["vague_goal"]
    assert one["reason"].startswith("The goal has 4 words") and one["form"] == "questionnaire"
    accepted = rest.post(f"/v1/recommendations/{one['id']}/accept").json()
    assert (accepted["state"], accepted["task_id"]) == ("accepted", None)
    form = rest.get(f"/v1/artifacts/{accepted['artifact_id']}/form").json()
    assert form["title"] == "Questions on the goal" and "For whom is it?" in form["markdown"]
    assert set(recommended(rest, project)) == {"missing_inputs"}


def test_a_run_recommends_and_what_is_accepted_is_filled_in_as_a_task_of_the_plan(rest: Rest) -> None:
    project = rest.project(ORDER)
    rest.source(project)
    rest.ended(rest.run_of(project))
    found = recommended(rest, project)
    one = found["pre_mortem"]
    assert "Order" in one["reason"] and one["state"] == "open"
    accepted = rest.post(f"/v1/recommendations/{one['id']}/accept").json()
    task = rest.get(f"/v1/tasks/{accepted['task_id']}").json()
    assert task["form"] == accepted["artifact_id"] and task["assignee"]["kind"] == "person"
    assert task["title"] == one["title"] and task["brief"] == one["reason"]
    item = waiting(rest, project)
    assert item["task_id"] == task["id"] and item["form"]["answers"] == {"step": ORDER}
    run = rest.get(f"/v1/projects/{project}/runs").json()["items"][0]
    answers = {"causes": [{"cause": "The grant is refused", "likely": 3, "bad": 5}], "go": "Not yet"}
    rest.post(f"/v1/inbox/{item['id']}/answer", json={"action": "fill_in", "answers": answers}).raise_for_status()
    assert rest.ended(run["id"])["result"] == "succeeded"
    assert rest.get(f"/v1/tasks/{task['id']}").json()["state"] == "done"
    [filled] = [a for a in rest.items(f"/v1/projects/{project}/artifacts") if a["task_id"] == task["id"]]
    assert filled["kind"] == "pre_mortem"
    assert [ref["artifact_id"] for ref in filled["derived_from"]] == [accepted["artifact_id"]]
    assert "pre_mortem" not in recommended(rest, project)
    refused(rest.post(f"/v1/recommendations/{one['id']}/dismiss"), 409)


def test_a_run_files_its_recommendations_with_an_event_each(rest: Rest) -> None:
    project = rest.project(ORDER)
    rest.source(project)
    rest.ended(rest.run_of(project))
    filed = rest.get("/v1/recommendations", params={"state": "open", "limit": 100}).json()["items"]
    mine = [item for item in filed if item["project_id"] == project]
    assert "pre_mortem" in [item["rule"] for item in mine] and len(mine) <= 3


def test_what_is_dismissed_does_not_return(rest: Rest) -> None:
    project = rest.project(ORDER)
    rest.source(project)
    one = recommended(rest, project)["pre_mortem"]
    sent = {"Idempotency-Key": "no-thanks"}
    dismissed = rest.post(f"/v1/recommendations/{one['id']}/dismiss", headers=sent)
    assert dismissed.status_code == 200 and dismissed.json()["state"] == "dismissed"
    assert rest.post(f"/v1/recommendations/{one['id']}/dismiss", headers=sent).json() == dismissed.json()
    refused(rest.post(f"/v1/recommendations/{one['id']}/accept"), 409)
    rest.ended(rest.run_of(project))
    assert "pre_mortem" not in recommended(rest, project)
    assert recommended(rest, project, "dismissed")["pre_mortem"]["id"] == one["id"]


def test_what_lost_its_reason_is_withdrawn_and_returns_with_it(rest: Rest) -> None:
    project = rest.project(ORDER)
    rest.source(project)
    one = recommended(rest, project)["pre_mortem"]
    rest.patch(f"/v1/projects/{project}", json={"goal": QUIET}).raise_for_status()
    assert "pre_mortem" not in recommended(rest, project)
    gone = recommended(rest, project, "withdrawn")["pre_mortem"]
    assert gone == {**one, "state": "withdrawn", "withdrawn_because": "What it was recommended for no longer holds."}
    refused(rest.post(f"/v1/recommendations/{one['id']}/accept"), 409)
    rest.patch(f"/v1/projects/{project}", json={"goal": ORDER}).raise_for_status()
    back = recommended(rest, project)["pre_mortem"]
    assert (back["id"], back["state"], back["withdrawn_because"]) == (one["id"], "open", None)
    assert told(rest, project) == ["recommendation.made", "recommendation.withdrawn", "recommendation.made"]


def test_what_was_dismissed_does_not_return_with_its_reason(rest: Rest) -> None:
    project = rest.project(ORDER)
    rest.source(project)
    one = recommended(rest, project)["pre_mortem"]
    rest.post(f"/v1/recommendations/{one['id']}/dismiss").raise_for_status()
    for goal in (QUIET, ORDER):
        rest.patch(f"/v1/projects/{project}", json={"goal": goal}).raise_for_status()
        assert "pre_mortem" not in recommended(rest, project)
    assert recommended(rest, project, "dismissed")["pre_mortem"]["id"] == one["id"]


def test_a_document_makes_room_for_more_advice(rest: Rest) -> None:
    project = rest.project("Buy it or not")
    assert "missing_inputs" in recommended(rest, project)
    rest.source(project)
    assert "missing_inputs" not in recommended(rest, project)


def test_looking_again_when_nothing_happened_changes_and_records_nothing(rest: Rest) -> None:
    project = rest.project(ORDER)
    first = recommended(rest, project)
    assert [recommended(rest, project) for _ in range(3)] == [first] * 3
    assert told(rest, project) == ["recommendation.made"] * len(first)


def test_the_same_acceptance_twice_makes_one_form_and_one_task(rest: Rest) -> None:
    project, _ = rest.done(ORDER)
    one = recommended(rest, project)["pre_mortem"]
    sent = {"Idempotency-Key": "yes-please"}
    first, second = (rest.post(f"/v1/recommendations/{one['id']}/accept", headers=sent).json() for _ in range(2))
    assert first == second
    forms = [a for a in rest.items(f"/v1/projects/{project}/artifacts") if a["kind"] == "pre_mortem"]
    assert len(forms) == 1


@pytest.mark.parametrize("what", ["accept", "dismiss"])
def test_a_recommendation_that_is_not_there_is_not_found(rest: Rest, what: str) -> None:
    refused(rest.post(f"/v1/recommendations/rec_nowhere/{what}"), 404)
    refused(rest.get("/v1/projects/prj_nowhere/recommendations"), 404)
    refused(rest.get("/v1/recommendations", params={"state": "odd"}), 422)


def test_a_restart_loses_neither_the_recommendation_nor_the_form_that_is_waited_for(tmp_path: Path) -> None:
    limits = {"requests_per_minute": 100_000}
    with server(tmp_path, limits=limits) as first:
        project, _ = first.rest.done(ORDER)
        one = recommended(first.rest, project)["pre_mortem"]
    with server(tmp_path, limits=limits) as second:
        assert recommended(second.rest, project)["pre_mortem"] == one
        accepted = second.rest.post(f"/v1/recommendations/{one['id']}/accept").json()
        item = waiting(second.rest, project)
    with server(tmp_path, limits=limits) as third:
        assert waiting(third.rest, project) == item
        run = third.rest.get(f"/v1/projects/{project}/runs").json()["items"][0]
        text = item["form"]["markdown"].replace("|  |  |  |  |  |", "| No grant | 3 | 5 | A letter | Ask first |")
        text = text.rstrip() + "\n\nNot yet\n"
        sent = {"action": "fill_in", "markdown": text}
        third.rest.post(f"/v1/inbox/{item['id']}/answer", json=sent).raise_for_status()
        assert third.rest.ended(run["id"])["result"] == "succeeded"
        task = third.rest.get(f"/v1/tasks/{accepted['task_id']}").json()
        assert task["state"] == "done"
        assert recommended(third.rest, project, "accepted")["pre_mortem"]["task_id"] == task["id"]
