"""What one tick led to so far: the state between nodes, changes and effects."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import JsonValue

from domain.agent_graph.nodes import FanOutNode, Node, Working
from domain.agent_graph.references import resolved, text_of
from domain.agent_graph.spec import AgentGraph
from domain.agent_graph.state import Active, Effect, RunState, Wait
from domain.changes import (
    Change,
    EndRun,
    SetTimer,
    SignalChildren,
    WithdrawInbox,
)
from domain.ids import derived_id
from domain.run import Limits, RunResult, Usage

DEADLINE = "deadline:"


class Progress:
    """The state as one tick leaves it, what to commit with it, what to start afterwards."""

    def __init__(self, graph: AgentGraph, state: RunState) -> None:
        self.state = state
        self.changes: list[Change] = []
        self.effects: list[Effect] = []
        self._graph = graph
        self._made = 0

    @property
    def _now(self) -> datetime:
        assert self.state.at is not None
        return self.state.at

    def _set_deadline(self, node: Node, ref: str) -> None:
        if (timeout := node_timeout(node)) is not None:
            self.changes.append(SetTimer(at=self._now + timedelta(seconds=timeout), ref=f"{DEADLINE}{ref}"))

    def _drop(self, actives: Sequence[Active]) -> None:
        """Takes what these nodes wait for away: nobody needs it any more."""
        for active in actives:
            if active.wait == "child":
                self.changes.append(SignalChildren(name="cancel", run_id=active.ref))
            elif active.wait == "answer":
                self.changes.append(WithdrawInbox(item_id=active.ref))
        self._set(active=tuple(active for active in self.state.active if active not in actives))

    def _said(self, text: str) -> str:
        return text_of(resolved(text, self.state.look_up))

    def _end(self, result: RunResult, reason: str, output: dict[str, JsonValue] | None = None) -> None:
        if self.state.active or result in ("failed", "cancelled"):  # what a supervising node started outlives it
            self.changes += [SignalChildren(name="cancel"), WithdrawInbox()]
        outside = result != "succeeded" and self.state.outside
        self.changes.append(
            EndRun(result=result, reason=reason, output=output or {}, used=self.state.spent, outside=outside)
        )
        self.effects.clear()  # what another branch wanted to start in the same tick
        self._set(result=result, reason=reason, active=(), gathers=(), joins=())

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
        remaining=remaining(state.limits, state.spent),
        part=active.part,
        item=gather.items[active.part] if gather is not None and active.part is not None else None,
    )


def node_timeout(node: Node) -> float | None:
    """The seconds that it has; of a fan-out, those that each part has."""
    parts = [node, node.do] if isinstance(node, FanOutNode) else [node]
    return min((t for part in parts if (t := getattr(part, "timeout", None)) is not None), default=None)


def remaining(limits: Limits, usage: Usage) -> Limits:
    return Limits(
        calls=None if limits.calls is None else max(0, limits.calls - usage.calls),
        money=None if limits.money is None else max(0, limits.money - usage.money),
        seconds=None if limits.seconds is None else max(0.0, limits.seconds - usage.seconds),
    )
