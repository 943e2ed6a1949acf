"""The dispatcher hands ready runs to the runner."""

from abc import ABC, abstractmethod


class Dispatcher(ABC):
    @abstractmethod
    async def start(self) -> None:
        """Begins to hand out ready runs: by priority, then by time, up to a limit at once. A wake-up may be lost or
        doubled: it also looks for itself."""

    @abstractmethod
    async def stop(self, seconds: float) -> None:
        """Takes no more, gives runs under way up to `seconds` to reach a tick, then lets go of them. They go on at the
        next start."""
