"""A run: one execution of an AgentGraph. Its journal is in the store; this is the run at a glance."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Literal, TypeVar

from pydantic import Field, JsonValue
from pydantic.dataclasses import dataclass

from domain.errors import RefusedTransition

RunPhase = Literal["queued", "running", "waiting", "paused", "ended"]
RunResult = Literal["succeeded", "partial", "failed", "cancelled"]

MAX_DEPTH = 5
"""How deep runs may start runs."""
MOVES: dict[RunPhase, frozenset[RunPhase]] = {
    "queued": frozenset({"running", "waiting", "paused", "ended"}),
    "running": frozenset({"waiting", "paused", "ended", "queued"}),
    "waiting": frozenset({"running", "paused", "ended", "queued"}),
    "paused": frozenset({"running", "waiting", "ended", "queued"}),
    "ended": frozenset(),
}


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens, money in millionths of the installation's currency, recorded calls, seconds spent in calls."""

    input_tokens: Annotated[int, Field(ge=0)] = 0
    output_tokens: Annotated[int, Field(ge=0)] = 0
    money: Annotated[int, Field(ge=0)] = 0
    calls: Annotated[int, Field(ge=0)] = 0
    seconds: Annotated[float, Field(ge=0)] = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            money=self.money + other.money,
            calls=self.calls + other.calls,
            seconds=self.seconds + other.seconds,
        )


N = TypeVar("N", int, float)


def _narrower(a: N | None, b: N | None) -> N | None:
    return b if a is None else a if b is None else min(a, b)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one run may use, with the runs that it starts. None means no limit; `seconds` counts time in calls, so
    waiting is free."""

    calls: Annotated[int, Field(ge=0)] | None = 200
    money: Annotated[int, Field(ge=0)] | None = None
    seconds: Annotated[float, Field(ge=0)] | None = None

    def within(self, other: "Limits | None") -> "Limits":
        """The narrower of the two, for each."""
        if other is None:
            return self
        return Limits(
            calls=_narrower(self.calls, other.calls),
            money=_narrower(self.money, other.money),
            seconds=_narrower(self.seconds, other.seconds),
        )

    def passed_by(self, usage: Usage) -> str | None:
        """The name of the first limit that `usage` has reached, or None."""
        for name in ("calls", "money", "seconds"):
            cap = getattr(self, name)
            if cap is not None and getattr(usage, name) >= cap:
                return name
        return None


@dataclass(frozen=True, kw_only=True)
class Run:
    """`graph` is pinned by `graph_digest`, the workflows that it may start by name are by their digests in `pins`;
    `reason` says in a sentence why it ended as it did, `output` is what its exit gave. `outside`: it failed for
    something that no other way of doing the work would mend, such as a model that is down."""

    id: str
    workspace_id: str
    project_id: str
    root_id: str
    graph: str
    graph_digest: str
    actor: str
    on_behalf_of: str
    created_at: datetime
    correlation: str = ""
    parent_id: str | None = None
    task_id: str | None = None
    attempt: int = 1
    depth: int = 0
    forked_from: str | None = None
    forked_at: int = 0
    priority: int = 100
    inputs: dict[str, JsonValue] = Field(default_factory=dict)
    limits: Limits = Field(default_factory=Limits)
    pins: dict[str, str] = Field(default_factory=dict)
    phase: RunPhase = "queued"
    result: RunResult | None = None
    reason: str = ""
    outside: bool = False
    output: dict[str, JsonValue] = Field(default_factory=dict)
    usage: Usage = Field(default_factory=Usage)
    started_at: datetime | None = None
    ended_at: datetime | None = None
    version: int = 0

    def __post_init__(self) -> None:
        if (self.phase == "ended") != (self.result is not None):
            raise RefusedTransition("run", self.id, self.phase, str(self.result))

    def moved(self, phase: RunPhase, at: datetime, usage: Usage) -> "Run":
        if phase == self.phase:
            return replace(self, usage=usage)
        self._check(phase)
        return replace(self, phase=phase, usage=usage, started_at=self.started_at or at)

    def ended(
        self,
        result: RunResult,
        reason: str,
        at: datetime,
        usage: Usage,
        output: Mapping[str, JsonValue] = MappingProxyType({}),
        *,
        outside: bool = False,
    ) -> "Run":
        """The run with its one result. Raises RefusedTransition when it has one already."""
        self._check("ended")
        return replace(
            self,
            phase="ended",
            result=result,
            reason=reason,
            output=dict(output),
            outside=outside,
            usage=usage,
            ended_at=at,
            started_at=self.started_at or at,
        )

    def _check(self, phase: RunPhase) -> None:
        if phase not in MOVES[self.phase]:
            raise RefusedTransition("run", self.id, self.phase, phase)


def waits(tree: Sequence[Run]) -> bool:
    """Whether people have to move all of it on: each run that waits for no other of its own waits for them."""
    live = [run for run in tree if run.phase != "ended"]
    parents = {run.parent_id for run in live}
    return bool(live) and all(run.phase == "waiting" for run in live if run.id not in parents)
