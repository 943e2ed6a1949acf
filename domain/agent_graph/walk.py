"""The way through an AgentGraph: entering nodes, branching, asking people, starting runs, coming to an end."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from pydantic import JsonValue

from domain.agent_graph.expressions import holds
from domain.agent_graph.gathering import Open, Short, gathered, lacking
from domain.agent_graph.nodes import (
    FAN_OUT,
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
from domain.agent_graph.progress import Progress, effect_of, node_timeout, remaining
from domain.agent_graph.references import assembled, resolved, text_of
from domain.agent_graph.spec import AgentGraph
from domain.agent_graph.state import Active, Gather, Joining, RunState
from domain.changes import (
    OpenInbox,
    PublishStaged,
    SendMessage,
    SetTimer,
    StartChild,
)
from domain.ports.a2a import Message
from domain.run import RunResult

RESULTS: dict[str, RunResult] = {
    "succeeded": "succeeded",
    "partial": "partial",
    "failed": "failed",
    "cancelled": "cancelled",
}
MAX_STEPS = 20_000
DELEGATED = "agent@1"


class Walk(Progress):
    """Goes through the nodes of the graph: in at one, out to the next, side by side where it branches."""

    def __init__(self, graph: AgentGraph, state: RunState) -> None:
        super().__init__(graph, state)
        self._ahead: deque[tuple[str, int, int | None]] = deque()

    def _enter(self, id: str, tries: int = 0, part: int | None = None) -> None:
        """Enters the node, then those it leads to at once: one after the other, since a loop may go round often."""
        self._ahead.append((id, tries, part))
        if len(self._ahead) > 1:
            return
        while self._ahead:
            self._go_in(*self._ahead[0])
            self._ahead.popleft()

    def _let_in(self, held: Sequence[Active]) -> None:
        """What was held goes on (in a pause, or at a fan-out under way, it is held again)."""
        self._set(active=tuple(active for active in self.state.active if active not in held))
        for active in held:
            self._enter(active.node, active.tries, active.part)

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
        if isinstance(doing, Calling) and self._is_spent():
            return
        ref = self._new_ref()
        self._wait(node.id, "effect", ref, tries=tries, part=part)
        self._set_deadline(node, ref)
        self.effects.append(effect_of(self._graph, self.state, self.state.active[-1]))

    def _is_spent(self) -> bool:
        """Whether a limit is used up; then the run ends."""
        limits = self.state.limits
        limit = limits.passed_by(self.state.spent)
        if limit is not None:
            self._set(outside=False)
            self._end("failed", f"Its limit of {limit} is used up ({getattr(limits, limit):g}); raise it and retry.")
        return limit is not None

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
        elif reason := lacking(node, found):
            self._fail(node, reason)
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

    def _part_ended(
        self, node: FanOutNode, active: Active, outcome: dict[str, JsonValue] | str, *, outside: bool = False
    ) -> None:
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
            self._fail(node, whole.reason, outside=outside)
        else:
            self._set(outputs={**self.state.outputs, node.id: whole.output})
            self._enter(node.next)
        self._let_in([other for other in self.state.active if other.node == node.id and other.wait == "held"])

    def _failed(self, node: Node, active: Active, reason: str, *, outside: bool = False) -> None:
        if isinstance(node, FanOutNode) and active.part is not None:
            self._part_ended(node, active, reason, outside=outside)
        else:
            self._fail(node, reason, outside=outside)

    def _supervise(self, node: SuperviseNode, active: Active, *, people: bool) -> None:
        if active.stirred:
            self._enter(node.id)
        else:
            self._wait(node.id, "signal", self._new_ref(), people=people)

    def _go_round(self, node: LoopNode) -> None:
        loop = self.state.loop(node.id)
        seen = None if node.watch is None else self.state.look_up(node.watch)
        still = node.watch is not None and loop.stands_still(seen)
        others = tuple(other for other in self.state.loops if other.node != node.id)
        done = holds(node.until, self.state.look_up)
        if done or still or loop.rounds >= node.limit:
            self._set(loops=others)
            self._enter(node.next if done else node.exhausted)
        else:
            self._set(loops=(*others, loop.went_round(seen)))
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
                title=(text_at(self.state, node.title_from) or self._said(node.title))[:300],
                detail=text_at(self.state, node.detail_from) or self._said(node.detail),
                form=self._said(node.form) or None,
                task_id=text_at(self.state, "inputs.task_id") or None,
                findings=texts_at(self.state, node.findings_from),
                for_user=text_at(self.state, "inputs.for_user") or None,
            )
        )
        self._wait(node.id, "answer", item, people=True)
        self._set_deadline(node, item)

    def _start_child(self, node: Node, doing: ChildNode | DelegateNode, part: int | None = None) -> None:
        if self._is_spent():
            return
        run, within = self._new_id("run"), remaining(self.state.limits, self.state.spent)
        gather = self.state.gather(node.id)
        item = gather.items[part] if gather is not None and part is not None else None
        look_up = self.state.look_up_in(part, item)
        if isinstance(doing, ChildNode):
            inputs = {name: resolved(value, look_up) for name, value in doing.inputs.items()}
            graph = text_of(resolved(doing.graph, look_up))
            self.changes.append(StartChild(run_id=run, graph=graph, inputs=inputs, within=within))
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
            self.changes.append(StartChild(run_id=run, graph=DELEGATED, inputs=inputs, actor=to, within=within))
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
        result = node.result if node.result_from is None else RESULTS.get(text_at(self.state, node.result_from))
        if result is None:
            self._end("failed", f"Its exit {node.id} found no result at {node.result_from}.")
            return
        if node.publish:
            self.changes.append(PublishStaged(run_id=self.state.run_id))
        output = {name: resolved(value, self.state.look_up) for name, value in node.output.items()}
        self._end(result, text_at(self.state, node.reason_from) or self._said(node.reason), output)

    def _fail(self, node: Node, reason: str, *, outside: bool = False) -> None:
        self._set(outside=outside)
        target = getattr(node, "on_failure", None)
        if target is None:
            self._end("failed", reason)
        else:
            failure: dict[str, JsonValue] = {"failed": True, "reason": reason}
            self._set(outputs={**self.state.outputs, node.id: failure})
            self._enter(target)


def next_of(node: Node) -> str:
    assert not isinstance(node, ExitNode | RouterNode)
    return node.next


def text_at(state: RunState, path: str | None) -> str:
    value = None if path is None else state.look_up(path)
    return value if isinstance(value, str) else ""


def texts_at(state: RunState, path: str | None) -> tuple[str, ...]:
    value = None if path is None else state.look_up(path)
    return tuple(str(item) for item in value) if isinstance(value, list) else ()
