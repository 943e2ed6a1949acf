"""Changes to code need a person's sign-off, unless the project allows otherwise."""

import sqlite3
from pathlib import Path
from typing import Any

from infrastructure.cli.connection import Connection
from services.work.criteria import SIGNED_OFF
from tests.e2e.programs import SOURCE, asked_for, ended, good, models_yaml, outline, program
from tests.e2e.test_cli import caseworks
from tests.model_servers import model_server

PATCH = {"title": "The change", "expected": [{"kind": "patch"}]}


def changed(connection: Connection, **more: Any) -> dict[str, Any]:
    """What a project makes whose only task is a change to code, after its run."""
    project = connection.post("/v1/projects", {"goal": "Mend the thermostat", **more})["id"]
    connection.post(f"/v1/projects/{project}/artifacts", {"title": "Manual", "text": SOURCE})
    connection.post(f"/v1/projects/{project}/tasks", PATCH)
    return worked(connection, project)


def worked(connection: Connection, project: str) -> dict[str, Any]:
    run = connection.post(f"/v1/projects/{project}/runs")["id"]
    assert ended(connection, run)["result"] == "succeeded"
    return made(connection, project)


def made(connection: Connection, project: str) -> dict[str, Any]:
    (found,) = (item for item in connection.all(f"/v1/projects/{project}/artifacts") if item["task_id"])
    return dict(found)


def verdicts(artifact: dict[str, Any]) -> dict[str, str]:
    return {item["text"]: item["verdict"] for item in artifact["qa"]["criteria"]}


def test_a_rehearsed_change_to_code_waits_for_a_person_unless_the_project_says_otherwise(tmp_path: Path) -> None:
    with program(tmp_path) as connection:
        assert verdicts(changed(connection))[SIGNED_OFF.text] == "unverified"
        waived = changed(connection, sign_off_code=False)
        assert SIGNED_OFF.text not in verdicts(waived) and waived["qa"]["verdict"] == "passed"


def test_with_a_model_the_change_is_finished_without_a_person_where_the_project_allows_it(tmp_path: Path) -> None:
    def answer(body: dict[str, Any]) -> str:
        plan = outline(("Facts", "synthesizer:summary", []), ("The change", "code_copilot:patch", [1]))
        return plan if asked_for(body) == "outline" else good(body)

    stages = {}
    with model_server(answer) as server, program(tmp_path, models_yaml(server)) as connection:
        for sign_off in (True, False):
            body = {"goal": "Mend the thermostat", "sign_off_code": sign_off}
            project = connection.post("/v1/projects", body)["id"]
            connection.post(f"/v1/projects/{project}/artifacts", {"title": "Manual", "text": SOURCE})
            assert ended(connection, connection.post(f"/v1/projects/{project}/runs")["id"])["result"] == "succeeded"
            found = connection.all(f"/v1/projects/{project}/artifacts")
            stages[sign_off] = next(item["stage"] for item in found if item["kind"] == "patch")
            planned = connection.get(f"/v1/projects/{project}/plan")["tasks"][1]["criteria"]
            assert (SIGNED_OFF.text in [each["text"] for each in planned]) == sign_off
    assert stages == {True: "intellectual", False: "information_product"}


def test_what_the_project_says_when_the_work_is_checked_is_what_holds(tmp_path: Path) -> None:
    with program(tmp_path) as connection:
        for before, after in ((False, True), (True, False)):
            project = connection.post("/v1/projects", {"goal": "Mend it", "sign_off_code": before})["id"]
            connection.post(f"/v1/projects/{project}/artifacts", {"title": "Manual", "text": SOURCE})
            connection.post(f"/v1/projects/{project}/tasks", PATCH)
            answer = connection.patch(f"/v1/projects/{project}", {"sign_off_code": after})
            assert answer["sign_off_code"] == after
            assert (SIGNED_OFF.text in verdicts(worked(connection, project))) == after


def test_other_criteria_for_a_change_do_not_do_away_with_its_sign_off(tmp_path: Path) -> None:
    with program(tmp_path) as connection:
        project = connection.post("/v1/projects", {"goal": "Mend it"})["id"]
        connection.post(f"/v1/projects/{project}/artifacts", {"title": "Manual", "text": SOURCE})
        connection.post(f"/v1/projects/{project}/tasks", {**PATCH, "criteria": [{"text": "It is short"}]})
        assert set(verdicts(worked(connection, project))) == {"It is short", SIGNED_OFF.text}


def test_a_project_that_was_stored_before_there_was_a_choice_needs_a_sign_off(tmp_path: Path) -> None:
    with program(tmp_path) as connection:
        project = connection.post("/v1/projects", {"goal": "Mend it"})["id"]
        with sqlite3.connect(f"file:{tmp_path / 'caseworks.db'}?mode=ro", uri=True) as database:
            (body,) = database.execute("SELECT body FROM projects").fetchone()
        database.close()
        assert "sign_off_code" not in body, "what is as it always was is not stored, so that old rows are like this"
        assert connection.get(f"/v1/projects/{project}")["sign_off_code"] is True


def test_the_command_line_can_do_without_it(tmp_path: Path) -> None:
    done = caseworks(tmp_path, "run", "Build an app that shows the temperature", "--rehearse", "--no-sign-off-code",
                     "--json")  # fmt: skip
    project = caseworks(tmp_path, "projects", "show", done.json["project_id"], "--json").json
    assert project["sign_off_code"] is False
    tasks = caseworks(tmp_path, "projects", "plan", project["id"], "--json").json["tasks"]
    assert "code" in [task["expected"][0]["section"] for task in tasks]
    assert SIGNED_OFF.text not in [each["text"] for task in tasks for each in task["criteria"]]
