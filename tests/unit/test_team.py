"""The core team: what each agent may touch and make, as the team's charter has it."""

import pytest
from pydantic import ValidationError

from config.catalogue import profiles, templates
from domain.agent import OutputType, Profile
from domain.artifact import MADE, SECTIONS, stage_of
from domain.errors import Forbidden, Invalid
from services.staff import MANAGER, Staff
from services.work.criteria import SIGNED_OFF, criteria_for

TEAM = profiles()
STAFF = Staff(shipped=TEAM, templates=templates())
CHARTER = {
    "strategist": ("plans notes synthesis", "drafts", "objectives roadmap drift_report scope_warning"),
    "code_copilot": ("code plans build", "code", "source_change unit_tests configuration patch"),
    "planner": ("plans schedule", "schedule", "task_breakdown time_allocation rescheduling_proposal"),
    "critic": ("drafts code plans synthesis build", "critique", "review risk_register assumption_audit"),
    "synthesizer": ("sources notes drafts critique", "synthesis", "summary framework executive_brief"),
    "archivist": (" ".join(SECTIONS), "archive", "catalogue_entry tags graph_edges snapshot"),
    "execution_builder": ("plans code build", "build", "deliverable manifest build_log"),
    "watcher": ("alerts build", "alerts", "health_report alert anomaly"),
}
"""Reads, writes, makes. What the Watcher reads of run events lies in no section."""


def test_the_team_is_the_manager_and_eight_specialists() -> None:
    assert {profile.name for profile in STAFF.specialists} == set(CHARTER)
    assert set(TEAM) == {*CHARTER, MANAGER}


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("name", CHARTER)
def test_an_agent_may_touch_a_section_exactly_where_the_charter_says_so(name: str, section: str) -> None:
    reads, writes, _ = CHARTER[name]
    for allowed, check in ((reads, TEAM[name].check_read), (writes, TEAM[name].check_write)):
        if section in allowed.split():
            check(section)
        else:
            with pytest.raises(Forbidden, match=rf"may not (read|write) the section {section}; it (reads|writes) "):
                check(section)


@pytest.mark.parametrize("name", CHARTER)
def test_an_agent_makes_its_output_types_and_nothing_else(name: str) -> None:
    makes = CHARTER[name][2].split()
    assert [output.kind for output in TEAM[name].outputs] == makes
    for kind in MADE:
        if kind in makes:
            assert TEAM[name].output(kind).section in CHARTER[name][1].split()
        else:
            with pytest.raises(Invalid, match=f"does not make a '{kind}'; it makes "):
                TEAM[name].output(kind)


def test_output_types_are_mutually_exclusive_across_the_team() -> None:
    made = [output.kind for profile in STAFF.specialists for output in profile.outputs]
    assert len(made) == len(set(made))


@pytest.mark.parametrize("name", CHARTER)
def test_nobody_reviews_their_own_work_and_the_reviewer_is_on_the_team(name: str) -> None:
    reviewer = STAFF.reviewer_of(TEAM[name].id)
    assert reviewer.name in CHARTER
    assert reviewer.name != name


def test_lists_to_find_things_by_are_thinking_tools_and_all_else_that_agents_make_is_a_product() -> None:
    made = {output.kind for profile in STAFF.specialists for output in profile.outputs}
    assert {kind for kind in made if stage_of(kind, None) == "cognitive"} == {"tags", "graph_edges"}


def test_what_changes_code_is_signed_off_by_a_person_and_nothing_else_is() -> None:
    signed = {
        output.kind
        for profile in STAFF.specialists
        for output in profile.outputs
        if SIGNED_OFF in criteria_for(output, output.headings, output.max_words, (), cites=True)
    }
    assert signed == {"source_change", "configuration", "patch"}


def profile(**changes: object) -> Profile:
    return Profile.model_validate({"name": "x", "title": "X", "role": "Tries.", "prompt": "You try."} | changes)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"tools": ["rocket"]}, "there is no tool 'rocket'; there is none yet"),
        ({"reads": ["kitchen"]}, "there is no section 'kitchen'"),
        ({"reviewer": "x"}, "x cannot review its own work"),
        ({"outputs": [{"kind": "summary", "label": "S", "section": "notes", "shape": "S"}]}, "may not write"),
    ],
)
def test_a_profile_that_promises_what_cannot_be_is_refused(changes: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        profile(**changes)


@pytest.mark.parametrize("kind", ["poem_collection", "goal", "source", "handed_in"])
def test_an_agent_makes_no_kind_that_is_unknown_or_that_people_hand_over(kind: str) -> None:
    with pytest.raises(ValidationError, match=f"no agent can make a '{kind}'; use one of alert, "):
        OutputType(kind=kind, label="P", section="drafts", shape="P")
