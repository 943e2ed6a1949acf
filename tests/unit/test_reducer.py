"""Runs keep their promises in every history: thousands of them, drawn from seeds, and a few told by hand."""

import random
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.agent_graph import (
    AgentGraph,
    AgentNode,
    ChangeRefused,
    CheckNode,
    ChildNode,
    Condition,
    EffectDone,
    ExitNode,
    HumanNode,
    LoopNode,
    RunState,
    Started,
    SuperviseNode,
    effect_of,
    reduce,
)
from domain.agent_graph.state import STATES
from domain.changes import (
    EndRun,
    MoveTask,
    OpenInbox,
    PublishStaged,
    SetTimer,
    SignalChildren,
    StartChild,
    WithdrawInbox,
)
from domain.ids import kind_of
from domain.run import Limits, Usage
from services.work.graphs import SHIPPED
from tests.random_graphs import agent_graphs, random_graph
from tests.simulator import START, Chances, World
from tests.told import Told

HISTORIES = 120  # of each kind; a kind is a parameter below
CALM = Chances(failure=0, refusal=0, cancel=0, pause=0, crash=0.1, duplicate=0)
WILD = Chances(failure=0.4, refusal=0.1, cancel=0.01, pause=0.2, crash=0.1, duplicate=0.2)


def lived(world: World, ticks: int) -> World:
    """`world` after a history of anything, settled, and then some of what comes late; a fork of it likewise."""
    world.start()
    forks = []
    for part in range(2):
        world.live(ticks // 2)
        if world.state.result is None and world.rng.random() < 0.2:
            forks.append(world.fork(world.rng.getrandbits(32) + part))
    for fork in forks:
        fork.live(ticks // 2)
    for run in [world, *forks]:
        ended_for_good(run)
    return world


def ended_for_good(world: World) -> None:
    world.settle()
    ended = world.state
    for happen in (world.crash, world.repeat, world.stray, world.repeat, world.step):
        happen()
    assert (world.state.result, world.state.reason) == (ended.result, ended.reason)
    assert sum(isinstance(change, EndRun) for change in world.changes) == 1
    assert "standstill" not in ended.reason


# any graph, any history


@pytest.mark.parametrize("part", range(6))
def test_every_history_of_every_graph_keeps_the_promises_and_ends(part: int) -> None:
    for seed in range(part * HISTORIES, (part + 1) * HISTORIES):
        lived(World(random_graph(random.Random(seed)), seed), ticks=25)


@pytest.mark.parametrize("part", range(2))
def test_wild_histories_keep_the_promises_and_end(part: int) -> None:
    for seed in range(10_000 + part * HISTORIES, 10_000 + (part + 1) * HISTORIES):
        lived(World(random_graph(random.Random(seed)), seed, chances=WILD), ticks=40)


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_every_history_of_a_shipped_graph_keeps_the_promises_and_ends(name: str) -> None:
    for seed in range(HISTORIES // 3):
        lived(World(SHIPPED[name], seed), ticks=40)
        lived(World(SHIPPED[name], seed, chances=WILD), ticks=40)
        lived(World(SHIPPED[name], seed, chances=CALM), ticks=40)


@pytest.mark.parametrize("part", range(2))
def test_no_history_passes_a_limit_by_more_than_the_calls_in_flight(part: int) -> None:
    for seed in range(20_000 + part * HISTORIES, 20_000 + (part + 1) * HISTORIES):
        rng = random.Random(seed)
        limits = Limits(
            calls=rng.choice([0, 1, 3, None]), money=rng.choice([0, 10, None]), seconds=rng.choice([0.5, 9, None])
        )
        lived(World(random_graph(rng), seed, limits=limits), ticks=20)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(agent_graphs(), st.integers(0, 2**32), st.integers(0, 40))
def test_hypothesis_finds_no_history_that_breaks_a_promise(graph: AgentGraph, seed: int, ticks: int) -> None:
    lived(World(graph, seed), ticks)


@settings(max_examples=100, deadline=None)
@given(agent_graphs())
def test_a_graph_is_the_same_after_a_trip_through_json(graph: AgentGraph) -> None:
    assert AgentGraph.model_validate_json(graph.model_dump_json()) == graph


def test_the_simulator_meets_every_kind_of_change_wait_and_end() -> None:
    changes: set[str] = set()
    waits: set[str] = set()
    results: set[str | None] = set()
    for seed in range(200):
        world = World(random_graph(random.Random(seed)), seed)
        world.start()
        for _ in range(25):
            world.step()
            waits |= {active.wait for active in world.state.active}
        world.settle()
        changes |= {change.change for change in world.changes}
        results.add(world.state.result)
    assert waits == {"effect", "signal", "answer", "child", "timer", "held"}
    assert results == {"succeeded", "partial", "failed", "cancelled"}
    assert changes == {
        "move_task",
        "open_inbox",
        "publish_staged",
        "send_message",
        "set_timer",
        "signal_children",
        "start_child",
        "end_run",
        "withdraw_inbox",
    }


# told by hand


END = ExitNode(id="end")
ONE = AgentGraph(name="one@1", start="work", nodes=(AgentNode(id="work", handler="work@1", next="end"), END))
PASSED = Condition(path="work.passed")


def looping(limit: int, watch: str | None = None) -> AgentGraph:
    loop = LoopNode(id="loop", back_to="work", until=PASSED, limit=limit, watch=watch, next="end", exhausted="worn")
    return AgentGraph(
        name="loop@1",
        start="work",
        nodes=(AgentNode(id="work", handler="work@1", next="loop"), loop, END, ExitNode(id="worn", result="partial")),
    )


def watching(start: str = "watch") -> AgentGraph:
    return AgentGraph(
        name="watch@1", start=start, nodes=(SuperviseNode(id="watch", handler="watch@1", next="end"), END)
    )


def test_the_first_tick_emits_the_effect_of_the_first_node() -> None:
    run = Told(ONE)
    assert [(effect.id, effect.node, effect.handler) for effect in run.effects] == [("1/1", "work", "work@1")]
    assert run.state.phase == "running"


def test_what_an_effect_wants_changed_is_changed_with_its_tick_and_only_once() -> None:
    change = MoveTask(task_id="tsk_1", to="ready")
    run, tick = Told(ONE), EffectDone(at=START, effect="1/1", changes=(change,))
    assert run.tell(tick).changes == (change, EndRun(result="succeeded"))
    assert run.tell(tick).changes == ()


def test_a_failure_that_may_pass_is_tried_again_later_under_a_new_id() -> None:
    run = Told(ONE).failed(passing=True)
    assert run.changes == (SetTimer(at=START + timedelta(seconds=5), ref="1/1"),)
    assert (run.effects, run.state.phase) == ((), "waiting")
    assert [effect.id for effect in run.signal("timer", ref="1/1").effects] == ["3/1"]
    assert run.failed(passing=True).state.result == "failed"


def test_a_failure_that_does_not_pass_is_not_tried_again() -> None:
    run = Told(ONE).failed()
    assert (run.state.result, run.state.reason) == ("failed", "It is down.")


def test_a_failure_leads_where_the_graph_says() -> None:
    graph = AgentGraph(
        name="f@1",
        start="work",
        nodes=(
            AgentNode(id="work", handler="work@1", next="end", on_failure="sad", retries=0),
            END,
            ExitNode(id="sad", result="partial", reason_from="work.reason"),
        ),
    )
    run = Told(graph).failed(passing=True)
    assert (run.state.result, run.state.reason) == ("partial", "It is down.")


def test_a_refused_change_fails_the_node_that_wanted_it() -> None:
    run = Told(ONE).tell(ChangeRefused(at=START, effect="1/1", reason="It is locked.", usage=Usage(calls=1)))
    assert (run.state.result, run.state.reason, run.state.usage.calls) == ("failed", "It is locked.", 1)


def test_a_refused_change_of_the_reducer_itself_fails_the_run() -> None:
    run = Told(ONE).tell(ChangeRefused(at=START, effect=None, reason="It is locked."))
    assert run.changes == (
        SignalChildren(name="cancel"),
        WithdrawInbox(),
        EndRun(result="failed", reason="It is locked."),
    )


def test_a_loop_goes_round_until_its_condition_holds() -> None:
    run = Told(looping(limit=3)).done(passed=False)
    assert run.nodes == ["work"]
    assert run.done(passed=True).state.result == "succeeded"


@pytest.mark.parametrize("limit", [0, 1, 4])
def test_a_loop_goes_round_at_most_as_often_as_its_limit(limit: int) -> None:
    run = Told(looping(limit))
    for _ in range(limit):
        assert run.done(passed=False).nodes == ["work"]
    assert run.done(passed=False).state.result == "partial"


def test_a_loop_stops_once_what_it_watches_no_longer_changes() -> None:
    run = Told(looping(limit=9, watch="work.digest"))
    assert run.done(digest="a").nodes == run.done(digest="b").nodes == ["work"]
    assert run.done(digest="b").state.result == "partial"


def test_a_loop_goes_round_a_first_time_even_if_what_it_watches_is_not_there() -> None:
    run = Told(looping(limit=9, watch="work.digest"))
    assert run.done().nodes == ["work"]
    assert run.done().state.result == "partial"


def test_a_loop_that_is_entered_anew_counts_from_the_start() -> None:
    inner = LoopNode(id="inner", back_to="work", until=PASSED, limit=1, next="outer", exhausted="outer")
    outer = LoopNode(id="outer", back_to="work", until=PASSED, limit=1, next="end", exhausted="end")
    graph = AgentGraph(
        name="nest@1", start="work", nodes=(AgentNode(id="work", handler="work@1", next="inner"), inner, outer, END)
    )
    run = Told(graph)
    for _ in range(3):
        assert run.done().nodes == ["work"]
    assert run.done().state.result == "succeeded"


def test_a_loop_over_nodes_that_need_nobody_goes_round_thousands_of_times_in_one_tick() -> None:
    never = Condition(path="inputs.never")
    ask = HumanNode(id="ask", kind="approval", title="Really?", when=never, next="inner")
    inner = LoopNode(id="inner", back_to="ask", until=never, limit=50, next="outer", exhausted="outer")
    outer = LoopNode(id="outer", back_to="ask", until=never, limit=50, next="end", exhausted="end")
    assert Told(AgentGraph(name="g@1", start="ask", nodes=(ask, inner, outer, END))).state.result == "succeeded"


def test_a_person_is_asked_and_the_run_waits() -> None:
    run = Told(SHIPPED["work@1"], title="Paint it", brief="Blue, please.", task_id="tsk_1", for_user="usr_1")
    (item,) = run.changes
    assert isinstance(item, OpenInbox)
    assert kind_of(item.item_id) == "inbox"
    assert (item.title, item.detail, item.task_id, item.for_user) == ("Paint it", "Blue, please.", "tsk_1", "usr_1")
    assert run.state.phase == "waiting"
    assert run.signal("answered", item_id="inb_other", answer={"action": "hand_in"}).nodes == []
    assert run.signal("answered", item_id=item.item_id, answer={"action": "hand_in"}).nodes == ["draft"]
    assert run.signal("answered", item_id=item.item_id, answer={"action": "hand_in"}).nodes == []


def test_a_person_is_not_asked_where_the_condition_does_not_hold() -> None:
    run = Told(SHIPPED["project@1"]).done(ask=False)
    assert (run.nodes, run.changes) == (["schedule"], ())
    assert run.state.look_up("approve.action") == "skipped"


def test_a_plan_that_is_rejected_is_made_again_three_times_at_most() -> None:
    run = Told(SHIPPED["project@1"])
    for round in range(4):
        run.done(ask=True)
        run.signal("answered", item_id=run.ref, answer={"action": "reject", "hint": "smaller"})
        assert run.nodes == ([] if round == 3 else ["plan"])
    assert (run.state.result, run.state.reason) == ("cancelled", "smaller")


def test_a_child_is_started_with_what_its_inputs_lead_to_and_moves_its_parent_on() -> None:
    run = Told(SHIPPED["task@1"], task_id="tsk_1").done(version_id="v1", digest="d1")
    (child,) = run.changes
    assert isinstance(child, StartChild)
    assert (child.graph, child.inputs) == ("qa@1", {"version_id": "v1", "task_id": "tsk_1"})
    assert run.signal("child_ended", run_id="run_other", result="succeeded", passed=True).state.result is None
    run.signal("child_ended", run_id=child.run_id, result="succeeded", passed=True)
    published, end = run.changes
    assert published == PublishStaged(run_id="run_1")
    assert end == EndRun(result="succeeded", output={"version_id": "v1"})


def test_a_child_that_does_not_succeed_fails_the_node_that_waits_for_it() -> None:
    run = Told(SHIPPED["task@1"]).done()
    run.signal("child_ended", run_id=run.ref, result="failed", reason="No model answers.")
    assert (run.state.result, run.state.reason) == ("failed", "No model answers.")


def test_a_supervising_node_is_asked_again_at_every_signal_until_it_is_done() -> None:
    run = Told(watching())
    for name in ("poke", "child_ended", "plan_changed", "answered"):
        run.done(done=False)
        assert run.state.phase == "running"
        assert run.signal(name).nodes == ["watch"]
    assert run.done(done=True).state.result == "succeeded"


def test_a_signal_that_comes_while_a_supervising_rule_is_asked_is_not_lost() -> None:
    run = Told(watching()).signal("poke")
    assert run.effects == ()
    assert run.done(done=False).nodes == ["watch"]
    assert run.done(done=False).nodes == []


def test_a_run_whose_rest_waits_for_people_is_waiting() -> None:
    assert Told(watching()).done(done=False, waiting=True).state.phase == "waiting"


def test_what_a_supervising_node_started_does_not_outlive_its_failure() -> None:
    run = Told(watching()).failed()
    assert run.changes == (
        SignalChildren(name="cancel"),
        WithdrawInbox(),
        EndRun(result="failed", reason="It is down."),
    )


def test_a_paused_run_starts_nothing_until_it_is_resumed() -> None:
    run = Told(looping(limit=3)).signal("pause")
    assert (run.changes, run.state.phase) == ((SignalChildren(name="pause"),), "paused")
    assert run.done(passed=False).effects == ()
    assert run.signal("poke").effects == ()
    run.signal("resume")
    assert (run.changes, run.nodes) == ((SignalChildren(name="resume"),), ["work"])


def test_a_retry_that_falls_due_in_a_pause_still_counts() -> None:
    run = Told(ONE).failed(passing=True).signal("pause").signal("timer", ref="1/1")
    assert run.effects == ()
    assert run.signal("resume").nodes == ["work"]
    assert run.failed(passing=True).state.result == "failed"


def test_resuming_a_run_that_is_not_paused_does_nothing() -> None:
    before = Told(ONE)
    after = Told(ONE).signal("resume")
    assert (after.changes, after.effects, after.state.active) == ((), (), before.state.active)


def test_cancelling_ends_the_run_cancels_its_children_and_withdraws_what_it_asks() -> None:
    run = Told(SHIPPED["work@1"]).signal("cancel", reason="Not needed.")
    end = EndRun(result="cancelled", reason="Not needed.")
    assert run.changes == (SignalChildren(name="cancel"), WithdrawInbox(), end)
    assert run.signal("cancel").changes == ()


@pytest.mark.parametrize("limits", [Limits(calls=2), Limits(calls=None, money=2), Limits(calls=None, seconds=2.0)])
def test_an_agent_does_not_begin_once_a_limit_is_used_up(limits: Limits) -> None:
    run = Told(looping(limit=3), limits)
    usage = Usage(calls=2, money=2, seconds=2)
    run.tell(EffectDone(at=START, effect="1/1", usage=usage))
    assert (run.effects, run.state.result) == ((), "failed")
    assert "is used up (2); raise it and retry" in run.state.reason


def test_a_check_begins_even_when_the_calls_are_used_up() -> None:
    graph = AgentGraph(name="c@1", start="look", nodes=(CheckNode(id="look", handler="look@1", next="end"), END))
    assert Told(graph, Limits(calls=0)).nodes == ["look"]


def test_an_exit_without_a_result_to_read_fails_and_publishes_nothing() -> None:
    graph = AgentGraph(name="e@1", start="end", nodes=(ExitNode(id="end", result_from="inputs.result"),))
    assert Told(graph, result="nonsense").state.result == "failed"
    assert Told(graph, result="partial").changes == (EndRun(result="partial"),)


@pytest.mark.parametrize("exit", [{"result": "failed"}, {"result": "partial"}, {"result_from": "inputs.result"}])
def test_only_an_exit_that_always_succeeds_may_publish(exit: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="only an exit that always succeeds may publish"):
        ExitNode.model_validate({"id": "end", "publish": True, **exit})


def test_a_run_that_ended_does_not_count_what_comes_late() -> None:
    run = Told(ONE).signal("cancel")
    late = run.tell(EffectDone(at=START, effect="1/1", usage=Usage(calls=3)))
    assert (late.state.usage.calls, late.changes, late.effects) == (0, (), ())


def test_an_effect_that_was_under_way_is_issued_again_as_it_was() -> None:
    run = Told(ONE, Limits(calls=7))
    again = STATES.validate_json(STATES.dump_json(run.state, exclude_defaults=True))
    assert again == run.state
    assert effect_of(ONE, again, again.active[0]) == run.effects[0]


def test_ids_made_in_a_run_differ_by_seed_and_are_the_same_when_it_is_told_again() -> None:
    def item(seed: str) -> str:
        _, changes, _ = reduce(SHIPPED["work@1"], RunState(run_id="run_1"), Started(at=START, seed=seed))
        assert isinstance(changes[0], OpenInbox)
        return changes[0].item_id

    assert item("aa" * 32) == item("aa" * 32) != item("bb" * 32)


# what no graph can be


def agent(id: str, next: str) -> AgentNode:
    return AgentNode(id=id, handler="work@1", next=next)


@pytest.mark.parametrize(
    ("start", "nodes", "fault"),
    [
        ("a", (agent("a", "end"), agent("a", "end"), END), "two nodes have the same id"),
        ("b", (agent("a", "end"), END), "there is no node 'b'"),
        ("a", (agent("a", "b"), END), "there is no node 'b'"),
        ("a", (agent("a", "a"),), "the graph has no exit"),
        ("a", (agent("a", "b"), agent("b", "a"), END), "a cycle without a loop node"),
        ("a", (ChildNode(id="a", graph="x@1", next="end", on_failure="a"), END), "a cycle without a loop node"),
    ],
)
def test_a_graph_that_may_not_end_cannot_be_built(
    start: str, nodes: tuple[AgentNode | ChildNode | ExitNode, ...], fault: str
) -> None:
    with pytest.raises(ValidationError, match=fault):
        AgentGraph(name="bad@1", start=start, nodes=nodes)
