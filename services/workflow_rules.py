"""What a workflow may name, beyond what its schema says: agents, tools, functions and workflows that are there."""

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator

from domain.agent_graph import (
    AgentGraph,
    AgentNode,
    CheckNode,
    ChildNode,
    DelegateNode,
    HumanNode,
    RequestNode,
    SuperviseNode,
    ToolNode,
    TransformNode,
    references_in,
)
from domain.agent_graph.nodes import Node
from domain.errors import DomainError
from domain.run import MAX_DEPTH
from services.pins import named_by
from services.staff import Staff
from services.work.graphs import SHIPPED
from services.work.steps import EXPECTED
from services.work.tools import INSTALLED
from services.work.transforms import NAMES


def bare(name: str) -> str:
    """A workflow's name without its version."""
    return name.partition("@")[0]


BUILT_IN = frozenset(map(bare, SHIPPED))


def strangers(graph: AgentGraph, known: Mapping[str, AgentGraph], staff: Staff) -> Iterator[tuple[str, str]]:
    """(field, what is wrong with it), for each thing that `graph` names and that is not there for it. What is only
    known when it runs is looked at then."""
    yield from _kinds(graph, staff)
    for node in graph.nodes:
        yield from _of(node, f"nodes.{node.id}", graph, known, staff)
        if (part := getattr(node, "do", None)) is not None:
            yield from _of(part, f"nodes.{node.id}.do", graph, known, staff)


def _kinds(graph: AgentGraph, staff: Staff) -> Iterator[tuple[str, str]]:
    """What no agent makes, no task is for: the workflow would never be chosen for it."""
    made = {output.kind for profile in staff.specialists for output in profile.outputs}
    for kind in graph.fits.kinds if graph.fits is not None else ():
        if kind not in made:
            yield "fits.kinds", f"no agent makes a {kind!r}; they make {', '.join(sorted(made))}"


def _of(
    node: Node, place: str, graph: AgentGraph, known: Mapping[str, AgentGraph], staff: Staff
) -> Iterator[tuple[str, str]]:
    handler = type(node).model_fields.get("handler")
    match node:
        case CheckNode() | SuperviseNode():
            yield f"{place}.type", f"only built-in workflows have nodes of the kind {node.type}"
        case ChildNode() if is_fixed(node.graph):
            yield from _child(f"{place}.graph", node.graph, graph, known)
        case AgentNode() | DelegateNode() | RequestNode() if is_fixed(node.agent):
            yield from _agent(place, node, staff)
        case TransformNode() if node.function not in NAMES:
            yield f"{place}.function", f"there is no function {node.function}; there are {', '.join(NAMES)}"
        case HumanNode() if node.kind == "form" and is_fixed(node.form) and node.form not in staff.forms:
            yield f"{place}.form", f"there is no form {node.form!r}; there are {', '.join(staff.forms)}"
        case HumanNode() if node.kind == "attention":
            yield f"{place}.kind", "only a task can need attention; use approval, work or form"
        case ToolNode() if node.tool not in INSTALLED:
            yield f"{place}.tool", f"there is no tool {node.tool!r}; there are {', '.join(sorted(INSTALLED))}"
        case ToolNode():
            yield from _arguments(f"{place}.arguments", node)
    if handler is not None and not handler.is_required() and getattr(node, "handler", None) != handler.default:
        yield f"{place}.handler", "only built-in workflows name what carries out a node; leave it out"


def is_fixed(text: str) -> bool:
    return bool(text) and "{{" not in text


def _arguments(place: str, node: ToolNode) -> Iterator[tuple[str, str]]:
    """What the tool would refuse, of that which stands there; a reference is what it is when it runs."""
    schema: Any = INSTALLED[node.tool][1]
    takes = ", ".join(schema["properties"])
    for name in (name for name in node.arguments if name not in schema["properties"]):
        yield f"{place}.{name}", f"{node.tool} takes no {name!r}; it takes {takes}"
    for name in (name for name in schema["required"] if name not in node.arguments):
        yield place, f"{node.tool} needs {name!r}"
    for name, value in node.arguments.items():
        if name in schema["properties"] and not any(references_in(value)):
            for fault in Draft202012Validator(schema["properties"][name]).iter_errors(value):
                yield f"{place}.{name}", fault.message[:200]


def _child(place: str, name: str, graph: AgentGraph, known: Mapping[str, AgentGraph]) -> Iterator[tuple[str, str]]:
    if bare(name) == bare(graph.name):
        yield place, f"{name} would start itself; use a loop to do something again"
    elif bare(name) in BUILT_IN:
        yield place, f"{name} is built in, and started by the manager only"
    elif bare(name) not in known or ("@" in name and known[bare(name)].name != name):
        yield place, f"there is no workflow {name!r}"
    elif chain := _too_deep(name, graph, known):
        yield place, f"it starts runs more than {MAX_DEPTH} deep: {' → '.join(chain)}"


def _too_deep(name: str, graph: AgentGraph, known: Mapping[str, AgentGraph]) -> tuple[str, ...]:
    """The names from `graph` on to one that may not be started any more; empty where none is that deep."""
    known = {**known, bare(graph.name): graph}
    front: dict[str, tuple[str, ...]] = {bare(name): (bare(graph.name), bare(name))}
    for _ in range(MAX_DEPTH):
        front = {
            bare(next_name): (*chain, bare(next_name))
            for last, chain in front.items()
            if last in known
            for next_name in named_by(known[last])
        }
    return next(iter(front.values()), ())


def _agent(place: str, node: AgentNode | DelegateNode | RequestNode, staff: Staff) -> Iterator[tuple[str, str]]:
    try:
        profile = staff.agent(node.agent)
    except DomainError:
        yield f"{place}.agent", f"there is no agent {node.agent!r}; there are {', '.join(staff.profiles)}"
        return
    makes = getattr(node, "makes", "")
    if is_fixed(makes) and makes != EXPECTED and makes not in (kinds := [output.kind for output in profile.outputs]):
        yield f"{place}.makes", f"{profile.name} makes no {makes!r}; it makes {', '.join(kinds) or 'nothing'}"
