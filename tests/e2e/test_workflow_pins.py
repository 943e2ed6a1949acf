"""A run keeps the workflows that it names as they were when it began, those that they name too."""

from pathlib import Path
from typing import Any

import pytest

from infrastructure.cli.connection import Connection
from tests.e2e.own_workflows import of
from tests.e2e.processes import Process, server
from tests.e2e.programs import ended, until

ASK = "  one: {type: human, title: Go on, next: two}\n"
OUTER = of("outer", ASK + "  two: {type: workflow, graph: middle, next: end}\n").replace(
    "type: exit", 'type: exit, output: {said: "{{ two.said }}"}'
)
MIDDLE = of("middle", "  one: {type: fan_out, copies: 2, do: {type: workflow, graph: inner@1}, next: end}\n").replace(
    "type: exit", 'type: exit, output: {said: "{{ one.items.0.said }} and {{ one.items.1.said }}"}'
)
INNER = of("inner", "  one: {type: wait, seconds: 0.01, next: end}\n").replace(
    "type: exit", "type: exit, output: {said: the first}"
)
FIRST, SECOND = "the first and the first", "the second and the second"


def begun(connection: Connection, workflow: str = "outer", **inputs: Any) -> str:
    project = connection.post("/v1/projects", {"goal": "Say something"})["id"]
    for name, yaml in (("inner", INNER), ("middle", MIDDLE), ("outer", OUTER)):
        connection.post("/v1/workflows", {"name": name, "yaml": yaml})
    return started(connection, project, workflow, **inputs)


def started(connection: Connection, project: str, workflow: str = "outer", **inputs: Any) -> str:
    body = {"project_id": project, "inputs": inputs}
    run: str = connection.post(f"/v1/workflows/{workflow}/runs", body)["id"]
    until(lambda: connection.get(f"/v1/runs/{run}"), lambda found: found["state"] == "waiting")
    return run


def said(connection: Connection, run: str) -> Any:
    """What the run gives, once a person has let it go on."""
    items = connection.get("/v1/inbox")["items"]
    [item] = [item for item in items if item["run_id"] == run]
    connection.post(f"/v1/inbox/{item['id']}/answer", {"action": "approve"})
    found = ended(connection, run)
    return found["reason"] or found["output"]["said"]


def edit(data: Path) -> None:
    file = data / "workflows" / "inner.yaml"
    file.write_text(file.read_text().replace("the first", "the second"))


def break_it(data: Path) -> None:
    (data / "workflows" / "inner.yaml").write_text("name: inner@1\nnodes: 3\n")


def remove(data: Path) -> None:
    (data / "workflows" / "middle.yaml").unlink()
    (data / "workflows" / "inner.yaml").unlink()


@pytest.mark.parametrize("change", [edit, break_it, remove])
def test_what_a_waiting_run_names_is_run_as_it_was_also_after_a_restart(tmp_path: Path, change: Any) -> None:
    process = Process(tmp_path)
    connection = process.connect()
    run = begun(connection)
    change(tmp_path)
    connection.close()
    process.kill()
    with server(tmp_path) as connection:
        assert said(connection, run) == FIRST


def test_a_new_run_takes_the_new_version(tmp_path: Path) -> None:
    with server(tmp_path) as connection:
        old = begun(connection)
        edit(tmp_path)
        project = connection.get(f"/v1/runs/{old}")["project_id"]
        new = started(connection, project)
        assert (said(connection, new), said(connection, old)) == (SECOND, FIRST)


def test_a_fork_keeps_what_its_source_pinned(tmp_path: Path) -> None:
    with server(tmp_path) as connection:
        run = begun(connection)
        edit(tmp_path)
        fork = connection.post(f"/v1/runs/{run}/fork", {})["id"]
        until(lambda: connection.get(f"/v1/runs/{fork}"), lambda found: found["state"] == "waiting")
        assert said(connection, fork) == FIRST


def test_a_workflow_whose_name_is_only_known_when_it_runs_is_taken_as_it_is_then(tmp_path: Path) -> None:
    dynamic = OUTER.replace("outer@1", "dynamic@1").replace("graph: middle", 'graph: "{{ inputs.which }}"')
    dynamic = dynamic.replace("inputs: {}", "inputs: {which: {}}")
    with server(tmp_path) as connection:
        connection.post("/v1/workflows", {"name": "dynamic", "yaml": dynamic})
        run = begun(connection, "dynamic", which="middle")
        edit(tmp_path)
        assert said(connection, run) == SECOND
