"""What is told at once and may be lost: wake-ups, news of events, text in the making. The truth is in the store."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable

from pydantic.dataclasses import dataclass

from domain.ports.a2a import Envelope


@dataclass(frozen=True, kw_only=True)
class TextDelta:
    run_id: str
    task_id: str | None
    text: str


class Live(ABC):
    @abstractmethod
    def wake(self, run_id: str) -> None:
        """A run may have something to do."""

    @abstractmethod
    def on_wake(self, listener: Callable[[str], None]) -> None:
        """`listener` is called with the id of each run that is woken."""

    @abstractmethod
    def free(self) -> None:
        """Something is there now that a run may be about to be parked for."""

    @abstractmethod
    def on_free(self, listener: Callable[[], None]) -> None: ...

    @abstractmethod
    def post(self, envelope: Envelope) -> None:
        """A message between agents was stored."""

    @abstractmethod
    def on_post(self, listener: Callable[[Envelope], None]) -> None: ...

    @abstractmethod
    def stir(self, scope: str) -> None:
        """A project or a root run has new events."""

    @abstractmethod
    def say(self, scopes: tuple[str, ...], delta: TextDelta) -> None:
        """A piece of text for whoever listens now."""

    @abstractmethod
    def listen(self, scope: str) -> AsyncIterator[TextDelta | None]:
        """None for each stir, and the pieces of text, from now on. At least one None comes at first."""

    @abstractmethod
    def close(self) -> None:
        """Ends every listener, now and later: the process stops."""
