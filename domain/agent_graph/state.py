"""The state of a run between ticks."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue, TypeAdapter
from pydantic.dataclasses import dataclass

from domain.run import Limits, RunPhase, RunResult, Usage
from domain.standstill import alternates

Wait = Literal["effect", "signal", "answer", "child", "timer", "held"]


@dataclass(frozen=True, kw_only=True)
class Active:
    """A node at work. `ref` is what it waits for: an effect, an inbox item, a child run, a timer.

    `since` is the time of the tick that made it. `stirred`: a signal came while its effect was under way. `people`:
    only people can move it on. `part`: which part of a fan-out it is.
    """

    node: str
    wait: Wait
    ref: str
    since: datetime
    tries: int = 0
    stirred: bool = False
    people: bool = False
    part: int | None = None


@dataclass(frozen=True, kw_only=True)
class Gather:
    """A fan-out under way: its items, and for each part what it gave, why it failed, or None until then."""

    node: str
    items: tuple[JsonValue, ...]
    results: tuple[dict[str, JsonValue] | str | None, ...]


@dataclass(frozen=True, kw_only=True)
class Joining:
    """How many branches are still on their way to the join `node`."""

    node: str
    left: int


@dataclass(frozen=True, kw_only=True)
class Loop:
    """How often a loop went round, what it watched last, and `before` that, oldest first: as much as shows whether two
    things alternate."""

    node: str
    rounds: Annotated[int, Field(ge=0)] = 0
    seen: JsonValue = None
    before: tuple[JsonValue, ...] = ()

    def went_round(self, seen: JsonValue) -> "Loop":
        before = (*self.before, self.seen)[-2:] if self.rounds else ()
        return Loop(node=self.node, rounds=self.rounds + 1, seen=seen, before=before)

    def stands_still(self, seen: JsonValue) -> bool:
        """Whether what is watched did not change in the last round, or goes back and forth."""
        return self.rounds > 0 and (seen == self.seen or alternates((*self.before, self.seen, seen)))


@dataclass(frozen=True, kw_only=True)
class Effect:
    """Something to do after the commit. `id` is `seq/i`, `at` the tick's time; `remaining` is what the run may
    still use; `part` and `item` belong to a fan-out."""

    id: str
    node: str
    handler: str
    at: datetime
    remaining: Limits
    part: int | None = None
    item: JsonValue = None


@dataclass(frozen=True, kw_only=True)
class RunState:
    """`outputs` holds for each node what it gave last; `steps` counts the nodes gone through; `lent` is what the runs
    that it started have used; `outside` is whether what failed last did so for something outside, and nothing has
    succeeded since. Empty (`seq` 0) before the first tick."""

    run_id: str
    seq: Annotated[int, Field(ge=0)] = 0
    at: datetime | None = None
    seed: str = ""
    inputs: dict[str, JsonValue] = Field(default_factory=dict)
    outputs: dict[str, JsonValue] = Field(default_factory=dict)
    active: tuple[Active, ...] = ()
    loops: tuple[Loop, ...] = ()
    gathers: tuple[Gather, ...] = ()
    joins: tuple[Joining, ...] = ()
    steps: Annotated[int, Field(ge=0)] = 0
    limits: Limits = Field(default_factory=Limits)
    usage: Usage = Field(default_factory=Usage)
    lent: Usage = Field(default_factory=Usage)
    paused: bool = False
    outside: bool = False
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

    @property
    def spent(self) -> Usage:
        """What counts against its limits."""
        return self.usage + self.lent

    def look_up(self, path: str) -> JsonValue:
        """The value at a dotted path, None where it leads nowhere."""
        head, *rest = path.removeprefix("nodes.").split(".")
        return value_at(self.inputs if head == "inputs" else self.outputs.get(head), rest)

    def look_up_in(self, part: int | None, item: JsonValue) -> Callable[[str], JsonValue]:
        """`look_up` as a part of a fan-out sees it, with `item` and `index`."""

        def look_up(path: str) -> JsonValue:
            head, *rest = path.split(".")
            if part is not None and head in ("item", "index"):
                return value_at(item if head == "item" else part, rest)
            return self.look_up(path)

        return look_up

    def gather(self, node: str) -> Gather | None:
        return next((gather for gather in self.gathers if gather.node == node), None)

    def loop(self, node: str) -> Loop:
        return next((loop for loop in self.loops if loop.node == node), Loop(node=node))


def value_at(value: JsonValue, keys: Sequence[str]) -> JsonValue:
    """What `keys` lead to; a number is a place in a list."""
    for key in keys:
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


STATES = TypeAdapter(RunState)
