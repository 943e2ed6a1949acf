"""The workflows that a run may start by name, as they were when it began."""

from collections.abc import Callable, Container, Iterator, Mapping
from types import MappingProxyType

from domain.agent_graph import AgentGraph, ChildNode, FanOutNode, references_in
from domain.errors import NotFound
from services.canonical import digest_of_graph
from services.unit_of_work import UnitOfWork
from services.work.graphs import SHIPPED

GraphLookup = Callable[[str], AgentGraph]
NOTHING: Mapping[str, str] = MappingProxyType({})


def pin(uow: UnitOfWork, graph: AgentGraph, look_up: GraphLookup, have: Mapping[str, str] = NOTHING) -> dict[str, str]:
    """Their digests by name, for a run of `graph`; `have` is what its parent pinned."""
    made = {name: (digest_of_graph(named), named) for name, named in _named(graph, look_up, have).items()}
    for digest, named in made.values():
        uow.pin(digest, named)
    return {**have, **{name: digest for name, (digest, _) in made.items()}}


def _named(graph: AgentGraph, look_up: GraphLookup, have: Container[str]) -> dict[str, AgentGraph]:
    """Those that `graph` names, those that they name, and so on; without those that are built in. One that is not
    there is looked for again when it is started."""
    found: dict[str, AgentGraph] = {}
    front = [graph]
    while front:
        for name in named_by(front.pop()):
            if name in found or name in have:
                continue
            try:
                named = look_up(name)
            except NotFound:
                continue
            if named.name not in SHIPPED:
                found[name] = named
                front.append(named)
    return found


def named_by(graph: AgentGraph) -> Iterator[str]:
    """The workflows that `graph` starts; what is only known when it runs is no name."""
    for node in graph.nodes:
        part = node.do if isinstance(node, FanOutNode) else node
        if isinstance(part, ChildNode) and not any(references_in(part.graph)):
            yield part.graph
