"""A simulated world around the reducer: it drives any AgentGraph through a history drawn from a seed, and checks the
reducer's promises at every tick. No clock, no store, no threads: a history is told again by its seed.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue, TypeAdapter

from domain.agent_graph import (
    AgentGraph,
    ChangeRefused,
    Effect,
    EffectDone,
    EffectFailed,
    FanOutNode,
    Forked,
    RunState,
    SignalReceived,
    Started,
    SuperviseNode,
    effect_of,
    reduce,
)
from domain.agent_graph.nodes import FAN_OUT, Calling, Working
from domain.agent_graph.progress import DEADLINE, node_timeout
from domain.agent_graph.state import STATES
from domain.agent_graph.ticks import TICKS, USED
from domain.changes import (
    Change,
    EndRun,
    MoveTask,
    OpenInbox,
    PublishStaged,
    SendMessage,
    SetTimer,
    SignalChildren,
    SignalName,
    StartChild,
    WithdrawInbox,
)
from domain.run import Limits, RunResult, Usage

SomeTick = Started | Forked | EffectDone | EffectFailed | ChangeRefused | SignalReceived
START = datetime(2026, 1, 1, tzinfo=UTC)
RESULTS: tuple[RunResult, ...] = ("succeeded", "partial", "failed", "cancelled")
LONGEST = 20_000  # ticks; no graph made here is that slow


# histories


@dataclass(frozen=True, kw_only=True)
class Record:
    """A tick as the journal keeps it (JSON, without the changes of an effect), and the ids of the effects it led to."""

    tick: bytes
    effects: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Chances:
    """How often, out of one, each mishap strikes."""

    failure: float = 0.25
    refusal: float = 0.05
    cancel: float = 0.02
    pause: float = 0.08
    crash: float = 0.08
    duplicate: float = 0.1


class World:
    """What stands around one run: its journal, and all that it waits for. `live` makes anything happen; `settle`
    lets the world answer whatever it is asked until the run ends."""

    def __init__(
        self, graph: AgentGraph, seed: int, *, limits: Limits | None = None, chances: Chances | None = None
    ) -> None:
        self.graph = graph
        self.rng = random.Random(seed)
        self.limits = limits or Limits()
        self.chances = chances or Chances()
        self.state = RunState(run_id=f"run_{seed}")
        self.journal: list[Record] = []
        self.snapshots: list[tuple[int, bytes]] = []
        self.now = START
        self.under_way: dict[str, Effect] = {}
        self.dropped: dict[str, Effect] = {}
        self.items: dict[str, bool] = {}
        self.children: dict[str, bool] = {}
        self.timers: list[tuple[datetime, str]] = []
        self.issued: set[str] = set()
        self.past: list[SomeTick] = []
        self.changes: list[Change] = []

    # the two ways to live

    def start(self) -> None:
        inputs = self._fields()
        inputs["items"] = list(range(self.rng.choice([0, 1, 2, 3, 3, 5])))
        inputs["many"] = list(range(self.rng.choice([2, 4, 20, 21])))
        self.take(Started(at=self.now, seed=self.rng.randbytes(32).hex(), inputs=inputs, limits=self.limits))

    def fork(self, seed: int) -> "World":
        """Another run of the same graph that goes on from here."""
        other = World(self.graph, seed, limits=self.limits, chances=self.chances)
        other.now = self.now
        state = STATES.validate_json(STATES.dump_json(self.state))
        other.take(Forked(at=self.now, seed=self.rng.randbytes(32).hex(), source=self.state.run_id, state=state))
        assert not set(other.items) & set(self.items) and not set(other.children) & set(self.children)
        return other

    def live(self, ticks: int) -> None:
        """At most `ticks` ticks of anything, a few of them after the end."""
        for _ in range(ticks):
            if self.state.result is not None and self._flip():
                return
            self.step()

    def settle(self) -> None:
        """The world answers from here on: nobody pauses, nothing fails, supervising rules say that they are done."""
        for _ in range(LONGEST):
            if self.state.result is not None:
                return
            self._pass_time()
            self._answer_something()
        raise AssertionError(f"the run did not end in {LONGEST} ticks")

    def _answer_something(self) -> None:
        ways: list[Callable[[], None]] = []
        if self.timers:
            ways.append(self._fire)
        if open := [id for id, is_open in self.items.items() if is_open]:
            ways.append(lambda: self._answer(self.rng.choice(open)))
        if alive := [id for id, is_alive in self.children.items() if is_alive]:
            ways.append(lambda: self._end_child(self.rng.choice(alive), "succeeded"))
        if self.state.paused:
            self._signal("resume")
        elif self.under_way:
            self._finish(self._any(self.under_way), done=True)
        elif ways:
            self.rng.choice(ways)()
        else:
            self._signal("poke")

    def step(self) -> None:
        """Something happens: an effect ends, the outside signals, a tick comes twice, or the process dies."""
        self._pass_time()
        roll, chances = self.rng.random(), self.chances
        mishaps: list[tuple[float, Callable[[], None]]] = [
            (chances.cancel, lambda: self._signal("cancel")),
            (chances.pause, lambda: self._signal("pause")),
            (chances.pause, lambda: self._signal("resume")),
            (chances.crash, self.crash),
            (chances.duplicate, self.repeat),
            (chances.duplicate, self.stray),
        ]
        for chance, happen in mishaps:
            if roll < chance:
                happen()
                return
            roll -= chance
        self._progress()

    # what can happen

    def _progress(self) -> None:
        ways: list[Callable[[], None]] = [lambda: self._signal("resume" if self.state.paused else "poke")]
        if self.under_way:
            ways += [lambda: self._finish(self._any(self.under_way))] * 3
        if self.dropped:
            ways.append(lambda: self._finish(self._any(self.dropped)))
        if self.timers:
            ways.append(self._fire)
        if self.items:
            ways.append(lambda: self._answer(self._any(self.items)))
        if self.children:
            ways.append(lambda: self._end_child(self._any(self.children), self.rng.choice([*RESULTS, "succeeded"])))
        self.rng.choice(ways)()

    def _finish(self, id: str, *, done: bool = False) -> None:
        (self.under_way if id in self.under_way else self.dropped).pop(id)
        usage = self._usage()
        roll = 1.0 if done else self.rng.random()
        if roll < self.chances.refusal:
            self.take(ChangeRefused(at=self.now, effect=id, reason="The artifact is locked.", usage=usage))
        elif roll < self.chances.refusal + self.chances.failure:
            passing = self._flip()
            self.take(EffectFailed(at=self.now, effect=id, reason="It is down.", usage=usage, passing=passing))
        else:
            output = self._fields() | {"done": done or self._flip(), "waiting": self._flip()}
            change = MoveTask(task_id="tsk_1", to="ready")
            self.take(EffectDone(at=self.now, effect=id, output=output, usage=usage, changes=(change,)))

    def _fire(self) -> None:
        at, ref = min(self.timers)
        self.timers.remove((at, ref))
        self.now = max(self.now, at)
        self._signal("timer", {"ref": ref})

    def _answer(self, id: str) -> None:
        """An item that is answered twice answers twice: the second time late."""
        self.items[id] = False
        self._signal("answered", {"item_id": id, "answer": self._fields()})

    def _end_child(self, id: str, result: str) -> None:
        self.children[id] = False
        used: dict[str, JsonValue] = {USED: dict(asdict(self._usage()))}
        self._signal("child_ended", self._fields() | {"run_id": id, "result": result} | used)

    def _usage(self) -> Usage:
        return Usage(
            calls=self.rng.randint(0, 3), money=self.rng.randint(0, 9), seconds=self.rng.choice([0, 0.25, 7]),
            input_tokens=self.rng.randint(0, 9),
        )  # fmt: skip

    def repeat(self) -> None:
        """A tick of the past comes again."""
        if self.past:
            old = self.rng.choice(self.past)
            if not isinstance(old, Started | Forked) and not (isinstance(old, ChangeRefused) and old.effect is None):
                self.take(replace(old, at=self.now))

    def stray(self) -> None:
        """A tick about what this run never heard of."""
        strays: list[SomeTick] = [
            EffectDone(at=self.now, effect="999/1", output={"done": True}),
            EffectFailed(at=self.now, effect="999/1", reason="Lost.", passing=True),
            ChangeRefused(at=self.now, effect="999/1", reason="Lost."),
            SignalReceived(at=self.now, name="timer", payload={"ref": "999/1"}),
            SignalReceived(at=self.now, name="answered", payload={"item_id": "inb_none", "answer": {"action": "x"}}),
            SignalReceived(at=self.now, name="child_ended", payload={"run_id": "run_none", "result": "failed"}),
            SignalReceived(at=self.now, name="plan_changed"),
        ]
        self.take(self.rng.choice(strays))

    def crash(self) -> None:
        """The process dies; another one folds the journal, and starts again what was under way."""
        seq, state = 0, RunState(run_id=self.state.run_id)
        if self.snapshots and self._flip():
            seq, snapshot = self.rng.choice(self.snapshots)
            state = STATES.validate_json(snapshot)
        for record in self.journal[seq:]:
            state, _, effects = reduce(self.graph, state, TICKS.validate_json(record.tick))
            assert tuple(effect.id for effect in effects) == record.effects
        assert state == self.state
        again = [effect_of(self.graph, state, active) for active in state.active if active.wait == "effect"]
        assert {effect.id for effect in again} == set(self.under_way)
        for effect in again:
            assert replace(effect, remaining=self.under_way[effect.id].remaining) == self.under_way[effect.id]
            assert effect.remaining == left(state)
        self.state = state
        self.under_way, self.dropped = {effect.id: effect for effect in again}, {}
        if self._flip():
            self.snapshots.append((state.seq, STATES.dump_json(state, exclude_defaults=True)))

    # ticks

    def take(self, tick: SomeTick) -> None:
        """Reduces, checks, commits, starts what follows."""
        old = self.state
        was, told = STATES.dump_json(old), TICKS.dump_json(tick)
        new, changes, effects = reduce(self.graph, old, tick)
        assert (STATES.dump_json(old), TICKS.dump_json(tick)) == (was, told), "an input was changed"
        assert reduce(self.graph, old, tick) == (new, changes, effects), "it said something else the second time"
        journaled = replace(tick, changes=()) if isinstance(tick, EffectDone) else tick
        ids = tuple(effect.id for effect in effects)
        self.journal.append(Record(tick=TICKS.dump_json(journaled), effects=ids))
        self.past.append(tick)
        self.state = new
        self.changes += changes
        self._apply(changes, effects)
        check(self.graph, old, tick, new, changes, effects, self.issued)
        self.issued |= set(ids)
        self._check_what_is_open()

    def _apply(self, changes: Sequence[Change], effects: Sequence[Effect]) -> None:
        for change in changes:
            match change:
                case OpenInbox():
                    assert change.item_id not in self.items
                    self.items[change.item_id] = True
                case WithdrawInbox(item_id=None):
                    self.items = dict.fromkeys(self.items, False)
                case WithdrawInbox(item_id=str(item)):
                    assert self.items[item], "an item was withdrawn that was not open any more"
                    self.items[item] = False
                case StartChild():
                    assert change.run_id not in self.children
                    self.children[change.run_id] = True
                case SignalChildren(name="cancel", run_id=None):
                    self.children = dict.fromkeys(self.children, False)
                case SignalChildren(name="cancel", run_id=str(child)):
                    assert self.children[child], "a child was cancelled that had ended, or had been cancelled"
                    self.children[child] = False
                case SetTimer():
                    assert change.at >= self.now
                    self.timers.append((change.at, change.ref))
        self.under_way |= {effect.id: effect for effect in effects}
        wanted = {active.ref for active in self.state.active if active.wait == "effect"}
        self.dropped |= {id: effect for id, effect in self.under_way.items() if id not in wanted}
        self.under_way = {id: effect for id, effect in self.under_way.items() if id in wanted}

    def _check_what_is_open(self) -> None:
        """Exactly what the run waits for is under way, open, alive or set; after the end that is nothing."""
        refs = {wait: {a.ref for a in self.state.active if a.wait == wait} for wait in ("effect", "answer", "child")}
        assert set(self.under_way) == refs["effect"]
        assert {id for id, is_open in self.items.items() if is_open} == refs["answer"]
        assert {id for id, is_alive in self.children.items() if is_alive} == refs["child"]
        timers = {ref for _, ref in self.timers}
        for active in self.state.active:
            node = self.graph.node(active.node)
            match active.wait:
                case "timer":
                    assert active.ref in timers
                case "held":
                    busy = isinstance(node, FanOutNode) and active.part is None and self.state.gather(node.id)
                    assert self.state.paused or busy
                case "signal":
                    assert isinstance(node, SuperviseNode)
                case _:
                    assert node_timeout(node) is None or f"{DEADLINE}{active.ref}" in timers

    # chance

    def _signal(self, name: SignalName, payload: dict[str, JsonValue] | None = None) -> None:
        self.take(SignalReceived(at=self.now, name=name, payload=payload or {}))

    def _fields(self) -> dict[str, JsonValue]:
        flag, result = self._flip(), self.rng.choice([*RESULTS, "nonsense", 7, None])
        return {
            "flag": flag,
            "passed": self._flip(),
            "ask": self._flip(),
            "action": self.rng.choice(["approve", "reject"]),
            "digest": self.rng.choice(["a", "b"]),
            "deep": {"flag": flag, "list": [1, 2.5, None, "ü"]},
            "labels": self.rng.sample(["a", "b", "c", "d", "nonsense"], self.rng.choice([0, 2, 4, 4])),
            "score": self.rng.choice([1, 2.5, -3, True, None, float("nan"), "good"]),
            "failed": self._flip(),
            "findings": ["too short"] if flag else None,
            "result": result,
            "reason": self.rng.choice(["So it is.", "", 3]),
        }

    def _any(self, things: dict[str, Effect] | dict[str, bool]) -> str:
        return self.rng.choice(list(things))

    def _flip(self) -> bool:
        return self.rng.random() < 0.5

    def _pass_time(self) -> None:
        self.now += timedelta(seconds=self.rng.choice([0, 0.001, 3, 600]))


# promises


def check(
    graph: AgentGraph,
    old: RunState,
    tick: SomeTick,
    new: RunState,
    changes: Sequence[Change],
    effects: Sequence[Effect],
    issued: set[str],
) -> None:
    """What holds of every tick of every run."""
    assert (new.seq, new.at) == (old.seq + 1, tick.at)
    ids = [effect.id for effect in effects]
    assert len(set(ids)) == len(ids), "an effect id was emitted twice in a tick"
    assert not issued & set(ids), "an effect id was emitted twice"
    assert all(id.startswith(f"{new.seq}/") for id in ids)
    if old.result is not None:
        assert (changes, effects) == ((), ())
        assert new == replace(old, seq=new.seq, at=new.at), "an ended run changed"
        return
    ends = [change for change in changes if isinstance(change, EndRun)]
    assert len(ends) == (new.result is not None), "a run ends once, with one change"
    if new.result is not None:
        _check_end(old, tick, new, changes, effects)
    elif new.paused:
        assert effects == (), "a paused run emitted an effect"
        assert not any(isinstance(change, OpenInbox | StartChild | SendMessage) for change in changes)
    assert (new.phase == "ended") == (new.result is not None)
    assert new.usage == old.usage + getattr(tick, "usage", Usage())
    assert new.lent == old.lent + used_by_child(tick)
    for change in changes:
        if isinstance(change, StartChild):
            assert change.within == left(new), "it may use more than what is left"
            assert new.limits.passed_by(new.spent) is None, "a run began with the limit of its parent used up"
    for effect in effects:
        _check_effect(graph, new, effect)
    _check_branches(new)
    _check_messages(changes)
    if _is_nobodys(graph, old, tick):
        assert new == replace(old, seq=new.seq, at=new.at, usage=new.usage, lent=new.lent), (
            "a late tick changed something"
        )
        assert (changes, effects) == ((), ())


def _check_end(
    old: RunState, tick: SomeTick, new: RunState, changes: Sequence[Change], effects: Sequence[Effect]
) -> None:
    assert isinstance(changes[-1], EndRun)
    assert (changes[-1].result, changes[-1].reason) == (new.result, new.reason)
    assert new.active == ()
    assert effects == (), "a run that ended emitted an effect"
    assert sum(isinstance(change, PublishStaged) for change in changes) <= 1
    cancelled = isinstance(tick, SignalReceived) and tick.name == "cancel"
    if cancelled and old.active:
        assert SignalChildren(name="cancel") in changes
        assert WithdrawInbox() in changes
    if cancelled:
        assert new.result == "cancelled"


def _check_effect(graph: AgentGraph, state: RunState, effect: Effect) -> None:
    node = graph.node(effect.node)
    gather = state.gather(node.id)
    doing = node.do if isinstance(node, FanOutNode) else node
    assert isinstance(doing, Working)
    assert (effect.handler, effect.at) == (doing.handler, state.at)
    assert (effect.part is not None) == isinstance(node, FanOutNode)
    assert effect.item == (gather.items[effect.part] if gather is not None and effect.part is not None else None)
    assert effect.remaining == left(state), "it may use more than what is left"
    if isinstance(doing, Calling):
        assert state.limits.passed_by(state.spent) is None, "a call began with its limit used up"


def _check_branches(state: RunState) -> None:
    """Nothing is lost and nothing is there twice: neither a part of a fan-out nor a branch on its way to a join."""
    parts = [(active.node, active.part) for active in state.active if active.part is not None]
    ended = [(g.node, i) for g in state.gathers for i, result in enumerate(g.results) if result is not None]
    assert sorted([*parts, *ended]) == sorted((g.node, i) for g in state.gathers for i in range(len(g.items)))
    assert all(0 < len(gather.items) <= FAN_OUT for gather in state.gathers)
    branches = sum(active.part is None for active in state.active) + len(state.gathers)
    if state.result is None:
        assert branches == 1 + sum(joining.left - 1 for joining in state.joins)
    else:
        assert (branches, state.joins, state.gathers) == (0, (), ())


def _check_messages(changes: Sequence[Change]) -> None:
    """Each delegation is a message and the child run that answers it."""
    children = [(c.run_id, c.actor) for c in changes if isinstance(c, StartChild) and c.actor is not None]
    messages = [c.message for c in changes if isinstance(c, SendMessage)]
    assert [(message.correlation, message.recipient) for message in messages] == children
    assert len({message.id for message in messages}) == len(messages)


def _is_nobodys(graph: AgentGraph, state: RunState, tick: SomeTick) -> bool:
    """True for what became of something that no node waits for (any more)."""
    refs = {wait: {a.ref for a in state.active if a.wait == wait} for wait in ("effect", "timer", "answer", "child")}
    match tick:
        case EffectDone() | EffectFailed() | ChangeRefused():
            return tick.effect is not None and tick.effect not in refs["effect"]
        case SignalReceived(name="timer"):
            ref = str(tick.payload.get("ref"))
            late = ref.removeprefix(DEADLINE) not in refs["effect"] | refs["answer"] | refs["child"]
            return late if ref.startswith(DEADLINE) else ref not in refs["timer"]
        case SignalReceived(name="answered" | "child_ended" | "plan_changed" | "poke"):
            payload = tick.payload
            stirs = any(isinstance(graph.node(active.node), SuperviseNode) for active in state.active)
            return not (stirs or payload.get("item_id") in refs["answer"] or payload.get("run_id") in refs["child"])
        case _:
            return False


def used_by_child(tick: SomeTick) -> Usage:
    told = tick.payload.get(USED) if isinstance(tick, SignalReceived) else None
    return TypeAdapter(Usage).validate_python(told or {})


def left(state: RunState) -> Limits:
    """What the run may still use: counted here a second time, by another way."""
    limits, usage = state.limits, state.usage + state.lent
    return Limits(
        calls=None if limits.calls is None else limits.calls - min(usage.calls, limits.calls),
        money=None if limits.money is None else limits.money - min(usage.money, limits.money),
        seconds=None if limits.seconds is None else limits.seconds - min(usage.seconds, limits.seconds),
    )
