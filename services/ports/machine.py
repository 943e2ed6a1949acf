"""The machine that models would run on, and the model servers that answer on it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from domain.memory import Shape


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """Its memory in bytes, all of it and what is free now; None where it has none of its own, or does not say."""

    name: str
    total: int | None = None
    free: int | None = None


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Sizes in bytes. `total` is the memory, `limit` what this process may take of it where that is limited (cgroup),
    `available` what is free now. `shared` is true where CPU and GPU share that memory. `name` is of a known board or
    chip, `jetpack` and `cuda` are versions; empty where there is none."""

    system: str
    name: str = ""
    total: int
    available: int | None = None
    limit: int | None = None
    shared: bool = False
    gpus: tuple[Gpu, ...] = ()
    jetpack: str = ""
    cuda: str = ""
    disk_free: int | None = None


@dataclass(frozen=True, kw_only=True)
class Installed:
    """A model that a server has; `shape` where the server tells it."""

    name: str
    shape: Shape | None = None


@dataclass(frozen=True, kw_only=True)
class Server:
    """A model server on this machine. `evicts` is true where it makes room by itself, or holds no memory; `loaded` are
    the bytes that its models take now, 0 where it does not say."""

    kind: str
    address: str
    version: str = ""
    models: tuple[Installed, ...] = ()
    evicts: bool = False
    loaded: int = 0


class Audit(ABC):
    @abstractmethod
    def machine(self, directory: Path) -> Machine:
        """What there is; the free disk is that of `directory`, or of the nearest one above it that exists. Never
        raises: what cannot be found out is left out, and memory that cannot be found out is 0."""


class ModelServers(ABC):
    @abstractmethod
    async def answering(self) -> tuple[Server, ...]:
        """Those that answer on loopback now. Asks no other machine, starts nothing, runs no model. Never raises."""
