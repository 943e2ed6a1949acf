"""Which model does which work, over whole runs on two models; and what other rules would have chosen."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from infrastructure.cli.connection import Connection, Refused
from tests.e2e.programs import asked_for, begun, draft, ended, good, outline, program, prompt, verdicts
from tests.e2e.test_cli import caseworks
from tests.model_servers import ModelServer, model_server

ONE_TASK = outline(("Facts", "synthesizer:summary", []))
ALL_LARGE = {"rules": [{"because": "nothing is too good", "tiers": ["small", "medium"], "tier": "large"}]}


def configuration(server: ModelServer) -> str:
    little = {"backend": "box", "model": "little", "parallel": 4}
    return yaml.safe_dump(
        {
            "default": "big",
            "backends": {"box": {"kind": "openai", "base_url": server.openai_url}},
            "aliases": {
                "little": little,
                "big": {**little, "model": "big", "price": {"input": 1_000, "output": 1_000}},
            },
            "tiers": {"small": "little", "medium": "little", "large": "big"},
        }
    )


def strict(body: Mapping[str, Any]) -> str:
    """What the little model writes is refused."""
    match asked_for(body):
        case "outline":
            return ONE_TASK
        case "text":
            return f"{draft(body)}\n\nThis was written by {body['model']}."
        case "verdicts":
            return verdicts(body, "not_met", "too thin") if "written by little" in prompt(body) else verdicts(body)
        case _:
            return good(body)


def stricter(body: Mapping[str, Any]) -> str:
    return verdicts(body, "not_met", "too thin") if asked_for(body) == "verdicts" else strict(body)


def calls_of(connection: Connection, project: str) -> list[Any]:
    runs = [run["id"] for run in connection.all(f"/v1/projects/{project}/runs")]
    tasks = connection.get(f"/v1/projects/{project}/plan")["tasks"]
    found = {run: connection.all(f"/v1/runs/{run}/calls") for run in {*runs, *(t["run_id"] for t in tasks)} if run}
    return [call for calls in found.values() for call in calls]


def texts(server: ModelServer) -> list[str]:
    return [str(chat.body["model"]) for chat in server.chats if asked_for(chat.body) == "text"]


@pytest.fixture
def worked(tmp_path: Path) -> Iterator[tuple[Connection, ModelServer, str]]:
    """A project whose one task the little model failed at first."""
    with (
        model_server(strict, models=("little", "big")) as server,
        program(tmp_path, configuration(server)) as connection,
    ):
        project, run = begun(connection)
        assert ended(connection, run)["result"] == "succeeded"
        yield connection, server, project


def test_what_the_small_model_fails_at_goes_to_the_larger_one_once(worked: Any) -> None:
    connection, server, project = worked
    assert texts(server) == ["little", "big"]
    reasons = {call["purpose"]: call["reason"] for call in calls_of(connection, project)}
    assert reasons["draft"] == "synthesizer works with large; a simple task: medium; the alias for medium"
    assert "the work was refused before: large; the alias for large" in reasons["revise"]


def test_it_goes_up_no_further_before_a_person_is_asked(tmp_path: Path) -> None:
    with model_server(stricter, models=("little", "big")) as server, program(tmp_path, configuration(server)) as found:
        _, run = begun(found)
        assert ended(found, run)["result"] == "partial"
        [item] = found.get("/v1/inbox")["items"]
        assert texts(server)[:3] == ["little", "big", "big"][: len(texts(server))]
    assert item["kind"] == "attention"


def test_other_rules_are_replayed_over_what_was_done_without_asking_a_model(tmp_path: Path, worked: Any) -> None:
    connection, server, project = worked
    asked = len(server.requests)
    before = connection.get("/v1/models/routing", project_id=project)
    (tmp_path / "routing.yaml").write_text(yaml.safe_dump(ALL_LARGE))
    after = connection.get("/v1/models/routing", project_id=project)
    shown = caseworks(tmp_path, "models", "route", "--replay")
    run = connection.get(f"/v1/projects/{project}/runs")["items"][0]["id"]
    as_json = json.loads(caseworks(tmp_path, "models", "route", run, "--replay", "--json").out)
    assert len(server.requests) == asked
    assert before["calls"] == before["same"] == len(server.chats) and not before["changes"]
    assert after["changed"] == 1 and after["same"] == after["calls"] - 1
    [change] = after["changes"]
    assert (change["purpose"], change["was"], change["now"]) == ("draft", "little", "big")
    assert (change["money_was"], change["money_now"]) == (0, 12 * 1_000)
    assert change["reason"] == "synthesizer works with large; the alias for large"
    assert "1 to another" in shown.out and "0.012 EUR" in shown.out
    assert as_json == after
    with pytest.raises(Refused, match="one of the two"):
        connection.get("/v1/models/routing")
    with pytest.raises(Refused, match="no project"):
        connection.get("/v1/models/routing", project_id="prj_none")


def test_what_the_rules_would_choose_is_shown_without_a_model_being_asked(tmp_path: Path) -> None:
    with model_server(strict, models=("little", "big")) as server:
        (tmp_path / "models.yaml").write_text(configuration(server))
        shown = caseworks(tmp_path, "models", "route")
        items = caseworks(tmp_path, "models", "route", "--json").json["items"]
        wrong = caseworks(tmp_path, "models", "route", "prj_1")
        assert server.requests == []
    work = {each["work"]: each for each in next(item for item in items if item["agent"] == "synthesizer")["work"]}
    assert (work["simple"]["alias"], work["complex"]["alias"], work["refused once"]["tier"]) == (
        "little",
        "big",
        "large",
    )
    assert "synthesizer" in shown.out and "little (medium)" in shown.out
    assert wrong.code == 2 and "--replay" in wrong.err


def test_a_small_model_refines_the_complexity_only_where_that_is_said(tmp_path: Path) -> None:
    plan = outline(("Facts", "synthesizer:summary", []), ("Review", "critic:review", [1]))

    def sizing(body: Mapping[str, Any]) -> str:
        if asked_for(body) == "outline":
            return plan
        if "How hard is this task" in prompt(body):
            return json.dumps({"because": "Sources disagree.", "complexity": "complex"})
        return good(body)

    with model_server(sizing, models=("little", "big")) as server, program(tmp_path, configuration(server)) as found:
        complexities = []
        for refine in (False, True):
            (tmp_path / "routing.yaml").write_text(yaml.safe_dump({"refine": refine, "rules": []}))
            project, run = begun(found)
            assert ended(found, run)["result"] == "succeeded"
            complexities.append([t["complexity"] for t in found.get(f"/v1/projects/{project}/plan")["tasks"]])
        sized = [call for call in found.all(f"/v1/runs/{run}/calls") if call["purpose"] == "plan: complexity"]
    assert complexities == [["simple", "medium"], ["simple", "complex"]]
    [call] = sized
    assert call["alias"] == "little" and "routing.yaml has the complexity refined" in call["reason"]
    assert sum("How hard is this task" in prompt(chat.body) for chat in server.chats) == 1
