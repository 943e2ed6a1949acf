"""Execution is a fold: `reduce(graph, state, tick) -> (state, changes, effects)`, pure.

The caller commits the changes together with the tick, then starts the effects; what comes of each effect is the
next tick.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import singledispatchmethod

from pydantic import JsonValue

from domain.agent_graph.expressions import holds
from domain.agent_graph.gathering import Open, Short, gathered
from domain.agent_graph.references import assembled, resolved, text_of
from domain.agent_graph.spec import (
    FAN_OUT,
    AgentGraph,
    BroadcastNode,
    Calling,
    ChildNode,
    DelegateNode,
    ExitNode,
    FanOutNode,
    GateNode,
    HumanNode,
    JoinNode,
    LoopNode,
    Node,
    RequestNode,
    RouterNode,
    SuperviseNode,
    WaitNode,
    Working,
)
from domain.agent_graph.state import Active, Effect, Gather, Joining, Loop, RunState, Wait
from domain.agent_graph.ticks import ChangeRefused, EffectDone, EffectFailed, Forked, SignalReceived, Started
from domain.changes import (
    Change,
    EndRun,
    OpenInbox,
    PublishStaged,
    SendMessage,
    SetTimer,
    SignalChildren,
    StartChild,
    WithdrawInbox,
)
from domain.ids import derived_id
from domain.ports.a2a import Message
from domain.run import Limits, RunResult, Usage

RESULTS: dict[str, RunResult] = {
    "succeeded": "succeeded",
    "partial": "partial",
    "failed": "failed",
    "cancelled": "cancelled",
}
REPEATS = 10
MAX_STEPS = 20_000
DEADLINE = "deadline:"
PAUSED_FOR = 60.0  # seconds until a deadline that passed during a pause is looked at again
DELEGATED = "agent@1"


class Step:
    """What one tick led to. Built up inside `reduce` only."""

    def __init__(self, graph: AgentGraph, state: RunState) -> None:
        self.state = state
        self.changes: list[Change] = []
        self.effects: list[Effect] = []
        self._graph = graph
        self._made = 0
        self._ahead: deque[tuple[str, int, int | None]] = deque()

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
                self._enter(_next(node))

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
            self._failed(node, active, tick.reason)

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

    def _let_in(self, held: Sequence[Active]) -> None:
        """What was held goes on (in a pause, or at a fan-out under way, it is held again)."""
        self._set(active=tuple(active for active in self.state.active if active not in held))
        for active in held:
            self._enter(active.node, active.tries, active.part)

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
        node, output = self._graph.node(active.node), dict(tick.payload)
        if tick.payload.get("result") != "succeeded":
            reason = str(tick.payload.get("reason") or "A run that it waited for did not succeed.")
            if not isinstance(node, FanOutNode):
                self._set(outputs={**self.state.outputs, active.node: output})
            self._failed(node, active, reason)
        elif isinstance(node, FanOutNode):
            self._part_ended(node, active, output)
        else:
            self._set(outputs={**self.state.outputs, active.node: output})
            self._enter(_next(node))

    # nodes

    def _enter(self, id: str, tries: int = 0, part: int | None = None) -> None:
        """Enters the node, then those it leads to at once: one after the other, since a loop may go round often."""
        self._ahead.append((id, tries, part))
        if len(self._ahead) > 1:
            return
        while self._ahead:
            self._go_in(*self._ahead[0])
            self._ahead.popleft()

    def _go_in(self, id: str, tries: int, part: int | None) -> None:
        if self.state.result is not None:
            return
        if self.state.paused:
            self._wait(id, "held", self._new_ref(), tries=tries, part=part)
            return
        if not isinstance(self._graph.node(id), SuperviseNode):  # it is entered again at each signal
            self._set(steps=self.state.steps + 1)
        if self.state.steps > MAX_STEPS:
            self._end("failed", f"It went through {MAX_STEPS:,} nodes without an end; give its loops lower limits.")
            return
        self._begin(self._graph.node(id), tries, part)

    def _begin(self, node: Node, tries: int, part: int | None) -> None:
        match node:
            case GateNode() if node.when is not None:
                passed = holds(node.when, self.state.look_up)
                self._set(outputs={**self.state.outputs, node.id: {"passed": passed}})
                self._enter(node.next if passed else node.otherwise)
            case RouterNode() if node.by is not None:
                self._route(node, self.state.look_up(node.by))
            case LoopNode():
                self._go_round(node)
            case JoinNode():
                self._arrive(node)
            case WaitNode():
                ref = self._new_ref()
                self.changes.append(SetTimer(at=self._now + timedelta(seconds=node.seconds), ref=ref))
                self._wait(node.id, "timer", ref)
            case HumanNode():
                self._ask(node)
            case FanOutNode():
                if part is None:
                    self._spread(node)
                else:
                    self._start_part(node, part, tries)
            case ChildNode() | DelegateNode():
                self._start_child(node, node)
            case RequestNode():
                self._request(node)
            case BroadcastNode():
                self._tell_all(node)
            case ExitNode():
                self._exit(node)
            case _:
                self._emit(node, node, tries)

    def _emit(self, node: Node, doing: Working, tries: int, part: int | None = None) -> None:
        limits, usage = self.state.limits, self.state.usage
        if isinstance(doing, Calling) and (limit := limits.passed_by(usage)):
            self._end("failed", f"Its limit of {limit} is used up ({getattr(limits, limit):g}); raise it and retry.")
            return
        ref = self._new_ref()
        self._wait(node.id, "effect", ref, tries=tries, part=part)
        self._set_deadline(node, ref)
        self.effects.append(effect_of(self._graph, self.state, self.state.active[-1]))

    def _set_deadline(self, node: Node, ref: str) -> None:
        if (timeout := node_timeout(node)) is not None:
            self.changes.append(SetTimer(at=self._now + timedelta(seconds=timeout), ref=f"{DEADLINE}{ref}"))

    # branches

    def _route(self, node: RouterNode, chosen: JsonValue) -> None:
        names = [text_of(name) for name in (chosen if isinstance(chosen, list) else [chosen])]
        known = [name for name in dict.fromkeys(names) if name in node.labels]
        known = known if node.many else known[:1]
        self._set(outputs={**self.state.outputs, node.id: {"labels": list(known)}})
        if not known and node.otherwise is None:
            offered = ", ".join(node.labels)
            self._fail(node, f"The router {node.id} has no way for {', '.join(names)[:100]!r}; its labels: {offered}.")
        elif not known:
            assert node.otherwise is not None
            self._enter(node.otherwise)
        else:
            if node.join is not None:
                self._expect(node.join, self._on_their_way(node.join) - 1 + len(known))
            for name in known:
                self._enter(node.labels[name])

    def _arrive(self, node: JoinNode) -> None:
        left = self._on_their_way(node.id) - 1
        self._expect(node.id, left)
        if left == 0:
            self._enter(node.next)

    def _on_their_way(self, join: str) -> int:
        """The branches that have yet to arrive, with the one that asks: a router may stand in another's branch."""
        return next((joining.left for joining in self.state.joins if joining.node == join), 1)

    def _expect(self, join: str, left: int) -> None:
        others = tuple(joining for joining in self.state.joins if joining.node != join)
        self._set(joins=(*others, Joining(node=join, left=left)) if left > 0 else others)

    def _spread(self, node: FanOutNode) -> None:
        if self.state.gather(node.id) is not None:  # another branch is at it
            self._wait(node.id, "held", self._new_ref())
            return
        found = list(range(node.copies)) if node.copies is not None else self.state.look_up(node.over or "")
        if not isinstance(found, list):
            self._fail(node, f"The fan-out {node.id} found no list at {node.over}.")
        elif len(found) > FAN_OUT:
            self._fail(node, f"The fan-out {node.id} has {len(found)} items; at most {FAN_OUT} run side by side.")
        elif not found:
            nothing: JsonValue = {"items": [], "count": 0, "failed": 0}
            self._set(outputs={**self.state.outputs, node.id: nothing})
            self._enter(node.next)
        else:
            others = tuple(gather for gather in self.state.gathers if gather.node != node.id)
            gather = Gather(node=node.id, items=tuple(found), results=(None,) * len(found))
            self._set(gathers=(*others, gather))
            for index in range(len(found)):
                self._start_part(node, index, 0)

    def _start_part(self, node: FanOutNode, part: int, tries: int) -> None:
        if self.state.result is not None or self.state.gather(node.id) is None:
            return
        if isinstance(node.do, ChildNode | DelegateNode):
            self._start_child(node, node.do, part)
        else:
            self._emit(node, node.do, tries, part)

    def _part_ended(self, node: FanOutNode, active: Active, outcome: dict[str, JsonValue] | str) -> None:
        """A part gave something, or failed for a reason."""
        gather = self.state.gather(node.id)
        if gather is None or active.part is None:
            return
        results = tuple(outcome if i == active.part else result for i, result in enumerate(gather.results))
        gather = replace(gather, results=results)
        others = tuple(other for other in self.state.gathers if other.node != node.id)
        whole = gathered(node, gather)
        if isinstance(whole, Open):
            self._set(gathers=(*others, gather))
            return
        self._set(gathers=others)
        self._drop([other for other in self.state.active if other.node == node.id and other.part is not None])
        if isinstance(whole, Short):
            self._fail(node, whole.reason)
        else:
            self._set(outputs={**self.state.outputs, node.id: whole.output})
            self._enter(node.next)
        self._let_in([other for other in self.state.active if other.node == node.id and other.wait == "held"])

    def _failed(self, node: Node, active: Active, reason: str) -> None:
        if isinstance(node, FanOutNode) and active.part is not None:
            self._part_ended(node, active, reason)
        else:
            self._fail(node, reason)

    def _drop(self, actives: Sequence[Active]) -> None:
        """Takes what these nodes wait for away: nobody needs it any more."""
        for active in actives:
            if active.wait == "child":
                self.changes.append(SignalChildren(name="cancel", run_id=active.ref))
            elif active.wait == "answer":
                self.changes.append(WithdrawInbox(item_id=active.ref))
        self._set(active=tuple(active for active in self.state.active if active not in actives))

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
        done = holds(node.until, self.state.look_up)
        if done or unchanged or loop.rounds >= node.limit:
            self._set(loops=others)
            self._enter(node.next if done else node.exhausted)
        else:
            self._set(loops=(*others, Loop(node=node.id, rounds=loop.rounds + 1, seen=seen)))
            self._enter(node.back_to)

    def _ask(self, node: HumanNode) -> None:
        if node.when is not None and not holds(node.when, self.state.look_up):
            self._set(outputs={**self.state.outputs, node.id: {"action": "skipped"}})
            self._enter(node.next)
            return
        item = self._new_id("inbox")
        self.changes.append(
            OpenInbox(
                item_id=item,
                kind=node.kind,
                title=(_text(self.state, node.title_from) or self._said(node.title))[:300],
                detail=_text(self.state, node.detail_from) or self._said(node.detail),
                form=self._said(node.form) or None,
                task_id=_text(self.state, "inputs.task_id") or None,
                findings=_texts(self.state, node.findings_from),
                for_user=_text(self.state, "inputs.for_user") or None,
            )
        )
        self._wait(node.id, "answer", item, people=True)
        self._set_deadline(node, item)

    def _said(self, text: str) -> str:
        return text_of(resolved(text, self.state.look_up))

    def _start_child(self, node: Node, doing: ChildNode | DelegateNode, part: int | None = None) -> None:
        run = self._new_id("run")
        gather = self.state.gather(node.id)
        item = gather.items[part] if gather is not None and part is not None else None
        look_up = self.state.look_up_in(part, item)
        if isinstance(doing, ChildNode):
            inputs = {name: resolved(value, look_up) for name, value in doing.inputs.items()}
            graph = text_of(resolved(doing.graph, look_up))
            self.changes.append(StartChild(run_id=run, graph=graph, inputs=inputs))
        else:
            timeout = node_timeout(node)
            to, task = text_of(resolved(doing.agent, look_up)), assembled(doing.task, look_up)
            message = Message(
                id=self._new_id("message"),
                kind="delegate",
                recipient=to,
                correlation=run,
                body={"task": task},
                deadline=None if timeout is None else self._now + timedelta(seconds=timeout),
            )
            self.changes.append(SendMessage(message=message))
            inputs = {"agent": to, "task": task}
            self.changes.append(StartChild(run_id=run, graph=DELEGATED, inputs=inputs, actor=to))
        self._wait(node.id, "child", run, part=part)
        self._set_deadline(node, run)

    def _request(self, node: RequestNode) -> None:
        id, timeout = self._new_id("message"), node.timeout
        message = Message(
            id=id,
            kind="request",
            recipient=self._said(node.agent),
            correlation=id,
            body={"task": assembled(node.question, self.state.look_up)},
            deadline=None if timeout is None else self._now + timedelta(seconds=timeout),
        )
        self.changes.append(SendMessage(message=message))
        self._wait(node.id, "child", id)
        self._set_deadline(node, id)

    def _tell_all(self, node: BroadcastNode) -> None:
        id = self._new_id("message")
        body: dict[str, JsonValue] = {"text": assembled(node.text, self.state.look_up)}
        message = Message(id=id, kind="broadcast", recipient=None, correlation=id, body=body)
        self.changes.append(SendMessage(message=message))
        self._set(outputs={**self.state.outputs, node.id: {"message_id": id}})
        self._enter(node.next)

    def _exit(self, node: ExitNode) -> None:
        result = node.result if node.result_from is None else RESULTS.get(_text(self.state, node.result_from))
        if result is None:
            self._end("failed", f"Its exit {node.id} found no result at {node.result_from}.")
            return
        if node.publish:
            self.changes.append(PublishStaged(run_id=self.state.run_id))
        output = {name: resolved(value, self.state.look_up) for name, value in node.output.items()}
        self._end(result, _text(self.state, node.reason_from) or self._said(node.reason), output)

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
        self.effects.clear()  # what another branch wanted to start in the same tick
        self._set(result=result, reason=reason, active=(), gathers=(), joins=())

    # state

    def _set(self, **values: object) -> None:
        """A copy without validating it again: `reduce` does that once, at the end."""
        state = object.__new__(RunState)
        state.__dict__.update(self.state.__dict__, **values)
        self.state = state

    def _wait(
        self, node: str, wait: Wait, ref: str, *, tries: int = 0, people: bool = False, part: int | None = None
    ) -> None:
        active = Active(node=node, wait=wait, ref=ref, since=self._now, tries=tries, people=people, part=part)
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


def effect_of(graph: AgentGraph, state: RunState, active: Active) -> Effect:
    """The effect that `active` waits for; after a restart it is started again under the same id."""
    node = graph.node(active.node)
    doing = node.do if isinstance(node, FanOutNode) else node
    assert isinstance(doing, Working)
    gather = state.gather(node.id)
    return Effect(
        id=active.ref,
        node=node.id,
        handler=doing.handler,
        at=active.since,
        remaining=_remaining(state.limits, state.usage),
        part=active.part,
        item=gather.items[active.part] if gather is not None and active.part is not None else None,
    )


def _next(node: Node) -> str:
    assert not isinstance(node, ExitNode | RouterNode)
    return node.next


def node_timeout(node: Node) -> float | None:
    """The seconds that it has; of a fan-out, those that each part has."""
    parts = [node, node.do] if isinstance(node, FanOutNode) else [node]
    return min((t for part in parts if (t := getattr(part, "timeout", None)) is not None), default=None)


def _remaining(limits: Limits, usage: Usage) -> Limits:
    return Limits(
        calls=None if limits.calls is None else max(0, limits.calls - usage.calls),
        money=None if limits.money is None else max(0, limits.money - usage.money),
        seconds=None if limits.seconds is None else max(0.0, limits.seconds - usage.seconds),
    )


def _text(state: RunState, path: str | None) -> str:
    value = None if path is None else state.look_up(path)
    return value if isinstance(value, str) else ""


def _texts(state: RunState, path: str | None) -> tuple[str, ...]:
    value = None if path is None else state.look_up(path)
    return tuple(str(item) for item in value) if isinstance(value, list) else ()
