"""What is read of the projections: knowledge graph, search, streams. All are rebuilt from events and content."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from domain.events import Event
from domain.knowledge_graph import Edge, Node

Direction = Literal["in", "out", "both"]


@dataclass(frozen=True, kw_only=True)
class Subgraph:
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True, kw_only=True)
class Step:
    """A node, how many edges away it is, and the edge by which it was first come to."""

    id: str
    depth: int
    edge: Edge


@dataclass(frozen=True, kw_only=True)
class Reached:
    """Nearest first. `truncated` says that there is more."""

    steps: tuple[Step, ...]
    truncated: bool


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A passage that was found. `score` is higher for better ones, comparable within one search."""

    artifact_id: str
    digest: str
    ordinal: int
    text: str
    score: float


class Graphs(ABC):
    @abstractmethod
    async def whole(self, workspace_id: str, project_id: str | None, limit: int = 5000) -> Subgraph:
        """A project's graph, or the workspace's; the newest `limit` edges."""

    @abstractmethod
    async def neighbors(
        self,
        workspace_id: str,
        node: str,
        *,
        project_id: str | None = None,
        direction: Direction = "both",
        relation: str | None = None,
        depth: int = 1,
        limit: int = 1000,
    ) -> Subgraph:
        """What is within `depth` (1 to 5) edges of `node`."""

    @abstractmethod
    async def touching(self, workspace_id: str, id: str, limit: int = 5000) -> Subgraph:
        """An agent's graph: its edges, and those of what it made."""

    @abstractmethod
    async def reached(
        self,
        workspace_id: str,
        ids: Sequence[str],
        relations: Sequence[str],
        *,
        direction: Literal["in", "out"],
        project_id: str | None = None,
        depth: int = 1,
        limit: int = 500,
    ) -> Reached:
        """The nodes from which edges of `relations` lead to `ids` (`in`), or to which they lead (`out`), each once,
        without `ids`. The newest edges of a node come first. What it takes depends on `limit`, not on the graph."""

    @abstractmethod
    async def leading(
        self,
        workspace_id: str,
        ids: Sequence[str],
        relations: Sequence[str],
        *,
        direction: Literal["in", "out"],
        project_id: str | None = None,
        limit: int = 500,
    ) -> list[Edge]:
        """The edges of `relations` into or out of `ids`, one after another, the newest of each first; at most
        `limit` in all. What it takes depends on `limit` and `ids`, not on the graph."""

    @abstractmethod
    async def nodes(self, workspace_id: str, ids: Sequence[str]) -> dict[str, Node]:
        """By id. One that the graph does not have is labelled with its id."""

    @abstractmethod
    async def beginning(self, workspace_id: str, beginning: str, limit: int = 100) -> list[Node]:
        """The nodes whose ids begin so, in the order of their ids."""


class Search(ABC):
    @abstractmethod
    async def match(
        self,
        workspace_id: str,
        project_id: str,
        words: Sequence[str],
        *,
        sections: Sequence[str] | None = None,
        tasks: Sequence[str] | None = None,
        artifacts: Sequence[str] | None = None,
        limit: int = 50,
    ) -> list[Hit]:
        """Passages that hold any of `words`, best first. `tasks`: only what people handed over and what these tasks
        made. `artifacts`: only these. Filtered before ranking."""

    @abstractmethod
    async def passages(self, workspace_id: str, artifact_id: str) -> list[Hit]:
        """All passages of an artifact's head, in order."""


@dataclass(frozen=True, kw_only=True)
class Streamed:
    number: int
    event: Event


class Streams(ABC):
    @abstractmethod
    async def since(self, workspace_id: str, scope: str | None, number: int, limit: int = 500) -> list[Streamed]:
        """The events of a root run, a project or (None) the workspace after `number`; numbers have no gaps."""

    @abstractmethod
    async def latest(self, workspace_id: str, scope: str | None) -> int: ...

    @abstractmethod
    async def before(self, workspace_id: str, scope: str | None, at: datetime) -> int:
        """The number of the last event before `at`, 0 where there is none. Events come in the order of their commits,
        so one that is older than `at` by what a commit takes may come after it."""


class Audit(ABC):
    @abstractmethod
    async def check(self) -> list[str]:
        """Walks the audit chain of every workspace, rebuilds graph, search and streams from events and content, and
        compares. One sentence for each thing that does not agree; an empty list is good news."""
