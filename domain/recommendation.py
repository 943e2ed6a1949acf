"""What the manager recommends: a thinking tool at the right moment, with its reason."""

from dataclasses import replace
from datetime import datetime
from typing import Literal

from pydantic import Field, JsonValue
from pydantic.dataclasses import dataclass

from domain.errors import RefusedTransition

MAX_OPEN = 3  # at once, in a project


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """`rule` is what fired, `cause` the thing it fired on: together they are the reason that never returns. `makes` is
    the kind of cognitive artifact, `form` the form template, `about` the tasks and artifacts that it is about. One that
    is withdrawn was settled by nobody, and may be made again."""

    id: str
    workspace_id: str
    project_id: str
    rule: str
    cause: str
    makes: str
    form: str
    title: str
    reason: str
    created_at: datetime
    about: tuple[str, ...] = ()
    data: dict[str, JsonValue] = Field(default_factory=dict)
    state: Literal["open", "accepted", "dismissed", "withdrawn"] = "open"
    withdrawn_because: str = ""
    artifact_id: str | None = None
    task_id: str | None = None
    version: int = 0

    @property
    def key(self) -> str:
        return f"{self.rule}:{self.cause}"

    def settled(self, state: Literal["accepted", "dismissed"]) -> "Recommendation":
        """Raises RefusedTransition when it was settled before."""
        if self.state != "open":
            raise RefusedTransition("recommendation", self.id, self.state, state)
        return replace(self, state=state)

    def withdrawn(self, because: str) -> "Recommendation":
        """`because` is a sentence. Raises RefusedTransition when it was settled before."""
        if self.state != "open":
            raise RefusedTransition("recommendation", self.id, self.state, "withdrawn")
        return replace(self, state="withdrawn", withdrawn_because=because)

    def made_again(self, new: "Recommendation") -> "Recommendation":
        """What is said now, in place of what was withdrawn. Raises RefusedTransition unless it was."""
        if self.state != "withdrawn":
            raise RefusedTransition("recommendation", self.id, self.state, "open")
        return replace(new, version=self.version)
