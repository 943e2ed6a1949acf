"""The kinds of nodes that an AgentGraph is made of."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    model_validator,
)

from domain.agent_graph.expressions import Expression, Path, paths_in
from domain.agent_graph.references import references_in
from domain.inbox import AskedKind
from domain.run import RunResult

Handler = Annotated[str, Field(pattern=r"^[a-z_]+@\d+$")]
NodeId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Choice = Annotated[str, Field(min_length=1, max_length=80)]
Text = Annotated[str, Field(max_length=20_000)]
Seconds = Annotated[float, Field(gt=0, le=30 * 86_400)]
FAN_OUT = 20
DEPTH = 40


class Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Doing(Spec):
    """What takes time: it may fail, or be given up after `timeout` seconds."""

    id: NodeId
    next: NodeId
    on_failure: NodeId | None = None
    timeout: Seconds | None = None


class Given(Spec):
    """One field that a model must give: a text, a number, yes or no, a list of texts, or one of `choices`."""

    type: Literal["text", "number", "boolean", "list"] = "text"
    choices: tuple[Choice, ...] = ()
    about: Text = ""


class Asking(_Doing):
    retries: Annotated[int, Field(ge=0, le=5, description="How often a failure that may pass is tried again.")] = 1
    retry_after: Annotated[float, Field(ge=0, description="Seconds.")] = 5.0
    gives: dict[NodeId, Given] = Field(
        default_factory=dict, description="Fields of a structured answer; without any, the answer is `text`."
    )


class AgentNode(Asking):
    """A core agent at work, by its profile: it reads what it may, and answers `task`."""

    type: Literal["agent"] = "agent"
    handler: Handler = "agent@1"
    agent: Text = ""
    task: Text = ""
    makes: Text = Field(
        default="", description="One of the agent's output types, or `expected`: what the task must deliver."
    )
    reads_only: Text = Field(default="", description="The id of the one artifact that it reads.")


class ModelNode(Asking):
    """One call to a model, without an agent's profile or the case file."""

    type: Literal["model"] = "model"
    handler: Handler = "model@1"
    system: Text = ""
    prompt: Text


class ToolNode(_Doing):
    """A tool with its arguments; the run's permissions decide whether it may."""

    type: Literal["tool"] = "tool"
    handler: Handler = "tool@1"
    tool: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    arguments: dict[str, JsonValue] = Field(default_factory=dict)


class TransformNode(_Doing):
    """A function registered as `name@version` over `arguments`."""

    type: Literal["transform"] = "transform"
    handler: Handler = "transform@1"
    function: Handler
    arguments: dict[str, JsonValue] = Field(default_factory=dict)


class CheckNode(_Doing):
    """A rule in code: no model, no money."""

    type: Literal["check"] = "check"
    handler: Handler


class SuperviseNode(Spec):
    """A rule that is asked again at every signal until its output says `done`; `waiting` in it says that all that
    is left waits for people."""

    type: Literal["supervise"] = "supervise"
    id: NodeId
    handler: Handler
    next: NodeId


class GateNode(Spec):
    """Lets pass to `next` when `when` holds or a model judges that `judge` is true of what it names; else to
    `otherwise`."""

    type: Literal["gate"] = "gate"
    id: NodeId
    handler: Handler = "gate@1"
    when: Expression | None = None
    judge: Text = ""
    next: NodeId
    otherwise: NodeId
    on_failure: NodeId | None = None
    timeout: Seconds | None = None

    @model_validator(mode="after")
    def _one(self) -> "GateNode":
        if (self.when is None) == (not self.judge):
            raise ValueError("a gate needs either `when` or `judge`")
        return self


class RouterNode(Spec):
    """Chooses among labels: by the value at `by` (a text or a list), or by asking a model. With `many`, each label's
    branch is taken, side by side, and all meet at `join`."""

    type: Literal["router"] = "router"
    id: NodeId
    handler: Handler = "route@1"
    by: Path | None = None
    ask: Text = ""
    labels: Annotated[dict[Choice, NodeId], Field(min_length=1, max_length=20)]
    many: bool = False
    join: NodeId | None = None
    otherwise: NodeId | None = None
    on_failure: NodeId | None = None
    timeout: Seconds | None = None

    @model_validator(mode="after")
    def _one(self) -> "RouterNode":
        if (self.by is None) == (not self.ask):
            raise ValueError("a router needs either `by` or `ask`")
        if self.many != (self.join is not None):
            raise ValueError("`many` and `join` belong together")
        return self


class JoinNode(Spec):
    """Where the branches of a router meet: the last one to arrive goes on."""

    type: Literal["join"] = "join"
    id: NodeId
    next: NodeId


class LoopNode(Spec):
    """Back to `back_to` until `until` holds: at most `limit` times, and no more once `watch` no longer changes, or goes
    back and forth between two values."""

    type: Literal["loop"] = "loop"
    id: NodeId
    back_to: NodeId
    until: Expression
    limit: Annotated[int, Field(ge=0, le=100)]
    watch: Path | None = None
    next: NodeId
    exhausted: NodeId


class WaitNode(Spec):
    """Goes on after so many seconds; a wait costs nothing."""

    type: Literal["wait"] = "wait"
    id: NodeId
    seconds: Seconds
    next: NodeId


class HumanNode(Spec):
    """Asks a person and waits: an approval, work to hand in, a `form` to fill in. Left out where `when` does not
    hold; `on_reject` is where a rejected approval leads (to `next` when it is not given)."""

    type: Literal["human"] = "human"
    id: NodeId
    kind: AskedKind = "approval"
    title: Annotated[str, Field(min_length=1, max_length=300)]
    detail: Text = ""
    title_from: Path | None = None
    detail_from: Path | None = None
    findings_from: Path | None = None
    form: Text = ""
    when: Expression | None = None
    next: NodeId
    on_reject: NodeId | None = None
    on_failure: NodeId | None = None
    timeout: Seconds | None = None

    @model_validator(mode="after")
    def _with_form(self) -> "HumanNode":
        if (self.kind == "form") != bool(self.form):
            raise ValueError("`kind: form` and `form` (a form template's name) belong together")
        return self


class ChildNode(_Doing):
    """A child run of another workflow; `inputs` are values with references."""

    type: Literal["workflow", "child"] = "workflow"
    graph: Text
    inputs: dict[str, JsonValue] = Field(default_factory=dict)


class DelegateNode(_Doing):
    """Hands a task to another agent of the project: a message, and a child run that answers it."""

    type: Literal["delegate"] = "delegate"
    agent: Text
    task: Text


class RequestNode(_Doing):
    """Asks another agent of the project and waits for its reply. Unlike a delegation the answer is a run of its own,
    with limits of its own, wherever there is room for it."""

    type: Literal["request"] = "request"
    agent: Text
    question: Text


class BroadcastNode(Spec):
    """Tells all agents of the project something; nobody has to answer."""

    type: Literal["broadcast"] = "broadcast"
    id: NodeId
    text: Text
    next: NodeId


class ExitNode(Spec):
    """The run's result, given or read from a path; `publish` publishes what the run staged."""

    type: Literal["exit"] = "exit"
    id: NodeId
    result: RunResult = "succeeded"
    result_from: Path | None = None
    reason: Text = ""
    reason_from: Path | None = None
    publish: bool = False
    output: dict[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _publishes_success_only(self) -> "ExitNode":
        if self.publish and (self.result != "succeeded" or self.result_from is not None):
            raise ValueError("only an exit that always succeeds may publish")
        return self


Part = Annotated[AgentNode | ModelNode | ToolNode | ChildNode | DelegateNode, Field(discriminator="type")]


class FanOutNode(_Doing):
    """`do`, once for each item of the list at `over` (or `copies` times), side by side; `{{ item }}` and `{{ index }}`
    stand for the item and its place. Goes on when all have succeeded (or `least` of them), with the `first` that
    does, when a `majority` has the same value at `vote`, or with the `best` by the number at `score`. Over an empty
    list all of nothing succeed, and nothing can be chosen."""

    type: Literal["fan_out"] = "fan_out"
    over: Path | None = None
    copies: Annotated[int, Field(ge=1, le=FAN_OUT)] | None = None
    do: Part
    join: Literal["all", "first", "majority", "best"] = "all"
    least: Annotated[int, Field(ge=1, le=FAN_OUT)] | None = None
    vote: Path = "vote"
    score: Path = "score"

    @model_validator(mode="before")
    @classmethod
    def _part(cls, data: Any) -> Any:
        """What is done has neither a name nor a place to go of its own."""
        if isinstance(data, Mapping) and isinstance(data.get("do"), Mapping):
            own = {"id": data.get("id", "part"), "next": data.get("next", "part")}
            return {**data, "do": {**own, **data["do"]}}
        return data

    @model_validator(mode="after")
    def _one(self) -> "FanOutNode":
        if (self.over is None) == (self.copies is None):
            raise ValueError("a fan-out needs either `over` or `copies`")
        if self.do.on_failure is not None:
            raise ValueError("`on_failure` belongs to the fan-out, not to what it does")
        return self


Node = Annotated[
    AgentNode
    | ModelNode
    | ToolNode
    | TransformNode
    | CheckNode
    | SuperviseNode
    | GateNode
    | RouterNode
    | JoinNode
    | LoopNode
    | WaitNode
    | HumanNode
    | FanOutNode
    | ChildNode
    | DelegateNode
    | RequestNode
    | BroadcastNode
    | ExitNode,
    Field(discriminator="type"),
]
Calling = AgentNode | ModelNode | GateNode | RouterNode
Working = AgentNode | ModelNode | ToolNode | TransformNode | CheckNode | SuperviseNode | GateNode | RouterNode


def fields_to(node: Node) -> Iterator[tuple[str, str]]:
    """Where `node` can lead, with the field that says so."""
    for field in ("next", "on_failure", "otherwise", "on_reject", "back_to", "exhausted"):
        if (target := getattr(node, field, None)) is not None:
            yield field, target
    if isinstance(node, RouterNode):
        yield from ((f"labels.{label}", target) for label, target in node.labels.items())
        if node.join is not None:
            yield "join", node.join


PATHS = ("by", "over", "watch", "title_from", "detail_from", "findings_from", "result_from", "reason_from")


def fields_of(node: Node) -> dict[str, JsonValue]:
    """What `node` says, without its name and where it leads by default."""
    return node.model_dump(mode="json", exclude={"id", "next"})


def paths_at(node: Node, field: str, value: JsonValue) -> tuple[str, ...]:
    """What `node` looks up for a field that holds `value`."""
    expression = getattr(node, field) if field in ("when", "until") else None
    if expression is not None:
        return paths_in(expression)
    return (value,) if field in PATHS and isinstance(value, str) else tuple(references_in(value))
