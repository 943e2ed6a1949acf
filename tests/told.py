"""Histories told by hand."""

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from domain.agent_graph import AgentGraph, Effect, EffectDone, EffectFailed, RunState, SignalReceived, Started, reduce
from domain.changes import Change, SignalName
from domain.run import Limits
from tests.simulator import START, SomeTick


class Told:
    """A run of `graph` that was told `ticks`."""

    def __init__(self, graph: AgentGraph, limits: Limits | None = None, **inputs: JsonValue) -> None:
        self.graph, self.state = graph, RunState(run_id="run_1")
        self.changes: tuple[Change, ...] = ()
        self.effects: tuple[Effect, ...] = ()
        self.tell(Started(at=START, seed="ab" * 32, inputs=inputs, limits=limits or Limits()))

    def tell(self, tick: SomeTick) -> "Told":
        self.state, self.changes, self.effects = reduce(self.graph, self.state, tick)
        return self

    def signal(self, name: SignalName, **payload: JsonValue) -> "Told":
        return self.tell(SignalReceived(at=START, name=name, payload=payload))

    def done(self, ref: str | None = None, /, **output: JsonValue) -> "Told":
        """The effect `ref`, or the first one that is waited for, gave `output`."""
        return self.tell(EffectDone(at=START, effect=ref or self.ref, output=output))

    def failed(self, ref: str | None = None, /, *, passing: bool = False, outside: bool = False) -> "Told":
        return self.tell(
            EffectFailed(at=START, effect=ref or self.ref, reason="It is down.", passing=passing, outside=outside)
        )

    @property
    def ref(self) -> str:
        return self.state.active[0].ref

    @property
    def nodes(self) -> list[str]:
        return [effect.node for effect in self.effects]

    @property
    def refs(self) -> list[str]:
        return [active.ref for active in self.state.active]

    @property
    def at(self) -> list[str]:
        """The nodes at work."""
        return [active.node for active in self.state.active]


def graph(start: str, /, inputs: Mapping[str, Any] | None = None, **nodes: dict[str, Any]) -> AgentGraph:
    """A graph as YAML says it. Every graph has the exit `end`; `next` is `end` where it is left out."""
    known = {"end": {"type": "exit"}} | {id: _with_next(node) for id, node in nodes.items()}
    return AgentGraph.model_validate({"name": "told@1", "start": start, "inputs": inputs, "nodes": known})


def _with_next(node: dict[str, Any]) -> dict[str, Any]:
    return node if node["type"] in ("router", "exit") else {"next": "end", **node}
