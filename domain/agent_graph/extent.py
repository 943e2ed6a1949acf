"""Which nodes a run of an AgentGraph enters, and how often: on the way that costs least, on the one that costs most.

On the cheapest way nothing fails, no loop goes round and the shortest branch is taken; on the dearest each loop goes
round as often as it may, and all branches of a router with `many` are taken.
"""

from collections import Counter
from collections.abc import Callable
from graphlib import TopologicalSorter

from domain.agent_graph.nodes import LoopNode, Node, RouterNode, fields_to
from domain.agent_graph.spec import AgentGraph

Weigh = Callable[[Node], int]
Way = frozenset[str]
SMOOTH = ("back_to", "on_failure", "exhausted", "on_reject", "join")
"""What is not gone where all goes well; a router's join is come to through its branches."""


def least(graph: AgentGraph, weigh: Weigh) -> Counter[str]:
    """`weigh` says what entering a node costs."""
    return _entered(graph, weigh, SMOOTH, min)


def most(graph: AgentGraph, weigh: Weigh) -> Counter[str]:
    rounds = _rounds(graph)
    way = _entered(graph, lambda node: weigh(node) * rounds[node.id], ("back_to", "join"), max)
    return Counter({id: rounds[id] for id in way})


def _entered(graph: AgentGraph, weigh: Weigh, without: tuple[str, ...], pick: Callable[..., Way]) -> Counter[str]:
    weights = {node.id: weigh(node) for node in graph.nodes}
    ways: dict[str, Way] = {}
    for id in _last_first(graph):
        node = graph.node(id)
        onward = [ways[to] for to in _onward(node, without)]
        if isinstance(node, RouterNode) and node.many and pick is max:
            onward = [frozenset().union(*onward)]
        best = pick(onward, key=lambda way: sum(weights[each] for each in way), default=frozenset())
        ways[id] = best | {id}
    return Counter(ways[graph.start])


def _onward(node: Node, without: tuple[str, ...]) -> list[str]:
    return [to for field, to in fields_to(node) if field not in without]


def _last_first(graph: AgentGraph) -> list[str]:
    return list(TopologicalSorter({node.id: _onward(node, ("back_to",)) for node in graph.nodes}).static_order())


def _rounds(graph: AgentGraph) -> Counter[str]:
    """How often each node may be entered: once, and once more for each round of the loops that it stands in."""
    found = Counter({node.id: 1 for node in graph.nodes})
    behind = _behind(graph)
    for loop in graph.nodes:
        if isinstance(loop, LoopNode):
            for id in behind[loop.back_to]:
                if loop.id in behind[id]:
                    found[id] *= 1 + loop.limit
    return found


def _behind(graph: AgentGraph) -> dict[str, set[str]]:
    """What can be come to from each node without going back, itself included."""
    found: dict[str, set[str]] = {}
    for id in _last_first(graph):
        found[id] = {id}.union(*(found[to] for to in _onward(graph.node(id), ("back_to",))))
    return found
