"""Tasks, runs and inbox items move as their tables say, and no other way."""

from datetime import UTC, datetime
from typing import Literal, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from domain.criterion import Criterion
from domain.errors import Invalid, RefusedTransition
from domain.inbox import ANSWERS, InboxItem, InboxKind
from domain.project import Project
from domain.run import MOVES as RUN_MOVES
from domain.run import Run, RunPhase, RunResult, Usage
from domain.task import MOVES as TASK_MOVES
from domain.task import Assignee, Expected, Task, TaskSpec, TaskState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TASK_STATES: tuple[TaskState, ...] = get_args(TaskState)
PHASES: tuple[RunPhase, ...] = get_args(RunPhase)
RESULTS: tuple[RunResult, ...] = get_args(RunResult)
KINDS: tuple[InboxKind, ...] = tuple(ANSWERS)
SPEC = TaskSpec(
    id="tsk_1",
    title="Write it",
    brief="Do.",
    assignee=Assignee(kind="core", id="synthesizer"),
    expected=(Expected(kind="summary", section="synthesis"),),
    criteria=(Criterion(text="It is there"),),
)


def task(state: TaskState) -> Task:
    return Task(spec=SPEC, project_id="prj_1", workspace_id="wsp_1", created_at=NOW, state=state)


def run(phase: RunPhase = "queued") -> Run:
    return Run(
        id="run_1",
        workspace_id="wsp_1",
        project_id="prj_1",
        root_id="run_1",
        graph="task@1",
        graph_digest="sha256:0",
        actor="agt_a",
        on_behalf_of="usr_1",
        created_at=NOW,
        phase=phase,
        result="failed" if phase == "ended" else None,
    )


def item(kind: InboxKind = "approval", state: Literal["open", "answered", "withdrawn"] = "open") -> InboxItem:
    return InboxItem(
        id="inb_1",
        workspace_id="wsp_1",
        project_id="prj_1",
        kind=kind,
        title="Look",
        detail="",
        created_at=NOW,
        for_user="usr_1",
        state=state,
    )


# tasks


@pytest.mark.parametrize("old", TASK_STATES)
@pytest.mark.parametrize("new", TASK_STATES)
def test_a_task_moves_where_its_table_says_and_nowhere_else(old: TaskState, new: TaskState) -> None:
    if new in TASK_MOVES[old]:
        assert task(old).moved(new).state == new
    else:
        with pytest.raises(RefusedTransition) as refusal:
            task(old).moved(new)
        error = refusal.value
        assert (error.kind, error.id, error.old, error.new) == ("task", "tsk_1", old, new)
        what = f"{old} already" if old == new else f"{old} and cannot become {new}"
        assert str(error) == f"The task tsk_1 is {what}."


def test_the_table_of_tasks_has_every_state_and_done_is_left_only_to_do_it_again() -> None:
    assert set(TASK_MOVES) == set(TASK_STATES)
    assert TASK_MOVES["done"] == {"ready"}


def test_every_task_state_can_be_reached_and_every_unfinished_task_can_still_be_done() -> None:
    def reachable(start: TaskState) -> set[TaskState]:
        seen, front = {start}, [start]
        while front:
            for state in TASK_MOVES[front.pop()] - seen:
                seen.add(state)
                front.append(state)
        return seen

    assert reachable("waiting") == set(TASK_STATES)
    assert all("done" in reachable(state) for state in TASK_STATES)


@given(st.integers(1, 5))
def test_each_start_of_a_task_is_an_attempt_of_its_own(times: int) -> None:
    made = task("ready")
    for number in range(1, times + 1):
        made = made.started(f"run_{number}")
        assert (made.attempts, made.run_id, made.state) == (number, f"run_{number}", "running")
        made = made.moved("ready")


@pytest.mark.parametrize("state", [state for state in TASK_STATES if "running" not in TASK_MOVES[state]])
def test_a_task_that_is_not_ready_does_not_start(state: TaskState) -> None:
    with pytest.raises(RefusedTransition):
        task(state).started("run_1")


def test_a_replanned_task_is_ready_and_remembers_it() -> None:
    made = task("running").replanned_as(SPEC)
    assert (made.state, made.replanned) == ("ready", True)


# runs


@pytest.mark.parametrize("old", PHASES)
@pytest.mark.parametrize("new", PHASES)
def test_a_run_moves_where_its_table_says_and_nowhere_else(old: RunPhase, new: RunPhase) -> None:
    if new == old:
        assert run(old).moved(new, NOW, Usage(calls=1)).usage.calls == 1
    elif new in RUN_MOVES[old] and new != "ended":
        assert run(old).moved(new, NOW, Usage()).phase == new
    else:
        with pytest.raises(RefusedTransition) as refusal:
            run(old).moved(new, NOW, Usage())
        assert (refusal.value.kind, refusal.value.id) == ("run", "run_1")


@pytest.mark.parametrize("old", PHASES)
def test_a_run_ends_from_every_phase_but_once(old: RunPhase) -> None:
    if old == "ended":
        with pytest.raises(RefusedTransition, match="The run run_1 is ended already"):
            run(old).ended("succeeded", "", NOW, Usage())
    else:
        assert run(old).ended("succeeded", "", NOW, Usage()).result == "succeeded"


MOVE = st.one_of(st.sampled_from(PHASES), st.tuples(st.sampled_from(RESULTS)))


@given(st.lists(MOVE, max_size=30))
def test_a_run_has_exactly_one_result_whatever_is_tried(moves: list[RunPhase | tuple[RunResult]]) -> None:
    made, first = run(), None
    for move in moves:
        try:
            match move:
                case (result,):
                    made = made.ended(result, f"It {result}.", NOW, Usage())
                    first = first or made
                case _:
                    made = made.moved(move, NOW, Usage())
        except RefusedTransition:
            assert made.phase == "ended" or move == "ended"
        assert (made.phase == "ended") == (made.result is not None)
        if first is not None:
            assert made == first


@pytest.mark.parametrize("phase", PHASES)
def test_a_run_with_a_result_has_ended_and_one_that_ended_has_a_result(phase: RunPhase) -> None:
    values = {name: getattr(run(), name) for name in Run.__dataclass_fields__}
    with pytest.raises(RefusedTransition):
        Run(**values | {"phase": phase, "result": None if phase == "ended" else "failed"})


def test_a_run_keeps_the_time_of_its_first_move() -> None:
    later = datetime(2026, 1, 2, tzinfo=UTC)
    made = run().moved("running", NOW, Usage()).moved("waiting", later, Usage()).ended("failed", "", later, Usage())
    assert (made.started_at, made.ended_at) == (NOW, later)


USAGE = st.builds(
    Usage,
    input_tokens=st.integers(0, 10**9),
    output_tokens=st.integers(0, 10**9),
    money=st.integers(0, 10**15),
    calls=st.integers(0, 10**6),
)


@given(USAGE, USAGE, USAGE)
def test_usage_adds_up_in_any_order(a: Usage, b: Usage, c: Usage) -> None:
    assert (a + b) + c == a + (b + c) == c + b + a
    assert a + Usage() == a


# projects and inbox items


def test_a_project_is_archived_once() -> None:
    project = Project(
        id="prj_1", workspace_id="w", name="n", goal="g", owner_id="usr_1", manager_id="agt_m", created_at=NOW
    )
    with pytest.raises(RefusedTransition, match="The project prj_1 is archived already"):
        project.archived().archived()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("action", sorted({action for actions in ANSWERS.values() for action in actions}))
def test_an_item_is_answered_by_what_it_offers_and_only_once(kind: InboxKind, action: str) -> None:
    answer: dict[str, JsonValue] = {"action": action, "hint": "shorter"}
    if action not in ANSWERS[kind]:
        with pytest.raises(Invalid) as fault:
            item(kind).answered(answer, NOW)
        assert fault.value.errors == (("/action", f"must be one of {', '.join(ANSWERS[kind])}"),)
        return
    answered = item(kind).answered(answer, NOW)
    assert (answered.state, answered.answer, answered.answered_at) == ("answered", answer, NOW)
    with pytest.raises(RefusedTransition, match="The inbox item inb_1 is answered already"):
        answered.answered(answer, NOW)
    assert answered.withdrawn() == answered


@given(st.dictionaries(st.text(max_size=8), st.none() | st.text(max_size=8) | st.lists(st.integers(), max_size=2)))
def test_anything_else_is_no_answer(answer: dict[str, JsonValue]) -> None:
    if answer.get("action") not in ("approve", "reject"):
        with pytest.raises(Invalid, match="The item inb_1 is answered by one of: approve, reject"):
            item().answered(answer, NOW)


def test_a_withdrawn_item_takes_no_answer() -> None:
    with pytest.raises(RefusedTransition):
        item().withdrawn().answered({"action": "approve"}, NOW)
    assert item().withdrawn().withdrawn().state == "withdrawn"
