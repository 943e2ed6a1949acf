"""What an AgentGraph is made of: in Python, or in YAML, where `nodes` is a mapping from ids to nodes.

Data flows between nodes by name. A path such as `draft.digest` is a field of what the node `draft` gave,
`inputs.task_id` one of what the run was started with (`nodes.draft.digest` says the same); in texts and values a path
stands in double braces.
"""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any, Self

from pydantic import (
    Field,
    JsonValue,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)

from domain.agent_graph.nodes import (
    ExitNode,
    FanOutNode,
    JoinNode,
    Node,
    NodeId,
    RouterNode,
    Spec,
    Text,
    fields_to,
    paths_of,
)
from domain.agent_graph.places import placed
from domain.run import Limits
from domain.task import Complexity

RESERVED = frozenset({"inputs", "nodes", "item", "index", "run"})


class Input(Spec):
    about: Text = ""
    required: bool = True
    default: JsonValue = None


class Fits(Spec):
    """Which tasks this way of working fits; the most exact fit is chosen."""

    complexity: Annotated[tuple[Complexity, ...], Field(min_length=1)]
    kinds: tuple[Text, ...] = Field(default=(), description="Only for tasks that make one of these.")
    sources: Annotated[int, Field(ge=0, description="Only where at least so many sources were handed over.")] = 0
    because: Text = ""


class AgentGraph(Spec):
    """A graph that a run executes. Cycles exist only through loops, which have limits: every run ends."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,59}@\d+$")]
    title: Text = ""
    description: Text = ""
    fits: Fits | None = None
    inputs: dict[NodeId, Input] | None = Field(default=None, description="What a run is started with.")
    start: NodeId
    nodes: Annotated[tuple[Node, ...], Field(min_length=1, max_length=200)]
    limits: Limits = Field(default_factory=Limits)

    @model_validator(mode="wrap")
    @classmethod
    def _by_id(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        nodes = data.get("nodes") if isinstance(data, Mapping) else None
        if isinstance(nodes, Mapping):
            listed = [{"id": id, **node} if isinstance(node, Mapping) else node for id, node in nodes.items()]
            data = {**data, "nodes": listed}
        try:
            return handler(data)
        except ValidationError as error:
            raise placed(error, nodes) from None

    @model_validator(mode="after")
    def _sound(self) -> "AgentGraph":
        ids = [node.id for node in self.nodes]
        if twice := next((id for id in ids if ids.count(id) > 1), None):
            raise ValueError(f"nodes.{twice}: two nodes have the same id")
        if stray := RESERVED & set(ids):
            raise ValueError(f"nodes.{min(stray)}: a node cannot be called that; the name is taken")
        if self.start not in ids:
            raise ValueError(f"start: there is no node {self.start!r}")
        for node in self.nodes:
            for field, target in fields_to(node):
                if target not in ids:
                    raise ValueError(f"nodes.{node.id}.{field}: there is no node {target!r}")
            self._check_references(node, set(ids))
        if not any(isinstance(node, ExitNode) for node in self.nodes):
            raise ValueError("nodes: the graph has no exit")
        forward = {node.id: [to for field, to in fields_to(node) if field != "back_to"] for node in self.nodes}
        try:
            tuple(TopologicalSorter(forward).static_order())
        except CycleError as error:
            cycle = error.args[1]
            raise ValueError(f"nodes.{cycle[0]}: a cycle without a loop node: {' → '.join(cycle)}") from None
        self._check_joins(forward)
        return self

    def _check_references(self, node: Node, ids: set[str]) -> None:
        for field, path in paths_of(node):
            place = f"nodes.{node.id}.{field}"
            head, *rest = path.removeprefix("nodes.").split(".")
            if head == "inputs":
                if self.inputs is not None and rest and rest[0] not in self.inputs:
                    known = ", ".join(sorted(self.inputs)) or "none"
                    raise ValueError(f"{place}: there is no input {rest[0]!r}; declared are: {known}")
            elif head in ("item", "index"):
                if not isinstance(node, FanOutNode) or field != "do":
                    raise ValueError(f"{place}: {head!r} exists only inside a fan_out")
            elif head not in ids and self.inputs is not None:
                raise ValueError(f"{place}: {path!r} refers to a node that does not exist")

    def _check_joins(self, forward: Mapping[str, list[str]]) -> None:
        for node in self.nodes:
            if not isinstance(node, RouterNode) or node.join is None:
                continue
            if not isinstance(self.node(node.join), JoinNode):
                raise ValueError(f"nodes.{node.id}.join: {node.join!r} is not a join")
            for label, target in node.labels.items():
                if node.join not in _reachable(target, forward):
                    raise ValueError(f"nodes.{node.id}.labels.{label}: {target!r} never reaches the join {node.join!r}")

    def node(self, id: str) -> Node:
        return next(node for node in self.nodes if node.id == id)


def _reachable(start: str, forward: Mapping[str, list[str]]) -> set[str]:
    seen, front = {start}, [start]
    while front:
        for id in forward[front.pop()]:
            if id not in seen:
                seen.add(id)
                front.append(id)
    return seen
