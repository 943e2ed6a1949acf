"""The store: everything that commits together commits through `commit(Changeset)`.

StoreError
├── StoreFull         the disk is full; nothing of the changeset was kept
├── StoreUnusable     read-only, corrupted, of a newer version, owned by another process
└── LeaseLost         the run belongs to somebody else now
(`domain.errors.VersionMoved` and `LimitReached` are refusals of one changeset.)
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from pydantic import JsonValue

from domain.agent_graph import AgentGraph
from domain.artifact import Artifact, Version
from domain.changes import SignalName
from domain.conversation import Turn
from domain.events import Event
from domain.inbox import InboxItem
from domain.message import SentMessage
from domain.plan import Plan
from domain.principal import User
from domain.project import Member, Project
from domain.qa import QARecord
from domain.recommendation import Recommendation
from domain.run import Run, Usage
from domain.task import Task
from domain.workspace import Workspace
from services.ports.structured import NO_FORM, Fit

Entity = (
    Project
    | Member
    | Plan
    | Task
    | Artifact
    | Version
    | QARecord
    | Run
    | InboxItem
    | User
    | SentMessage
    | Turn
    | Recommendation
    | Workspace
)
E = TypeVar(
    "E",
    Project,
    Member,
    Plan,
    Task,
    Artifact,
    Version,
    QARecord,
    Run,
    InboxItem,
    User,
    SentMessage,
    Turn,
    Recommendation,
    Workspace,
)


class StoreError(Exception):
    """`str(error)` is one sentence: what happened, what to do."""


class StoreFull(StoreError):
    pass


class StoreUnusable(StoreError):
    pass


class LeaseLost(StoreError):
    def __init__(self, run_id: str) -> None:
        super().__init__(f"The run {run_id} is carried on by somebody else now.")


@dataclass(frozen=True, kw_only=True)
class Fence:
    """Holds when `run_id` is still claimed with `epoch` and the lease is live by the store's clock."""

    run_id: str
    epoch: int


@dataclass(frozen=True, kw_only=True)
class JournalEntry:
    """Tick `seq` of a run and the effects it emitted, as JSON. (`run_id`, `seq`) is unique."""

    run_id: str
    seq: int
    tick: str
    effects: str
    at: datetime
    codec: int = 1


@dataclass(frozen=True, kw_only=True)
class Signal:
    """Something for a run. Taken up once `due`; `position` is the store's, in the order of commits."""

    run_id: str
    name: SignalName
    due: datetime
    payload: Mapping[str, JsonValue] = field(default_factory=dict)
    position: int = 0


@dataclass(frozen=True, kw_only=True)
class RecordedCall:
    """A call to a model or a tool. `key` (run/seq/i/n) is its idempotency key; `reply` the digest of the content
    that answers it again; `reason` why this alias was chosen, `left_out`
    the passages that did not fit its context, `fit` how it did where it had to have a form;
    `cached` was asked before, and cost nothing."""

    key: str
    run_id: str
    workspace_id: str
    project_id: str
    state: str
    purpose: str
    agent: str
    alias: str
    started_at: datetime
    model: str = ""
    request: str = ""
    reply: str | None = None
    usage: Usage = field(default_factory=Usage)
    reserved: Usage = field(default_factory=Usage)
    ended_at: datetime | None = None
    error: str = ""
    reason: str = ""
    task_id: str | None = None
    left_out: tuple[str, ...] = ()
    fit: Fit = NO_FORM
    cached: bool = False


@dataclass(frozen=True, kw_only=True)
class CounterMove:
    """Moves a counter. Refused with CapReached when `reserve` or `spend` grow it past `cap`."""

    scope: str
    name: str
    spend: int = 0
    reserve: int = 0
    cap: int | None = None


@dataclass(frozen=True, kw_only=True)
class Counter:
    scope: str
    name: str
    spent: int
    reserved: int


@dataclass(frozen=True, kw_only=True)
class LedgerEntry:
    """Money (millionths), tokens and seconds: reserved before a call, settled with its reply. Of the kind `work`: the
    `minutes` that the person `by` said they worked, with no call."""

    project_id: str
    run_id: str
    call: str
    kind: str
    money: int
    at: datetime
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: int = 0
    task_id: str = ""
    by: str = ""
    minutes: int = 0


@dataclass(frozen=True, kw_only=True)
class Indexed:
    """The passages of a published version, for search. Replaces those of the artifact's earlier versions."""

    project_id: str
    artifact_id: str
    digest: str
    section: str
    task_id: str | None
    passages: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Idempotency:
    """What an Idempotency-Key led to, so that the same request answers the same."""

    principal: str
    key: str
    request: str
    kind: str = ""
    id: str = ""


@dataclass(frozen=True, kw_only=True)
class Changeset:
    """All or nothing.

    A put expects the stored row to have the entity's `version` (0: not there yet) and stores it one higher; an assert
    only expects it. A run that has ended is let go of with its last put. Positions, stream numbers and hashes are
    given at commit. `unparked` is what runs may have waited for (`ready.needs`) and need not any more.
    """

    workspace_id: str
    puts: Sequence[Entity] = ()
    asserts: Sequence[tuple[type[Entity], str, int]] = ()
    events: Sequence[Event] = ()
    indexed: Sequence[Indexed] = ()
    graphs: Sequence[tuple[str, AgentGraph]] = ()
    entries: Sequence[JournalEntry] = ()
    signals: Sequence[Signal] = ()
    consumed: Sequence[int] = ()
    ready: Sequence[Run] = ()
    unparked: Sequence[str] = ()
    calls: Sequence[RecordedCall] = ()
    counters: Sequence[CounterMove] = ()
    ledger: Sequence[LedgerEntry] = ()
    idempotency: Idempotency | None = None
    fence: Fence | None = None


class Store(ABC):
    @abstractmethod
    async def commit(self, changes: Changeset) -> None:
        """Durable once it returns. Raises VersionMoved (a put, an assert, a journal entry or an idempotency key was
        there first), LimitReached (a counter), LeaseLost (the fence), StoreFull, StoreUnusable; then nothing of it
        was kept. Cancelling the caller does not take back what was handed over."""

    @abstractmethod
    async def get(self, kind: type[E], workspace_id: str, id: str) -> E | None:
        """The entity, or None when this workspace has no such id."""

    @abstractmethod
    async def find(
        self,
        kind: type[E],
        workspace_id: str,
        *,
        where: Mapping[str, str | int | Sequence[str] | None] | None = None,
        after: str = "",
        limit: int = 1000,
        newest_first: bool = False,
    ) -> list[E]:
        """Entities whose columns equal (or are among) what `where` says, in the order of their ids, which is that of
        time; `after` is the id of the last one seen."""

    @abstractmethod
    async def owner(self) -> User | None:
        """The installation's first user, whatever the workspace: for starting up only."""

    @abstractmethod
    async def idempotency(self, workspace_id: str, principal: str, key: str) -> Idempotency | None:
        """What the key led to, within its 24 hours."""

    @abstractmethod
    async def calls(self, workspace_id: str, run_id: str) -> list[RecordedCall]:
        """The recorded calls of a run, in their order."""

    @abstractmethod
    async def usage(self, workspace_id: str, project_id: str) -> Usage:
        """All that a project's calls have used."""

    @abstractmethod
    async def tagged(self, workspace_id: str, project_id: str, topics: Sequence[str]) -> tuple[int, dict[str, int]]:
        """How many artifacts the project has, and how many of them are about each of `topics`; counted up to 1,000."""

    @abstractmethod
    async def counters(self, workspace_id: str, scopes: Sequence[str]) -> list[Counter]:
        """What is counted for `scopes` (`workspace:ID`, `project:ID`, `task:ID`), by the names of what budgets cap; the
        same effort however many calls there were."""

    async def spent(self, workspace_id: str, scope: str) -> Usage:
        """As budgets count it: calls, money, all tokens as `input_tokens`, seconds."""
        found = {counter.name: counter.spent for counter in await self.counters(workspace_id, [scope])}
        return Usage(
            calls=found.get("calls", 0),
            money=found.get("money", 0),
            input_tokens=found.get("tokens", 0),
            seconds=found.get("seconds", 0),
        )
