"""A workspace: all projects and tasks of one owner, and what they may use together."""

from pydantic import Field
from pydantic.dataclasses import dataclass

from domain.budget import Budget


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """Stored once it was given a budget. `id` and `workspace_id` are one."""

    id: str
    workspace_id: str
    budget: Budget = Field(default_factory=Budget)
    version: int = 0
