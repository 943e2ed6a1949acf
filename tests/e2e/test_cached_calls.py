"""Calls that were asked before, in a program: recorded, marked, and for nothing."""

from pathlib import Path
from typing import Any

from infrastructure.cli.connection import Connection
from tests.e2e.programs import ended, models_yaml, program
from tests.e2e.test_structured_in_parts import SURVEY
from tests.model_servers import model_server


def surveyed(connection: Connection, project: str) -> list[dict[str, Any]]:
    run = connection.post("/v1/workflows/survey/runs", {"project_id": project, "inputs": {}})["id"]
    assert ended(connection, run)["result"] == "succeeded"
    items: list[dict[str, Any]] = connection.get(f"/v1/runs/{run}/calls")["items"]
    return items


def test_a_run_that_asks_the_same_again_costs_nothing_even_after_a_restart(tmp_path: Path) -> None:
    price = {"input": 2, "output": 8}
    with model_server() as server:
        for start in range(2):
            with program(tmp_path, models_yaml(server, cache=True, price=price)) as connection:
                if start == 0:
                    connection.post("/v1/workflows", {"name": "survey", "yaml": SURVEY})
                    project = connection.post("/v1/projects", {"goal": "Describe the pump"})["id"]
                    (first,) = surveyed(connection, project)
                (again,) = surveyed(connection, project)
                spent = connection.get("/v1/costs")["total"]
        assert len(server.chats) == 1
    assert (first["cached"], first["usage"]["input_tokens"]) == (False, 7)
    assert again["cached"] and again["rung"] == "strict" and again["model"] == "tiny"
    assert (again["usage"]["input_tokens"], again["usage"]["output_tokens"], again["usage"]["money"]) == (0, 0, 0)
    assert spent["money"] == first["usage"]["money"] == 7 * 2 + 5 * 8


def test_without_a_word_in_models_yaml_all_is_asked(tmp_path: Path) -> None:
    with model_server() as server, program(tmp_path, models_yaml(server)) as connection:
        connection.post("/v1/workflows", {"name": "survey", "yaml": SURVEY})
        project = connection.post("/v1/projects", {"goal": "Describe the pump"})["id"]
        calls = surveyed(connection, project) + surveyed(connection, project)
        assert len(server.chats) == 2
    assert not any(call["cached"] for call in calls) and not (tmp_path / "replies").exists()
