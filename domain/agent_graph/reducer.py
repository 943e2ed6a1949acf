"""Execution is a fold: `reduce(graph, state, tick) -> (state, changes, effects)`, pure.

The caller commits the changes together with the tick, then starts the effects; what comes of each effect is the
next tick.
"""

from collections import deque
from dataclasses import replace
from datetime import datetime, timedelta
from functools import singledispatchmethod

from pydantic import JsonValue

from domain.agent_graph.spec import (
    AgentGraph,
    AgentNode,
    CheckNode,
    ChildNode,
    Condition,
    ExitNode,
    HumanNode,
    LoopNode,
    Node,
    SuperviseNode,
)
from domain.agent_graph.state import Active, Effect, Loop, RunState, Wait
from domain.agent_graph.ticks import ChangeRefused, EffectDone, EffectFailed, SignalReceived, Started
from domain.changes import (
    Change,
    EndRun,
    OpenInbox,
    PublishStaged,
    SetTimer,
    SignalChildren,
    StartChild,
    WithdrawInbox,
)
from domain.ids import derived_id
from domain.run import Limits, RunResult, Usage

RESULTS: dict[str, RunResult] = {
    "succeeded": "succeeded",
    "partial": "partial",
    "failed": "failed",
    "cancelled": "cancelled",
}
REPEATS = 10


class Step:
    """What one tick led to. Built up inside `reduce` only."""

    def __init__(self, graph: AgentGraph, state: RunState) -> None:
        self.state = state
        self.changes: list[Change] = []
        self.effects: list[Effect] = []
        self._graph = graph
        self._made = 0
        self._ahead: deque[tuple[str, int]] = deque()

    @property
    def _now(self) -> datetime:
        assert self.state.at is not None
        return self.state.at

    # ticks

    @singledispatchmethod
    def take(self, tick: object) -> None:
        raise TypeError(f"not a tick: {tick!r}")

    @take.register
    def _(self, tick: Started) -> None:
        self._set(seed=tick.seed, inputs=tick.inputs, limits=tick.limits)
        self._enter(self._graph.start)

    @take.register
    def _(self, tick: EffectDone) -> None:
        active = self._leave("effect", tick.effect, tick.usage)
        if active is None:
            return
        self.changes += tick.changes
        self._set(outputs={**self.state.outputs, active.node: dict(tick.output)})
        node = self._graph.node(active.node)
        if isinstance(node, SuperviseNode) and not tick.output.get("done"):
            self._supervise(node, active, people=bool(tick.output.get("waiting")))
        else:
            self._enter(_next(node))

    @take.register
    def _(self, tick: EffectFailed) -> None:
        active = self._leave("effect", tick.effect, tick.usage)
        if active is None:
            return
        node = self._graph.node(active.node)
        if isinstance(node, AgentNode) and tick.passing and active.tries < node.retries:
            at = tick.at + timedelta(seconds=node.retry_after)
            self.changes.append(SetTimer(at=at, ref=tick.effect))
            self._wait(node.id, "timer", tick.effect, tries=active.tries + 1)
        else:
            self._fail(node, tick.reason)

    @take.register
    def _(self, tick: ChangeRefused) -> None:
        if tick.effect is None:
            self._end("failed", tick.reason)
        elif (active := self._leave("effect", tick.effect, tick.usage)) is not None:
            node = self._graph.node(active.node)
            if isinstance(node, SuperviseNode) and active.tries < REPEATS:
                self._enter(node.id, active.tries + 1)  # the world moved while it looked: it looks again
            else:
                self._fail(node, tick.reason)

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

    # signals

    def _resume(self) -> None:
        if not self.state.paused:
            return
        held = [active for active in self.state.active if active.wait == "held"]
        self._set(paused=False, active=tuple(a for a in self.state.active if a.wait != "held"))
        self.changes.append(SignalChildren(name="resume"))
        for active in held:
            self._enter(active.node, active.tries)

    def _timer(self, ref: str) -> None:
        if (active := self._leave("timer", ref)) is not None:
            self._enter(active.node, active.tries)

    def _answered(self, tick: SignalReceived) -> None:
        active = self._leave("answer", str(tick.payload.get("item_id", "")))
        if active is None:
            self._stir(tick)
            return
        self._set(outputs={**self.state.outputs, active.node: tick.payload.get("answer")})
        self._enter(_next(self._graph.node(active.node)))

    def _stir(self, tick: SignalReceived) -> None:
        """A child that ended moves the node that waits for it; any signal stirs the supervising nodes."""
        child = self._leave("child", str(tick.payload.get("run_id", "")))
        if child is not None:
            self._set(outputs={**self.state.outputs, child.node: dict(tick.payload)})
            node = self._graph.node(child.node)
            if tick.payload.get("result") == "succeeded":
                self._enter(_next(node))
            else:
                self._fail(node, str(tick.payload.get("reason") or "A run that it waited for did not succeed."))
        for active in self.state.active:
            if active.wait == "signal":
                self._leave("signal", active.ref)
                self._enter(active.node)
            elif active.wait == "effect" and isinstance(self._graph.node(active.node), SuperviseNode):
                self._set(active=tuple(replace(a, stirred=True) if a == active else a for a in self.state.active))

    # nodes

    def _enter(self, id: str, tries: int = 0) -> None:
        """Enters the node, then those it leads to at once: one after the other, since a loop may go round often."""
        self._ahead.append((id, tries))
        if len(self._ahead) > 1:
            return
        while self._ahead:
            self._go_in(*self._ahead[0])
            self._ahead.popleft()

    def _go_in(self, id: str, tries: int) -> None:
        if self.state.result is not None:
            return
        if self.state.paused:
            self._wait(id, "held", self._new_ref(), tries=tries)
            return
        self._begin(self._graph.node(id), tries)

    def _begin(self, node: Node, tries: int) -> None:
        match node:
            case AgentNode() | CheckNode() | SuperviseNode():
                self._emit(node, tries)
            case LoopNode():
                self._go_round(node)
            case HumanNode():
                self._ask(node)
            case ChildNode():
                self._start_child(node)
            case ExitNode():
                self._exit(node)

    def _emit(self, node: AgentNode | CheckNode | SuperviseNode, tries: int) -> None:
        limits, usage = self.state.limits, self.state.usage
        if isinstance(node, AgentNode) and (limit := limits.passed_by(usage)):
            self._end("failed", f"Its limit of {limit} is used up ({getattr(limits, limit):g}); raise it and retry.")
            return
        ref = self._new_ref()
        self._wait(node.id, "effect", ref, tries=tries)
        self.effects.append(effect_of(self._graph, self.state, self.state.active[-1]))

    def _supervise(self, node: SuperviseNode, active: Active, *, people: bool) -> None:
        if active.stirred:
            self._enter(node.id)
        else:
            self._wait(node.id, "signal", self._new_ref(), people=people)

    def _go_round(self, node: LoopNode) -> None:
        loop = self.state.loop(node.id)
        seen = None if node.watch is None else self.state.look_up(node.watch)
        unchanged = node.watch is not None and loop.rounds > 0 and seen == loop.seen
        others = tuple(other for other in self.state.loops if other.node != node.id)
        if _holds(self.state, node.until) or unchanged or loop.rounds >= node.limit:
            self._set(loops=others)
            self._enter(node.next if _holds(self.state, node.until) else node.exhausted)
        else:
            self._set(loops=(*others, Loop(node=node.id, rounds=loop.rounds + 1, seen=seen)))
            self._enter(node.back_to)

    def _ask(self, node: HumanNode) -> None:
        if node.when is not None and not _holds(self.state, node.when):
            self._set(outputs={**self.state.outputs, node.id: {"action": "skipped"}})
            self._enter(node.next)
            return
        item = self._new_id("inbox")
        self.changes.append(
            OpenInbox(
                item_id=item,
                kind=node.kind,
                title=_text(self.state, node.title_from) or node.title,
                detail=_text(self.state, node.detail_from),
                task_id=_text(self.state, "inputs.task_id") or None,
                findings=_texts(self.state, node.findings_from),
                for_user=_text(self.state, "inputs.for_user") or None,
            )
        )
        self._wait(node.id, "answer", item, people=True)

    def _start_child(self, node: ChildNode) -> None:
        run = self._new_id("run")
        inputs = {name: self.state.look_up(path) for name, path in node.inputs.items()}
        self.changes.append(StartChild(run_id=run, graph=node.graph, inputs=inputs))
        self._wait(node.id, "child", run)

    def _exit(self, node: ExitNode) -> None:
        result = node.result if node.result_from is None else RESULTS.get(_text(self.state, node.result_from))
        if result is None:
            self._end("failed", f"Its exit {node.id} found no result at {node.result_from}.")
            return
        if node.publish:
            self.changes.append(PublishStaged(run_id=self.state.run_id))
        output = {name: self.state.look_up(path) for name, path in node.output.items()}
        self._end(result, _text(self.state, node.reason_from), output)

    def _fail(self, node: Node, reason: str) -> None:
        target = getattr(node, "on_failure", None)
        if target is None:
            self._end("failed", reason)
        else:
            failure: dict[str, JsonValue] = {"failed": True, "reason": reason}
            self._set(outputs={**self.state.outputs, node.id: failure})
            self._enter(target)

    def _end(self, result: RunResult, reason: str, output: dict[str, JsonValue] | None = None) -> None:
        if self.state.active or result in ("failed", "cancelled"):  # what a supervising node started outlives it
            self.changes += [SignalChildren(name="cancel"), WithdrawInbox()]
        self.changes.append(EndRun(result=result, reason=reason, output=output or {}))
        self._set(result=result, reason=reason, active=())

    # state

    def _set(self, **values: object) -> None:
        """A copy without validating it again: `reduce` does that once, at the end."""
        state = object.__new__(RunState)
        state.__dict__.update(self.state.__dict__, **values)
        self.state = state

    def _wait(self, node: str, wait: Wait, ref: str, *, tries: int = 0, people: bool = False) -> None:
        active = Active(node=node, wait=wait, ref=ref, since=self._now, tries=tries, people=people)
        self._set(active=(*self.state.active, active))

    def _leave(self, wait: str, ref: str, usage: Usage | None = None) -> Active | None:
        """Takes the active node that waits for `ref` away; None when nobody does (it came twice, or late)."""
        if usage is not None:
            self._set(usage=self.state.usage + usage)
        found = next((a for a in self.state.active if a.wait == wait and a.ref == ref), None)
        if found is not None:
            self._set(active=tuple(a for a in self.state.active if a != found))
        return found

    def _new_ref(self) -> str:
        self._made += 1
        return f"{self.state.seq}/{self._made}"

    def _new_id(self, kind: str) -> str:
        key = bytes.fromhex(self.state.seed)
        return derived_id(kind, self._now, key, self.state.run_id, self._new_ref())


def reduce(
    graph: AgentGraph, state: RunState, tick: Started | EffectDone | EffectFailed | ChangeRefused | SignalReceived
) -> tuple[RunState, tuple[Change, ...], tuple[Effect, ...]]:
    """The next state, what to commit with the tick, and what to start afterwards. A run that ended stays as it is."""
    step = Step(graph, state)
    step._set(seq=state.seq + 1, at=tick.at)
    if state.result is None:
        step.take(tick)
    return replace(step.state), tuple(step.changes), tuple(step.effects)


def effect_of(graph: AgentGraph, state: RunState, active: Active) -> Effect:
    """The effect that `active` waits for; after a restart it is started again under the same id."""
    node = graph.node(active.node)
    assert isinstance(node, AgentNode | CheckNode | SuperviseNode)
    remaining = _remaining(state.limits, state.usage)
    return Effect(id=active.ref, node=node.id, handler=node.handler, at=active.since, remaining=remaining)


def _next(node: Node) -> str:
    assert not isinstance(node, ExitNode)
    return node.next


def _remaining(limits: Limits, usage: Usage) -> Limits:
    return Limits(
        calls=None if limits.calls is None else max(0, limits.calls - usage.calls),
        money=None if limits.money is None else max(0, limits.money - usage.money),
        seconds=None if limits.seconds is None else max(0.0, limits.seconds - usage.seconds),
    )


def _holds(state: RunState, condition: Condition) -> bool:
    same = state.look_up(condition.path) == condition.value
    return same if condition.op == "eq" else not same


def _text(state: RunState, path: str | None) -> str:
    value = None if path is None else state.look_up(path)
    return value if isinstance(value, str) else ""


def _texts(state: RunState, path: str | None) -> tuple[str, ...]:
    value = None if path is None else state.look_up(path)
    return tuple(str(item) for item in value) if isinstance(value, list) else ()
