"""What a run of a workflow starts with: what it is given, its defaults for the rest."""

from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from domain.agent_graph import AgentGraph
from domain.errors import Invalid


def inputs_for(graph: AgentGraph, given: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """For a person who starts it. Raises Invalid on what is missing or not taken."""
    declared = graph.inputs or {}
    _check(graph, [(name, "is not taken") for name in given if name not in declared], given)
    return graph.filled(given)


def inputs_of_child(graph: AgentGraph, given: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """For a workflow that starts it, perhaps by a name that it learned only then: what is not taken does no harm.
    Raises Invalid on what is missing."""
    _check(graph, [], given)
    return graph.filled(given)


def _check(graph: AgentGraph, strays: Iterable[tuple[str, str]], given: Mapping[str, JsonValue]) -> None:
    faults = [*strays, *((name, "is missing") for name in graph.missing(given))]
    if faults:
        name, what = faults[0]
        takes = ", ".join(graph.inputs or {}) or "none"
        places = [(f"/inputs/{name}", what) for name, what in faults]
        raise Invalid(f"The input {name} {what}; {graph.name} takes: {takes}.", places)
