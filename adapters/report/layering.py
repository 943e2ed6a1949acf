"""Where the boxes of a layered drawing stand: left to right by longest path, few crossings, no box under an arrow.

An arrow over several layers gets a waypoint in each that it passes (Sugiyama, Tagawa and Toda, 1981).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

Edge = tuple[str, str]
_SWEEPS = 4


@dataclass(frozen=True, kw_only=True)
class Layered:
    """`columns` hold ids of boxes and waypoints, top to bottom. `routes` lists, for each edge, the ids it passes,
    from its start to its end."""

    columns: tuple[tuple[str, ...], ...]
    routes: tuple[tuple[str, ...], ...]


def layered(ids: Sequence[str], edges: Sequence[Edge]) -> Layered:
    """The layers of the graph `ids`, `edges` (from, to). Edges to unknown ids are left out; so is, should there be
    a circle, each edge that runs against the order given."""
    order = _ordered(ids, edges)
    place = {id: n for n, id in enumerate(order)}
    forward = [
        edge
        for edge in dict.fromkeys(edges)
        if edge[0] in place and edge[1] in place and place[edge[0]] < place[edge[1]]
    ]
    layers = _layers(order, forward)
    routes = tuple(_route(edge, layers) for edge in forward)
    columns = _columns(sorted(ids, key=lambda id: (layers[id], ids.index(id))), layers, routes)
    return Layered(columns=_untangled(columns, routes), routes=routes)


def _ordered(ids: Sequence[str], edges: Sequence[Edge]) -> Sequence[str]:
    known = set(ids)
    before: dict[str, list[str]] = {id: [] for id in ids}
    for start, end in edges:
        if start in known and end in known:
            before[end].append(start)
    try:
        return tuple(TopologicalSorter(before).static_order())
    except CycleError:
        return ids


def _layers(order: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """The length of the longest path that leads to each id."""
    before: dict[str, list[str]] = {id: [] for id in order}
    for start, end in edges:
        before[end].append(start)
    layers: dict[str, int] = {}
    for id in order:
        layers[id] = max((layers[start] + 1 for start in before[id]), default=0)
    return layers


def _route(edge: Edge, layers: Mapping[str, int]) -> tuple[str, ...]:
    start, end = edge
    between = range(layers[start] + 1, layers[end])
    return (start, *(waypoint(start, layer) for layer in between), end)


def waypoint(start: str, layer: int) -> str:
    """The id of the waypoint in `layer` of the arrows that come from `start`: they share it, as one strand."""
    return f"\0{layer}\0{start}"


def is_waypoint(id: str) -> bool:
    return id.startswith("\0")


def _columns(ids: Sequence[str], layers: Mapping[str, int], routes: Sequence[Sequence[str]]) -> list[list[str]]:
    columns: list[list[str]] = [[] for _ in range(1 + max(layers.values(), default=-1))]
    for id in ids:
        columns[layers[id]].append(id)
    for route in routes:
        for layer, id in enumerate(route[1:-1], start=layers[route[0]] + 1):
            if id not in columns[layer]:
                columns[layer].append(id)
    return columns


def _untangled(columns: list[list[str]], routes: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """The columns, each sorted by the mean place of its neighbours, forwards and backwards in turn."""
    before: dict[str, set[str]] = {id: set() for column in columns for id in column}
    after: dict[str, set[str]] = {id: set() for id in before}
    for route in routes:
        for left, right in pairwise(route):
            before[right].add(left)
            after[left].add(right)
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        order = range(1, len(columns)) if forward else range(len(columns) - 2, -1, -1)
        for n in order:
            fixed = columns[n - 1] if forward else columns[n + 1]
            columns[n] = _sorted_by_mean(columns[n], fixed, before if forward else after)
    return tuple(tuple(column) for column in columns)


def _sorted_by_mean(column: list[str], fixed: list[str], beside: Mapping[str, set[str]]) -> list[str]:
    place = {id: n / max(1, len(fixed) - 1) for n, id in enumerate(fixed)}
    own = {id: n / max(1, len(column) - 1) for n, id in enumerate(column)}
    means: dict[str, float] = {}
    for id in column:
        places = [place[other] for other in beside[id] if other in place]
        means[id] = sum(sorted(places)) / len(places) if places else own[id]
    return sorted(column, key=lambda id: means[id])
