"""What calls used and what people worked, added up."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

from domain.run import Usage
from services.ports.store import RecordedCall

By = Literal["project_id", "agent", "task_id", "model", "purpose", "rung"]


@dataclass(frozen=True, kw_only=True)
class Share:
    """What all calls of one `key` (an agent, a task …) used. Rungs are of calls whose reply had to have a form, others
    have none."""

    key: str
    usage: Usage


@dataclass(frozen=True, kw_only=True)
class Worked:
    """The minutes that the person `by` said they worked, on a task or on none (""), in a project."""

    project_id: str
    task_id: str
    by: str
    minutes: int


class Costs(ABC):
    """Of calls that were made, also of those that failed or were called off: they may have been billed."""

    @abstractmethod
    async def shares(self, workspace_id: str, project_id: str | None, by: By, limit: int) -> tuple[Share, ...]:
        """The `limit` dearest: by money, then by tokens. Without a project of the whole workspace."""

    @abstractmethod
    async def of_artifacts(self, workspace_id: str, project_id: str, limit: int) -> tuple[Share, ...]:
        """The `limit` dearest of those that models made: what all calls of its task used, or where it belongs to no
        task, those of the runs that made its versions."""

    @abstractmethod
    async def worked(self, workspace_id: str, project_id: str | None) -> tuple[Worked, ...]:
        """By project, task and person, the longest first."""

    @abstractmethod
    async def total(self, workspace_id: str, project_id: str | None) -> Usage:
        """All of it."""

    @abstractmethod
    async def dearest(self, workspace_id: str, project_id: str | None) -> RecordedCall | None:
        """The call that cost most, by money, then by tokens."""
