"""Recorded calls: reserved before, recorded and settled after, answered from the record on re-entry."""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict, replace
from datetime import datetime
from typing import Literal

from loguru import logger
from pydantic import TypeAdapter

from domain.agent_graph import Effect
from domain.errors import CapReached, LimitReached
from domain.events import Event
from domain.ids import digest_of
from domain.ports.llm import LLM, Delta, LLMError, ModelInfo, ModelUnavailable, Reply, Request, render
from domain.run import Run, Usage
from services.ports.clock import Clock
from services.ports.content import Content
from services.ports.journal import Journal
from services.ports.live import Live, TextDelta
from services.ports.store import Changeset, CounterMove, Fence, LedgerEntry, RecordedCall, Store
from services.ports.structured import Fit
from services.ports.telemetry import SILENCE, Telemetry
from services.running.caps import Caps, held, settled
from services.running.parking import Parked

REPLIES = TypeAdapter(Reply)
PAUSES = [min(1.0, 0.02 * 1.3**n) for n in range(75)]  # a minute in all
CHARS_PER_TOKEN = 3  # a safe over-estimate for reserving; the reply settles it


Place = Callable[[str, str], AbstractAsyncContextManager[str]]
"""Where a call to an alias by a run may last: the deployment whose model is in memory meanwhile, or nothing. Raises
Parked where it is not now."""


@asynccontextmanager
async def anywhere(alias: str, run_id: str) -> AsyncIterator[str]:
    """Where no memory is planned for."""
    yield ""


class Calls:
    """The calls of one effect. `key` of the n-th is `run/seq/i/n`, its idempotency key."""

    def __init__(
        self,
        run: Run,
        effect: Effect,
        fence: Fence,
        *,
        llm: LLM,
        store: Store,
        journal: Journal,
        content: Content,
        clock: Clock,
        live: Live,
        telemetry: Telemetry = SILENCE,
        place: Place = anywhere,
    ) -> None:
        self._run, self._effect, self._place = run, effect, place
        self._fence: Fence | None = fence
        self._llm, self._store, self._journal, self._content = llm, store, journal, content
        self._clock, self._live, self._telemetry = clock, live, telemetry
        self._caps = Caps(run=run, store=store, clock=clock, live=live)
        self._n = 0
        self._open: RecordedCall | None = None
        self.usage = Usage()

    def describe(self, alias: str) -> ModelInfo:
        return self._llm.describe(alias)

    async def complete(
        self,
        request: Request,
        *,
        agent: str,
        purpose: str,
        streamed: bool = False,
        judge: Callable[[Reply], Fit] | None = None,
    ) -> Reply:
        """The reply, from the record if there is one. What `judge` says of it is recorded with it. Raises LLMError,
        LimitReached, LeaseLost, and Parked where its model has to wait for memory, or a budget is
        used up: before anything was reserved."""
        self._n += 1
        key = f"{self._run.id}/{self._effect.id}/{self._n}"
        with logger.contextualize(call=key):
            asked = replace(request, idempotency_key=key, workspace_id=self._run.workspace_id)
            return await self._answered(asked, key, agent, purpose, streamed, judge or _by_itself)

    async def _answered(
        self,
        request: Request,
        key: str,
        agent: str,
        purpose: str,
        streamed: bool,
        judge: Callable[[Reply], Fit],
    ) -> Reply:
        recorded = await self._journal.call(key)
        if recorded is not None and recorded.state == "done" and recorded.reply:
            reply = REPLIES.validate_json(await self._content.get(self._run.workspace_id, recorded.reply))
            self.usage += recorded.usage
            judge(reply)
            logger.info("a call was answered from its record")
            return reply
        async with self._place(request.alias, self._run.id) as there:
            return await self._asked(replace(request, prefer=there), key, agent, purpose, streamed, recorded, judge)

    async def _asked(
        self,
        request: Request,
        key: str,
        agent: str,
        purpose: str,
        streamed: bool,
        recorded: RecordedCall | None,
        judge: Callable[[Reply], Fit],
    ) -> Reply:
        info = self._llm.describe(request.alias)
        with self._telemetry.span(
            "call", self._run, call=key, agent=agent, purpose=purpose, alias=request.alias, model=info.model
        ) as span:
            call = self._open = await self._reserved(key, request, agent, purpose, recorded)
            try:
                reply = await self._made(request, streamed)
            except LLMError as error:
                await self._failed(call, error)
                raise
            fit = judge(reply)
            if fit.rung:
                span.note(rung=fit.rung, asked=fit.asked)
            span.note(
                response_model=reply.model,
                input_tokens=reply.input_tokens,
                output_tokens=reply.output_tokens,
                money=reply.money,
            )
            return await self._settled(call, reply, fit)

    async def _made(self, request: Request, streamed: bool) -> Reply:
        if not streamed:
            return await self._llm.complete(request)
        reply: Reply | None = None
        scopes = (self._run.root_id, self._run.project_id)
        async for piece in self._llm.stream(request):
            if isinstance(piece, Delta):
                self._live.say(scopes, TextDelta(run_id=self._run.id, task_id=self._run.task_id, text=piece.text))
            else:
                reply = piece
        if reply is None:
            raise ModelUnavailable(f"The model behind {request.alias} stopped without a reply; try again.")
        return reply

    async def _reserved(
        self, key: str, request: Request, agent: str, purpose: str, recorded: RecordedCall | None
    ) -> RecordedCall:
        self._check_limits()
        messages = render(request)
        info = self._llm.describe(request.alias)
        size = sum(len(message["content"]) for message in messages) // CHARS_PER_TOKEN
        reserved = Usage(
            input_tokens=size,
            output_tokens=request.max_output_tokens,
            money=info.price(size, request.max_output_tokens, request.deadline),
            calls=1,
            seconds=1,
        )
        if recorded is not None and recorded.state == "started":
            return recorded
        prompt = json.dumps(messages, ensure_ascii=False).encode()
        call = RecordedCall(
            key=key,
            run_id=self._run.id,
            workspace_id=self._run.workspace_id,
            project_id=self._run.project_id,
            state="started",
            purpose=purpose,
            agent=agent,
            alias=request.alias,
            reason=request.reason,
            task_id=self._run.task_id,
            started_at=self._clock.now(),
            request=digest_of(prompt),
            reserved=reserved,
        )
        await self._content.put(self._run.workspace_id, prompt)
        await self._reserve(call)
        return call

    async def _reserve(self, call: RecordedCall) -> None:
        """Where only calls under way are in the way of it, it waits for them for a while; then a person is asked.
        Raises Parked, Stopped."""
        for pause in PAUSES:
            try:
                return await self._commit(call, "reserve", held(call, await self._caps.in_force()))
            except CapReached as refused:
                shortage = self._caps.shortage(refused)
            if shortage.passes:
                break
            await asyncio.sleep(pause)
        await self._caps.ask(shortage)
        raise Parked(shortage.cap.needs)

    async def _settled(self, call: RecordedCall, reply: Reply, fit: Fit) -> Reply:
        usage = Usage(
            input_tokens=reply.input_tokens,
            output_tokens=reply.output_tokens,
            money=reply.money,
            calls=1,
            seconds=reply.seconds,
        )
        body = json.dumps(asdict(reply), ensure_ascii=False).encode()
        digest = await self._content.put(self._run.workspace_id, body)
        done = replace(
            call,
            state="done",
            model=reply.model,
            reply=digest,
            usage=usage,
            ended_at=self._clock.now(),
            error="",
            left_out=reply.left_out,
            fit=fit,
            cached=reply.cached,
        )
        self._open = None
        await self._commit(done, "settle", settled(done))
        self.usage += usage
        await self._caps.warn()
        logger.info("a call to {} used {} + {} tokens", reply.model, reply.input_tokens, reply.output_tokens)
        return reply

    async def call_off(self) -> None:
        """Nobody waits for the call under way any more. What was reserved counts as spent: it may be billed."""
        if self._open is None or self._open.state != "started":
            return
        call, error = self._open, "It was called off: nobody waited for it any more."
        off = replace(call, state="failed", error=error, usage=call.reserved, ended_at=self._clock.now())
        self._fence = None  # its run may have ended with the very decision
        await self._commit(off, "settle", settled(off))

    async def _failed(self, call: RecordedCall, error: LLMError) -> None:
        logger.warning("a call failed: {}", type(error).__name__)
        self._open = None
        failed = replace(call, state="failed", error=str(error), ended_at=self._clock.now())
        await self._commit(failed, "release", settled(failed))

    def _check_limits(self) -> None:
        limit = self._effect.remaining.passed_by(self.usage)
        if limit is not None:
            raise LimitReached(limit, f"The run {self._run.id} has used up its limit of {limit}; raise it and retry.")

    async def _commit(
        self, call: RecordedCall, kind: Literal["reserve", "settle", "release"], moves: Sequence[CounterMove]
    ) -> None:
        """The call as it stands now, with the counters and the ledger."""
        at = call.ended_at or call.started_at
        booked = call.reserved if kind == "reserve" else call.usage
        entry = LedgerEntry(
            project_id=self._run.project_id,
            run_id=self._run.id,
            call=call.key,
            kind=kind,
            money=booked.money,
            at=at,
            input_tokens=booked.input_tokens,
            output_tokens=booked.output_tokens,
            seconds=math.ceil(booked.seconds),
            task_id=call.task_id or "",
        )
        await self._store.commit(
            Changeset(
                workspace_id=self._run.workspace_id,
                calls=[call],
                counters=moves,
                ledger=[entry],
                events=[] if kind == "reserve" else [self._event(call, at)],
                fence=self._fence,
            )
        )
        self._live.stir(self._run.root_id)
        self._live.stir(self._run.project_id)

    def _event(self, call: RecordedCall, at: datetime) -> Event:
        return Event(
            type="call.made",
            workspace_id=self._run.workspace_id,
            subject=call.key,
            actor=call.agent,
            on_behalf_of=self._run.on_behalf_of,
            at=at,
            project_id=self._run.project_id,
            correlation=self._run.correlation,
            cause=self._run.id,
            run_id=self._run.id,
            root_id=self._run.root_id,
            data={
                "purpose": call.purpose,
                "state": call.state,
                "agent": call.agent,
                "alias": call.alias,
                "reason": call.reason,
                "left_out": list(call.left_out),
                "rung": call.fit.rung,
                "repairs": list(call.fit.repairs),
                "asked": call.fit.asked,
                "cached": call.cached,
                "model": call.model,
                "task_id": self._run.task_id,
                "input_tokens": call.usage.input_tokens,
                "output_tokens": call.usage.output_tokens,
                "money": call.usage.money,
                "error": call.error,
            },
        )


def _by_itself(reply: Reply) -> Fit:
    """A call of a tool may have been read out of its text on the way."""
    return Fit(rung=reply.rung, repairs=reply.repairs)


CallsFor = Callable[[Run, Effect, Fence], Calls]
