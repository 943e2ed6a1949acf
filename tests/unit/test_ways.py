"""Every way of working that ships is the one that some step of some template takes."""

import pytest

from config.catalogue import profiles, templates
from config.workflow_files import SHIPPED, WorkflowFiles
from domain.criterion import Criterion
from domain.task import Assignee, Expected, TaskSpec
from domain.template import PlannedStep
from services.staff import Staff
from services.work.ways import way_for
from services.workflow_rules import strangers

WORKFLOWS = WorkflowFiles(SHIPPED).all()
STAFF = Staff(shipped=profiles(), templates=templates())


def way_of(step: PlannedStep, sources: int) -> str:
    spec = TaskSpec(
        id="tsk_1",
        title=step.title,
        brief=step.brief,
        assignee=Assignee(kind="core", id=step.agent),
        expected=(Expected(kind=step.makes, section="notes"),),
        criteria=(Criterion(text="It is there"),),
        complexity=step.complexity,
    )
    return way_for(spec, WORKFLOWS, sources)


def ways(template: str, sources: int = 3) -> dict[str, str]:
    return {step.key: way_of(step, sources) for step in templates()[template].steps}


def test_each_of_the_ways_is_taken_by_a_step_of_a_template() -> None:
    taken = {way for name in templates() for sources in (3, 12) for way in ways(name, sources).values()}
    assert taken == set(WORKFLOWS) and len(WORKFLOWS) == 7


def test_what_they_are_for() -> None:
    assert ways("research_brief")["comparison"] == "research_first"
    assert ways("decision")["criteria"] == "weigh_options"
    assert ways("document_review")["faults"] == "judge_panel"


@pytest.mark.parametrize("name", WORKFLOWS)
def test_what_ships_is_for_kinds_that_agents_make(name: str) -> None:
    assert not list(strangers(WORKFLOWS[name], WORKFLOWS, STAFF))


def test_a_kind_that_no_agent_makes_is_refused() -> None:
    graph = WORKFLOWS["weigh_options"]
    assert graph.fits is not None
    wrong = graph.model_copy(update={"fits": graph.fits.model_copy(update={"kinds": ("decision",)})})
    [(field, said)] = strangers(wrong, WORKFLOWS, STAFF)
    assert field == "fits.kinds" and "no agent makes a 'decision'" in said
