"""The runner carries one run on: claims it, folds its journal, takes ticks, starts effects, lets go when it waits."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from loguru import logger
from pydantic import JsonValue

from domain.agent_graph import (
    AgentGraph,
    ChangeRefused,
    Effect,
    EffectDone,
    EffectFailed,
    RunState,
    SignalReceived,
    Started,
    effect_of,
    reduce,
)
from domain.agent_graph.state import STATES
from domain.agent_graph.ticks import TICKS
from domain.errors import DomainError
from domain.events import EventType
from domain.ports.llm import LLMError
from domain.principal import Principal
from domain.run import Run, Usage
from services.ports.clock import Clock
from services.ports.content import Content
from services.ports.journal import Claim, Journal
from services.ports.live import Live
from services.ports.store import Fence, JournalEntry, LeaseLost, Store, StoreError
from services.ports.views import Search
from services.running.applier import Applier, usage_json
from services.running.calls import CallsFor
from services.running.effects import EffectContext, Handlers
from services.unit_of_work import Scene, UnitOfWork, repeated

SomeTick = Started | EffectDone | EffectFailed | ChangeRefused | SignalReceived
LEASE_SECONDS = 15.0


@dataclass(kw_only=True)
class Session:
    """A run in hand: its state and what is under way."""

    claim: Claim
    run: Run
    graph: AgentGraph
    state: RunState
    nudged: asyncio.Event = field(default_factory=asyncio.Event)
    under_way: dict[asyncio.Task[SomeTick], Effect] = field(default_factory=dict)

    @property
    def fence(self) -> Fence:
        return Fence(run_id=self.claim.run_id, epoch=self.claim.epoch)


class Runner:
    """`advance` carries a run on until it waits or ends. Any number may be carried on at once."""

    def __init__(
        self,
        *,
        store: Store,
        journal: Journal,
        search: Search,
        content: Content,
        clock: Clock,
        live: Live,
        handlers: Handlers,
        graph: Callable[[str], AgentGraph],
        calls_for: CallsFor,
        owner: str,
        lease_seconds: float = LEASE_SECONDS,
        beat_seconds: float | None = None,
    ) -> None:
        self._store, self._journal, self._search, self._content = store, journal, search, content
        self._clock, self._live, self._handlers, self._graph = clock, live, handlers, graph
        self._calls_for, self._owner = calls_for, owner
        self._lease, self._beat = lease_seconds, beat_seconds or lease_seconds / 3
        self._sessions: dict[str, Session] = {}
        live.on_wake(self._nudge)

    def _nudge(self, run_id: str) -> None:
        if run_id in self._sessions:
            self._sessions[run_id].nudged.set()

    async def advance(self, run_id: str) -> bool:
        """True when this runner had the run. Raises StoreError when the store failed; the run goes on later."""
        claim = await self._journal.claim(run_id, self._owner, self._lease)
        if claim is None:
            return False
        session = await self._open(claim)
        self._sessions[run_id] = session
        carrying = asyncio.create_task(self._carry(session))
        beating = asyncio.create_task(self._heartbeat(claim))
        try:
            await asyncio.wait({carrying, beating}, return_when=asyncio.FIRST_COMPLETED)
            if beating.done() and not carrying.done():
                raise LeaseLost(run_id)
            await carrying
        except LeaseLost:
            logger.warning("the run was taken over by another runner")
        finally:
            await _cancelled(carrying, beating, *session.under_way)
            self._sessions.pop(run_id, None)
        return True

    async def _open(self, claim: Claim) -> Session:
        segment = await self._journal.segment(claim)
        state = STATES.validate_json(segment.snapshot) if segment.snapshot else RunState(run_id=claim.run_id)
        for entry in segment.entries:
            state, _, _ = reduce(segment.graph, state, TICKS.validate_json(entry.tick))
        return Session(claim=claim, run=segment.run, graph=segment.graph, state=state)

    async def _heartbeat(self, claim: Claim) -> None:
        while True:
            await asyncio.sleep(self._beat)
            if not await self._journal.renew(claim, self._lease):
                return
            self._nudge(claim.run_id)  # for what came by another process, or has become due

    async def _carry(self, session: Session) -> None:
        with logger.contextualize(correlation=session.run.correlation, run=session.run.id):
            logger.info("the run {} is carried on", session.run.graph)
            if session.state.seq == 0:
                await self._take(session, self._first_tick(session.run))
            else:
                self._start(session, [a for a in session.state.active if a.wait == "effect"])
            session.nudged.set()  # for what came before it was in hand
            while session.state.result is None:
                if session.nudged.is_set():
                    session.nudged.clear()
                    await self._drain(session)
                elif session.under_way:
                    await self._await_effects(session)
                elif await self._release(session):
                    return
                else:
                    session.nudged.set()

    def _first_tick(self, run: Run) -> Started:
        return Started(at=self._clock.now(), seed=self._clock.entropy().hex(), inputs=run.inputs, limits=run.limits)

    async def _drain(self, session: Session) -> None:
        for signal in await self._journal.signals(session.run.id):
            tick = SignalReceived(at=self._clock.now(), name=signal.name, payload=dict(signal.payload))
            await self._take(session, tick, [signal.position])
            if session.state.result is not None:
                return

    async def _await_effects(self, session: Session) -> None:
        nudge = asyncio.create_task(session.nudged.wait())
        try:
            done, _ = await asyncio.wait({nudge, *session.under_way}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cancelled(nudge)
        for task in [task for task in session.under_way if task in done]:
            effect = session.under_way.pop(task)
            with logger.contextualize(node=effect.node):
                await self._take(session, task.result())
            if session.state.result is not None:
                return

    async def _release(self, session: Session) -> bool:
        snapshot = STATES.dump_json(session.state, exclude_defaults=True).decode()
        return await self._journal.release(session.claim, snapshot, session.state.seq)

    # ticks

    async def _take(self, session: Session, tick: SomeTick, consumed: Sequence[int] = ()) -> None:
        """Reduces, commits, then starts what follows. What a rule refuses becomes the tick ChangeRefused."""
        try:
            state, effects, run = await repeated(lambda: self._commit(session, tick, consumed))
        except DomainError as refusal:
            if isinstance(tick, ChangeRefused):
                raise
            logger.info("a change was refused: {}", type(refusal).__name__)
            await self._take(session, _refused(tick, refusal), consumed)
            return
        session.state, session.run = state, run
        self._launch(session, effects)

    async def _commit(
        self, session: Session, tick: SomeTick, consumed: Sequence[int]
    ) -> tuple[RunState, Sequence[Effect], Run]:
        state, changes, effects = reduce(session.graph, session.state, tick)
        uow = self._unit(session, tick)
        applier = Applier(session.run, uow, self._content, self._graph)
        for change in changes:
            await applier.apply(change)
        run = _moved(session.run, state, uow)
        journaled = replace(tick, changes=()) if isinstance(tick, EffectDone) and tick.changes else tick
        uow.journal(
            JournalEntry(
                run_id=run.id,
                seq=state.seq,
                tick=TICKS.dump_json(journaled, exclude_defaults=False).decode(),
                effects=",".join(effect.id for effect in effects),
                at=tick.at,
            ),
            consumed,
        )
        await uow.commit()
        return state, effects, run if run is session.run else replace(run, version=run.version + 1)

    def _unit(self, session: Session, tick: SomeTick) -> UnitOfWork:
        run = session.run
        principal = Principal(
            id=run.actor, workspace_id=run.workspace_id, kind="agent", on_behalf_of=run.on_behalf_of or None
        )
        scene = Scene(
            principal=principal,
            at=tick.at,
            correlation=run.correlation,
            cause=run.id,
            run_id=run.id,
            root_id=run.root_id,
        )
        return UnitOfWork(store=self._store, clock=self._clock, live=self._live, scene=scene, fence=session.fence)

    # effects

    def _start(self, session: Session, actives: Sequence[Any]) -> None:
        """Effects that were under way when the run was let go: again, under the same ids."""
        self._launch(session, [effect_of(session.graph, session.state, active) for active in actives])

    def _launch(self, session: Session, effects: Sequence[Effect]) -> None:
        for effect in effects:
            task = asyncio.create_task(self._perform(session, effect))
            session.under_way[task] = effect

    async def _perform(self, session: Session, effect: Effect) -> SomeTick:
        calls = self._calls_for(session.run, effect, session.fence)
        context = EffectContext(
            run=session.run,
            state=session.state,
            effect=effect,
            store=self._store,
            search=self._search,
            content=self._content,
            calls=calls,
        )
        try:
            result = await self._handlers[effect.handler](context)
        except StoreError:
            raise
        except (DomainError, LLMError) as error:
            return self._failed(
                effect, str(error), calls.usage, passing=isinstance(error, LLMError) and error.retryable
            )
        except OSError as error:
            return self._failed(effect, f"The system refused a file: {error.strerror or error}.", calls.usage)
        except Exception as error:
            logger.opt(exception=error).error("the handler {} failed", effect.handler)
            reason = f"An internal fault ({type(error).__name__}) stopped {effect.node}; the log says where."
            return self._failed(effect, reason, calls.usage)
        return EffectDone(
            at=self._clock.now(), effect=effect.id, output=result.output, usage=calls.usage, changes=result.changes
        )

    def _failed(self, effect: Effect, reason: str, usage: Usage, passing: bool = False) -> EffectFailed:
        return EffectFailed(at=self._clock.now(), effect=effect.id, reason=reason, usage=usage, passing=passing)


def _moved(run: Run, state: RunState, uow: UnitOfWork) -> Run:
    """The run's row, where the tick changed it."""
    if state.phase == run.phase and state.usage == run.usage:
        return run
    if state.result is None:
        moved = run.moved(state.phase, uow.at, state.usage)
    else:
        moved = run.ended(state.result, state.reason, uow.at, state.usage)
    uow.put(moved)
    if moved.phase != run.phase:
        data: dict[str, JsonValue] = {
            "old": run.phase,
            "phase": moved.phase,
            "task_id": run.task_id,
            "graph": run.graph,
        }
        if moved.phase == "ended":
            data |= {"result": moved.result, "reason": moved.reason, "usage": usage_json(moved.usage)}
        type: EventType = "run.ended" if moved.phase == "ended" else "run.moved"
        uow.happened(type, run.id, project_id=run.project_id, data=data)
    return moved


def _refused(tick: SomeTick, refusal: DomainError) -> ChangeRefused:
    if isinstance(tick, EffectDone | EffectFailed):
        return ChangeRefused(at=tick.at, effect=tick.effect, reason=str(refusal), usage=tick.usage)
    return ChangeRefused(at=tick.at, effect=None, reason=str(refusal))


async def _cancelled(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
