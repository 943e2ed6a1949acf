"""The journal: who carries a run on, and what happened in it so far."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.agent_graph import AgentGraph
from domain.run import Run
from services.ports.store import JournalEntry, RecordedCall, Signal


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right to append to a run. `epoch` rises with each claim and fences out earlier owners."""

    run_id: str
    workspace_id: str
    owner: str
    epoch: int
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Segment:
    """What a claim starts from: the run, its graph, its snapshot (JSON, "" at first), the entries after it, and the
    signals that were due by then, in order."""

    claim: Claim
    run: Run
    graph: AgentGraph
    snapshot: str
    entries: tuple[JournalEntry, ...]
    signals: tuple[Signal, ...]


@dataclass(frozen=True, kw_only=True)
class History:
    """All that happened in a run, from its first tick on."""

    graph: AgentGraph
    entries: tuple[JournalEntry, ...]


@dataclass(frozen=True, kw_only=True)
class ReadyRun:
    run_id: str
    workspace_id: str
    project_id: str
    priority: int
    at: datetime


@dataclass(frozen=True, kw_only=True)
class ParkedRun:
    """A run that waits for something outside of it: for any of `needs`."""

    run_id: str
    workspace_id: str
    project_id: str
    priority: int
    needs: tuple[str, ...]


class Journal(ABC):
    @abstractmethod
    async def claim(self, run_id: str, owner: str, seconds: float) -> Segment | None:
        """The run for `owner`, unless it has ended or another's lease is live. By the store's clock."""

    @abstractmethod
    async def history(self, workspace_id: str, run_id: str) -> History | None: ...

    @abstractmethod
    async def renew(self, claim: Claim, seconds: float) -> bool:
        """Lengthens the lease. False when the claim is no longer the run's."""

    @abstractmethod
    async def release(self, claim: Claim, snapshot: str, seq: int, needs: Sequence[str] = ()) -> bool:
        """Gives the run back with a snapshot at `seq`. False, and nothing done, while a signal is due. A run with a
        signal that is due later becomes ready then; without one it is only a row. One that `needs` something is
        parked until `unpark`, or until a signal is due."""

    @abstractmethod
    async def parked(self, limit: int) -> list[ParkedRun]:
        """Those that wait for something: by priority (low first), then by id."""

    @abstractmethod
    async def unpark(self, needs: str) -> list[str]:
        """Makes the runs that wait for it ready at once; their ids."""

    @abstractmethod
    async def due(self, run_id: str) -> None:
        """Makes a run that is parked ready at once."""

    @abstractmethod
    async def abandon(self, owner_prefix: str = "") -> int:
        """Ends every lease at once: for a process that has just become the store's only owner."""

    @abstractmethod
    async def signals(self, run_id: str) -> list[Signal]:
        """The signals that are due and not taken up, in order."""

    @abstractmethod
    async def ready(self, limit: int) -> list[ReadyRun]:
        """Runs that are due: by priority (low first), then by time."""

    @abstractmethod
    async def next_due(self) -> datetime | None:
        """When the earliest run that is not due yet will be."""

    @abstractmethod
    async def set_back(self, before: datetime) -> None:
        """The clock was set back, from `before` to now: what was due by then is due at once."""

    @abstractmethod
    async def graph(self, digest: str) -> AgentGraph:
        """The AgentGraph that a run pinned."""

    @abstractmethod
    async def call(self, key: str) -> RecordedCall | None: ...
