"""The post office: what agents ask of each other becomes runs that answer. The rows are the truth; what the carrier
brings only makes it look sooner."""

import asyncio

from loguru import logger
from pydantic import JsonValue

from domain.changes import EndRun
from domain.errors import NotFound
from domain.message import SentMessage
from domain.ports.a2a import A2A, A2AError, Envelope
from domain.principal import Principal
from domain.run import MAX_DEPTH, Run
from services import filing, post
from services.canonical import digest_of_graph
from services.ports.clock import Clock
from services.ports.live import Live
from services.ports.store import Store, StoreError
from services.staff import Staff
from services.unit_of_work import Scene, UnitOfWork, repeated
from services.work.graphs import DELEGATED

SWEEP_SECONDS = 5.0
PAGE = 100


class PostOffice:
    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        live: Live,
        a2a: A2A,
        staff: Staff,
        sweep_seconds: float = SWEEP_SECONDS,
    ) -> None:
        self._store, self._clock, self._live, self._a2a, self._staff = store, clock, live, a2a, staff
        self._seconds = sweep_seconds
        self._announcing: set[asyncio.Task[None]] = set()
        self._open = False

    async def run(self, workspace_id: str) -> None:
        """Until cancelled. A carrier that is out of reach delays what is asked, and loses nothing."""
        self._open = True
        self._live.on_post(self._announce)
        receiving = asyncio.create_task(self._a2a.receive(self.deliver))
        try:
            while True:
                await self.sweep(workspace_id)
                await asyncio.sleep(self._seconds)
        finally:
            self._open = False
            for task in (receiving, *self._announcing):
                task.cancel()
            await asyncio.gather(receiving, *self._announcing, return_exceptions=True)

    async def sweep(self, workspace_id: str) -> None:
        """What was asked and never arrived, and what nobody waits for any more."""
        after: str | None = ""
        try:
            while after is not None:
                found = await self._store.find(
                    SentMessage, workspace_id, where={"state": "sent"}, after=after, limit=PAGE
                )
                for message in found:
                    await self._swept(message)
                after = found[-1].id if len(found) == PAGE else None
        except StoreError as error:
            logger.error("the post cannot be read: {}", error)

    async def _swept(self, message: SentMessage) -> None:
        """One that cannot be delivered holds nobody else up."""
        try:
            await self.deliver(_envelope(message))
        except StoreError:
            raise
        except Exception as error:
            logger.opt(exception=error).error("the message {} cannot be delivered, and is tried again", message.id)

    async def deliver(self, envelope: Envelope) -> None:
        """Starts the run that answers: once, however often the message comes."""
        await repeated(lambda: self._deliver(envelope))

    async def _deliver(self, envelope: Envelope) -> None:
        message = await self._store.get(SentMessage, envelope.workspace_id, envelope.message_id)
        if message is None or message.kind != "request" or message.state != "sent":
            return
        uow = self._unit(message)
        asker = await self._store.get(Run, message.workspace_id, message.run_id)
        run = self._answering(message, asker.correlation if asker is not None else "")
        started = await uow.seek(Run, run.id)
        if asker is None or asker.phase == "ended" or (message.deadline is not None and message.deadline <= uow.at):
            post.expire(uow, message)
            if started is not None and started.phase != "ended":
                uow.signal(run.id, "cancel", {"reason": "Nobody waits for its answer any more."})
        elif started is not None:
            return
        elif (refusal := self._refusal(message)) is not None:
            await post.close(uow, run, EndRun(result="failed", reason=refusal))
        else:
            filing.start_run(uow, run, DELEGATED)
        await uow.commit()

    def _refusal(self, message: SentMessage) -> str | None:
        if message.depth + 1 > MAX_DEPTH:
            return f"Agents ask each other {MAX_DEPTH} deep at most; this would be deeper."
        try:
            self._staff.agent(message.recipient or "")
        except NotFound as error:
            return str(error)
        return None

    def _answering(self, message: SentMessage, correlation: str) -> Run:
        id = f"run_{message.id.removeprefix('msg_')}"
        inputs: dict[str, JsonValue] = {
            "agent": message.recipient,
            "task": message.body.get("task"),
            "answers": message.id,
        }
        return Run(
            id=id,
            workspace_id=message.workspace_id,
            project_id=message.project_id,
            root_id=id,
            graph=DELEGATED.name,
            graph_digest=digest_of_graph(DELEGATED),
            actor=message.recipient or "",
            on_behalf_of=message.sender,
            created_at=self._clock.now(),
            correlation=correlation,
            depth=message.depth + 1,
            inputs=inputs,
            limits=DELEGATED.limits,
        )

    def _unit(self, message: SentMessage) -> UnitOfWork:
        principal = Principal(
            id=message.recipient or message.sender,
            workspace_id=message.workspace_id,
            kind="agent",
            on_behalf_of=message.sender,
        )
        scene = Scene(principal=principal, at=self._clock.now(), cause=message.id)
        return UnitOfWork(store=self._store, clock=self._clock, live=self._live, scene=scene)

    def _announce(self, envelope: Envelope) -> None:
        if not self._open:  # the sweep of the next start finds it
            return
        task = asyncio.create_task(self._carry(envelope))
        self._announcing.add(task)
        task.add_done_callback(self._announcing.discard)

    async def _carry(self, envelope: Envelope) -> None:
        try:
            await self._a2a.announce(envelope)
        except A2AError as error:
            logger.warning("{} It is stored, and will be found.", error)


def _envelope(message: SentMessage) -> Envelope:
    return Envelope(message_id=message.id, workspace_id=message.workspace_id, project_id=message.project_id)
