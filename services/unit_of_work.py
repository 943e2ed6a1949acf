"""A use case's view of the store: load, decide, commit, and again from a fresh snapshot when somebody was faster."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar, cast

from pydantic import JsonValue

from domain.agent_graph import AgentGraph
from domain.changes import SignalName
from domain.errors import NotFound, VersionMoved
from domain.events import Event, EventType
from domain.ids import make_id
from domain.ports.a2a import Envelope
from domain.principal import Principal
from domain.run import Run
from services.ports.clock import Clock
from services.ports.live import Live
from services.ports.store import (
    Changeset,
    E,
    Entity,
    Fence,
    Idempotency,
    Indexed,
    JournalEntry,
    LedgerEntry,
    Signal,
    Store,
)

T = TypeVar("T")
ATTEMPTS = 20


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What every event of a unit of work says: who, for whom, in which run, because of what."""

    principal: Principal
    at: datetime
    correlation: str = ""
    cause: str = ""
    run_id: str | None = None
    root_id: str | None = None


@dataclass(kw_only=True)
class UnitOfWork:
    """Entities that were read are asserted, those that were put are written, when `commit` is called."""

    store: Store
    clock: Clock
    live: Live
    scene: Scene
    fence: Fence | None = None
    _read: dict[tuple[type[Entity], str], Entity] = field(default_factory=dict)
    _put: dict[tuple[type[Entity], str], Entity] = field(default_factory=dict)
    _events: list[Event] = field(default_factory=list)
    _signals: list[Signal] = field(default_factory=list)
    _indexed: list[Indexed] = field(default_factory=list)
    _graphs: dict[str, AgentGraph] = field(default_factory=dict)
    _entries: list[JournalEntry] = field(default_factory=list)
    _consumed: list[int] = field(default_factory=list)
    _ready: list[Run] = field(default_factory=list)
    _ledger: list[LedgerEntry] = field(default_factory=list)
    _unparked: list[str] = field(default_factory=list)
    _idempotency: Idempotency | None = None
    _announced: list[Envelope] = field(default_factory=list)
    woken: set[str] = field(default_factory=set)
    stirred: set[str] = field(default_factory=set)

    @property
    def workspace_id(self) -> str:
        return self.scene.principal.workspace_id

    @property
    def at(self) -> datetime:
        return self.scene.at

    def new_id(self, kind: str) -> str:
        return make_id(kind, self.at, self.clock.entropy())

    async def get(self, kind: type[E], id: str) -> E:
        """Raises NotFound, for another workspace's ids too."""
        found = await self.seek(kind, id)
        if found is None:
            raise NotFound(kind.__name__.lower(), id)
        return found

    async def seek(self, kind: type[E], id: str) -> E | None:
        for known in (self._put, self._read):
            if (kind, id) in known:
                return cast(E, known[kind, id])
        found = await self.store.get(kind, self.workspace_id, id)
        if found is not None:
            self._read[kind, id] = found
        return found

    async def find(
        self,
        kind: type[E],
        where: Mapping[str, str | int | Sequence[str] | None],
        *,
        limit: int = 1000,
        newest_first: bool = False,
    ) -> list[E]:
        """As the store finds them, with what this unit has put already in their place."""
        found = await self.store.find(kind, self.workspace_id, where=where, limit=limit, newest_first=newest_first)
        for entity in found:
            self._read.setdefault((kind, entity.id), entity)
        return [cast(E, self._put.get((kind, entity.id), entity)) for entity in found]

    def put(self, entity: Entity) -> None:
        self._put[type(entity), entity.id] = entity

    def happened(
        self,
        type: EventType,
        subject: str,
        *,
        project_id: str | None,
        data: Mapping[str, JsonValue] | None = None,
        root_id: str | None = None,
        run_id: str | None = None,
        actor: str | None = None,
    ) -> None:
        scene, principal = self.scene, self.scene.principal
        self._events.append(
            Event(
                type=type,
                workspace_id=principal.workspace_id,
                subject=subject,
                actor=actor or principal.id,
                on_behalf_of=principal.on_behalf_of,
                at=scene.at,
                project_id=project_id,
                correlation=scene.correlation,
                cause=scene.cause,
                run_id=run_id or scene.run_id,
                root_id=root_id or scene.root_id,
                data=dict(data or {}),
            )
        )
        self.stirred |= {scope for scope in (project_id, root_id or scene.root_id) if scope}

    def signal(
        self, run_id: str, name: SignalName, payload: Mapping[str, JsonValue] | None = None, due: datetime | None = None
    ) -> None:
        self._signals.append(Signal(run_id=run_id, name=name, due=due or self.at, payload=payload or {}))
        self.woken.add(run_id)

    def announce(self, envelope: Envelope) -> None:
        """A message between agents, told of once it is stored."""
        self._announced.append(envelope)

    def index(self, indexed: Indexed) -> None:
        self._indexed.append(indexed)

    def start(self, run: Run, graph: AgentGraph) -> None:
        """A new run, ready at once."""
        self.put(run)
        self.pin(run.graph_digest, graph)
        self._ready.append(run)
        self.woken.add(run.id)

    def pin(self, digest: str, graph: AgentGraph) -> None:
        """Keeps the graph for runs that name its digest."""
        self._graphs[digest] = graph

    def unpark(self, needs: str) -> None:
        """Runs that wait for `needs` are due again."""
        self._unparked.append(needs)
        self.woken.add(needs)

    def book(self, entry: LedgerEntry) -> None:
        self._ledger.append(entry)

    def journal(self, entry: JournalEntry, consumed: Sequence[int] = ()) -> None:
        self._entries.append(entry)
        self._consumed += consumed

    def remember(self, idempotency: Idempotency) -> None:
        self._idempotency = idempotency

    async def commit(self) -> None:
        """Commits, then tells whoever waits for it."""
        await self.store.commit(self.changeset())
        for run in self.woken:
            self.live.wake(run)
        for scope in self.stirred:
            self.live.stir(scope)
        for envelope in self._announced:
            self.live.post(envelope)

    def changeset(self) -> Changeset:
        untouched = {key: entity for key, entity in self._read.items() if key not in self._put}
        return Changeset(
            workspace_id=self.workspace_id,
            puts=tuple(self._put.values()),
            asserts=tuple((kind, id, entity.version) for (kind, id), entity in untouched.items()),
            events=tuple(self._events),
            indexed=tuple(self._indexed),
            graphs=tuple(self._graphs.items()),
            entries=tuple(self._entries),
            signals=tuple(self._signals),
            consumed=tuple(self._consumed),
            ready=tuple(self._ready),
            unparked=tuple(self._unparked),
            ledger=tuple(self._ledger),
            idempotency=self._idempotency,
            fence=self.fence,
        )


async def repeated(attempt: Callable[[], Awaitable[T]]) -> T:
    """`attempt` until nobody was faster: at most 20 times, then VersionMoved."""
    for _ in range(ATTEMPTS - 1):
        try:
            return await attempt()
        except VersionMoved:
            continue
    return await attempt()
