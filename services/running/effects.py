"""What a handler gets and gives. A handler does the work of an effect: reads, calls models through `calls`, and
answers with an output and the changes to commit with it. It never writes by itself."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from pydantic import JsonValue

from domain.agent_graph import AgentGraph, Effect, FanOutNode, RunState
from domain.agent_graph.nodes import Node
from domain.changes import Change
from domain.ids import derived_id
from domain.run import Run, Usage
from services.ports.content import Content
from services.ports.store import Store
from services.ports.views import Search
from services.running.calls import Calls
from services.running.parking import Parked as Parked


@dataclass(frozen=True, kw_only=True)
class EffectResult:
    output: dict[str, JsonValue] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()


@dataclass(kw_only=True)
class EffectContext:
    """One effect of one run. Entered again after a crash it finds the same ids and the same replies."""

    run: Run
    graph: AgentGraph
    state: RunState
    effect: Effect
    store: Store
    search: Search
    content: Content
    calls: Calls
    _made: int = 0

    @property
    def node(self) -> Node:
        """What is to be done: for a part of a fan-out, what the fan-out does."""
        node = self.graph.node(self.effect.node)
        return node.do if isinstance(node, FanOutNode) else node

    def look_up(self, path: str) -> JsonValue:
        return self.state.look_up_in(self.effect.part, self.effect.item)(path)

    def given(self, path: str) -> JsonValue:
        """The value at a dotted path of inputs and earlier outputs."""
        return self.look_up(path)

    def text(self, path: str) -> str:
        value = self.given(path)
        return value if isinstance(value, str) else ""

    def new_id(self, kind: str) -> str:
        self._made += 1
        key = bytes.fromhex(self.state.seed)
        return derived_id(kind, self.effect.at, key, self.run.id, self.effect.id, self._made)

    @property
    def usage(self) -> Usage:
        return self.calls.usage


Handler = Callable[[EffectContext], Awaitable[EffectResult]]
Handlers = dict[str, Handler]
