"""Who acts, and on whose behalf: the first argument of every use case and part of every event."""

from datetime import datetime
from typing import Literal

from pydantic.dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Principal:
    """`id` is a user or an agent; `on_behalf_of` the user an agent works for."""

    id: str
    workspace_id: str
    kind: Literal["person", "agent", "system"] = "person"
    on_behalf_of: str | None = None


@dataclass(frozen=True, kw_only=True)
class User:
    id: str
    workspace_id: str
    name: str
    created_at: datetime
    version: int = 0
