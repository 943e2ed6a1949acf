"""Turns and proposals, what is recalled, what speaks to a question, what a message asks for: all by rule."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.conversation import Memory, Proposal, Turn
from domain.errors import Conflict, Invalid, NotFound, RefusedTransition
from services.work import proposing
from services.work.briefing import of_waiting, quoted, within
from services.work.matching import alike, asked_words, forms, shared
from services.work.proposing import Ground, Listed, by_rule, may_ask_for_something
from services.work.recalling import MEMORY_CHARS, Recalled, Said, clipped, recall, remembered
from tests.stores import W, opened

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)


def thinking(**more: Any) -> Turn:
    values: dict[str, Any] = {"said_by": "agt_m", "role": "manager", "state": "thinking", "answers": "trn_1"} | more
    return Turn(id="trn_2", workspace_id=W, project_id="prj_1", at=AT, **values)


def proposed(state: Any = "open") -> Proposal:
    return Proposal(id="ppl_1", kind="task", title="Add a task", state=state)


def test_a_turn_is_said_or_fails_once() -> None:
    said = thinking().said("Yes. [S1]", proposals=[proposed()], memory=Memory(text="x", until="trn_0"))
    assert (said.state, said.text, said.memory.until) == ("said", "Yes. [S1]", "trn_0")
    with pytest.raises(RefusedTransition):
        said.said("No.")
    with pytest.raises(RefusedTransition):
        said.failed("Broken.")
    with pytest.raises(RefusedTransition):
        thinking().failed("Broken.").said("Yes.")


def test_a_proposal_is_settled_once_and_only_where_it_was_made() -> None:
    said = thinking().said("Yes.", proposals=[proposed()])
    accepted = said.settled("ppl_1", "accepted", "tsk_1")
    assert (accepted.proposals[0].state, accepted.proposals[0].made) == ("accepted", "tsk_1")
    with pytest.raises(RefusedTransition):
        accepted.settled("ppl_1", "dismissed")
    with pytest.raises(NotFound):
        said.settled("ppl_2", "accepted")


def test_what_is_not_said_cannot_be_kept() -> None:
    assert thinking().said("Yes.").keepable()
    for turn in (thinking(), thinking().failed("Broken.")):
        with pytest.raises(Conflict):
            turn.keepable()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("carry", "carries", True), ("inspected", "inspection", True), ("lift", "lifts", True), ("cost", "coast", False),
     ("brake", "board", False), ("an", "ant", False)],
)  # fmt: skip
def test_forms_of_one_word_are_known_by_their_beginning(one: str, other: str, same: bool) -> None:
    assert alike(one, other) is same


def test_a_question_is_searched_by_the_words_that_tell_what_it_is_about() -> None:
    assert set(asked_words("How much can the lift carry, please?")) == {"lift", "carry"}
    assert asked_words("What is going on?") == []
    assert {"carry", "carries"} <= set(forms(["carry"])) and "brake" in forms(["brakes"])
    assert shared("The lift carries 400 kg.", ["lift", "carry"]) == 2
    assert shared("The moon is far.", ["lift", "carry"]) == 0


def said(number: int, text: str = "One thing. And another.", who: str = "the person") -> Said:
    return Said(who=who, text=text, id=f"trn_{number:05}")


def test_older_turns_are_remembered_by_how_they_begin_and_the_oldest_are_forgotten() -> None:
    memory = remembered(Memory(), [said(1), said(2, "Nothing yet!", "the manager")])
    assert memory == Memory(text="The person: One thing.\nThe manager: Nothing yet!", until="trn_00002")
    assert remembered(memory, []) == memory
    for number in range(3, 300):
        memory = remembered(memory, [said(number, f"Message {number} says something.")])
    assert len(memory.text) <= MEMORY_CHARS and memory.until == "trn_00299"
    assert memory.text.startswith("The person: ") and memory.text.endswith("Message 299 says something.")


def test_a_long_message_keeps_its_beginning_and_its_end() -> None:
    text = clipped("a" * 5_000 + "z" * 5_000, 900)
    assert text.startswith("aaa") and text.endswith("zzz") and "9,100 characters" in text and len(text) < 1_000
    assert clipped("short", 900) == "short"


async def test_what_is_recalled_does_not_grow_with_the_conversation(tmp_path: Any) -> None:
    with opened(tmp_path) as at:
        sizes = []
        for count in (10, 400):
            uow = at.unit()
            for number in range(count):
                uow.put(_turn(f"prj_{count}", number))
            await uow.commit()
            recalled = await recall(at.store, W, f"prj_{count}", "trn_z", 250)
            sizes.append(sum(turn.tokens for turn in recalled.turns))
            assert recalled.folding and recalled.turns[-1].text.startswith(f"Message {count - 1} ")
            assert recalled.folding[-1].id < recalled.turns[0].id
        assert max(sizes) <= 250 and abs(sizes[0] - sizes[1]) <= 40


async def test_what_was_remembered_is_not_read_again(tmp_path: Any) -> None:
    with opened(tmp_path) as at:
        uow = at.unit()
        for number in range(20):
            uow.put(_turn("prj_1", number))
        uow.put(_turn("prj_1", 20, role="manager", memory=Memory(text="Lifts.", until=_turn("prj_1", 17).id)))
        await uow.commit()
        recalled = await recall(at.store, W, "prj_1", "trn_z", 10_000)
        assert recalled == Recalled(memory=Memory(text="Lifts.", until=_turn("prj_1", 17).id), turns=recalled.turns)
        assert [turn.text.split(" ")[1] for turn in recalled.turns] == ["18", "19", "20"]


def _turn(project: str, number: int, **more: Any) -> Turn:
    values = {"role": "person", "said_by": "usr_ann"} | more
    return Turn(
        id=f"trn_{project}_{number:05}",
        workspace_id=W,
        project_id=project,
        at=AT + timedelta(seconds=number),
        text=f"Message {number} asks about the lift, at some length, so that it takes room in a prompt.",
        **values,
    )


TASKS = (Listed(id="tsk_a", title="Summary of the sources"), Listed(id="tsk_b", title="Risks and contradictions"))


class Taking:
    """A trial that takes everything, and says what it was asked."""

    def __init__(self) -> None:
        self.tried: list[tuple[Any, ...]] = []

    def add(self, *what: Any) -> None:
        self.tried.append(("add", *what))

    def change(self, *what: Any) -> None:
        self.tried.append(("change", *what))

    def remove(self, *what: Any) -> None:
        self.tried.append(("remove", *what))


def ground(trial: Any = None) -> Ground:
    given: Any = trial or Taking()
    forms = {"checklist": "Checklist", "pre_mortem": "Pre-mortem", "list": "List", "note": "Note"}
    return Ground(tasks=TASKS, agents=("critic", "synthesizer"), person="usr_ann", trial=given, forms=forms)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("Add a task to compare the suppliers.", {"kind": "add_task", "title": "Compare the suppliers"}),
        ("please create a new task: book the hall", {"kind": "add_task", "title": "Book the hall"}),
        ("Assign the summary to the critic", {"kind": "assign_task", "task": 1, "who": "critic"}),
        ("Give task 2 to me", {"kind": "assign_task", "task": 2, "who": "me"}),
        ("Remove the task Risks", {"kind": "remove_task", "task": 2}),
        ("Rename task 1 to Facts", {"kind": "change_task", "task": 1, "title": "Facts"}),
        ("Change the goal to brief the board", {"kind": "change_goal", "text": "Brief the board"}),
        ("Start a project to plan the fair!", {"kind": "start_project", "text": "Plan the fair"}),
        ("Note that the inspector comes on Friday", {"kind": "write_note", "text": "The inspector comes on Friday"}),
        ("Please make a checklist for the move", {"kind": "make_form", "form": "checklist", "title": "The move"}),
        ("Draw up a pre-mortem: the opening!", {"kind": "make_form", "form": "pre_mortem", "title": "The opening"}),
        ("make me a list", {"kind": "make_form", "form": "list", "title": ""}),
        ("Make a note that the inspector comes", {"kind": "write_note", "text": "The inspector comes"}),
        ("Make a listing of the doors", {"kind": "nothing"}),
        ("What is in the plan?", {"kind": "nothing"}),
        ("We added a task to the list yesterday", {"kind": "nothing"}),
    ],
)
def test_imperatives_are_understood_without_a_model(said: str, wanted: dict[str, Any]) -> None:
    assert by_rule(said, ground()) == wanted


def test_an_imperative_about_what_there_is_not_is_told() -> None:
    with pytest.raises(Invalid, match="no agent “plumber”"):
        by_rule("Assign task 1 to the plumber", ground())
    with pytest.raises(Invalid, match="no task “xylophone”"):
        by_rule("Remove the task xylophone", ground())


def test_only_a_project_can_be_started_from_the_workspace() -> None:
    assert by_rule("Add a task to dance", Ground()) == {"kind": "nothing"}
    assert by_rule("Start a project to dance", Ground())["kind"] == "start_project"
    assert proposing.schema(Ground())["properties"]["kind"]["enum"] == ["nothing", "start_project"]  # type: ignore[index,call-overload]


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"kind": "add_task", "title": " "}, "needs a `title`"),
        ({"kind": "change_task", "task": 0}, "number of a task, 1 to 2"),
        ({"kind": "remove_task", "task": 3}, "number of a task, 1 to 2"),
        ({"kind": "change_task", "task": 1}, "new `title` or a new `text`"),
        ({"kind": "assign_task", "task": 1, "who": ""}, "needs a `who`"),
        ({"kind": "change_goal"}, "needs the goal in `text`"),
        ({"kind": "write_note", "title": "A note"}, "needs a `text`"),
        ({"kind": "make_form"}, "needs a `form`"),
        ({"kind": "make_form", "form": "sonnet"}, "no form “sonnet”; there are checklist, pre_mortem, list, note"),
    ],
)
def test_a_choice_without_its_fields_is_refused_with_the_fault(value: dict[str, Any], fault: str) -> None:
    with pytest.raises(Invalid, match=fault):
        proposing.proposal(value, ground(), "ppl_1", "Do it")


def test_a_proposal_is_tried_by_the_rules_of_an_edit_and_holds_what_is_to_be_done() -> None:
    trial = Taking()
    made = proposing.proposal(
        {"kind": "assign_task", "task": 2, "who": "critic"}, ground(trial), "ppl_1", "Let the critic do it"
    )
    assert made is not None and (made.kind, made.state) == ("agent", "open")
    assert made.data == {"task_id": "tsk_b", "assignee": {"kind": "core", "id": "agt_critic"}}
    assert [what[:2] for what in trial.tried] == [("change", "tsk_b")]
    assert "Let the critic do it" in made.reason
    assert proposing.proposal({"kind": "nothing"}, ground(), "ppl_1", "Hello") is None


def test_a_plain_question_is_not_looked_at_for_requests() -> None:
    assert not may_ask_for_something("What does the manual say? And who clears alarm 17?")
    assert may_ask_for_something("Could you add a task?")
    assert may_ask_for_something("Füge eine Aufgabe hinzu: Hallenmiete klären")


def test_facts_are_one_line_each_and_end_with_the_budget() -> None:
    assert quoted("two\nlines “and” more", 12) == "“two lines ‘…”"
    assert within(["a" * 30, "b" * 30, "c" * 300], 40) == f"- {'a' * 30}\n- {'b' * 30}"


def test_what_waits_is_told_apart_from_the_rest() -> None:
    facts = ["Projects under way: 1.", "Waiting for a person: “X” (work, inb_1).", "The project “P”: 2 tasks."]
    assert of_waiting(facts) == [facts[1]]
    assert of_waiting(["Nothing waits for a person.", "There is no project yet."]) == ["Nothing waits for a person."]
