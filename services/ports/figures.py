"""How much there is of what, for those who watch over an installation."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Of one workspace: tasks by state, runs by phase, open items of the inbox, and runs that could go on now and
    wait for a place."""

    tasks: Mapping[str, int]
    runs: Mapping[str, int]
    inbox_open: int
    runs_due: int


class Figures(ABC):
    @abstractmethod
    async def counts(self, workspace_id: str) -> Counts:
        """Read from indexes alone."""
