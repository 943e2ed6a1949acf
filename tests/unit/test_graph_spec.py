"""How graphs are written, and what is told to whoever wrote one wrong."""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from pydantic import ValidationError

from domain.agent_graph import AS_WRITTEN, AgentGraph, ChildNode, FanOutNode
from tests.random_graphs import agent_graphs
from tests.told import Told, graph

END = {"type": "exit"}
PASS = {"path": "inputs.ok"}


def refused(data: dict[str, Any], context: dict[str, bool] | None = None) -> str:
    """The places and words of all faults."""
    with pytest.raises(ValidationError) as error:
        AgentGraph.model_validate(data, context=context)
    found = [(".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.value.errors()]
    return "\n".join(": ".join(filter(None, fault)).replace("Value error, ", "") for fault in found)


def faults(start: str = "x", inputs: dict[str, Any] | None = None, **nodes: dict[str, Any]) -> str:
    return refused({"name": "bad@1", "start": start, "inputs": inputs, "nodes": {"end": END, **nodes}})


# how graphs are written


def test_nodes_are_written_by_id_and_stored_as_a_list() -> None:
    written = graph("x", x={"type": "agent"})
    assert [node.id for node in written.nodes] == ["end", "x"]
    stored = json.loads(written.model_dump_json())
    assert isinstance(stored["nodes"], list)
    assert AgentGraph.model_validate(stored) == written


@settings(max_examples=60, deadline=None)
@given(agent_graphs())
def test_a_graph_that_is_written_by_id_is_the_graph_that_is_written_as_a_list(listed: AgentGraph) -> None:
    data = listed.model_dump(mode="json")
    by_id = data | {"nodes": {node["id"]: {k: v for k, v in node.items() if k != "id"} for node in data["nodes"]}}
    assert AgentGraph.model_validate(by_id) == AgentGraph.model_validate_json(json.dumps(by_id)) == listed


def test_graphs_that_were_stored_before_there_were_workflows_are_still_read() -> None:
    old = {
        "name": "task@1",
        "start": "draft",
        "nodes": [
            {"type": "agent", "id": "draft", "handler": "draft@1", "next": "qa", "on_failure": None, "retries": 1,
             "retry_after": 5.0},
            {"type": "child", "id": "qa", "graph": "qa@1", "inputs": {"version_id": "draft.version_id"},
             "next": "revise", "on_failure": None},
            {"type": "loop", "id": "revise", "back_to": "draft", "limit": 2, "watch": "draft.digest", "next": "ask",
             "until": {"path": "qa.passed", "op": "eq", "value": True}, "exhausted": "done"},
            {"type": "human", "id": "ask", "kind": "approval", "title": "Is it good?", "detail": "", "title_from": None,
             "detail_from": None, "findings_from": None, "when": {"path": "qa.ask", "op": "ne", "value": None},
             "next": "watch"},
            {"type": "supervise", "id": "watch", "handler": "schedule@1", "next": "look"},
            {"type": "check", "id": "look", "handler": "look@1", "next": "done", "on_failure": None},
            {"type": "exit", "id": "done", "result": "succeeded", "result_from": None, "reason_from": None,
             "publish": True, "output": {}},
        ],
    }  # fmt: skip
    graph = AgentGraph.model_validate_json(json.dumps(old))
    child = graph.node("qa")
    assert isinstance(child, ChildNode) and child.graph == "qa@1"
    assert AgentGraph.model_validate_json(graph.model_dump_json()) == graph
    assert Told(graph).nodes == ["draft"]


def test_what_a_fan_out_does_needs_neither_an_id_nor_a_place_to_go() -> None:
    node = graph("x", x={"type": "fan_out", "copies": 2, "do": {"type": "model", "prompt": "Hi {{ index }}"}}).node("x")
    assert isinstance(node, FanOutNode)
    assert (node.do.id, node.do.next) == ("x", "end")


def test_a_loop_cannot_lead_on_to_where_it_goes_back() -> None:
    loop = {"type": "loop", "back_to": "x", "until": PASS, "limit": 1, "next": "x", "exhausted": "end"}
    told = faults(x={"type": "agent", "next": "l"}, l=loop)
    assert "a cycle without a loop node: " in told and "x → l" in told


# what is told to whoever wrote one wrong


@pytest.mark.parametrize(
    ("node", "fault"),
    [
        ({"type": "agent"}, "nodes.x.next: Field required"),
        ({"type": "agent", "next": "nowhere"}, "nodes.x.next: there is no node 'nowhere'"),
        ({"type": "agent", "next": "end", "on_failure": "y"}, "nodes.x.on_failure: there is no node 'y'"),
        ({"type": "agent", "next": "end", "retries": 9}, "nodes.x.retries: Input should be less than or equal to 5"),
        ({"type": "agent", "next": "end", "timeout": 0}, "nodes.x.timeout: Input should be greater than 0"),
        ({"type": "agent", "next": "end", "nxt": "end"}, "nodes.x.nxt: Extra inputs are not permitted"),
        ({"type": "model", "next": "end", "prompt": "Hi {{ nobody"}, "nodes.x.prompt: '{{ nobody' is no reference"),
        ({"type": "model", "next": "end", "prompt": "{{ item }}"}, "nodes.x.prompt: 'item' exists only inside"),
        ({"type": "tool", "next": "end", "tool": "a", "arguments": {"q": ["{{ nobody.x }}"]}},
         "nodes.x.arguments: 'nobody.x' refers to a node that does not exist"),
        ({"type": "tool", "next": "end", "tool": "a", "arguments": {"q": "{{ inputs.no }}"}},
         "nodes.x.arguments: there is no input 'no'; declared are: ok"),
        ({"type": "transform", "next": "end", "function": "count"}, "nodes.x.function: String should match"),
        ({"type": "gate", "next": "end", "otherwise": "end"}, "nodes.x: a gate needs either `when` or `judge`"),
        ({"type": "gate", "next": "end", "otherwise": "end", "when": PASS, "judge": "Is it?"},
         "nodes.x: a gate needs either `when` or `judge`"),
        ({"type": "gate", "next": "end", "otherwise": "y", "when": PASS}, "nodes.x.otherwise: there is no node 'y'"),
        ({"type": "gate", "next": "end", "otherwise": "end", "when": {"all": [PASS, {"not": {"path": "inputs.no"}}]}},
         "nodes.x.when: there is no input 'no'"),
        ({"type": "gate", "next": "end", "otherwise": "end", "when": {"any": [{"not": {"pth": "x"}}]}},
         "nodes.x.when.any.0.not.path: Field required"),
        ({"type": "gate", "next": "end", "otherwise": "end", "when": PASS | {"value": "{{ nobody.x }}"}},
         "nodes.x.when: 'nobody.x' refers to a node that does not exist"),
        ({"type": "gate", "next": "end", "otherwise": "end", "when": {"not": PASS | {"value": ["{{ 1 + 1 }}"]}}},
         "nodes.x.when: '{{ 1 + 1 }}' is no reference"),
        ({"type": "router", "labels": {"a": "end"}}, "nodes.x: a router needs either `by` or `ask`"),
        ({"type": "router", "by": "inputs.ok", "labels": {}}, "nodes.x.labels: Dictionary should have at least 1 item"),
        ({"type": "router", "by": "inputs.ok", "labels": {"yes": "y"}}, "nodes.x.labels.yes: there is no node 'y'"),
        ({"type": "router", "by": "inputs.ok", "labels": {"yes": "end"}, "many": True},
         "nodes.x: `many` and `join` belong together"),
        ({"type": "router", "by": "inputs.ok", "labels": {"yes": "end"}, "join": "end"},
         "nodes.x: `many` and `join` belong together"),
        ({"type": "router", "by": "inputs.ok", "labels": {"yes": "end"}, "many": True, "join": "end"},
         "nodes.x.join: 'end' is not a join"),
        ({"type": "router", "by": "inputs.ok", "labels": {"yes": "end"}, "many": True, "join": "met"},
         "nodes.x.labels.yes: 'end' never reaches the join 'met'"),
        ({"type": "loop", "back_to": "y", "until": PASS, "limit": 1, "next": "end", "exhausted": "end"},
         "nodes.x.back_to: there is no node 'y'"),
        ({"type": "loop", "back_to": "x", "until": PASS, "limit": 101, "next": "end", "exhausted": "end"},
         "nodes.x.limit: Input should be less than or equal to 100"),
        ({"type": "wait", "next": "end"}, "nodes.x.seconds: Field required"),
        ({"type": "human", "next": "end", "title": "?", "on_reject": "y"}, "nodes.x.on_reject: there is no node 'y'"),
        ({"type": "human", "next": "end", "title": "?", "kind": "form"}, "nodes.x: `kind: form` and `form`"),
        ({"type": "human", "next": "end", "title": "{{ x y }}"}, "nodes.x.title: '{{ x y }}' is no reference"),
        ({"type": "fan_out", "next": "end", "do": {"type": "agent"}}, "nodes.x: a fan-out needs either `over` or"),
        ({"type": "fan_out", "next": "end", "copies": 21, "do": {"type": "agent"}}, "nodes.x.copies: Input should be"),
        ({"type": "fan_out", "next": "end", "over": "item.a", "do": {"type": "agent"}},
         "nodes.x.over: 'item' exists only inside a fan_out"),
        ({"type": "fan_out", "next": "end", "copies": 2, "do": {"type": "model"}}, "nodes.x.do.prompt: Field required"),
        ({"type": "fan_out", "next": "end", "copies": 2, "do": {"type": "wait"}}, "nodes.x.do: Input tag 'wait'"),
        ({"type": "fan_out", "next": "end", "copies": 2, "do": {"type": "agent", "on_failure": "end"}},
         "nodes.x: `on_failure` belongs to the fan-out, not to what it does"),
        ({"type": "fan_out", "next": "end", "copies": 2, "do": {"type": "agent", "task": "{{ inputs.no }}"}},
         "nodes.x.do: there is no input 'no'; declared are: ok"),
        ({"type": "workflow", "next": "end"}, "nodes.x.graph: Field required"),
        ({"type": "delegate", "next": "end", "task": "Read."}, "nodes.x.agent: Field required"),
        ({"type": "exit", "publish": True, "result": "partial"}, "nodes.x: only an exit that always succeeds may"),
        ({"type": "nonsense"}, "nodes.x: Input tag 'nonsense' found using 'type' does not match"),
        ({"next": "end"}, "nodes.x: Unable to extract tag"),
    ],
)  # fmt: skip
def test_every_fault_names_its_place(node: dict[str, Any], fault: str) -> None:
    met = {"type": "join", "next": "end"}
    told = faults(inputs={"ok": {}}, x=node, met=met)
    assert any(line.startswith(fault) for line in told.splitlines()), told


def test_all_faults_are_told_at_once() -> None:
    told = faults(x={"type": "agent"}, y={"type": "wait", "next": "end"})
    assert told == "nodes.x.next: Field required\nnodes.y.seconds: Field required"


def test_all_faults_of_the_whole_graph_are_told_at_once_each_at_its_place() -> None:
    told = faults(
        start="begin",
        inputs={"ok": {}},
        item={"type": "model", "prompt": "{{ nobody.x }} {{ inputs.no }} {{ item }} {{ 1 + 1 }}", "next": "nowhere"},
        one={"type": "agent", "next": "two", "on_failure": "lost"},
        two={"type": "agent", "next": "one"},
        three={"type": "tool", "tool": "look", "arguments": {"a": "{{ x y }}", "b": ["{{ 2 }}"]}, "next": "four"},
        four={"type": "agent", "next": "three"},
        way={"type": "router", "by": "inputs.ok", "labels": {"In part": "end"}, "many": True, "join": "end"},
    )
    assert told.splitlines() == [
        "nodes.item: a node cannot be called that; the name is taken",
        "start: there is no node 'begin'",
        "nodes.item.next: there is no node 'nowhere'",
        "nodes.one.on_failure: there is no node 'lost'",
        "nodes.item.prompt: 'nobody.x' refers to a node that does not exist",
        "nodes.item.prompt: there is no input 'no'; declared are: ok",
        "nodes.item.prompt: 'item' exists only inside a fan_out",
        "nodes.item.prompt: '{{ 1 + 1 }}' is no reference; write one like {{ nodes.draft.text }}",
        "nodes.three.arguments: '{{ x y }}' is no reference; write one like {{ nodes.draft.text }}",
        "nodes.three.arguments: '{{ 2 }}' is no reference; write one like {{ nodes.draft.text }}",
        "nodes.one: a cycle without a loop node: one → two → one",
        "nodes.three: a cycle without a loop node: three → four → three",
        "nodes.way.join: 'end' is not a join",
    ]


def test_the_same_fault_in_one_field_is_told_once() -> None:
    told = faults(inputs={}, x={"type": "model", "prompt": "{{ a.x }} {{ a.x }} {{ a.y }}", "next": "end"})
    assert told.splitlines() == [
        f"nodes.x.prompt: '{path}' refers to a node that does not exist" for path in ("a.x", "a.y")
    ]


# what has no effect: told to whoever writes it, and still read where it was stored

IDLE = [
    ({"x": {"type": "agent", "next": "end"}, "y": {"type": "agent", "next": "end"}}, "nodes.y: nothing leads here"),
    (
        {"x": {"type": "fan_out", "copies": 3, "least": 2, "join": "first", "do": {"type": "agent"}, "next": "end"}},
        "nodes.x.least: `least` means something beside `join: all` only; leave it out, or join all",
    ),
    (
        {"x": {"type": "fan_out", "copies": 2, "least": 3, "do": {"type": "agent"}, "next": "end"}},
        "nodes.x.least: of 2 copies at least 3 can never succeed",
    ),
    (
        {
            "x": {"type": "model", "prompt": "After {{ nodes.y.text }}", "next": "y"},
            "y": {"type": "agent", "next": "end"},
        },
        "nodes.x.prompt: 'nodes.y.text' refers to what only comes later",
    ),
    (
        {"x": {"type": "model", "prompt": "{{ x.text }}", "next": "end"}},
        "nodes.x.prompt: 'x.text' refers to the node itself, which gives it only afterwards",
    ),
]


def test_what_is_done_again_may_refer_to_what_came_after_it_before() -> None:
    again = {
        "type": "loop",
        "back_to": "x",
        "until": {"path": "y.passed"},
        "limit": 3,
        "next": "end",
        "exhausted": "end",
    }
    nodes = {
        "x": {"type": "model", "prompt": "{{ nodes.y.reason }} {{ nodes.x.text }}", "next": "y"},
        "y": {"type": "gate", "judge": "It is good", "next": "end", "otherwise": "z"},
        "z": again,
        "end": END,
    }
    written = AgentGraph.model_validate({"name": "good@1", "start": "x", "nodes": nodes}, context=AS_WRITTEN)
    assert len(written.nodes) == 4


@pytest.mark.parametrize("nodes, fault", IDLE)
def test_what_has_no_effect_is_a_fault_in_what_is_written_now(nodes: dict[str, Any], fault: str) -> None:
    data = {"name": "bad@1", "start": "x", "inputs": {}, "nodes": {"end": END, **nodes}}
    assert refused(data, AS_WRITTEN).splitlines() == [fault]
    stored = AgentGraph.model_validate(data).model_dump_json()
    assert AgentGraph.model_validate_json(stored).name == "bad@1"


def test_what_an_unknown_node_leaves_out_of_reach_is_not_told_again() -> None:
    nodes = {"x": {"type": "agent", "next": "wy"}, "y": {"type": "agent", "next": "end"}, "end": END}
    told = refused({"name": "bad@1", "start": "x", "nodes": nodes}, AS_WRITTEN)
    assert told == "nodes.x.next: there is no node 'wy'"


def test_what_only_a_loop_goes_back_to_is_reached() -> None:
    loop = {"type": "loop", "back_to": "y", "until": PASS, "limit": 1, "next": "end", "exhausted": "end"}
    nodes = {"l": loop, "y": {"type": "agent", "next": "l"}, "end": END}
    assert AgentGraph.model_validate({"name": "good@1", "start": "l", "nodes": nodes}, context=AS_WRITTEN)


def test_a_value_that_json_does_not_know_is_a_fault_with_a_place() -> None:
    node = {"type": "tool", "tool": "look", "next": "end", "arguments": {"since": [date(2026, 1, 1)]}}
    assert faults(x=node).startswith("nodes.x.arguments.since")


def test_faults_are_told_by_id_in_a_list_too_and_by_number_where_there_is_no_id() -> None:
    told = refused({"name": "bad@1", "start": "x", "nodes": [{"type": "agent", "id": "x"}, {"type": "wait"}, 3]})
    assert "nodes.x.next: Field required" in told
    assert "nodes.1.seconds: Field required" in told
    assert "nodes.2: " in told


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ({"nodes": {"end": END}, "start": "x"}, "start: there is no node 'x'"),
        ({"nodes": {}, "start": "x"}, "nodes: Tuple should have at least 1 item"),
        ({"nodes": {"item": END}, "start": "item"}, "nodes.item: a node cannot be called that"),
        ({"nodes": {"No!": END}, "start": "end"}, "nodes.No!.id: String should match"),
        ({"nodes": [END | {"id": "x"}, END | {"id": "x"}], "start": "x"}, "nodes.x: two nodes have the same id"),
        ({"nodes": {"x": {"type": "agent", "next": "x"}}, "start": "x"}, "nodes: the graph has no exit"),
        ({"nodes": {"x": {"type": "agent", "next": "x"}, "end": END}, "start": "x"}, "nodes.x: a cycle without a loop"),
        ({"nodes": 3, "start": "x"}, "nodes: Input should be a valid tuple"),
    ],
)
def test_faults_of_the_whole_graph_name_their_place(data: dict[str, Any], fault: str) -> None:
    told = refused({"name": "bad@1", **data})
    assert any(line.startswith(fault) for line in told.splitlines()), told


@pytest.mark.parametrize("depth", [30, 50, 1_000])
def test_a_graph_is_nested_no_deeper_than_it_can_be_stored(depth: int) -> None:
    tree: dict[str, Any] = PASS
    for _ in range(depth):
        tree = {"not": tree}
    node = {"type": "gate", "when": tree, "next": "end", "otherwise": "end"}
    if depth > 40:
        assert "nodes.x.when" in faults(x=node)
    else:
        deep = graph("x", x=node)
        assert AgentGraph.model_validate_json(deep.model_dump_json()) == deep
