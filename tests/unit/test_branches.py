"""Gates, routers, joins, waits, people and other agents, told by hand."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import JsonValue

from domain.agent_graph import Forked, RunState, reduce
from domain.changes import EndRun, OpenInbox, PublishStaged, SendMessage, SetTimer, SignalChildren, StartChild
from domain.run import Limits, Usage
from tests.simulator import START
from tests.told import Told, graph

MANY = {"type": "router", "by": "inputs.topics", "many": True, "join": "met"}
MET = {"type": "join", "next": "sum"}
WORK = {"type": "agent", "next": "met"}
TWO = graph("way", way={**MANY, "labels": {"a": "x", "b": "y"}}, x=WORK, y=WORK, met=MET, sum={"type": "agent"})


# gates


@pytest.mark.parametrize(("level", "result"), [(3, "succeeded"), (1, "partial"), (None, "partial")])
def test_a_gate_lets_pass_what_meets_its_condition(level: JsonValue, result: str) -> None:
    gate = {"type": "gate", "when": {"path": "inputs.level", "op": "gt", "value": 2}, "otherwise": "no"}
    run = Told(graph("gate", gate=gate, no={"type": "exit", "result": "partial"}), level=level)
    assert (run.state.result, run.effects) == (result, ())


@pytest.mark.parametrize(("output", "result"), [({"passed": True}, "succeeded"), ({}, "partial")])
def test_a_gate_with_a_question_asks_a_model_and_keeps_shut_without_a_yes(
    output: dict[str, JsonValue], result: str
) -> None:
    gate = {"type": "gate", "judge": "Is {{ inputs.draft }} polite?", "otherwise": "no"}
    run = Told(graph("gate", gate=gate, no={"type": "exit", "result": "partial"}))
    assert [effect.handler for effect in run.effects] == ["gate@1"]
    assert run.done(**output).state.result == result


def test_a_gate_that_asks_a_model_does_not_begin_once_the_limit_is_used_up() -> None:
    gate = graph("gate", gate={"type": "gate", "judge": "Is it?", "otherwise": "end"})
    assert Told(gate, Limits(calls=0)).state.result == "failed"


# routers with one way


@pytest.mark.parametrize("chosen", ["b", ["b", "a"], ["unheard of", "b"]])
def test_a_router_takes_the_first_label_that_it_knows(chosen: JsonValue) -> None:
    way = {"type": "router", "by": "inputs.topic", "labels": {"a": "x", "b": "y"}}
    run = Told(graph("way", way=way, x={"type": "agent"}, y={"type": "agent"}), topic=chosen)
    assert run.nodes == ["y"]
    assert run.state.look_up("way.labels") == ["b"]


def test_a_router_without_a_way_goes_where_it_says_otherwise_and_fails_without_that() -> None:
    way = {"type": "router", "by": "inputs.topic", "labels": {"a": "x", "b": "x"}}
    nodes = {"x": {"type": "agent"}, "sad": {"type": "exit", "result": "partial", "reason_from": "way.reason"}}
    assert Told(graph("way", way={**way, "otherwise": "x"}, **nodes), topic="c").nodes == ["x"]
    reason = "The router way has no way for 'c'; its labels: a, b."
    run = Told(graph("way", way=way, **nodes), topic="c")
    assert (run.state.result, run.state.reason) == ("failed", reason)
    run = Told(graph("way", way={**way, "on_failure": "sad"}, **nodes), topic="c")
    assert (run.state.result, run.state.reason) == ("partial", reason)


def test_a_router_that_asks_goes_where_the_model_says() -> None:
    way = {"type": "router", "ask": "What is {{ inputs.text }} about?", "labels": {"a": "end", "b": "y"}}
    run = Told(graph("way", way=way, y={"type": "agent"}))
    assert [effect.handler for effect in run.effects] == ["route@1"]
    assert run.done(labels=["b"]).nodes == ["y"]


# routers with many ways


def test_the_branches_of_a_router_run_side_by_side_and_the_last_one_to_arrive_goes_on() -> None:
    run = Told(TWO, topics=["b", "a", "b", "unheard of"])
    assert run.nodes == ["y", "x"]
    assert run.done(run.refs[1]).nodes == []
    assert run.done().nodes == ["sum"]
    assert run.done().state.result == "succeeded"


def test_a_join_waits_only_for_the_branches_that_were_taken() -> None:
    assert Told(TWO, topics=["a"]).done().nodes == ["sum"]


def test_a_branch_may_lead_straight_to_the_join() -> None:
    direct = {**MANY, "labels": {"a": "x", "b": "met"}}
    run = Told(graph("way", way=direct, x=WORK, met=MET, sum={"type": "agent"}), topics=["a", "b"])
    assert run.nodes == ["x"]
    assert run.done().nodes == ["sum"]


@pytest.mark.parametrize("order", [(0, 0, 0), (2, 1, 0), (1, 1, 0)])
def test_a_router_inside_a_branch_may_share_the_join(order: tuple[int, ...]) -> None:
    inner = {**MANY, "by": "inputs.more", "labels": {"c": "y", "d": "z"}}
    nodes = {"x": WORK, "y": WORK, "z": WORK, "met": MET, "sum": {"type": "agent"}}
    run = Told(graph("way", way={**MANY, "labels": {"a": "x", "b": "inner"}}, inner=inner, **nodes),
               topics=["a", "b"], more=["c", "d"])  # fmt: skip
    assert sorted(run.nodes) == ["x", "y", "z"]
    told = [run.done(run.refs[i]).nodes for i in order]
    assert told == [[], [], ["sum"]]
    assert run.at == ["sum"]


def test_a_branch_that_goes_back_through_its_router_is_waited_for() -> None:
    again = {"type": "loop", "back_to": "way", "until": {"path": "x.good"}, "limit": 1, "exhausted": "met"}
    x = {"type": "agent", "next": "again"}
    looping = graph(
        "way", way={**MANY, "labels": {"a": "x", "b": "y"}}, x=x, again={**again, "next": "met"}, y=WORK, met=MET,
        sum={"type": "agent"},
    )  # fmt: skip
    run = Told(looping, topics=["a", "b"])
    assert run.done().nodes == ["x", "y"]
    assert run.at == ["y", "x", "y"]
    assert [run.done().nodes for _ in range(3)] == [[], [], ["sum"]]


def test_a_branch_that_ends_the_run_stops_the_others() -> None:
    hurry = {"type": "tool", "tool": "look", "next": "met", "on_failure": "end"}
    ask = {"type": "human", "title": "Well?", "next": "met"}
    other = {"type": "workflow", "graph": "other@1", "next": "met"}
    labels = {"a": "x", "b": "y", "c": "z"}
    run = Told(
        graph("way", way={**MANY, "labels": labels}, x=hurry, y=ask, z=other, met=MET, sum={"type": "agent"}),
        topics=["a", "b", "c"],
    )
    assert run.state.phase == "running"
    run.failed()
    assert [type(change).__name__ for change in run.changes] == ["SignalChildren", "WithdrawInbox", "EndRun"]
    assert run.state.active == ()


def test_nothing_is_started_for_a_branch_when_another_one_ends_the_run_at_once() -> None:
    look = {"type": "tool", "tool": "look", "next": "met"}
    both = graph("way", way={**MANY, "labels": {"a": "x", "b": "y"}}, x=look, y=WORK, met=MET, sum={"type": "agent"})
    run = Told(both, Limits(calls=0), topics=["a", "b"])
    assert (run.state.result, run.effects) == ("failed", ())


def test_branches_that_are_held_in_a_pause_all_go_on_afterwards() -> None:
    run = Told(TWO, topics=["a", "b"]).signal("pause").done().done()
    assert [active.wait for active in run.state.active] == ["held", "held"]
    assert run.signal("resume").nodes == ["sum"]


def test_what_branches_multiply_without_an_end_is_stopped() -> None:
    loop = {"type": "loop", "back_to": "way", "until": {"path": "inputs.never"}, "limit": 1, "exhausted": "met"}
    way = {**MANY, "labels": {"a": "x", "b": "x"}}
    run = Told(graph("way", way=way, x={**loop, "next": "met"}, met={"type": "join"}), topics=["a", "b"])
    assert (run.state.result, run.effects) == ("failed", ())
    assert "20,000 nodes without an end" in run.state.reason


# waits


def test_a_wait_goes_on_when_its_time_has_come() -> None:
    run = Told(graph("nap", nap={"type": "wait", "seconds": 90, "next": "x"}, x={"type": "agent"}))
    assert (run.changes, run.state.phase) == ((SetTimer(at=START + timedelta(seconds=90), ref=run.ref),), "waiting")
    assert run.signal("timer", ref="999/9").nodes == []
    assert run.signal("timer", ref=run.ref).nodes == ["x"]


# people


def asking(**fields: Any) -> Told:
    human = {"type": "human", "title": "Send {{ inputs.what }}?", "next": "x", **fields}
    no = {"type": "exit", "result": "cancelled"}
    return Told(graph("ask", ask=human, x={"type": "agent"}, no=no), what="the letter")


@pytest.mark.parametrize(("on_reject", "action", "nodes"), [
    ("no", "approve", ["x"]), ("no", "reject", []), (None, "reject", ["x"]),
])  # fmt: skip
def test_a_rejected_approval_leads_where_the_node_says(on_reject: str | None, action: str, nodes: list[str]) -> None:
    run = asking(on_reject=on_reject)
    assert run.signal("answered", item_id=run.ref, answer={"action": action}).nodes == nodes
    assert run.state.result == (None if nodes else "cancelled")


def test_a_person_is_asked_in_words_that_refer_to_what_is_there() -> None:
    run = asking(detail="About {{ inputs.what }} and {{ inputs.nothing }}.", kind="form", form="letter")
    (item,) = run.changes
    assert isinstance(item, OpenInbox)
    assert (item.title, item.detail, item.form) == ("Send the letter?", "About the letter and .", "letter")


# other runs


def test_a_workflow_is_started_with_resolved_inputs_and_gives_what_it_ended_with() -> None:
    part = {
        "type": "workflow",
        "graph": "{{ inputs.way }}",
        "inputs": {"n": "{{ inputs.n }}", "of": ["{{ inputs.n }}!"]},
    }
    run = Told(graph("part", part=part, end={"type": "exit", "output": {"got": "{{ part.text }}"}}), way="other@2", n=7)
    (child,) = run.changes
    assert isinstance(child, StartChild)
    assert (child.graph, child.inputs) == ("other@2", {"n": 7, "of": ["7!"]})
    run.signal("child_ended", run_id=child.run_id, result="succeeded", text="done")
    assert run.changes == (EndRun(result="succeeded", output={"got": "done"}),)


def test_a_delegation_is_a_message_and_the_child_run_that_answers_it() -> None:
    run = Told(
        graph("ask", ask={"type": "delegate", "agent": "critic", "task": "Read {{ inputs.it }}", "timeout": 60}),
        it="p. 3",
    )
    message, child, timer = run.changes
    assert isinstance(message, SendMessage) and isinstance(child, StartChild) and isinstance(timer, SetTimer)
    assert (message.message.recipient, message.message.correlation) == ("critic", child.run_id)
    assert (message.message.body, message.message.deadline) == ({"task": "Read p. 3"}, START + timedelta(seconds=60))
    assert (child.graph, child.actor) == ("agent@1", "critic")
    assert child.inputs == {"agent": "critic", "task": "Read p. 3"}


# forks


def test_a_fork_begins_again_what_its_source_was_at_and_keeps_what_it_had() -> None:
    source = Told(TWO, Limits(calls=3), topics=["a", "b"]).done(text="x is done")
    state, changes, effects = reduce(
        TWO, RunState(run_id="run_2"), Forked(at=START, seed="cd" * 32, source="run_1", state=source.state)
    )
    assert ([effect.id for effect in effects], [effect.node for effect in effects]) == (["1/1"], ["y"])
    assert (state.look_up("x.text"), state.limits, state.usage, changes) == ("x is done", Limits(calls=3), Usage(), ())
    told = Told(TWO)
    told.state, told.effects = state, effects
    assert told.done().nodes == ["sum"]
    assert told.done().state.result == "succeeded"


def test_a_fork_of_a_paused_run_is_not_paused() -> None:
    source = Told(TWO, topics=["a", "b"]).signal("pause").done().done()
    fork = Forked(at=START, seed="cd" * 32, source="run_1", state=source.state)
    state, _, effects = reduce(TWO, RunState(run_id="run_2"), fork)
    assert ([effect.node for effect in effects], state.phase) == (["sum"], "running")


# ends


def test_a_run_that_publishes_while_other_branches_are_at_work_cancels_them() -> None:
    early = {"type": "gate", "when": {"path": "inputs.early"}, "next": "done", "otherwise": "met"}
    nodes: dict[str, Any] = {"x": WORK, "y": early, "met": MET, "sum": {"type": "agent"}}
    done = {"type": "exit", "publish": True}
    run = Told(graph("way", way={**MANY, "labels": {"a": "x", "b": "y"}}, done=done, **nodes),
               topics=["a", "b"], early=True)  # fmt: skip
    assert run.changes[:2] == (PublishStaged(run_id="run_1"), SignalChildren(name="cancel"))
    assert (run.state.result, run.effects) == ("succeeded", ())
