"""A workflow as people write it, as a Mermaid flowchart, and as lines of text."""

import re
from collections.abc import Iterator
from typing import Any

from domain.agent_graph import (
    AgentGraph,
    ChildNode,
    DelegateNode,
    ExitNode,
    FanOutNode,
    GateNode,
    HumanNode,
    JoinNode,
    LoopNode,
    RequestNode,
    RouterNode,
    ToolNode,
    TransformNode,
    WaitNode,
)
from domain.agent_graph.nodes import Node, fields_to

Written = dict[str, Any]
SHAPES: dict[type, tuple[str, str]] = {
    GateNode: ("{", "}"),
    RouterNode: ("{", "}"),
    LoopNode: ("{{", "}}"),
    HumanNode: ("[/", "/]"),
    FanOutNode: ("[[", "]]"),
    ChildNode: ("[[", "]]"),
    JoinNode: ("((", "))"),
    WaitNode: (">", "]"),
    ToolNode: ("[(", ")]"),
    TransformNode: ("[(", ")]"),
    ExitNode: ("([", "])"),
}
"""The brackets that Mermaid makes a node's shape of; the rest are boxes."""
WORDS = {
    "next": "",
    "on_failure": "on failure",
    "otherwise": "otherwise",
    "on_reject": "rejected",
    "back_to": "again",
    "exhausted": "exhausted",
}


def written(graph: AgentGraph) -> Written:
    """As YAML has it: nodes by name, nothing that is as it would be anyway. The same for graphs that are the same."""
    plain = graph.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude={"nodes"})
    if not graph.inputs:
        plain.pop("inputs", None)
    return {**plain, "nodes": {node.id: _node(node) for node in graph.nodes}}


def yaml_of(graph: AgentGraph) -> str:
    """The YAML that is kept of a graph, however that was made."""
    return as_yaml(written(graph)) + "\n"


def as_yaml(value: Any) -> str:
    """Texts of several lines as they are, so that they can be read and compared."""
    import yaml

    class Dumper(yaml.SafeDumper):
        pass

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    made: str = yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return made.rstrip()


def _node(node: Node) -> Written:
    plain = node.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude={"id", "type", "do"})
    if isinstance(node, FanOutNode):
        part = _node(node.do)
        plain["do"] = {name: value for name, value in part.items() if name != "next"}
    return {"type": node.type, **plain}


def mermaid(graph: AgentGraph) -> str:
    """A flowchart: diamonds choose, hexagons go round, slanted boxes wait for people, rounded ones end it."""
    names = {node.id: f"n{number}" for number, node in enumerate(graph.nodes)}
    lines = ["flowchart TD", f"  begin((start)) --> {names[graph.start]}"]
    for node in graph.nodes:
        left, right = SHAPES.get(type(node), ("[", "]"))
        lines.append(f'  {names[node.id]}{left}"{_label(node)}"{right}')
    for node in graph.nodes:
        lines += [f"  {names[node.id]} {arrow} {names[target]}" for arrow, target in _arrows(node)]
    return "\n".join(lines) + "\n"


def _arrows(node: Node) -> Iterator[tuple[str, str]]:
    for field, target in fields_to(node):
        if field == "join":
            continue
        word = _quoted(said(field))
        line = "-.->" if field in ("on_failure", "back_to") else "-->"
        yield (f'{line}|"{word}"|' if word else line), target


def said(field: str) -> str:
    """When a way is taken that a node names in this field; empty for the usual way on."""
    return WORDS.get(field, field.removeprefix("labels."))


def _label(node: Node) -> str:
    what = about(node)
    kind = node.type.replace("_", " ")
    return f"{_quoted(node.id)}<br/><small>{kind}{': ' if what else ''}{_quoted(what)}</small>"


def about(node: Node) -> str:
    """What a node is about, in a word or two; empty where its kind says it all."""
    match node:
        case ChildNode():
            return node.graph
        case ToolNode():
            return node.tool
        case TransformNode():
            return node.function
        case HumanNode():
            return node.title
        case WaitNode():
            return f"{node.seconds:g} s"
        case ExitNode():
            return node.result
        case LoopNode():
            return f"at most {node.limit} times"
        case RouterNode():
            return "several" if node.many else ""
        case FanOutNode():
            return f"{_times(node)}, {node.do.type}, join {node.join}"
        case DelegateNode() | RequestNode():
            return node.agent
    return str(getattr(node, "agent", ""))


def _times(node: FanOutNode) -> str:
    return f"{node.copies} times" if node.copies is not None else f"for each of {node.over}"


def outline(graph: AgentGraph) -> str:
    """One line a node, in the order in which they are written, with where each leads."""
    lines = [f"{graph.name}: {graph.title}".removesuffix(": ")]
    for node in graph.nodes:
        what = about(node)
        kind = f"{node.type}, {what}" if what else node.type
        ways = [f"{said(field)} → {to}".strip() for field, to in fields_to(node) if field != "join"]
        first = "* " if node.id == graph.start else "  "
        lines.append(f"{first}{node.id} ({' '.join(kind.split())}){'  ' if ways else ''}{', '.join(ways)}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """What can do nothing in a Mermaid text in quotes: no tags, entities, code, or lines."""
    flat = " ".join(re.sub(r'["<>`&#%\\{}\x00-\x1f\x7f]', " ", text).split())
    return flat if len(flat) <= 80 else f"{flat[:79]}…"
