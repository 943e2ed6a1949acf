"""The runner carries one run on: claims it, folds its journal, takes ticks, starts effects, lets go when it waits."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from loguru import logger
from pydantic import JsonValue

from domain.agent_graph import (
    AgentGraph,
    ChangeRefused,
    Effect,
    EffectDone,
    EffectFailed,
    Forked,
    RunState,
    SignalReceived,
    Started,
    effect_of,
    reduce,
)
from domain.agent_graph.state import STATES
from domain.agent_graph.ticks import TICKS
from domain.changes import Change, EndRun
from domain.errors import DomainError
from domain.events import EventType
from domain.ports.llm import LLMError
from domain.principal import Principal
from domain.run import Run, RunPhase, Usage
from services.ports.clock import Clock
from services.ports.content import Content
from services.ports.journal import Claim, History, Journal, Segment
from services.ports.live import Live
from services.ports.store import JournalEntry, LeaseLost, Signal, Store, StoreError
from services.ports.telemetry import SILENCE, Span, Telemetry
from services.ports.views import Search
from services.running.applier import Applier, usage_json
from services.running.calls import CallsFor
from services.running.effects import EffectContext, Handlers, Parked
from services.running.parking import for_people
from services.running.session import Bell, Outcome, Session, SomeTick
from services.unit_of_work import Scene, UnitOfWork, repeated

LEASE_SECONDS = 15.0
OUTCOMES: dict[type[object], str] = {EffectFailed: "failed", Parked: "parked"}


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
        telemetry: Telemetry = SILENCE,
        lease_seconds: float = LEASE_SECONDS,
        beat_seconds: float | None = None,
    ) -> None:
        self._store, self._journal, self._search, self._content = store, journal, search, content
        self._clock, self._live, self._handlers, self._graph = clock, live, handlers, graph
        self._calls_for, self._owner, self._telemetry = calls_for, owner, telemetry
        self._lease, self._beat = lease_seconds, beat_seconds or lease_seconds / 3
        self._bells: dict[str, Bell] = {}
        live.on_wake(self._nudge)
        live.on_free(self._nudge_all)

    def _nudge(self, run_id: str) -> None:
        if run_id in self._bells:
            self._bells[run_id].nudge()

    def _nudge_all(self) -> None:
        for bell in self._bells.values():
            bell.freed += 1
            bell.nudge()

    async def advance(self, run_id: str) -> bool:
        """True when this runner had the run. Raises StoreError when the store failed; the run goes on later."""
        if run_id in self._bells:
            return False
        self._bells[run_id] = Bell()  # before the claim: what comes after that rings
        try:
            segment = await self._journal.claim(run_id, self._owner, self._lease)
            if segment is not None:
                with self._telemetry.span("run", segment.run, phase=segment.run.phase) as span:
                    await self._hold(segment, span)
            return segment is not None
        finally:
            del self._bells[run_id]

    async def _hold(self, segment: Segment, span: Span) -> None:
        session = self._opened(segment)
        carrying = asyncio.create_task(self._carry(session, segment.signals))
        beating = asyncio.create_task(self._heartbeat(segment.claim))
        try:
            await asyncio.wait({carrying, beating}, return_when=asyncio.FIRST_COMPLETED)
            if beating.done() and not carrying.done():
                raise LeaseLost(session.run.id)
            await carrying
            span.note(phase=session.run.phase, result=session.run.result or "")
        except LeaseLost:
            logger.warning("the run was taken over by another runner")
        finally:
            await _cancelled(carrying, beating, *session.under_way)
            await asyncio.gather(*session.called_off.values(), return_exceptions=True)

    def _opened(self, segment: Segment) -> Session:
        run = segment.run
        state = STATES.validate_json(segment.snapshot) if segment.snapshot else RunState(run_id=run.id)
        for entry in segment.entries:
            state, _, _ = reduce(segment.graph, state, TICKS.validate_json(entry.tick))
        return Session(claim=segment.claim, run=run, graph=segment.graph, state=state, bell=self._bells[run.id])

    async def _heartbeat(self, claim: Claim) -> None:
        while True:
            await asyncio.sleep(self._beat)
            if not await self._journal.renew(claim, self._lease):
                return
            self._nudge(claim.run_id)  # for what came by another process, or has become due

    async def _carry(self, session: Session, signals: Sequence[Signal]) -> None:
        with logger.contextualize(correlation=session.run.correlation, run=session.run.id):
            logger.info("the run {} is carried on", session.run.graph)
            if session.state.seq == 0:
                await self._take(session, await self._first_tick(session.run))
            else:
                await self._stand(session, session.state.phase)
                self._start(session, [a for a in session.state.active if a.wait == "effect"])
            await self._drain(session, signals)
            while session.state.result is None:
                if session.bell.nudged:
                    session.bell.nudged = False
                    await self._drain(session, await self._journal.signals(session.run.id))
                    self._try_again(session)
                elif ended := [task for task in session.under_way if task.done()]:
                    await self._take_up(session, ended)
                elif session.under_way:
                    await session.bell.wait()
                elif await self._release(session):
                    return
                else:
                    session.bell.nudge()

    async def _first_tick(self, run: Run) -> Started | Forked:
        at, seed = self._clock.now(), self._clock.entropy().hex()
        if run.forked_from is None:
            return Started(at=at, seed=seed, inputs=run.inputs, limits=run.limits)
        history = await self._journal.history(run.workspace_id, run.forked_from)
        assert history is not None
        state = state_at(history, run.forked_from, run.forked_at)
        return Forked(at=at, seed=seed, source=run.forked_from, state=state)

    async def _drain(self, session: Session, signals: Sequence[Signal]) -> None:
        for signal in signals:
            if session.state.result is not None:
                return
            tick = SignalReceived(at=self._clock.now(), name=signal.name, payload=dict(signal.payload))
            await self._take(session, tick, [signal.position])

    async def _take_up(self, session: Session, ended: Sequence[asyncio.Task[Outcome]]) -> None:
        for task in ended:
            effect = session.under_way.pop(task, None)
            if effect is None:
                continue
            outcome = task.result()
            if isinstance(outcome, Parked):
                self._park(session, effect, outcome.needs)
                continue
            with logger.contextualize(node=effect.node):
                await self._take(session, outcome)
            if session.state.result is not None:
                return
            self._try_again(session)

    def _park(self, session: Session, effect: Effect, needs: str) -> None:
        if session.bell.freed == session.begun[effect.id]:
            session.parked[effect.id] = effect, needs
        else:  # it may have come after the effect had looked
            self._launch(session, [effect])

    def _try_again(self, session: Session) -> None:
        """What waited, now that something has changed."""
        waiting = [effect for effect, _ in session.parked.values()]
        session.parked.clear()
        self._launch(session, waiting)

    async def _release(self, session: Session) -> bool:
        snapshot = STATES.dump_json(session.state, exclude_defaults=True).decode()
        needs, freed = sorted({needs for _, needs in session.parked.values()}), session.bell.freed
        if needs and all(map(for_people, needs)):
            await self._stand(session, "waiting")
        if not await self._journal.release(session.claim, snapshot, session.state.seq, needs):
            return False
        if needs and session.bell.freed != freed:
            await self._journal.due(session.run.id)
        return True

    async def _stand(self, session: Session, phase: RunPhase) -> None:
        """What is seen of a run while what it does waits for a person."""
        run = session.run
        if {run.phase, phase} != {"waiting", "running"}:
            return
        uow = self._unit(session, self._clock.now())
        moved = run.moved(phase, uow.at, run.usage)
        uow.put(moved)
        data: dict[str, JsonValue] = {"old": run.phase, "phase": phase, "task_id": run.task_id, "graph": run.graph}
        uow.happened("run.moved", run.id, project_id=run.project_id, data=data)
        await uow.commit()
        session.run = replace(moved, version=moved.version + 1)

    # ticks

    async def _take(self, session: Session, tick: SomeTick, consumed: Sequence[int] = ()) -> None:
        """Reduces, commits, then starts what follows. What a rule refuses becomes the tick ChangeRefused."""
        try:
            state, effects, run = await repeated(lambda: self._commit(session, tick, consumed))
        except DomainError as refusal:
            if isinstance(tick, ChangeRefused) and tick.effect is None:
                raise
            logger.info("a change was refused: {}", type(refusal).__name__)
            await self._take(session, _refused(tick, refusal), consumed)
            return
        session.state, session.run = state, run
        _call_off(session)
        self._launch(session, effects)

    async def _commit(
        self, session: Session, tick: SomeTick, consumed: Sequence[int]
    ) -> tuple[RunState, Sequence[Effect], Run]:
        state, changes, effects = reduce(session.graph, session.state, tick)
        uow = self._unit(session, tick.at)
        applier = Applier(session.run, uow, self._content, self._graph, self._journal.graph)
        for change in changes:
            await applier.apply(change)
        run = _moved(session.run, state, changes, uow)
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

    def _unit(self, session: Session, at: datetime) -> UnitOfWork:
        run = session.run
        principal = Principal(
            id=run.actor, workspace_id=run.workspace_id, kind="agent", on_behalf_of=run.on_behalf_of or None
        )
        scene = Scene(
            principal=principal,
            at=at,
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
            session.begun[effect.id] = session.bell.freed
            task = asyncio.create_task(self._told(session, effect))
            task.add_done_callback(session.bell.ring)
            session.under_way[task] = effect

    async def _told(self, session: Session, effect: Effect) -> Outcome:
        about = {"effect": effect.id, "node": effect.node, "handler": effect.handler}
        with self._telemetry.span("effect", session.run, **about) as span:
            outcome = await self._perform(session, effect)
            span.note(outcome=OUTCOMES.get(type(outcome), "done"))
            return outcome

    async def _perform(self, session: Session, effect: Effect) -> Outcome:
        calls = self._calls_for(session.run, effect, session.fence)
        context = EffectContext(
            run=session.run,
            graph=session.graph,
            state=session.state,
            effect=effect,
            store=self._store,
            search=self._search,
            content=self._content,
            calls=calls,
        )
        try:
            result = await self._handlers[effect.handler](context)
            return EffectDone(
                at=self._clock.now(), effect=effect.id, output=result.output, usage=calls.usage, changes=result.changes
            )
        except asyncio.CancelledError:
            if effect.id in session.called_off:
                await asyncio.shield(calls.call_off())
            raise
        except StoreError:
            raise
        except Parked as parked:
            logger.info("{} waits for {}", effect.node, parked.needs)
            return parked
        except (DomainError, LLMError) as error:
            passing = isinstance(error, LLMError) and error.retryable
            return self._failed(effect, str(error), calls.usage, passing=passing, outside=error.outside)
        except OSError as error:
            return self._failed(effect, f"The system refused a file: {error.strerror or error}.", calls.usage)
        except Exception as error:
            logger.opt(exception=error).error("the handler {} failed", effect.handler)
            reason = f"An internal fault ({type(error).__name__}) stopped {effect.node}; the log says where."
            return self._failed(effect, reason, calls.usage)

    def _failed(
        self, effect: Effect, reason: str, usage: Usage, *, passing: bool = False, outside: bool = False
    ) -> EffectFailed:
        return EffectFailed(
            at=self._clock.now(), effect=effect.id, reason=reason, usage=usage, passing=passing, outside=outside
        )


def _moved(run: Run, state: RunState, changes: Sequence[Change], uow: UnitOfWork) -> Run:
    """The run's row, where the tick changed it."""
    if state.phase == run.phase and state.usage == run.usage:
        return run
    if state.result is None:
        moved = run.moved(state.phase, uow.at, state.usage)
    else:
        end = next(change for change in changes if isinstance(change, EndRun))
        moved = run.ended(end.result, end.reason, uow.at, state.usage, end.output, outside=end.outside)
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


def state_at(history: History, run_id: str, seq: int) -> RunState:
    """What the run was when it had taken its tick `seq`."""
    state = RunState(run_id=run_id)
    for entry in history.entries:
        if entry.seq <= seq:
            state, _, _ = reduce(history.graph, state, TICKS.validate_json(entry.tick))
    return state


def _call_off(session: Session) -> None:
    """Ends effects that nobody waits for any more: another branch was faster, or a deadline passed."""
    awaited = {active.ref for active in session.state.active}
    for id in session.parked.keys() - awaited:
        del session.parked[id]
    for task, effect in list(session.under_way.items()):
        if effect.id not in awaited and not task.done():
            session.called_off[effect.id] = task
            task.cancel()
            del session.under_way[task]


def _refused(tick: SomeTick, refusal: DomainError) -> ChangeRefused:
    if isinstance(tick, EffectDone | EffectFailed):
        return ChangeRefused(at=tick.at, effect=tick.effect, reason=str(refusal), usage=tick.usage)
    return ChangeRefused(at=tick.at, effect=None, reason=str(refusal))


async def _cancelled(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
