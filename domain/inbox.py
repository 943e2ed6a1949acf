"""What waits for a person: approvals, work, tasks that need attention."""

from dataclasses import replace
from datetime import datetime
from typing import Literal

from pydantic import Field, JsonValue
from pydantic.dataclasses import dataclass

from domain.budget import Cap, Shortage
from domain.errors import Invalid, RefusedTransition

AskedKind = Literal["approval", "work", "attention", "form"]
"""What a run can ask; `budget` is asked for it."""
InboxKind = AskedKind | Literal["budget"]
ANSWERS: dict[InboxKind, tuple[str, ...]] = {
    "approval": ("approve", "reject"),
    "work": ("hand_in",),
    "attention": ("accept", "retry", "discard"),
    "form": ("fill_in",),
    "budget": ("raise", "stop"),
}


@dataclass(frozen=True, kw_only=True)
class InboxItem:
    """`run_id` waits for the answer when it is set; `draft` is a staged version to look at, `form` what
    is filled in: the name of a form template, or the id of a form. `shortage` is the cap that stopped the work which
    `needs` it to be raised."""

    id: str
    workspace_id: str
    project_id: str
    kind: InboxKind
    title: str
    detail: str
    created_at: datetime
    for_user: str
    task_id: str | None = None
    run_id: str | None = None
    artifact_id: str | None = None
    draft: str | None = None
    form: str | None = None
    needs: str | None = None
    shortage: Shortage | None = None
    findings: tuple[str, ...] = ()
    state: Literal["open", "answered", "withdrawn"] = "open"
    answer: dict[str, JsonValue] = Field(default_factory=dict)
    answered_at: datetime | None = None
    version: int = 0

    def answered(self, answer: dict[str, JsonValue], at: datetime) -> "InboxItem":
        """Raises RefusedTransition when it was answered before, Invalid on an answer it does not offer."""
        if self.state != "open":
            raise RefusedTransition("inbox item", self.id, self.state, "answered")
        if answer.get("action") not in ANSWERS[self.kind]:
            offered = ", ".join(ANSWERS[self.kind])
            raise Invalid(
                f"The item {self.id} is answered by one of: {offered}.", [("/action", f"must be one of {offered}")]
            )
        return replace(self, state="answered", answer=answer, answered_at=at)

    def stops(self, cap: Cap) -> bool:
        """Whether somebody was asked to raise just this cap and said stop."""
        return self.answer.get("action") == "stop" and self.shortage is not None and self.shortage.cap == cap

    def withdrawn(self) -> "InboxItem":
        return replace(self, state="withdrawn") if self.state == "open" else self
