"""A workflow as people read it: a picture, its steps, what it is started with; and what a run of one gave."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from pydantic import JsonValue, ValidationError

from adapters.report import words
from adapters.report.drawing import Box, draw
from adapters.report.markdown import render
from domain.agent_graph import AgentGraph, ExitNode, FanOutNode, GateNode, HumanNode, LoopNode, RouterNode
from domain.agent_graph.nodes import Node, fields_to
from domain.artifact import Artifact, Citation
from domain.errors import Invalid
from domain.project import Project
from domain.run import Run
from infrastructure.container import Container
from infrastructure.web.views.artifact import MAX_TEXT, Cited, cited_in
from services.desk import Command
from services.outputs import readable
from services.workflow_formats import about as about_node
from services.workflow_formats import said
from services.workflow_shelves import Origin, Workflow

PICTURE = "The workflow: steps from left to right, each behind those that lead to it"
ORIGINS: Mapping[Origin, str] = {"own": "your own", "shipped": "comes with Caseworks", "built_in": "built in"}
TONES: Mapping[type, str] = {
    GateNode: "in_review", RouterNode: "in_review", LoopNode: "needs_attention", HumanNode: "needs_attention",
    FanOutNode: "running", ExitNode: "done",
}  # fmt: skip
REFERENCE = re.compile(r"\{\{\s*(?:inputs\.)?(.{1,200}?)\s*\}\}")
QUIET = frozenset({"citations", "model", "rehearsed"})
"""What a workflow gives beside its text, shown with it."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """`ways` are where it leads: (when, the next step)."""

    name: str
    kind: str
    about: str
    first: bool
    ways: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Something that a workflow is started with; `choices` where it is one of a few."""

    name: str
    label: str
    about: str
    required: bool
    typed: str
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Shown:
    workflow: Workflow
    origin: str
    picture: Markup
    steps: tuple[Step, ...]
    asked: tuple[Asked, ...]
    projects: tuple[Project, ...]
    project_id: str

    @property
    def can_start(self) -> bool:
        return self.workflow.origin != "built_in" and not self.workflow.fault


async def shown(parts: Container, caller: Command, name: str, typed: Mapping[str, str]) -> Shown:
    """`typed` is what somebody filled into the form that starts it. Raises NotFound."""
    found = parts.workflows().get(name)
    graph = found.graph
    projects = await parts.projects().page(caller, "", 100, "active")
    return Shown(
        workflow=found,
        origin=ORIGINS[found.origin],
        picture=picture(graph) if graph is not None else Markup(),
        steps=tuple(_step(graph, node) for node in graph.nodes) if graph is not None else (),
        asked=_asked(parts, graph, typed) if graph is not None else (),
        projects=tuple(projects),
        project_id=typed.get("project", ""),
    )


def picture(graph: AgentGraph) -> Markup:
    """Ways back are told, not drawn."""
    edges = [(node.id, to) for node in graph.nodes for field, to in fields_to(node) if field not in ("join", "back_to")]
    return draw([_box(node) for node in graph.nodes], edges, PICTURE, shrinks=False)


def about(node: Node) -> str:
    """With what is filled in later in angle quotes."""
    return REFERENCE.sub(r"‹\1›", about_node(node))


def _box(node: Node) -> Box:
    back = f"back to {node.back_to}, {about(node)}" if isinstance(node, LoopNode) else ""
    text = words.short(words.plain(node.id), 120)
    return Box(
        id=node.id,
        title=text,
        note=node.type.replace("_", " "),
        word=words.short(back or about(node), 120),
        icon="",
        tone=TONES.get(type(node), "ready"),
        href=f"#step-{node.id}",
    )


def _step(graph: AgentGraph, node: Node) -> Step:
    ways = tuple((said(field), to) for field, to in fields_to(node) if field != "join")
    kind = node.type.replace("_", " ")
    return Step(name=node.id, kind=kind, about=about(node), first=node.id == graph.start, ways=ways)


def _asked(parts: Container, graph: AgentGraph, typed: Mapping[str, str]) -> tuple[Asked, ...]:
    agents = tuple((profile.name, profile.title) for profile in parts.staff().specialists)
    return tuple(
        Asked(
            name=name,
            label=words.plain(name),
            about=spec.about,
            required=spec.required and spec.default is None,
            typed=typed.get(f"input.{name}", _written(spec.default)),
            choices=agents if name == "agent" and spec.default is None else (),
        )
        for name, spec in (graph.inputs or {}).items()
    )


def given(graph: AgentGraph | None, typed: Mapping[str, str]) -> dict[str, JsonValue]:
    """The inputs as the workflow takes them: text, or JSON where its default is something else. What is empty is left
    out. Raises Invalid."""
    inputs = (graph.inputs or {}) if graph is not None else {}
    found: dict[str, JsonValue] = {}
    for name, spec in inputs.items():
        text = typed.get(f"input.{name}", "").replace("\r\n", "\n").strip()
        if text:
            found[name] = text if spec.default is None or isinstance(spec.default, str) else _read(name, text)
    return found


def _read(name: str, text: str) -> JsonValue:
    try:
        read: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid(f'{words.plain(name)}: write it as JSON, such as 3, true or ["a", "b"].') from None
    return read


def _written(value: JsonValue) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a run gave: its text, with what it cites, and the rest by name."""

    prose: Markup
    cited: tuple[Cited, ...]
    rest: tuple[tuple[str, str], ...]


async def given_by(parts: Container, run: Run) -> Given | None:
    """None where it gave nothing that is for people to read."""
    output = await readable(parts.content(), run) or {}
    text = output.get("text")
    prose = text if isinstance(text, str) else ""
    left = {name: value for name, value in output.items() if value not in (None, "", [])}
    rest = [(words.plain(n), _pretty(v)) for n, v in left.items() if not (prose and n in QUIET | {"text"})]
    if not prose and not rest:
        return None
    cited = await _cited(parts, run) if prose else ()
    anchors = {one.label: one.anchor for one in cited}
    return Given(prose=render(prose[:MAX_TEXT], anchors, highest=3), cited=cited, rest=tuple(rest))


async def _cited(parts: Container, run: Run) -> tuple[Cited, ...]:
    found: Any = run.output.get("citations")
    citations = _citations(found if isinstance(found, list) else [])
    ids = {each.artifact_id for each in citations}
    store = parts.store()
    known = await store.find(Artifact, run.workspace_id, where={"project_id": run.project_id}, limit=10_000)
    titles = {item.id: item.title for item in known if item.id in ids}
    return await cited_in(parts, run.workspace_id, citations, titles)


def _citations(found: Sequence[Any]) -> list[Citation]:
    """Those that are some: what stands in an output was written by a workflow of anybody's."""
    citations = []
    for each in found:
        try:
            citations.append(Citation(**each))
        except (TypeError, ValidationError):
            continue
    return citations


def _pretty(value: JsonValue) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    return text[:MAX_TEXT]
