"""Which template a goal gets; the goals are as real users write them."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.catalogue import profiles, templates
from domain.template import PlannedStep, PlanTemplate
from services.staff import Staff
from services.work.fitting import fitting, stem

ALL = list(templates().values())
DATA = Path(__file__).parents[1] / "data"


def goals(name: str) -> list[tuple[str, str]]:
    """(the right template, the goal)."""
    lines = (DATA / name).read_text("utf-8").splitlines()
    return [(right, goal) for right, _, goal in (line.partition("|") for line in lines)]


GOALS, MORE = goals("goals.txt"), goals("more_goals.txt")
STAFF = Staff(shipped=profiles(), templates=templates())


def test_of_many_goals_nineteen_in_twenty_get_the_right_template() -> None:
    wrong = [(goal, fitting(ALL, goal).name, right) for right, goal in GOALS if fitting(ALL, goal).name != right]
    assert len(GOALS) == 144
    assert len(wrong) <= 0.05 * len(GOALS), wrong


@pytest.mark.parametrize(("right", "goal"), MORE)
def test_goals_as_people_in_offices_and_software_write_them(right: str, goal: str) -> None:
    assert fitting(ALL, goal).name == right


@pytest.mark.parametrize(
    ("goal", "right"),
    [
        ("Write a grant application", "report_from_sources"),
        ("Translate this letter", "report_from_sources"),
        ("Write a birthday speech", "report_from_sources"),
        ("Write a python script that renames files", "software_feature"),
        ("Hire a new caretaker", "event_plan"),
    ],
)
def test_the_verb_that_a_goal_begins_with_outweighs_a_stray_word(goal: str, right: str) -> None:
    assert fitting(ALL, goal).name == right


@pytest.mark.parametrize("template", templates())
def test_every_template_gets_four_in_five_of_its_goals(template: str) -> None:
    own = [goal for right, goal in GOALS if right == template]
    hits = [goal for goal in own if fitting(ALL, goal).name == template]
    assert len(own) >= 10
    assert len(hits) >= 0.8 * len(own), set(own) - set(hits)


@pytest.mark.parametrize(
    ("goal", "right"),
    [
        ("Prepare a speech for the new mayor", "report_from_sources"),
        ("Prepare for the German exam", "learning_plan"),
        ("The door sensor sends its alarm twice a day, fix it", "software_feature"),
        ("Brief the board in spring on what it can do by summer", "research_brief"),
    ],
)
def test_what_is_prepared_and_what_is_asked_behind_a_comma_count_more_than_when(goal: str, right: str) -> None:
    assert fitting(ALL, goal).name == right


@pytest.mark.parametrize(
    "goal",
    [
        "What do they do in winter",
        "When does it happen",
        "Heat pump subsidies in Bavaria",
        "Wärmepumpe",
        "",
        "?!",
        "x" * 10_000,
    ],
)
def test_a_goal_that_says_nothing_of_its_kind_gets_the_general_one(goal: str) -> None:
    assert fitting(ALL, goal).general


def test_exactly_one_template_is_general() -> None:
    assert Counter(template.general for template in ALL)[True] == 1


@settings(deadline=None)
@given(st.text(max_size=300))
def test_the_choice_does_not_change(goal: str) -> None:
    assert fitting(ALL, goal) is fitting(ALL, goal)


def template(name: str, *words: str) -> PlanTemplate:
    step = PlannedStep(key="a", title="A", agent="critic", makes="review", brief="b")
    return PlanTemplate(name=name, title=name, description="", words=words, steps=(step,))


def test_a_rare_word_counts_more_than_one_that_many_templates_have() -> None:
    found = [template("a", "lift", "door"), template("b", "door"), template("c", "door", "roof")]
    assert fitting(found, "what about the house that has a door and a roof").name == "c"


def test_what_a_goal_begins_with_counts_most() -> None:
    found = [template("a", "report"), template("b", "learn")]
    assert fitting(found, "Learn how people everywhere write a report").name == "b"


def test_forms_of_a_word_are_one_word() -> None:
    forms = ("organise", "organises", "organised", "organising", "organisation", "organisations")
    assert {stem(form) for form in forms} == {"organis"}


@pytest.mark.parametrize("name", templates())
def test_a_template_is_staffed_by_agents_that_make_what_it_asks_for(name: str) -> None:
    for step in STAFF.templates[name].steps:
        output = STAFF.agent(step.agent).output(step.makes)
        STAFF.agent(step.agent).check_write(output.section)
        assert "{goal}" in step.brief


@pytest.mark.parametrize("name", templates())
def test_what_a_template_makes_leads_to_its_last_step(name: str) -> None:
    """Nothing is made that the end does not build on."""
    steps = {step.key: step for step in STAFF.templates[name].steps}
    reached, front = set[str](), [list(steps)[-1]]
    while front:
        key = front.pop()
        reached.add(key)
        front += [before for before in steps[key].depends_on if before not in reached]
    assert reached == set(steps)
