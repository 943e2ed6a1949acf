"""Messages between agents of a project: what was sent, by whom, and what came of it."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue
from pydantic.dataclasses import dataclass

from domain.errors import RefusedTransition
from domain.ports.a2a import MessageKind

MessageState = Literal["sent", "answered", "expired", "told"]
MOVES: dict[MessageState, frozenset[MessageState]] = {
    "sent": frozenset({"answered", "expired"}),
    "answered": frozenset(),
    "expired": frozenset(),
    "told": frozenset(),
}


@dataclass(frozen=True, kw_only=True)
class SentMessage:
    """The row of a message. `run_id` is the run that sent it; a request or a delegation is `answered` by a reply of
    the same `correlation`, or `expired` when nobody waited for that any more, or it could not be begun. A reply and a
    broadcast are `told`: nothing is to come of them."""

    id: str
    workspace_id: str
    project_id: str
    kind: MessageKind
    sender: str
    recipient: str | None
    correlation: str
    run_id: str
    sent_at: datetime
    body: dict[str, JsonValue] = Field(default_factory=dict)
    deadline: datetime | None = None
    depth: Annotated[int, Field(ge=0)] = 0
    state: MessageState = "sent"
    version: int = 0

    def moved(self, state: MessageState) -> "SentMessage":
        if state not in MOVES[self.state]:
            raise RefusedTransition("message", self.id, self.state, state)
        return replace(self, state=state)
