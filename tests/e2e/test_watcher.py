"""The Watcher, over REST: what goes wrong is filed by rule, once, and nothing where all is well."""

from pathlib import Path
from typing import Any

from infrastructure.cli.connection import Connection
from tests.e2e.processes import Process, case_file, events_stored, kill_when, server
from tests.e2e.programs import ended
from tests.e2e.rest_client import CSV, Rest

OFFERS = "List the offers"


def alerts(rest: Rest, project: str) -> list[dict[str, Any]]:
    return [item for item in rest.items(f"/v1/projects/{project}/artifacts") if item["section"] == "alerts"]


def failing(rest: Rest, **more: Any) -> tuple[str, str]:
    """A project whose results are refused: the rehearsal has too little to write from."""
    project = rest.project(OFFERS, **more)
    rest.source(project, CSV.decode(), "Offers")
    run = rest.run_of(project)
    assert rest.ended(run)["result"] == "partial"
    return project, run


def test_healthy_work_leaves_nothing_in_the_section(rest: Rest) -> None:
    project, _ = rest.done()
    assert alerts(rest, project) == []


def test_a_task_that_failed_is_an_alert_and_the_end_has_a_report(rest: Rest) -> None:
    project, run = failing(rest)
    tasks = {task["id"]: task for task in rest.items(f"/v1/projects/{project}/tasks")}
    failed = [task for task in tasks.values() if task["state"] == "needs_attention"]
    found = alerts(rest, project)
    kinds = [item["kind"] for item in found]
    assert kinds.count("alert") == len(failed) and kinds.count("health_report") == 1
    for item in found:
        assert item["made_by"] == "agt_watcher" and item["model"] is None and item["run_id"] == run
    report = next(item for item in found if item["kind"] == "health_report")
    assert {ref["artifact_id"] for ref in report["derived_from"]} == {i["id"] for i in found if i is not report}
    text = rest.get(f"/v1/artifacts/{report['id']}/content").text
    assert all(task["title"] in text for task in failed) and "## What to do" in text
    alert = next(item for item in found if item["kind"] == "alert")
    assert "## Evidence" in rest.get(f"/v1/artifacts/{alert['id']}/content").text
    assert "agt_watcher" not in {call["agent"] for call in rest.items(f"/v1/runs/{run}/calls")}


def test_a_second_failure_is_another_alert_and_an_untouched_one_is_not_raised_again(rest: Rest) -> None:
    project, _ = failing(rest)
    first = {item["id"] for item in alerts(rest, project) if item["kind"] != "health_report"}
    tasks = rest.items(f"/v1/projects/{project}/tasks")
    task = next(task for task in tasks if task["state"] == "needs_attention")
    rest.post(f"/v1/tasks/{task['id']}/retry", json={"hint": "Use the days."}).raise_for_status()
    [again, *_] = rest.get(f"/v1/projects/{project}/runs").json()["items"]
    rest.ended(again["id"])
    assert rest.get(f"/v1/tasks/{task['id']}").json()["state"] == "needs_attention"
    later = {item["id"]: item for item in alerts(rest, project) if item["kind"] != "health_report"}
    assert first < set(later)
    titles = [item["title"] for item in later.values() if item["kind"] == "alert"]
    assert titles.count(f"“{task['title']}” needs attention") == 2


def test_a_budget_that_is_nearly_used_up_is_an_anomaly(rest: Rest) -> None:
    tight = rest.project("Brief me on the lift", budget={"calls": 4})
    rest.source(tight)
    run = rest.run_of(tight)
    rest.until(f"/v1/runs/{run}", lambda found: found["state"] == "waiting")
    [item] = [item for item in rest.items("/v1/inbox") if item["kind"] == "budget"]
    rest.post(f"/v1/inbox/{item['id']}/answer", json={"action": "stop"}).raise_for_status()
    rest.ended(run)
    found = [item for item in alerts(rest, tight) if item["kind"] == "anomaly"]
    assert [item["title"] for item in found] == ["More than 80% of the budget is used"]


def begun(connection: Connection) -> tuple[str, str]:
    project = connection.post("/v1/projects", {"goal": OFFERS})["id"]
    connection.post(f"/v1/projects/{project}/artifacts", {"title": "Offers", "text": CSV.decode()})
    return project, connection.post(f"/v1/projects/{project}/runs")["id"]


def test_a_killed_run_ends_with_the_same_alerts(tmp_path: Path) -> None:
    with server(tmp_path / "undisturbed") as connection:
        project, run = begun(connection)
        assert ended(connection, run)["result"] == "partial"
        expected, last = case_file(connection, project), events_stored(tmp_path / "undisturbed")
    assert "Health of the work" in expected
    process = Process(tmp_path / "killed")
    connection = process.connect()
    project, run = begun(connection)
    connection.close()
    for point in range(last // 2, last, max(1, last // 12)):
        kill_when(process, point)
        process = Process(tmp_path / "killed")
    try:
        connection = process.connect()
        assert ended(connection, run)["result"] == "partial"
        assert case_file(connection, project) == expected
        connection.close()
    finally:
        process.stop()
