"""Execution is a fold: `reduce(graph, state, tick) -> (state, changes, effects)`, pure.

The caller commits the changes together with the tick, then starts the effects; what comes of each effect is the
next tick.
"""

from dataclasses import replace
from datetime import timedelta
from functools import singledispatchmethod

from pydantic import TypeAdapter

from domain.agent_graph.nodes import FanOutNode, GateNode, HumanNode, RouterNode, SuperviseNode, WaitNode
from domain.agent_graph.progress import DEADLINE, node_timeout
from domain.agent_graph.spec import AgentGraph
from domain.agent_graph.state import Active, Effect, RunState
from domain.agent_graph.ticks import (
    OUTSIDE,
    USED,
    ChangeRefused,
    EffectDone,
    EffectFailed,
    Forked,
    SignalReceived,
    Started,
)
from domain.agent_graph.walk import Walk, next_of
from domain.changes import (
    Change,
    SetTimer,
    SignalChildren,
)
from domain.run import Usage

USAGES = TypeAdapter(Usage)
REPEATS = 10
PAUSED_FOR = 60.0  # seconds until a deadline that passed during a pause is looked at again


class Step(Walk):
    """A run that takes one tick."""

    # ticks

    @singledispatchmethod
    def take(self, tick: object) -> None:
        raise TypeError(f"not a tick: {tick!r}")

    @take.register
    def _(self, tick: Started) -> None:
        self._set(seed=tick.seed, inputs=tick.inputs, limits=tick.limits)
        self._enter(self._graph.start)

    @take.register
    def _(self, tick: Forked) -> None:
        """On from where another run of the same graph was: what it was at is begun again."""
        source = tick.state
        self._set(
            seed=tick.seed,
            inputs=source.inputs,
            limits=source.limits,
            outputs=source.outputs,
            loops=source.loops,
            gathers=source.gathers,
            joins=source.joins,
        )
        for active in source.active:
            self._enter(active.node, part=active.part)

    @take.register
    def _(self, tick: EffectDone) -> None:
        active = self._leave("effect", tick.effect, tick.usage)
        if active is None:
            return
        self.changes += tick.changes
        self._set(outside=False)
        node = self._graph.node(active.node)
        if isinstance(node, FanOutNode):
            self._part_ended(node, active, dict(tick.output))
            return
        self._set(outputs={**self.state.outputs, active.node: dict(tick.output)})
        match node:
            case SuperviseNode() if not tick.output.get("done"):
                self._supervise(node, active, people=bool(tick.output.get("waiting")))
            case GateNode():
                self._enter(node.next if tick.output.get("passed") else node.otherwise)
            case RouterNode():
                self._route(node, tick.output.get("labels"))
            case _:
                self._enter(next_of(node))

    @take.register
    def _(self, tick: EffectFailed) -> None:
        active = self._leave("effect", tick.effect, tick.usage)
        if active is None:
            return
        node = self._graph.node(active.node)
        doing = node.do if isinstance(node, FanOutNode) else node
        retries, after = getattr(doing, "retries", 0), getattr(doing, "retry_after", 0.0)
        if tick.passing and active.tries < retries:
            self.changes.append(SetTimer(at=tick.at + timedelta(seconds=after), ref=tick.effect))
            self._wait(node.id, "timer", tick.effect, tries=active.tries + 1, part=active.part)
        else:
            self._failed(node, active, tick.reason, outside=tick.outside)

    @take.register
    def _(self, tick: ChangeRefused) -> None:
        if tick.effect is None:
            self._end("failed", tick.reason)
        elif (active := self._leave("effect", tick.effect, tick.usage)) is not None:
            node = self._graph.node(active.node)
            if isinstance(node, SuperviseNode) and active.tries < REPEATS:
                self._enter(node.id, active.tries + 1)  # the world moved while it looked: it looks again
            else:
                self._failed(node, active, tick.reason)

    @take.register
    def _(self, tick: SignalReceived) -> None:
        match tick.name:
            case "cancel":
                self._end("cancelled", str(tick.payload.get("reason") or "It was cancelled."))
            case "pause":
                self._set(paused=True)
                self.changes.append(SignalChildren(name="pause"))
            case "resume":
                self._resume()
            case "timer":
                self._timer(str(tick.payload.get("ref", "")))
            case "answered":
                self._answered(tick)
            case _:
                self._stir(tick)

    def close(self) -> None:
        """A run ends: also where no branch has anything left to wait for."""
        if self.state.result is None and not self.state.active:
            self._end("failed", "It came to a standstill: a branch ended without reaching its join.")

    # signals

    def _resume(self) -> None:
        if not self.state.paused:
            return
        self._set(paused=False)
        self.changes.append(SignalChildren(name="resume"))
        self._let_in([active for active in self.state.active if active.wait == "held"])

    def _timer(self, ref: str) -> None:
        if ref.startswith(DEADLINE):
            self._give_up(ref.removeprefix(DEADLINE))
        elif (active := self._leave("timer", ref)) is not None:
            node = self._graph.node(active.node)
            if isinstance(node, WaitNode):
                self._enter(node.next)
            else:
                self._enter(active.node, active.tries, active.part)

    def _give_up(self, ref: str) -> None:
        """What took longer than its node allows."""
        active = next((a for a in self.state.active if a.ref == ref and a.wait != "timer"), None)
        if active is None:  # it came to an end, or is about to be tried again
            return
        node = self._graph.node(active.node)
        if self.state.paused:  # a pause is nobody's delay
            self.changes.append(SetTimer(at=self._now + timedelta(seconds=PAUSED_FOR), ref=f"{DEADLINE}{ref}"))
            return
        self._drop([active])
        self._failed(node, active, f"It took longer than the {node_timeout(node) or 0:g} seconds that it has.")

    def _answered(self, tick: SignalReceived) -> None:
        active = self._leave("answer", str(tick.payload.get("item_id", "")))
        if active is None:
            self._stir(tick)
            return
        answer = tick.payload.get("answer")
        self._set(outputs={**self.state.outputs, active.node: answer})
        node = self._graph.node(active.node)
        assert isinstance(node, HumanNode)
        rejected = isinstance(answer, dict) and answer.get("action") == "reject"
        self._enter(node.on_reject if rejected and node.on_reject is not None else node.next)

    def _stir(self, tick: SignalReceived) -> None:
        """A child that ended moves the node that waits for it; any signal stirs the supervising nodes."""
        if tick.name == "child_ended":
            self._set(lent=self.state.lent + USAGES.validate_python(tick.payload.get(USED, {})))
        child = self._leave("child", str(tick.payload.get("run_id", "")))
        if child is not None:
            self._child_ended(child, tick)
        for active in self.state.active:
            if active.wait == "signal":
                self._leave("signal", active.ref)
                self._enter(active.node)
            elif active.wait == "effect" and isinstance(self._graph.node(active.node), SuperviseNode):
                self._set(active=tuple(replace(a, stirred=True) if a == active else a for a in self.state.active))

    def _child_ended(self, active: Active, tick: SignalReceived) -> None:
        node = self._graph.node(active.node)
        output = {name: value for name, value in tick.payload.items() if name not in (USED, OUTSIDE)}
        self._set(outside=False)
        if tick.payload.get("result") != "succeeded":
            reason = str(tick.payload.get("reason") or "A run that it waited for did not succeed.")
            if not isinstance(node, FanOutNode):
                self._set(outputs={**self.state.outputs, active.node: output})
            called_off = tick.payload.get("result") == "cancelled"
            self._failed(node, active, reason, outside=called_off or bool(tick.payload.get(OUTSIDE)))
        elif isinstance(node, FanOutNode):
            self._part_ended(node, active, output)
        else:
            self._set(outputs={**self.state.outputs, active.node: output})
            self._enter(next_of(node))


def reduce(
    graph: AgentGraph,
    state: RunState,
    tick: Started | Forked | EffectDone | EffectFailed | ChangeRefused | SignalReceived,
) -> tuple[RunState, tuple[Change, ...], tuple[Effect, ...]]:
    """The next state, what to commit with the tick, and what to start afterwards. A run that ended stays as it is."""
    step = Step(graph, state)
    step._set(seq=state.seq + 1, at=tick.at)
    if state.result is None:
        step.take(tick)
        step.close()
    return replace(step.state), tuple(step.changes), tuple(step.effects)
