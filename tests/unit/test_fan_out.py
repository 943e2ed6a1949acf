"""Fan-outs, told by hand."""

from typing import Any

import pytest
from pydantic import JsonValue

from domain.agent_graph import ChangeRefused, Forked, RunState, effect_of
from domain.agent_graph.nodes import FAN_OUT
from domain.agent_graph.ticks import USED
from domain.changes import EndRun, SetTimer, SignalChildren, StartChild
from domain.run import Limits, Usage
from tests.simulator import START
from tests.told import Told, graph

MODEL = {"type": "model", "prompt": "Say {{ item.name }} ({{ index }})", "retries": 1}
CHILD = {"type": "workflow", "graph": "other@1", "inputs": {"it": "{{ item }}", "place": "{{ index }}"}}


def fan_out(do: dict[str, Any] = MODEL, items: JsonValue = None, limits: Limits | None = None, **fields: Any) -> Told:
    """Over three items, where nothing else is said."""
    times = {} if "copies" in fields else {"over": "inputs.items"}
    each = {"type": "fan_out", "do": do, "next": "then", "on_failure": "sad", **times, **fields}
    sad = {"type": "exit", "result": "partial", "reason_from": "each.reason"}
    fanned = graph("each", each=each, then={"type": "tool", "tool": "next"}, sad=sad)
    return Told(fanned, limits, items=["a", "b", "c"] if items is None else items)


def test_a_fan_out_does_the_same_for_each_item_side_by_side_and_gives_them_in_order() -> None:
    run = fan_out()
    assert [(effect.id, effect.part, effect.item) for effect in run.effects] == [
        ("1/1", 0, "a"), ("1/2", 1, "b"), ("1/3", 2, "c"),
    ]  # fmt: skip
    assert {effect.handler for effect in run.effects} == {"model@1"}
    run.done("1/3", text="C").done("1/1", text="A")
    assert run.effects == ()
    assert run.done("1/2", text="B").nodes == ["then"]
    assert run.state.look_up("each.items") == [{"text": "A"}, {"text": "B"}, {"text": "C"}]
    assert (run.state.look_up("each.count"), run.state.look_up("each.failed")) == (3, 0)


def test_copies_have_their_place_as_item() -> None:
    assert [effect.item for effect in fan_out(copies=3).effects] == [0, 1, 2]


def test_a_fan_out_over_nothing_goes_on_at_once() -> None:
    run = fan_out(items=[])
    assert run.nodes == ["then"]
    assert run.state.look_up("each") == {"items": [], "count": 0, "failed": 0}


@pytest.mark.parametrize("join", ["first", "majority", "best"])
def test_of_nothing_nothing_can_be_chosen(join: str) -> None:
    run = fan_out(items=[], join=join)
    reason = "The fan-out each has nothing to choose from: the list at inputs.items is empty."
    assert (run.state.result, run.state.reason, run.effects) == ("partial", reason, ())


@pytest.mark.parametrize("items", [[], ["a"]])
def test_a_list_that_is_shorter_than_the_least_is_a_failure_before_anything_is_called(items: JsonValue) -> None:
    run = fan_out(items=items, least=2)
    assert isinstance(items, list)
    reason = f"The fan-out each needs at least 2 items; the list at inputs.items has {len(items)}."
    assert (run.state.result, run.state.reason, run.effects) == ("partial", reason, ())


@pytest.mark.parametrize(
    ("items", "reason"),
    [
        ("abc", "The fan-out each found no list at inputs.items."),
        (list(range(FAN_OUT + 1)), "The fan-out each has 21 items; at most 20 run side by side."),
    ],
)
def test_what_cannot_be_spread_is_a_failure_in_plain_words(items: JsonValue, reason: str) -> None:
    run = fan_out(items=items)
    assert (run.state.result, run.state.reason, run.effects) == ("partial", reason, ())


def test_as_many_as_may_be_run_side_by_side() -> None:
    assert len(fan_out(items=list(range(FAN_OUT))).effects) == FAN_OUT


def test_a_fan_out_fails_as_soon_as_a_part_failed_for_good() -> None:
    run = fan_out().done().failed(passing=False)
    assert (run.state.result, run.state.reason) == ("partial", "1 of 3 parts failed: It is down.")


def test_a_fan_out_that_needs_the_least_goes_on_without_the_failed_ones() -> None:
    run = fan_out(least=2).done(text="A").failed().done(text="C")
    assert run.nodes == ["then"]
    assert run.state.look_up("each") == {"items": [{"text": "A"}, None, {"text": "C"}], "count": 2, "failed": 1}
    run = fan_out(least=2).done().failed().failed()
    assert run.state.reason == "2 of 3 (2 needed) parts failed: It is down."


def test_a_part_may_give_a_field_that_is_called_failed() -> None:
    run = fan_out().done(failed=3, reason="so it is").done(failed=True).done(failed=0)
    assert run.nodes == ["then"]
    assert run.state.look_up("each.items.0") == {"failed": 3, "reason": "so it is"}


def test_a_part_is_tried_again_by_itself() -> None:
    run = fan_out().failed("1/2", passing=True)
    (timer,) = run.changes
    assert isinstance(timer, SetTimer)
    (again,) = run.signal("timer", ref="1/2").effects
    assert (again.id, again.part, again.item) == ("3/1", 1, "b")
    run.done("1/1").done("1/3")
    assert run.failed("3/1", passing=True).state.result == "partial"


def test_a_refused_change_fails_its_part_only() -> None:
    run = fan_out(least=1).tell(ChangeRefused(at=START, effect="1/1", reason="It is locked."))
    assert run.done().done().nodes == ["then"]


def test_the_first_one_that_succeeds_is_enough_and_the_rest_comes_to_nothing() -> None:
    run = fan_out(join="first").failed("1/1").done("1/3", text="C")
    assert run.nodes == ["then"]
    assert (run.state.look_up("each.index"), run.state.look_up("each.best.text")) == (2, "C")
    before = run.state.outputs
    assert (run.done("1/2", text="B").changes, run.effects, run.state.outputs) == ((), (), before)


def test_where_none_succeeds_the_first_one_does_not_come() -> None:
    run = fan_out(join="first").failed().failed().failed()
    assert run.state.reason == "3 of 3 (1 needed) parts failed: It is down."


def test_a_majority_goes_on_as_soon_as_it_is_one() -> None:
    run = fan_out(join="majority", vote="verdict").done(verdict="yes").done(verdict="no")
    assert run.effects == ()
    assert run.done(verdict="yes").nodes == ["then"]
    assert (run.state.look_up("each.winner"), run.state.look_up("each.votes")) == ("yes", 2)
    early = fan_out(join="majority").done("1/3", vote="no").done("1/1", vote="no")
    assert early.nodes == ["then"]
    assert early.at == ["then"]


def test_half_is_no_majority_and_no_vote_is_none() -> None:
    run = fan_out(join="majority", items=[1, 2]).done(vote="a").done(vote="b")
    assert run.state.reason == "The parts of each agreed on nothing; their votes: a, b."
    assert fan_out(join="majority").done().done().done().state.result == "partial"


@pytest.mark.parametrize("join", ["all", "first", "majority", "best"])
def test_why_all_parts_failed_is_told(join: str) -> None:
    run = fan_out(join=join, least=1 if join == "all" else None).failed().failed().failed()
    assert run.state.reason.endswith("parts failed: It is down.")


def test_the_best_one_is_the_earliest_of_those_with_the_highest_number() -> None:
    run = fan_out(join="best", items=[0, 1, 2, 3, 4], score="points.all")
    for points in (1, 2.5, 2.5, True, "9"):
        run.done(points={"all": points})
    assert run.nodes == ["then"]
    assert (run.state.look_up("each.index"), run.state.look_up("each.score")) == (1, 2.5)


def test_without_a_number_there_is_no_best_one() -> None:
    run = fan_out(join="best").done(score=True).done(score="7").done(score=float("nan"))
    assert run.state.reason == "No part of each gave a number at score."


def test_parts_that_are_runs_are_started_with_their_item_and_cancelled_once_nobody_needs_them() -> None:
    run = fan_out(CHILD, join="first")
    children = [change for change in run.changes if isinstance(change, StartChild)]
    assert [child.inputs for child in children] == [{"it": item, "place": i} for i, item in enumerate("abc")]
    run.signal("child_ended", run_id=children[1].run_id, result="failed", reason="No model.")
    assert run.effects == ()
    run.signal("child_ended", run_id=children[0].run_id, result="succeeded", text="A")
    assert run.changes == (SignalChildren(name="cancel", run_id=children[2].run_id),)
    assert run.nodes == ["then"]
    assert run.signal("child_ended", run_id=children[2].run_id, result="cancelled").changes == ()


def test_parts_may_be_delegations() -> None:
    run = fan_out({"type": "delegate", "agent": "{{ item }}", "task": "Vote."})
    assert [change.actor for change in run.changes if isinstance(change, StartChild)] == ["a", "b", "c"]


def test_the_limit_ends_the_run_before_another_part_is_called() -> None:
    assert fan_out(limits=Limits(calls=0)).effects == ()
    run = fan_out(limits=Limits(calls=1), least=1).failed("1/1", passing=True)
    run.tell(ChangeRefused(at=START, effect="1/2", reason="It is locked.", usage=Usage(calls=1)))
    run.signal("timer", ref="1/1")
    assert (run.state.result, run.effects) == ("failed", ())
    assert isinstance(run.changes[-1], EndRun)


def ended(child: StartChild, calls: int) -> dict[str, JsonValue]:
    return {"run_id": child.run_id, "result": "succeeded", USED: {"calls": calls}}


def children(run: Told) -> list[StartChild]:
    return [change for change in run.changes if isinstance(change, StartChild)]


def test_what_the_runs_that_it_started_have_used_counts_against_the_limits() -> None:
    run = fan_out(CHILD, limits=Limits(calls=10, money=500))
    started = children(run)
    assert {child.within for child in started} == {Limits(calls=10, money=500)}
    for child in started:
        run.signal("child_ended", **ended(child, 4))
    assert (run.state.result, run.state.usage) == (None, Usage())
    [effect] = run.effects
    assert effect.remaining.calls == 0, "twelve calls of ten"
    assert run.state.look_up("each.items.0") == {"run_id": started[0].run_id, "result": "succeeded"}


@pytest.mark.parametrize("do", [CHILD | {"inputs": {}}, {"type": "delegate", "agent": "critic", "task": "Vote."}])
def test_no_further_run_is_started_once_the_limit_is_used_up(do: dict[str, Any]) -> None:
    loop = {"type": "loop", "back_to": "each", "until": {"path": "each.enough"}, "limit": 9, "exhausted": "end"}
    run = Told(graph("each", each={**do, "next": "again"}, again=loop), Limits(calls=5))
    [first] = children(run)
    [second] = children(run.signal("child_ended", **ended(first, 3)))
    assert (first.within, second.within) == (Limits(calls=5), Limits(calls=2))
    run.signal("child_ended", **ended(second, 2))
    assert children(run) == []
    assert (run.state.result, run.state.reason) == ("failed", "Its limit of calls is used up (5); raise it and retry.")


def test_what_a_run_that_nobody_waits_for_any_more_has_used_counts_too() -> None:
    run = fan_out(CHILD, join="first", limits=Limits(calls=10))
    winner, *others = children(run)
    run.signal("child_ended", **ended(winner, 1))
    for child in others:
        run.signal("child_ended", **ended(child, 3) | {"result": "cancelled"})
    assert run.state.spent.calls == 7


def test_a_part_under_way_is_issued_again_as_it_was() -> None:
    run = fan_out()
    assert tuple(effect_of(run.graph, run.state, active) for active in run.state.active) == run.effects


def test_parts_that_are_held_in_a_pause_go_on_and_keep_their_place() -> None:
    run = fan_out().failed("1/2", passing=True).signal("pause").signal("timer", ref="1/2").done("1/1")
    assert run.effects == ()
    (again,) = run.signal("resume").effects
    assert (again.part, again.item) == (1, "b")


def test_held_parts_of_a_fan_out_that_has_gone_on_do_not_come_back() -> None:
    run = fan_out(join="first").failed("1/2", passing=True).signal("pause").signal("timer", ref="1/2").done("1/1")
    assert run.signal("resume").nodes == ["then"]


def test_two_branches_go_through_the_same_fan_out_one_after_the_other() -> None:
    way = {"type": "router", "by": "inputs.topics", "many": True, "labels": {"a": "x", "b": "y"}, "join": "met"}
    agent = {"type": "agent", "next": "each"}
    each = {"type": "fan_out", "do": MODEL, "copies": 2, "next": "met"}
    shared = graph(
        "way", way=way, x=agent, y=agent, each=each, met={"type": "join", "next": "sum"}, sum={"type": "agent"}
    )
    run = Told(shared, topics=["a", "b"]).done()
    first = run.refs[1:]
    assert run.done().effects == ()
    assert run.done(first[0]).done(first[1]).nodes == ["each", "each"]
    assert run.at == ["each", "each"]
    assert run.done().done().nodes == ["sum"]


def test_a_fork_begins_only_those_parts_again_that_had_not_ended() -> None:
    source = fan_out().done("1/2", text="B")
    fork = Forked(at=START, seed="cd" * 32, source="run_1", state=source.state)
    source.state = RunState(run_id="run_2")
    assert [(effect.part, effect.item) for effect in source.tell(fork).effects] == [(0, "a"), (2, "c")]
    assert source.done(text="A").done(text="C").nodes == ["then"]
    assert source.state.look_up("each.items") == [{"text": "A"}, {"text": "B"}, {"text": "C"}]
