"""Which models are configured, and what is really there."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from domain.routing import Choice, Routing, Tier


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """One model on one backend, as configured. `key` is the alias, followed by a number where it has several; `served`
    are the tiers that it is for, `credentials` say where its key comes from, never what it is. `host` is the machine
    whose memory it shares with others, empty where no memory is planned for, and `host_limit` the bytes that models may
    take there."""

    key: str
    alias: str
    model: str
    backend: str
    address: str
    context_tokens: int
    parallel: int
    default: bool
    served: tuple[Tier, ...]
    stand_ins: tuple[str, ...]
    credentials: str
    host: str = ""
    host_limit: int | None = None


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a backend says of a model; None where it does not say. Sizes in bytes: of the file, and of the memory that
    it takes where it is loaded, of which `on_gpu` on the GPU; contexts in tokens: what it runs with, what it was
    trained for. `need` is the memory that is planned for it. `fault` is why it cannot be used."""

    there: bool
    loaded: bool | None = None
    size: int | None = None
    memory: int | None = None
    on_gpu: int | None = None
    context_tokens: int | None = None
    trained_tokens: int | None = None
    capabilities: tuple[str, ...] = ()
    need: int | None = None
    fault: str = ""


class Models(ABC):
    """What the configuration says now; it may change between two calls."""

    @abstractmethod
    def choose(self, tier: Tier, agent: str, project: str) -> Choice:
        """The alias for work of `tier` by the agent of that name in the project of that id, and why."""

    @abstractmethod
    def routing(self) -> Routing:
        """The rules that decide on the tier."""

    @abstractmethod
    def alias(self) -> str:
        """The default one."""

    @abstractmethod
    def deployments(self) -> tuple[Deployed, ...]:
        """All that are configured; none where work is rehearsed."""

    @property
    @abstractmethod
    def faults(self) -> tuple[str, ...]:
        """What is wrong with the files as they stand now, though the last good ones are in force."""

    @abstractmethod
    async def look(self, key: str) -> Seen:
        """Asks the backend of the deployment `key`, without running the model. Raises KeyError."""
