"""Ticks: everything that can happen to a run. Time and chance enter here."""

from datetime import datetime
from math import isfinite
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue, TypeAdapter
from pydantic.dataclasses import dataclass

from domain.agent_graph.state import RunState
from domain.changes import Change, SignalName
from domain.run import Limits, Usage


def _as_stored(value: JsonValue) -> JsonValue:
    """What JSON has no number for (infinity, or none at all) is null in the journal: so it is from the start."""
    match value:
        case float() if not isfinite(value):
            return None
        case list():
            return [_as_stored(item) for item in value]
        case dict():
            return {key: _as_stored(item) for key, item in value.items()}
        case _:
            return value


USED, OUTSIDE = "$used", "$outside"
"""Where the payload of `child_ended` says what the child has used, and whether it failed for something `outside`; no
reference leads there."""
Told = Annotated[dict[str, JsonValue], AfterValidator(_as_stored)]


@dataclass(frozen=True, kw_only=True)
class Started:
    """`seed` (hex) is all the chance a run ever gets: ids made in it derive from it."""

    tick: Literal["started"] = "started"
    at: datetime
    seed: str
    inputs: Told = Field(default_factory=dict)
    limits: Limits = Field(default_factory=Limits)


@dataclass(frozen=True, kw_only=True)
class Forked:
    """The first tick of a run that goes on from where `source` was when it had taken the ticks in `state`."""

    tick: Literal["forked"] = "forked"
    at: datetime
    seed: str
    source: str
    state: RunState


@dataclass(frozen=True, kw_only=True)
class EffectDone:
    tick: Literal["effect_done"] = "effect_done"
    at: datetime
    effect: str
    output: Told = Field(default_factory=dict)
    usage: Usage = Field(default_factory=Usage)
    changes: tuple[Annotated[Change, Field(discriminator="change")], ...] = ()


@dataclass(frozen=True, kw_only=True)
class EffectFailed:
    """`passing` when trying again later may help; `outside` when it failed for something that no other way of doing the
    work would mend, such as a model that is down."""

    tick: Literal["effect_failed"] = "effect_failed"
    at: datetime
    effect: str
    reason: str
    usage: Usage = Field(default_factory=Usage)
    passing: bool = False
    outside: bool = False


@dataclass(frozen=True, kw_only=True)
class ChangeRefused:
    """What an effect (or the reducer, when `effect` is None) wanted to change was refused by a rule."""

    tick: Literal["change_refused"] = "change_refused"
    at: datetime
    effect: str | None
    reason: str
    usage: Usage = Field(default_factory=Usage)


@dataclass(frozen=True, kw_only=True)
class SignalReceived:
    """Something from outside: a child that ended, a person's answer, cancel, pause, resume, a timer, a poke."""

    tick: Literal["signal"] = "signal"
    at: datetime
    name: SignalName
    payload: Told = Field(default_factory=dict)


Tick = Annotated[
    Started | Forked | EffectDone | EffectFailed | ChangeRefused | SignalReceived,
    Field(discriminator="tick"),
]
TICKS: TypeAdapter[Started | Forked | EffectDone | EffectFailed | ChangeRefused | SignalReceived] = TypeAdapter(Tick)
