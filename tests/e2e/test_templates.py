"""Every template is carried through by the rehearsal model, on real sources; code waits for a person."""

from pathlib import Path
from typing import Any

import pytest

from adapters.llm.rehearsal import NO_CODE, NOTICE
from config.catalogue import templates
from domain.artifact import COGNITIVE
from infrastructure.cli.connection import Connection
from services.work.criteria import SIGNED_OFF
from services.work.fitting import fitting
from tests.e2e.programs import asked_for, ended, good, models_yaml, outline, program, prompt, verdicts
from tests.model_servers import model_server

SAMPLES = Path(__file__).parents[2] / "docs" / "samples"
GOALS = {
    "research_brief": "Brief the board on the heat pump: risks, figures, open points",
    "decision": "Should we repair the boiler or buy the heat pump?",
    "report_from_sources": "Write the annual report on the heating of the hall",
    "software_feature": "Build an app that shows the temperature of the hall",
    "event_plan": "Plan the introduction of the heat pump until October",
    "learning_plan": "Learn how the heating of the hall works",
    "document_review": "Review the offer of the supplier before we sign it",
}


def worked(connection: Connection, goal: str, *, sources: bool) -> tuple[str, dict[str, Any]]:
    project = connection.post("/v1/projects", {"goal": goal})["id"]
    for path in sorted(SAMPLES.iterdir()) if sources else ():
        body = {"title": path.name, "text": path.read_text("utf-8")}
        connection.post(f"/v1/projects/{project}/artifacts", body)
    run = connection.post(f"/v1/projects/{project}/runs")["id"]
    return project, ended(connection, run, 60)


def made(connection: Connection, project: str) -> list[dict[str, Any]]:
    return [item for item in connection.all(f"/v1/projects/{project}/artifacts") if item["task_id"]]


@pytest.mark.parametrize("name", templates())
def test_a_template_is_rehearsed_to_its_end_and_says_what_it_is(tmp_path: Path, name: str) -> None:
    assert fitting(list(templates().values()), GOALS[name]).name == name
    with program(tmp_path) as connection:
        project, run = worked(connection, GOALS[name], sources=True)
        plan = connection.get(f"/v1/projects/{project}/plan")
        assert (plan["template"], run["result"]) == (name, "succeeded"), run
        assert "no language model planned this" in plan["origin"]
        found = made(connection, project)
        assert len(found) == len(templates()[name].steps)
        for item in found:
            text = connection.text(f"/v1/artifacts/{item['id']}/content")
            assert NOTICE in text
            assert (NO_CODE in text) == (item["section"] in ("code", "build"))
            assert "```" not in text
            assert item["stage"] == ("cognitive" if item["kind"] in COGNITIVE else "intellectual")
            assert item["qa"]["method"] == "rules"


def test_the_risks_of_a_choice_between_two_are_found_in_the_sources(tmp_path: Path) -> None:
    with program(tmp_path) as connection:
        goal = "Decide whether to buy the heat pump or a boiler; compare the options"
        project, run = worked(connection, goal, sources=True)
        assert run["result"] == "succeeded", run
        [risks] = [item for item in made(connection, project) if item["kind"] == "risk_register"]
        assert risks["qa"]["verdict"] == "passed" and len(risks["derived_from"]) > 1


def test_a_code_change_is_done_and_stays_intellectual_until_a_person_signs_it_off(tmp_path: Path) -> None:
    def answer(body: dict[str, Any]) -> str:
        match asked_for(body):
            case "outline":
                return outline(("Facts", "synthesizer:summary", []), ("The change", "code_copilot:patch", [1]))
            case "verdicts":
                assert SIGNED_OFF.text not in prompt(body).split("For each criterion")[1], "no model is asked for it"
                return verdicts(body)
            case _:
                return good(body)

    with model_server(answer) as server, program(tmp_path, models_yaml(server)) as connection:
        project, run = worked(connection, "Mend the thermostat", sources=True)
        assert run["result"] == "succeeded"
        stages = {item["title"]: item for item in made(connection, project)}
        assert stages["Facts"]["stage"] == "information_product"
        change = stages["The change"]
        assert (change["stage"], change["qa"]["method"], change["qa"]["verdict"]) == ("intellectual", "model", "passed")
        open_ = [c["text"] for c in change["qa"]["criteria"] if c["verdict"] == "unverified"]
        assert open_ == [SIGNED_OFF.text]
        signed = connection.post(f"/v1/artifacts/{change['id']}/qa", {"verdict": "accept"})
        assert signed["stage"] == "information_product"
