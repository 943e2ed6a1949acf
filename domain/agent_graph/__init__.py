"""AgentGraphs: what they are made of, and the pure reducer that runs them."""

from domain.agent_graph.reducer import effect_of, reduce
from domain.agent_graph.spec import (
    AgentGraph,
    AgentNode,
    CheckNode,
    ChildNode,
    Condition,
    ExitNode,
    HumanNode,
    LoopNode,
    SuperviseNode,
)
from domain.agent_graph.state import Active, Effect, RunState
from domain.agent_graph.ticks import ChangeRefused, EffectDone, EffectFailed, SignalReceived, Started, Tick

__all__ = [
    "Active",
    "AgentGraph",
    "AgentNode",
    "ChangeRefused",
    "CheckNode",
    "ChildNode",
    "Condition",
    "Effect",
    "EffectDone",
    "EffectFailed",
    "ExitNode",
    "HumanNode",
    "LoopNode",
    "RunState",
    "SignalReceived",
    "Started",
    "SuperviseNode",
    "Tick",
    "effect_of",
    "reduce",
]
