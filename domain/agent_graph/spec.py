"""What an AgentGraph is made of: in Python, or in YAML, where `nodes` is a mapping from ids to nodes.

Data flows between nodes by name. A path such as `draft.digest` is a field of what the node `draft` gave,
`inputs.task_id` one of what the run was started with (`nodes.draft.digest` says the same); in texts and values a path
stands in double braces.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import (
    Field,
    JsonValue,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from domain.agent_graph.nodes import Node, NodeId, Spec, Text
from domain.agent_graph.places import faulty, placed
from domain.agent_graph.soundness import idle, unsound
from domain.run import Limits
from domain.task import Complexity

AS_WRITTEN = {"as_written": True}
"""The context to validate in what somebody writes now: what has no effect is a fault, too."""


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
    def _sound(cls, data: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        nodes = data.get("nodes") if isinstance(data, Mapping) else None
        if isinstance(nodes, Mapping):
            listed = [{"id": id, **node} if isinstance(node, Mapping) else node for id, node in nodes.items()]
            data = {**data, "nodes": listed}
        try:
            graph = handler(data)
        except ValidationError as error:
            raise placed(error, nodes) from None
        if flaws := [*unsound(graph), *(idle(graph) if info.context == AS_WRITTEN else ())]:
            raise faulty(cls.__name__, flaws)
        return graph

    def missing(self, given: Mapping[str, JsonValue]) -> list[str]:
        """The inputs that it cannot do without, and that are not `given`."""
        declared = (self.inputs or {}).items()
        return [name for name, spec in declared if spec.required and spec.default is None and name not in given]

    def filled(self, given: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """`given`, with its defaults for what is left out or is nothing."""
        declared = (self.inputs or {}).items()
        return {**given, **{name: spec.default for name, spec in declared if given.get(name) is None}}

    def node(self, id: str) -> Node:
        return next(node for node in self.nodes if node.id == id)
