"""Who gets a task that names nobody."""

import pytest

from config.catalogue import profiles, templates
from services.staff import Staff
from services.staffing import by_hand, fitting_agent

STAFF = Staff(shipped=profiles(), templates=templates())


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Write a summary of the offers", "summary"),
        ("Summarise the minutes", "summary"),
        ("Compare the suppliers", "framework"),
        ("List the risks of the contract", "risk_register"),
        ("A roadmap for next year", "roadmap"),
        ("Unit tests for the parser", "unit_tests"),
        ("An executive brief for the board", "executive_brief"),
        ("Review the draft", "review"),
    ],
)
def test_the_agent_whose_work_it_names_gets_it(words: str, kind: str) -> None:
    offer = fitting_agent(STAFF, words)
    assert offer is not None and offer[1].kind == kind


@pytest.mark.parametrize("words", ["Decide which option", "Something", "First", "Water the plants", "Lawyer"])
def test_what_names_no_work_of_an_agent_is_nobodys(words: str) -> None:
    assert fitting_agent(STAFF, words) is None


@pytest.mark.parametrize(
    "title",
    ["Ask the lawyer", "Call the supplier by phone", "Please sign the contract", "pay 200 francs", "Meet Anna"],
)
def test_what_only_a_person_can_do_is_told_by_its_verb(title: str) -> None:
    assert by_hand(title)


@pytest.mark.parametrize(
    "title", ["Call script", "Interview guide", "Review the offers", "Order list", "Summary", "", "?"]
)
def test_a_thing_with_the_name_of_a_verb_is_not(title: str) -> None:
    assert not by_hand(title)
