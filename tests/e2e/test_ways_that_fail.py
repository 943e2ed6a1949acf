"""A way of working fails: the task is done in one attempt, where that may help, before a person is asked."""

from pathlib import Path
from typing import Any

from infrastructure.cli.connection import Connection
from tests.e2e import programs
from tests.e2e.programs import asked_for, ended, good, program, until
from tests.model_behaviours import Behaviour, Fails
from tests.model_servers import Script, model_server

WAY = "research_first"


def questions(then: Behaviour) -> Script:
    """A model that does all but ask the questions that the way begins with."""
    return lambda body: then if asked_for(body) == "fields" else good(body)


def task_of(connection: Connection, way: str = WAY, **project: Any) -> tuple[str, str]:
    """A project with one task, to be done by that way."""
    id = connection.post("/v1/projects", {"goal": "Say how the lift may be used", **project})["id"]
    connection.post(f"/v1/projects/{id}/artifacts", {"title": "Lift manual", "text": programs.SOURCE})
    task = {"title": "Framework", "expected": [{"kind": "framework"}], "complexity": "complex", "way": way}
    return id, connection.post(f"/v1/projects/{id}/tasks", task)["id"]


def run_of(connection: Connection, project: str) -> str:
    return str(connection.post(f"/v1/projects/{project}/runs")["id"])


def needing_attention(connection: Connection, task: str) -> Any:
    return until(lambda: connection.get(f"/v1/tasks/{task}"), lambda found: found["state"] == "needs_attention", 60)


def test_what_a_way_cannot_do_is_done_in_one_attempt_and_the_plan_says_why(tmp_path: Path) -> None:
    with (
        model_server(questions("I would rather talk about lifts."), models=("tiny",)) as server,
        program(tmp_path, programs.models_yaml(server)) as connection,
    ):
        project, id = task_of(connection)
        assert ended(connection, run_of(connection, project), 60)["result"] == "succeeded"
        task = connection.get(f"/v1/tasks/{id}")
        assert (task["state"], task["way"], task["attempts"]) == ("done", "one_attempt", 2)
        plan = connection.get(f"/v1/projects/{project}/plan")
        said = f"The task “Framework” is done in one attempt now, since its way of working, {WAY}, failed: "
        assert plan["origin"].startswith(said) and len(plan["origin"]) > len(said)
        assert plan["tasks"][0]["way"] == "one_attempt"


def test_a_model_that_refuses_everybody_is_no_reason_for_another_way(tmp_path: Path) -> None:
    with (
        model_server(questions(Fails(status=401)), models=("tiny",)) as server,
        program(tmp_path, programs.models_yaml(server)) as connection,
    ):
        project, id = task_of(connection)
        run_of(connection, project)
        task = needing_attention(connection, id)
        assert (task["way"], task["attempts"]) == (WAY, 1)
        assert connection.get(f"/v1/projects/{project}/plan")["number"] == 1


def test_a_budget_that_is_used_up_stops_a_way_where_it_is_and_is_no_reason_for_another(tmp_path: Path) -> None:
    with (
        model_server(good, models=("tiny",)) as server,
        program(tmp_path, programs.models_yaml(server)) as connection,
    ):
        project, id = task_of(connection, budget={"calls": 1})
        run_of(connection, project)
        [item] = until(lambda: connection.get("/v1/inbox")["items"], bool, 60)
        assert item["kind"] == "budget" and len(server.chats) == 1
        connection.post(f"/v1/inbox/{item['id']}/answer", {"action": "stop"})
        task = needing_attention(connection, id)
        assert (task["way"], task["attempts"]) == (WAY, 1)


def test_a_way_without_a_text_and_one_that_does_not_exist_any_more_are_left_for_one_attempt(tmp_path: Path) -> None:
    with program(tmp_path) as connection:
        for name in ("silent", "gone"):
            yaml = f"name: {name}@1\nstart: end\nnodes:\n  end: {{type: exit}}\n"
            connection.post("/v1/workflows", {"name": name, "yaml": yaml})
        made = [task_of(connection, name) for name in ("silent", "gone")]
        next(tmp_path.rglob("gone.yaml")).unlink()
        for project, id in made:
            assert ended(connection, run_of(connection, project))["result"] == "succeeded"
            task = connection.get(f"/v1/tasks/{id}")
            assert (task["state"], task["way"], task["attempts"]) == ("done", "one_attempt", 2)
