"""What work cost, by REST and on the command line."""

import json
from pathlib import Path

import pytest

from infrastructure.cli.connection import Connection, Refused
from tests.e2e.programs import models_yaml, program
from tests.e2e.test_cli import caseworks
from tests.model_servers import model_server

PRICE = {"price": {"input": 2, "output": 8}}
EACH = 7 * 2 + 5 * 8
"""What a call costs: the server counts 7 tokens in and 5 out."""


def worked(connection: Connection) -> str:
    """A project whose work has ended."""
    project: str = connection.post("/v1/projects", {"goal": "Brief me on pumps"})["id"]
    run = connection.post(f"/v1/projects/{project}/runs", {})["id"]
    list(connection.follow(f"/v1/runs/{run}/events"))
    return project


def test_what_a_project_cost_is_told_by_agent_task_and_model(tmp_path: Path) -> None:
    with model_server() as server, program(tmp_path, models_yaml(server, **PRICE)) as connection:
        project = worked(connection)
        found = connection.get(f"/v1/projects/{project}/costs")
        whole = connection.get("/v1/costs")
        shown = caseworks(tmp_path, "costs", project)
        as_json = caseworks(tmp_path, "costs", "--json")
        calls = len(server.chats)
    spent = calls * EACH
    assert calls > 3
    assert (found["total"]["calls"], found["total"]["money"]) == (calls, spent)
    for field in ("by_agent", "by_task", "by_model", "by_purpose", "by_rung"):
        assert sum(share["usage"]["money"] for share in found[field]) == spent, field
        amounts = [share["usage"]["money"] for share in found[field]]
        assert amounts == sorted(amounts, reverse=True)
    agents = {share["key"]: share["name"] for share in found["by_agent"]}
    assert "Manager agent" in agents.values() and not any(name.startswith("agt_") for name in agents.values())
    assert found["dearest"]["usage"]["money"] == EACH
    assert [(share["key"], share["usage"]["money"]) for share in whole["by_project"]] == [(project, spent)]
    assert whole["by_task"] == [] and found["by_project"] == []
    assert f"In all: {calls} calls" in shown.out and "EUR" in shown.out and "The dearest call:" in shown.out
    assert json.loads(as_json.out) == whole


def test_what_nothing_was_spent_on_costs_nothing(tmp_path: Path) -> None:
    with program(tmp_path) as connection:
        found = connection.get("/v1/costs")
        with pytest.raises(Refused, match="no project"):
            connection.get("/v1/projects/prj_none/costs")
        shown = caseworks(tmp_path, "costs")
    assert found["total"]["calls"] == 0 and found["dearest"] is None
    assert shown.out.startswith("In all: 0 calls")


def test_the_caps_of_a_project_are_changed_one_by_one(tmp_path: Path) -> None:
    with program(tmp_path) as connection:
        project = connection.post("/v1/projects", {"goal": "Brief me on pumps", "budget": {"calls": 9}})["id"]
        changed = caseworks(tmp_path, "projects", "budget", project, "--tokens", "5000", "--money", "0.50")
        caps = connection.get(f"/v1/projects/{project}")["budget"]
        caseworks(tmp_path, "projects", "budget", project, "--calls", "none")
        without = connection.get(f"/v1/projects/{project}")["budget"]
        wrong = caseworks(tmp_path, "projects", "budget", project, "--calls", "many")
    assert caps == {"money": 500_000, "calls": 9, "tokens": 5_000, "seconds": None}
    assert without == {**caps, "calls": None}
    assert "5,000" in changed.out and "no cap" in changed.out
    assert wrong.code == 2 and "“many” is neither" in wrong.err
