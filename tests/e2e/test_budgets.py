"""Budgets that are used up, nearly used up, raised and stopped: over REST and on the command line."""

import html
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from config.settings import load
from infrastructure.cli.connection import Connection, Refused
from infrastructure.serving import beside
from tests.e2e.programs import begun, ended, good, models_yaml, program, until
from tests.e2e.test_cli import caseworks
from tests.model_servers import model_server


def budget_items(connection: Connection) -> list[Any]:
    return [item for item in connection.all("/v1/inbox") if item["kind"] == "budget"]


def waiting(connection: Connection, run: str) -> Any:
    """The one question about a budget that the run waits for."""
    [item] = until(lambda: budget_items(connection), bool)
    until(lambda: connection.get(f"/v1/runs/{run}")["state"], lambda state: state == "waiting")
    return item


def test_work_goes_on_where_a_cap_stopped_it_once_that_is_raised_and_nothing_is_paid_twice(tmp_path: Path) -> None:
    with model_server(good, models=("tiny",)) as server, program(tmp_path, models_yaml(server)) as connection:
        project, run = begun(connection, budget={"calls": 4})
        item = waiting(connection, run)
        assert (item["project_id"], item["answers"]) == (project, ["raise", "stop"])
        shortage = {
            name: item["shortage"][name] for name in ("level", "id", "measure", "cap", "used", "wanted", "least")
        }
        assert shortage == {
            "level": "project", "id": project, "measure": "calls", "cap": 4, "used": 4, "wanted": 1, "least": 5
        }  # fmt: skip
        assert "4 calls to models" in item["title"] and "Raise the budget to at least 5" in item["detail"]
        for cap in (None, 4):
            with pytest.raises(Refused, match="at least 5 calls"):
                connection.post(f"/v1/inbox/{item['id']}/answer", {"action": "raise", "cap": cap})
        connection.post(f"/v1/inbox/{item['id']}/answer", {"action": "raise", "cap": 6})
        second = until(lambda: budget_items(connection), lambda found: found and found[0]["id"] != item["id"])[0]
        assert connection.get(f"/v1/projects/{project}")["budget"]["calls"] == 6
        connection.patch(f"/v1/projects/{project}", {"budget": {}})
        assert ended(connection, run)["result"] == "succeeded"
        assert connection.get(f"/v1/inbox/{second['id']}")["state"] == "withdrawn"
        usage = connection.get(f"/v1/projects/{project}/usage")
        assert usage["calls"] == len(server.chats) == 10
        told = [data for _, kind, data in connection.follow(f"/v1/runs/{run}/events") if kind == "budget.warned"]
    assert [one["data"]["cap"] for one in told] == [4, 6]
    assert told[0]["data"]["sentence"] == "Of the project's budget of 4 calls to models, 4 calls to models are used."


def test_a_task_has_a_budget_of_its_own_and_what_it_does_not_stop_is_done(tmp_path: Path) -> None:
    with model_server(good, models=("tiny",)) as server, program(tmp_path, models_yaml(server)) as connection:
        project, run = begun(connection, approve_plan=True)
        until(lambda: connection.all("/v1/inbox"), bool)
        tasks = {task["title"]: task["id"] for task in connection.get(f"/v1/projects/{project}/plan")["tasks"]}
        assert connection.patch(f"/v1/tasks/{tasks['Facts']}", {"budget": {"calls": 0}})["budget"]["calls"] == 0
        connection.post(f"/v1/projects/{project}/plan/approve")
        item = waiting(connection, run)
        assert (item["task_id"], item["shortage"]["level"], item["shortage"]["used"]) == (tasks["Facts"], "task", 0)
        connection.post(f"/v1/inbox/{item['id']}/answer", {"action": "stop"})
        found = ended(connection, run)
        states = {task["title"]: task["state"] for task in connection.get(f"/v1/projects/{project}/plan")["tasks"]}
        costs = connection.get(f"/v1/projects/{project}/costs")
    assert found["result"] == "partial"
    assert states == {"Facts": "needs_attention", "Risks": "done", "Brief": "waiting"}
    assert [(cap["level"], cap["name"], cap["cap"], cap["used"]) for cap in costs["caps"]] == [("task", "Facts", 0, 0)]


def test_a_budget_of_the_workspace_holds_for_all_projects_and_is_set_on_the_command_line(tmp_path: Path) -> None:
    with model_server(good, models=("tiny",)) as server, program(tmp_path, models_yaml(server)) as connection:
        shown = caseworks(tmp_path, "budget", "--calls", "3")
        first = begun(connection)[1]
        waiting(connection, first)
        second = begun(connection)[1]
        item = waiting(connection, second)
        report = caseworks(tmp_path, "costs")
        none = caseworks(tmp_path, "inbox", "answer", item["id"], "raise")
        raised = caseworks(tmp_path, "inbox", "answer", item["id"], "raise", "--cap", "50")
        assert [ended(connection, run)["result"] for run in (first, second)] == ["succeeded"] * 2
        left = connection.get("/v1/budget")
    assert "most calls" in shown.out and "3" in shown.out
    assert "the workspace" in report.out and "calls" in report.out
    assert none.code == 2 and "at least 4 calls to models" in none.err
    assert raised.code == 0, raised.err
    assert left["budget"]["calls"] == 50 and left["caps"][0]["used"] == 20 == len(server.chats)


def test_a_run_that_a_budget_stops_ends_with_one_and_says_what_to_do(tmp_path: Path) -> None:
    source = tmp_path / "manual.md"
    source.write_text("# Manual\n\nThe lift carries at most 400 kg.\n")
    with model_server(good, models=("tiny",)) as server:
        data = tmp_path / "data"
        data.mkdir()
        (data / "models.yaml").write_text(models_yaml(server))
        first = caseworks(data, "run", "Brief me on the lift", "--input", str(source), "--budget-calls", "5")
        [item] = json.loads(caseworks(data, "inbox", "--json").out)["items"]
        answered = caseworks(data, "inbox", "answer", item["id"], "raise", "--cap", "20")
        second = caseworks(data, "run", "--continue", item["project_id"], "--json")
        chats = len(server.chats)
    assert first.code == 1
    assert "nearly used  Of the project's budget of 5 calls to models, 4 calls to models are used." in first.err
    assert f"caseworks inbox answer {item['id']} raise --cap 6; or: stop" in first.err
    assert answered.code == 0
    assert (second.code, second.json["result"], second.json["cost"]["calls"]) == (0, "succeeded", chats), second.err


def test_minutes_that_people_worked_are_booked_where_they_say_them(tmp_path: Path) -> None:
    with program(tmp_path) as connection:
        project = connection.post("/v1/projects", {"goal": "Brief me on the lift"})["id"]
        me = connection.get(f"/v1/projects/{project}")["owner_id"]
        mine = {"kind": "person", "id": me}
        for title in ("Ask the lawyer", "Ask the inspector"):
            connection.post(f"/v1/projects/{project}/tasks", {"title": title, "assignee": mine})
        connection.post(f"/v1/projects/{project}/runs")
        items = until(lambda: connection.all("/v1/inbox"), lambda found: len(found) == 2)
        lawyer, inspector = sorted(items, key=lambda item: item["task_id"])
        (tmp_path / "answer.md").write_text("# The lawyer\n\nYes.\n")
        with pytest.raises(Refused, match="minutes"):
            connection.post(f"/v1/inbox/{inspector['id']}/answer", {"action": "hand_in", "text": "No.", "minutes": -1})
        handed = caseworks(
            tmp_path, "tasks", "complete", lawyer["task_id"], "--file", str(tmp_path / "answer.md"), "--minutes", "45"
        )
        body = {"action": "hand_in", "title": "The inspector", "text": "# The inspector\n\nNo.", "minutes": 10}
        connection.post(f"/v1/inbox/{inspector['id']}/answer", body)
        costs = connection.get(f"/v1/projects/{project}/costs")
        whole = connection.get("/v1/costs")
        shown = caseworks(tmp_path, "costs", project)
    assert handed.code == 0, handed.err
    told = [(one["task"], one["user_id"], one["minutes"]) for one in costs["worked"]]
    assert told == [("Ask the lawyer", me, 45), ("Ask the inspector", me, 10)]
    assert costs["minutes"] == whole["minutes"] == 55
    assert "Ask the lawyer" in shown.out and "45" in shown.out


def test_what_an_artifact_cost_is_what_its_task_did(tmp_path: Path) -> None:
    price = {"price": {"input": 2, "output": 8}}
    with model_server(good, models=("tiny",)) as server, program(tmp_path, models_yaml(server, **price)) as connection:
        project, run = begun(connection)
        ended(connection, run)
        found = connection.get(f"/v1/projects/{project}/costs")
        made = {item["id"]: item for item in connection.all(f"/v1/projects/{project}/artifacts") if item["task_id"]}
        shown = caseworks(tmp_path, "costs", project)
    tasks = {share["key"]: share["usage"] for share in found["by_task"]}
    assert {share["key"]: (share["name"], share["usage"]) for share in found["by_artifact"]} == {
        id: (item["title"], tasks[item["task_id"]]) for id, item in made.items()
    }
    assert "artifact" in shown.out


@pytest.mark.parametrize("path", ["/v1/budget", "/v1/tasks/{task}", "/v1/projects/{project}"])
def test_a_negative_budget_is_refused_and_zero_is_one(tmp_path: Path, path: str) -> None:
    with program(tmp_path) as connection:
        project = connection.post("/v1/projects", {"goal": "Brief me on the lift"})["id"]
        task = connection.post(f"/v1/projects/{project}/tasks", {"title": "Look it up"})["id"]
        address = path.format(project=project, task=task)

        def send(budget: dict[str, int]) -> Any:
            if path == "/v1/budget":
                return connection.put(address, budget, match=None)
            return connection.patch(address, {"budget": budget})

        for measure in ("calls", "money", "tokens", "seconds"):
            with pytest.raises(Refused):
                send({measure: -1})
            assert send({measure: 0})["budget"][measure] == 0
    assert caseworks(tmp_path, "budget", "--calls=-1").code == 2


@dataclass
class Pages:
    """A browser without a screen: it keeps the session, and sends the fields that the form has."""

    client: httpx.Client
    own: dict[str, str]

    def get(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return html.unescape(answer.text)

    def post(self, path: str, form: str, **fields: str) -> str:
        """The page that follows, or that says why not."""
        shown = self.client.get(form).text
        hidden = dict(re.findall(r'type="hidden" name="(form_token|version)" value="(\w+)"', shown))
        answer = self.client.post(path, data=hidden | fields, headers=self.own)
        return html.unescape(answer.text) if answer.status_code != 303 else self.get(answer.headers["Location"])


@contextmanager
def seen(folder: Path, models: str) -> Iterator[tuple[Connection, Pages]]:
    """A program, by REST and as somebody who signed in sees it."""
    (folder / "models.yaml").write_text(models)
    limits = {"requests_per_minute": 100_000}
    with beside(load(folder, {}, limits=limits), dispatch=True) as served, httpx.Client(
        base_url=served.url, headers={"Accept": "text/html"}, trust_env=False, timeout=30
    ) as client:  # fmt: skip
        own = {"Origin": served.url, "Sec-Fetch-Site": "same-origin"}
        answer = client.post("/page/session/link", data={"token": served.program.sessions.link()}, headers=own)
        client.headers["Cookie"] = answer.headers["Set-Cookie"].partition(";")[0]
        connection = Connection(served.url, served.token)
        try:
            yield connection, Pages(client, own)
        finally:
            connection.close()


def test_budgets_are_seen_raised_and_set_on_the_page(tmp_path: Path) -> None:
    with model_server(good, models=("tiny",)) as server, seen(tmp_path, models_yaml(server)) as (connection, page):
        project = connection.post("/v1/projects", {"goal": "Brief me on the lift"})["id"]
        settings = f"/page/projects/{project}/settings"
        refused = page.post(settings, settings, calls="3.5", money="", tokens="", seconds="")
        page.post(settings, settings, calls="4", money="", tokens="", seconds="")
        caps = connection.get(f"/v1/projects/{project}")["budget"]
        run = connection.post(f"/v1/projects/{project}/runs")["id"]
        item = waiting(connection, run)
        inbox, overview = page.get("/page/inbox"), page.get(f"/page/projects/{project}")
        answer = f"/page/inbox/{item['id']}/answer"
        wrong = page.post(answer, "/page/inbox", action="raise", cap="many")
        page.post(answer, "/page/inbox", action="raise", cap="40")
        assert ended(connection, run)["result"] == "succeeded"
        task = connection.all(f"/v1/projects/{project}/tasks")[0]["id"]
        at = f"/page/tasks/{task}"
        page.post(f"{at}/budget", at, calls="7", money="1,5", tokens="", seconds="0")
        whole = page.post("/page/settings/budget", "/page/settings", money="0.50", tokens="1,000,000")
        kept, costs = connection.get(f"/v1/tasks/{task}")["budget"], page.get(f"/page/projects/{project}/runs")
    assert "write a whole number such as 40, 0 for nothing; not “3.5”" in refused
    assert caps == {"calls": 4, "money": None, "tokens": None, "seconds": None}
    assert "A budget is used up" in inbox and "Raise the budget and go on" in inbox and 'value="5"' in inbox
    assert "Budget: 4 of 4 calls to models are used" in overview and "waits for you" in overview
    assert "“many”" in wrong
    assert kept == {"calls": 7, "money": 1_500_000, "tokens": None, "seconds": 0}
    assert "0.50 EUR" in whole and "1,000,000" in whole
    for words in ("By agent", "By task", "By artifact", "The dearest call", "Budgets"):
        assert words in costs


def test_minutes_are_said_on_the_page(tmp_path: Path) -> None:
    with model_server(good, models=("tiny",)) as server, seen(tmp_path, models_yaml(server)) as (connection, page):
        project = connection.post("/v1/projects", {"goal": "Brief me on the lift"})["id"]
        me = connection.get(f"/v1/projects/{project}")["owner_id"]
        asked = {"title": "Ask the lawyer", "assignee": {"kind": "person", "id": me}}
        task = connection.post(f"/v1/projects/{project}/tasks", asked)["id"]
        connection.post(f"/v1/projects/{project}/runs")
        until(lambda: connection.all("/v1/inbox"), bool)
        at = f"/page/tasks/{task}"
        page.post(f"{at}/hand-in", at, title="The lawyer", text="# The lawyer\n\nYes.", minutes="25")
        shown = page.get(f"/page/projects/{project}/runs")
        worked = connection.get(f"/v1/projects/{project}/costs")["worked"]
    assert [(one["task"], one["minutes"]) for one in worked] == [("Ask the lawyer", 25)]
    assert "People" in shown and "25" in shown
