"""kill -9 in the middle of a workflow: it goes on by itself, nothing is called twice, and it gives the same."""

import random
from pathlib import Path
from typing import Any

from infrastructure.cli.connection import Connection
from tests.e2e.own_workflows import EVERYTHING, SMALL, TOPIC, result
from tests.e2e.processes import Process, events_stored, kill_when, server
from tests.e2e.programs import SOURCE, ended, until

KILLS = 6
SEED = 20261121


def begun(connection: Connection) -> tuple[str, str]:
    """A project with one source, and a run of everything in it."""
    project = connection.post("/v1/projects", {"goal": "Brief me on the lift"})["id"]
    connection.post(f"/v1/projects/{project}/artifacts", {"title": "Lift manual", "text": SOURCE})
    for name, yaml in (("small", SMALL), ("everything", EVERYTHING)):
        connection.post("/v1/workflows", {"name": name, "yaml": yaml})
    run = connection.post("/v1/workflows/everything/runs", {"project_id": project, "inputs": TOPIC})["id"]
    return project, run


def answered(connection: Connection, run: str) -> dict[str, Any]:
    """The run, once a person has said yes to what it asks last."""

    def last(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [item for item in items if item["run_id"] == run and item["title"] == "Is it as you want it?"]

    [item] = last(until(lambda: connection.get("/v1/inbox")["items"], lambda items: bool(last(items))))
    connection.post(f"/v1/inbox/{item['id']}/answer", {"action": "approve"})
    return ended(connection, run)


def calls_of(connection: Connection, project: str) -> int:
    return int(connection.get(f"/v1/projects/{project}/usage")["calls"])


def test_a_workflow_killed_in_the_middle_gives_the_same(tmp_path: Path) -> None:
    with server(tmp_path / "undisturbed") as connection:
        project, run = begun(connection)
        first = events_stored(tmp_path / "undisturbed")
        expected, calls = answered(connection, run), calls_of(connection, project)
        last = events_stored(tmp_path / "undisturbed")
    assert expected["result"] == "succeeded"
    process = Process(tmp_path / "killed")
    connection = process.connect()
    project, run = begun(connection)
    connection.close()
    asked = last - 4  # what comes after the last question waits for a person
    for point in sorted(random.Random(SEED).sample(range(min(first, 5), asked), KILLS)):
        kill_when(process, point)
        process = Process(tmp_path / "killed")
    try:
        connection = process.connect()
        assert result(answered(connection, run)) == result(expected)
        assert calls_of(connection, project) == calls, "a recorded call is never made again"
        connection.close()
    finally:
        process.stop()
