"""The A2A port: agents of a project talking to each other.

A message is a row and a signal: it is stored with the tick that sends it, and the port carries its id to whoever must
hear of it. What is carried may be lost or come twice; the row is the truth.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Literal

from pydantic import Field, JsonValue
from pydantic.dataclasses import dataclass

MessageKind = Literal["request", "reply", "delegate", "broadcast"]


class A2AError(Exception):
    """The carrier is out of reach. Nothing is lost: the row is stored, and looked for again."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """`correlation` ties a reply to its request; a delegation's is the child run that answers it. `broadcast` has no
    single `recipient`. `deadline` in absolute time."""

    id: str
    kind: MessageKind
    recipient: str | None
    correlation: str
    body: dict[str, JsonValue] = Field(default_factory=dict)
    deadline: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """What is carried: ids, never words."""

    message_id: str
    workspace_id: str
    project_id: str


Receiver = Callable[[Envelope], Awaitable[None]]


class A2A(ABC):
    @abstractmethod
    async def announce(self, envelope: Envelope) -> None:
        """Tells whoever receives for the project, at least once. Raises A2AError."""

    @abstractmethod
    async def receive(self, receiver: Receiver) -> None:
        """Hands every announcement to `receiver`, until cancelled; a carrier that is out of reach is waited for. One
        that it failed at comes again."""

    @abstractmethod
    async def close(self) -> None:
        """Lets go of what announcing holds."""
