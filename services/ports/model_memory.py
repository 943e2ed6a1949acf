"""Models on machines whose memory is limited: what they need, which are loaded, and loading them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Hosted:
    """A deployment on a machine whose memory models share. `bytes` is what it needs when it is loaded with its context
    and `slots` calls at once; `movable` is false where its backend holds it always. `load_seconds` is about how long
    loading takes."""

    key: str
    host: str
    bytes: int
    slots: int
    load_seconds: float
    movable: bool


class ModelMemory(ABC):
    """As the configuration stands; a changed one is another object."""

    @property
    @abstractmethod
    def limits(self) -> Mapping[str, int]:
        """Bytes that models may take, by the name of the machine; empty where no memory is planned for."""

    @abstractmethod
    def keys(self, alias: str) -> tuple[str, ...]:
        """The deployments behind `alias` that are on such machines."""

    @abstractmethod
    async def need(self, key: str) -> int | None:
        """The bytes that are planned for it; None where it is on no such machine. Never raises."""

    @abstractmethod
    async def hosted(self, host: str) -> tuple[Hosted, ...]:
        """All deployments on it. What is not configured is asked of their backends; a need that nobody knows is the
        whole limit, so that nothing is loaded beside it. Never raises."""

    @abstractmethod
    async def resident(self, host: str) -> frozenset[str]:
        """Keys of those that are loaded now, as their backends say. Never raises: one that does not answer has none."""

    @abstractmethod
    async def load(self, key: str) -> None:
        """Returns when it is loaded. Raises LLMError."""

    @abstractmethod
    async def unload(self, key: str) -> None:
        """Returns when its memory is free, or its backend said so. Raises LLMError."""
