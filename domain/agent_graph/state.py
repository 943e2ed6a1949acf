"""The state of a run between ticks."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue, TypeAdapter
from pydantic.dataclasses import dataclass

from domain.run import Limits, RunPhase, RunResult, Usage

Wait = Literal["effect", "signal", "answer", "child", "timer", "held"]


@dataclass(frozen=True, kw_only=True)
class Active:
    """A node at work. `ref` is what it waits for: an effect, an inbox item, a child run, a timer.

    `since` is the time of the tick that made it. `stirred`: a signal came while its effect was under way. `people`:
    only people can move it on.
    """

    node: str
    wait: Wait
    ref: str
    since: datetime
    tries: int = 0
    stirred: bool = False
    people: bool = False


@dataclass(frozen=True, kw_only=True)
class Loop:
    """How often a loop went round, and what it watched last."""

    node: str
    rounds: Annotated[int, Field(ge=0)] = 0
    seen: JsonValue = None


@dataclass(frozen=True, kw_only=True)
class Effect:
    """Something to do after the commit. `id` is `seq/i`, `at` the tick's time; `remaining` is what the run may
    still use."""

    id: str
    node: str
    handler: str
    at: datetime
    remaining: Limits


@dataclass(frozen=True, kw_only=True)
class RunState:
    """`outputs` holds for each node what it gave last. Empty (`seq` 0) before the first tick."""

    run_id: str
    seq: Annotated[int, Field(ge=0)] = 0
    at: datetime | None = None
    seed: str = ""
    inputs: dict[str, JsonValue] = Field(default_factory=dict)
    outputs: dict[str, JsonValue] = Field(default_factory=dict)
    active: tuple[Active, ...] = ()
    loops: tuple[Loop, ...] = ()
    limits: Limits = Field(default_factory=Limits)
    usage: Usage = Field(default_factory=Usage)
    paused: bool = False
    result: RunResult | None = None
    reason: str = ""

    @property
    def phase(self) -> RunPhase:
        if self.result is not None:
            return "ended"
        if self.paused:
            return "paused"
        waiting = all(active.people or active.wait in ("answer", "timer") for active in self.active)
        return "waiting" if waiting else "running"

    def look_up(self, path: str) -> JsonValue:
        """The value at a dotted path, None where it leads nowhere."""
        head, *rest = path.split(".")
        value: JsonValue = self.inputs if head == "inputs" else self.outputs.get(head)
        for key in rest:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def loop(self, node: str) -> Loop:
        return next((loop for loop in self.loops if loop.node == node), Loop(node=node))


STATES = TypeAdapter(RunState)
