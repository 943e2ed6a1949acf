"""The A2A port: agents of a project talking to each other. Its adapters come with the whole team.

A message is a row and a signal: `send` returns once both are stored, delivery follows. Messages between the same
two agents keep their order; a message may be delivered twice and carries its id for that.
"""

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue
from pydantic.dataclasses import dataclass

MAX_DEPTH = 5


class A2AError(Exception):
    pass


class UnknownAgent(A2AError):
    pass


class TooDeep(A2AError):
    """A delegation of a delegation … past MAX_DEPTH."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """`kind` delegate makes a child run; broadcast has no single `recipient`. `deadline` in absolute time."""

    id: str
    workspace_id: str
    project_id: str
    kind: Literal["request", "reply", "delegate", "broadcast"]
    sender: str
    recipient: str | None
    correlation: str
    body: dict[str, JsonValue]
    deadline: datetime | None = None
    depth: Annotated[int, Field(ge=0, le=MAX_DEPTH)] = 0


class A2A(ABC):
    @abstractmethod
    async def send(self, message: Message) -> None:
        """Stores and announces `message`. Idempotent by its id. Raises UnknownAgent, TooDeep."""
