"""What takes longer than its node allows, told by hand."""

from datetime import timedelta
from typing import Any

import pytest

from domain.changes import SetTimer, SignalChildren, StartChild, WithdrawInbox
from tests.simulator import START
from tests.told import Told, graph

KINDS: dict[str, dict[str, Any]] = {
    "agent": {},
    "model": {"prompt": "Say it."},
    "tool": {"tool": "look"},
    "transform": {"function": "count@1"},
    "check": {"handler": "look@1"},
    "gate": {"judge": "Is it?", "otherwise": "end"},
    "router": {"ask": "Which?", "labels": {"a": "end"}},
    "human": {"title": "Well?"},
    "workflow": {"graph": "other@1"},
    "delegate": {"agent": "critic", "task": "Read it."},
}
LATE = "It took longer than the 30 seconds that it has."


def slow(**node: Any) -> Told:
    sad = {"type": "exit", "result": "partial", "reason_from": "x.reason"}
    return Told(graph("x", x={"timeout": 30, **node}, sad=sad))


def timers(run: Told) -> list[str]:
    return [change.ref for change in run.changes if isinstance(change, SetTimer)]


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_takes_too_long_fails_and_leads_where_its_node_says(kind: str) -> None:
    run = slow(type=kind, **KINDS[kind], on_failure="sad")
    timer = run.changes[-1]
    assert timer == SetTimer(at=START + timedelta(seconds=30), ref=f"deadline:{run.ref}")
    run.signal("timer", ref=f"deadline:{run.ref}")
    assert (run.state.result, run.state.reason) == ("partial", LATE)
    assert slow(type=kind, **KINDS[kind]).signal("timer", ref=timer.ref).state.result == "failed"


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_timeout_nothing_is_set(kind: str) -> None:
    assert timers(slow(type=kind, **KINDS[kind], timeout=None)) == []


def test_a_deadline_that_comes_when_the_work_is_done_changes_nothing() -> None:
    run = Told(graph("x", x={"type": "agent", "timeout": 30, "next": "y"}, y={"type": "agent"}))
    before = run.done().state.active
    assert (run.signal("timer", ref="deadline:1/1").changes, run.state.active) == ((), before)


def test_what_comes_after_the_deadline_changes_nothing() -> None:
    run = Told(graph("x", x={"type": "agent", "timeout": 30, "on_failure": "y"}, y={"type": "agent"}))
    assert run.signal("timer", ref="deadline:1/1").nodes == ["y"]
    before = run.state
    assert (run.done("1/1", text="late").changes, run.effects) == ((), ())
    assert (run.state.outputs, run.state.active) == (before.outputs, before.active)


def test_a_question_is_withdrawn_and_a_late_answer_is_not_taken() -> None:
    run = Told(graph("x", x={"type": "human", "title": "?", "timeout": 30, "on_failure": "y"}, y={"type": "agent"}))
    item = run.ref
    run.signal("timer", ref=f"deadline:{item}")
    assert (run.changes, run.nodes) == ((WithdrawInbox(item_id=item),), ["y"])
    assert run.signal("answered", item_id=item, answer={"action": "approve"}).nodes == []


def test_a_child_run_is_cancelled_and_its_late_end_is_not_taken() -> None:
    run = Told(
        graph("x", x={"type": "workflow", "graph": "o@1", "timeout": 30, "on_failure": "y"}, y={"type": "agent"})
    )
    child = run.ref
    run.signal("timer", ref=f"deadline:{child}")
    assert (run.changes, run.nodes) == ((SignalChildren(name="cancel", run_id=child),), ["y"])
    assert run.signal("child_ended", run_id=child, result="succeeded").nodes == []


def test_a_deadline_is_that_of_one_try_and_leaves_the_next_try_alone() -> None:
    run = slow(type="agent", retries=1, retry_after=60, on_failure="sad").failed(passing=True)
    assert run.signal("timer", ref="deadline:1/1").changes == ()
    run.signal("timer", ref="1/1")
    assert (run.nodes, timers(run)) == (["x"], [f"deadline:{run.ref}"])
    assert run.signal("timer", ref=f"deadline:{run.ref}").state.reason == LATE


def test_a_node_that_is_held_in_a_pause_has_its_whole_time_afterwards() -> None:
    run = Told(graph("w", w={"type": "agent", "next": "x"}, x={"type": "agent", "timeout": 30})).signal("pause").done()
    assert timers(run) == []
    assert timers(run.signal("resume")) == [f"deadline:{run.ref}"]


@pytest.mark.parametrize(("whole", "part"), [(30, None), (None, 30), (30, 90), (90, 30)])
def test_each_part_of_a_fan_out_has_its_own_deadline(whole: float | None, part: float | None) -> None:
    x = {"type": "fan_out", "copies": 2, "do": {"type": "agent", "timeout": part}, "least": 1, "timeout": whole}
    run = Told(graph("x", x={**x, "next": "y"}, y={"type": "agent"}))
    assert timers(run) == ["deadline:1/1", "deadline:1/2"]
    assert run.signal("timer", ref="deadline:1/2").state.active[0].ref == "1/1"
    assert run.done("1/1").nodes == ["y"]


def test_a_part_that_is_a_run_is_cancelled_at_its_deadline() -> None:
    x = {"type": "fan_out", "copies": 2, "do": {"type": "workflow", "graph": "o@1"}, "least": 1, "timeout": 30}
    run = Told(graph("x", x=x))
    first, second = (change.run_id for change in run.changes if isinstance(change, StartChild))
    assert run.signal("timer", ref=f"deadline:{first}").changes == (SignalChildren(name="cancel", run_id=first),)
    run.signal("child_ended", run_id=second, result="succeeded")
    assert run.state.result == "succeeded" and run.state.outputs["x"]["failed"] == 1  # type: ignore[call-overload, index]
