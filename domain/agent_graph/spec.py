"""What an AgentGraph is made of. Data flows between nodes by name: `draft.digest` is a field of what the node
`draft` gave, `inputs.task_id` one of what the run was started with.
"""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from domain.inbox import InboxKind
from domain.run import Limits, RunResult

Handler = Annotated[str, Field(pattern=r"^[a-z_]+@\d+$")]
NodeId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Path = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$")]


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Condition(_Spec):
    """`path` compared with `value`. A path that leads nowhere is null."""

    path: Path
    op: Literal["eq", "ne"] = "eq"
    value: JsonValue = True


class AgentNode(_Spec):
    """Work that may call models and tools. A failure that may pass is tried again after `retry_after` seconds."""

    type: Literal["agent"] = "agent"
    id: NodeId
    handler: Handler
    next: NodeId
    on_failure: NodeId | None = None
    retries: Annotated[int, Field(ge=0, le=5)] = 1
    retry_after: Annotated[float, Field(ge=0)] = 5.0


class CheckNode(_Spec):
    """A rule in code: no model, no money."""

    type: Literal["check"] = "check"
    id: NodeId
    handler: Handler
    next: NodeId
    on_failure: NodeId | None = None


class SuperviseNode(_Spec):
    """A rule that is asked again at every signal until its output says `done`; `waiting` in it says that all that
    is left waits for people."""

    type: Literal["supervise"] = "supervise"
    id: NodeId
    handler: Handler
    next: NodeId


class LoopNode(_Spec):
    """Back to `back_to` until `until` holds: at most `limit` times, and no more once `watch` no longer changes."""

    type: Literal["loop"] = "loop"
    id: NodeId
    back_to: NodeId
    until: Condition
    limit: Annotated[int, Field(ge=0, le=100)]
    watch: Path | None = None
    next: NodeId
    exhausted: NodeId


class HumanNode(_Spec):
    """Asks a person and waits. Left out where `when` does not hold."""

    type: Literal["human"] = "human"
    id: NodeId
    kind: InboxKind
    title: str
    title_from: Path | None = None
    detail_from: Path | None = None
    findings_from: Path | None = None
    when: Condition | None = None
    next: NodeId


class ChildNode(_Spec):
    """A child run of another AgentGraph; `inputs` are paths."""

    type: Literal["child"] = "child"
    id: NodeId
    graph: str
    inputs: dict[str, Path] = Field(default_factory=dict)
    next: NodeId
    on_failure: NodeId | None = None


class ExitNode(_Spec):
    """The run's result, given or read from a path; `publish` publishes what the run staged."""

    type: Literal["exit"] = "exit"
    id: NodeId
    result: RunResult = "succeeded"
    result_from: Path | None = None
    reason_from: Path | None = None
    publish: bool = False
    output: dict[str, Path] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _publishes_success_only(self) -> "ExitNode":
        if self.publish and (self.result != "succeeded" or self.result_from is not None):
            raise ValueError("only an exit that always succeeds may publish")
        return self


Node = Annotated[
    AgentNode | CheckNode | SuperviseNode | LoopNode | HumanNode | ChildNode | ExitNode, Field(discriminator="type")
]


class AgentGraph(_Spec):
    """A graph that a run executes. Cycles exist only through loops, which have limits: every run ends."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*@\d+$")]
    start: NodeId
    nodes: Annotated[tuple[Node, ...], Field(min_length=1, max_length=200)]
    limits: Limits = Field(default_factory=Limits)

    @model_validator(mode="after")
    def _sound(self) -> "AgentGraph":
        ids = [node.id for node in self.nodes]
        if len(set(ids)) != len(ids):
            raise ValueError("two nodes have the same id")
        for target in [self.start, *(target for node in self.nodes for target in targets(node))]:
            if target not in ids:
                raise ValueError(f"there is no node {target!r}")
        if not any(isinstance(node, ExitNode) for node in self.nodes):
            raise ValueError("the graph has no exit")
        forward = {
            node.id: [t for t in targets(node) if not (isinstance(node, LoopNode) and t == node.back_to)]
            for node in self.nodes
        }
        try:
            tuple(TopologicalSorter(forward).static_order())
        except CycleError as error:
            raise ValueError(f"a cycle without a loop node: {' → '.join(error.args[1])}") from None
        return self

    def node(self, id: str) -> Node:
        return next(node for node in self.nodes if node.id == id)


def targets(node: Node) -> Iterator[str]:
    """Where `node` can lead."""
    for field in ("next", "on_failure", "back_to", "exhausted"):
        if (target := getattr(node, field, None)) is not None:
            yield target
