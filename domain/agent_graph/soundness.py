"""What makes a graph sound: rules over the whole of it. Each yields what breaks it, with its place."""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from domain.agent_graph.nodes import DEPTH, ExitNode, FanOutNode, JoinNode, RouterNode, fields_of, fields_to, paths_at
from domain.agent_graph.places import Place
from domain.agent_graph.references import deeper_than, misread_in

if TYPE_CHECKING:
    from domain.agent_graph.spec import AgentGraph

Flaw = tuple[Place, str]
RESERVED = frozenset({"inputs", "nodes", "item", "index", "run"})


def unsound(graph: "AgentGraph") -> Iterator[Flaw]:
    """What keeps a graph from being run."""
    for rule in (_names, _targets, _references, _exits, _cycles, _joins):
        yield from rule(graph)


def idle(graph: "AgentGraph") -> Iterator[Flaw]:
    """What has no effect. Told to whoever writes it; a graph that was stored may hold it."""
    for rule in (_unreached, _least, _not_yet):
        yield from rule(graph)


def _names(graph: "AgentGraph") -> Iterator[Flaw]:
    ids = [node.id for node in graph.nodes]
    for id in dict.fromkeys(ids):
        if ids.count(id) > 1:
            yield ("nodes", id), "two nodes have the same id"
        if id in RESERVED:
            yield ("nodes", id), "a node cannot be called that; the name is taken"


def _targets(graph: "AgentGraph") -> Iterator[Flaw]:
    ids = {node.id for node in graph.nodes}
    if graph.start not in ids:
        yield ("start",), f"there is no node {graph.start!r}"
    for node in graph.nodes:
        for field, target in fields_to(node):
            if target not in ids:
                yield ("nodes", node.id, *field.split(".", 1)), f"there is no node {target!r}"


def _references(graph: "AgentGraph") -> Iterator[Flaw]:
    ids = {node.id for node in graph.nodes}
    for node in graph.nodes:
        for field, value in fields_of(node).items():
            place = ("nodes", node.id, field)
            if deeper_than(DEPTH, value):
                yield place, f"it is nested more than {DEPTH} deep"
                continue
            part = isinstance(node, FanOutNode) and field == "do"
            strays = (_stray(graph, ids, path, part=part) for path in paths_at(node, field, value))
            yield from ((place, said) for said in (*strays, *misread_in(value)) if said)


def _stray(graph: "AgentGraph", ids: set[str], path: str, *, part: bool) -> str:
    """What is wrong with a path, empty when nothing is. `part`: it stands in what a fan-out does."""
    head, *rest = path.removeprefix("nodes.").split(".")
    if head == "inputs":
        if graph.inputs is not None and rest and rest[0] not in graph.inputs:
            return f"there is no input {rest[0]!r}; declared are: {', '.join(sorted(graph.inputs)) or 'none'}"
    elif head in ("item", "index"):
        return "" if part else f"{head!r} exists only inside a fan_out"
    elif head not in ids and graph.inputs is not None:
        return f"{path!r} refers to a node that does not exist"
    return ""


def _exits(graph: "AgentGraph") -> Iterator[Flaw]:
    if not any(isinstance(node, ExitNode) for node in graph.nodes):
        yield ("nodes",), "the graph has no exit"


def _cycles(graph: "AgentGraph") -> Iterator[Flaw]:
    """Each node is told of in one cycle only: mending that one shows what is left."""
    forward = _forward(graph)
    while cycle := _cycle(forward):
        yield ("nodes", cycle[0]), f"a cycle without a loop node: {' → '.join(cycle)}"
        forward = {id: targets for id, targets in forward.items() if id not in cycle}


def _cycle(forward: Mapping[str, list[str]]) -> list[str]:
    try:
        TopologicalSorter(forward).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _joins(graph: "AgentGraph") -> Iterator[Flaw]:
    forward, nodes = _forward(graph), {node.id: node for node in graph.nodes}
    for node in graph.nodes:
        if not isinstance(node, RouterNode) or node.join not in nodes:
            continue
        if not isinstance(nodes[node.join], JoinNode):
            yield ("nodes", node.id, "join"), f"{node.join!r} is not a join"
            continue
        for label, target in node.labels.items():
            if target in nodes and node.join not in _reachable(target, forward):
                yield ("nodes", node.id, "labels", label), f"{target!r} never reaches the join {node.join!r}"


def _unreached(graph: "AgentGraph") -> Iterator[Flaw]:
    if any(_targets(graph)):  # what stands behind a name that is written wrong cannot be known
        return
    reached = _reachable(graph.start, {node.id: [to for _, to in fields_to(node)] for node in graph.nodes})
    yield from ((("nodes", node.id), "nothing leads here") for node in graph.nodes if node.id not in reached)


def _least(graph: "AgentGraph") -> Iterator[Flaw]:
    for node in graph.nodes:
        if not isinstance(node, FanOutNode) or node.least is None:
            continue
        place = ("nodes", node.id, "least")
        if node.join != "all":
            yield place, "`least` means something beside `join: all` only; leave it out, or join all"
        elif node.copies is not None and node.copies < node.least:
            yield place, f"of {node.copies} copies at least {node.least} can never succeed"


def _not_yet(graph: "AgentGraph") -> Iterator[Flaw]:
    """References to what is never there yet: no way, not even back by a loop, leads from the one node to the other."""
    if any(_targets(graph)):
        return
    leading = {node.id: [to for _, to in fields_to(node)] for node in graph.nodes}
    behind = {id: set().union(*(_reachable(to, leading) for to in targets)) for id, targets in leading.items()}
    for node in graph.nodes:
        for field, value in fields_of(node).items():
            for path in dict.fromkeys(paths_at(node, field, value)):
                head = path.removeprefix("nodes.").split(".")[0]
                if node.id not in behind.get(head, {node.id}):
                    itself = "the node itself, which gives it only afterwards"
                    said = itself if head == node.id else "what only comes later"
                    yield ("nodes", node.id, field), f"{path!r} refers to {said}"


def _forward(graph: "AgentGraph") -> dict[str, list[str]]:
    """Where each node leads, without going back by a loop."""
    return {node.id: [to for field, to in fields_to(node) if field != "back_to"] for node in graph.nodes}


def _reachable(start: str, leading: Mapping[str, list[str]]) -> set[str]:
    seen, front = {start}, [start]
    while front:
        for id in leading.get(front.pop(), []):
            if id not in seen:
                seen.add(id)
                front.append(id)
    return seen
