"""Where in a graph a fault is: `nodes.draft.prompt`, whatever kind of node it is and however the nodes are written."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

Place = tuple[int | str, ...]
OPENINGS = ("do", "when", "until", "not", "negated")


def placed(error: ValidationError, nodes: Any) -> ValidationError:
    """`error` with each of its faults at the place where a reader of the graph finds it. `nodes` as they were given."""
    return ValidationError.from_exception_data(
        error.title,
        [
            {
                "type": fault["type"] if "url" in fault else "value_error",  # only pydantic's own types can be built
                "loc": _place(fault["loc"], nodes),
                "input": fault["input"],
                "ctx": fault.get("ctx", {}) if "url" in fault else {"error": fault["msg"]},
            }
            for fault in error.errors()
        ],
    )


def faulty(title: str, flaws: Iterable[tuple[Place, str]]) -> ValidationError:
    """An error with each of `flaws`, told once, at its place."""
    told = dict.fromkeys(flaws)
    return ValidationError.from_exception_data(
        title, [{"type": "value_error", "loc": at, "input": None, "ctx": {"error": said}} for at, said in told]
    )


def _place(location: Place, nodes: Any) -> Place:
    if len(location) < 2 or location[0] != "nodes" or not isinstance(location[1], int):
        return location
    return ("nodes", _name(nodes, location[1]), *_without_tags(location[2:]))


def _name(nodes: Any, index: int) -> int | str:
    if isinstance(nodes, Mapping):
        return str(list(nodes)[index])
    node = nodes[index] if isinstance(nodes, Sequence) else None
    id = node.get("id") if isinstance(node, Mapping) else getattr(node, "id", None)
    return id if isinstance(id, str) else index


def _without_tags(location: Place) -> Place:
    """Without the names that pydantic puts in for the members of a union: of nodes, of parts, of expressions."""
    place: list[int | str] = []
    opened = True
    for part in location:
        if not opened:
            place.append(part)
        opened = not opened and (isinstance(part, int) or part in OPENINGS)
    return tuple(place)
