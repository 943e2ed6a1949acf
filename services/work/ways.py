"""Which way of working a task is done by: the rules stand in the workflows themselves, under `fits`."""

from collections.abc import Mapping

from domain.agent_graph import AgentGraph, Fits
from domain.task import TaskSpec


def way_for(spec: TaskSpec, workflows: Mapping[str, AgentGraph], sources: int) -> str:
    """The workflow that fits most exactly: one for the kind before one for any, one that wants many sources before
    one that takes few; then by name. Empty where none fits."""
    kind = spec.expected[0].kind
    fitting = [
        (bool(fits.kinds), fits.sources, name)
        for name, graph in workflows.items()
        if (fits := graph.fits) is not None and _fit(fits, spec, kind, sources)
    ]
    return min(fitting, key=lambda found: (not found[0], -found[1], found[2]))[2] if fitting else ""


def _fit(fits: Fits, spec: TaskSpec, kind: str, sources: int) -> bool:
    return spec.complexity in fits.complexity and (not fits.kinds or kind in fits.kinds) and sources >= fits.sources
