"""How often a run enters the nodes of its graph: on the cheapest way through it, and on the dearest."""

from typing import Any

from domain.agent_graph import AgentGraph, ModelNode
from domain.agent_graph.extent import least, most
from domain.agent_graph.nodes import Node


def graph(*nodes: dict[str, Any], start: str = "a") -> AgentGraph:
    return AgentGraph.model_validate({"name": "way@1", "title": "A way", "start": start, "nodes": list(nodes)})


def asks(id: str, next: str, **more: Any) -> dict[str, Any]:
    return {"type": "model", "id": id, "prompt": "Say something.", "next": next, **more}


def loop(id: str, back_to: str, limit: int, next: str) -> dict[str, Any]:
    fixed = {"type": "loop", "until": {"path": "a.text"}, "next": next, "exhausted": next}
    return {**fixed, "id": id, "back_to": back_to, "limit": limit}


END: dict[str, Any] = {"type": "exit", "id": "end"}


def calls(node: Node) -> int:
    return int(isinstance(node, ModelNode))


def asked(graph: AgentGraph) -> tuple[int, int]:
    low, high = least(graph, calls), most(graph, calls)
    return tuple(sum(calls(node) * found[node.id] for node in graph.nodes) for found in (low, high))  # type: ignore[return-value]


def test_what_stands_in_a_row_is_entered_once() -> None:
    assert asked(graph(asks("a", "b"), asks("b", "end"), END)) == (2, 2)


def test_a_loop_goes_round_never_or_as_often_as_it_may() -> None:
    until = {"path": "a.text"}
    loop = {
        "type": "loop",
        "id": "again",
        "back_to": "a",
        "until": until,
        "limit": 3,
        "next": "end",
        "exhausted": "end",
    }
    assert asked(graph(asks("a", "b"), asks("b", "again"), loop, END)) == (2, 8)


def test_a_loop_in_a_loop_multiplies() -> None:
    inner, outer = loop("in", "b", 1, "out"), loop("out", "a", 2, "end")
    assert asked(graph(asks("a", "b"), asks("b", "in"), inner, outer, END)) == (2, 3 + 6)


def test_of_the_ways_of_a_gate_one_is_gone() -> None:
    gate = {"type": "gate", "id": "g", "when": {"path": "a.text"}, "next": "end", "otherwise": "b"}
    assert asked(graph(asks("a", "g"), gate, asks("b", "c"), asks("c", "end"), END)) == (1, 3)


def test_a_router_may_take_all_its_branches_and_what_is_behind_their_join_once() -> None:
    labels = {"x": "b", "y": "c"}
    router = {"type": "router", "id": "r", "by": "a.text", "labels": labels, "many": True, "join": "meet"}
    nodes = (asks("a", "r"), router, asks("b", "meet"), asks("c", "meet"))
    meet = {"type": "join", "id": "meet", "next": "d"}
    assert asked(graph(*nodes, meet, asks("d", "end"), END)) == (3, 4)


def test_what_is_done_when_something_fails_counts_only_on_the_dearest_way() -> None:
    assert asked(graph(asks("a", "end", on_failure="b"), asks("b", "end"), END)) == (1, 2)
