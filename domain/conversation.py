"""A conversation with the manager, of a project or of the workspace: turns, and what the manager proposes in them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue
from pydantic.dataclasses import dataclass

from domain.artifact import Citation
from domain.errors import Conflict, NotFound, RefusedTransition

MAX_SAID = 200_000
TurnState = Literal["thinking", "said", "failed"]
ProposalKind = Literal["plan_change", "task", "artifact", "agent", "project"]


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Something that a person may accept or dismiss. `data` is what is done when it is accepted, by `kind`."""

    id: str
    kind: ProposalKind
    title: str
    reason: str = ""
    data: dict[str, JsonValue] = Field(default_factory=dict)
    state: Literal["open", "accepted", "dismissed"] = "open"
    made: str | None = None

    def settled(self, state: Literal["accepted", "dismissed"], made: str | None = None) -> "Proposal":
        """Raises RefusedTransition when it was settled before. `made` is the id of what came of it."""
        if self.state != "open":
            raise RefusedTransition("proposal", self.id, self.state, state)
        return replace(self, state=state, made=made)


@dataclass(frozen=True, kw_only=True)
class Quotation(Citation):
    """A citation with what a reader sees of it: the title of the artifact, and how the passage begins."""

    title: str = ""
    quote: str = ""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What a conversation was about up to the turn `until`, in short: what is read instead of the turns themselves."""

    text: str = ""
    until: str = ""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What was said once, by a person or by the manager. A manager's turn is there from the start, `thinking`, and
    names the run that makes it. Without `project_id` it belongs to the workspace's conversation. `memory` is what the
    manager remembered when it said this."""

    id: str
    workspace_id: str
    project_id: str | None
    said_by: str
    role: Literal["person", "manager"]
    at: datetime
    text: Annotated[str, Field(max_length=MAX_SAID)] = ""
    state: TurnState = "said"
    answers: str | None = None
    run_id: str | None = None
    citations: tuple[Quotation, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    memory: Memory = Field(default_factory=Memory)
    model: str = ""
    rehearsed: bool = False
    kept_as: str | None = None
    version: int = 0

    def said(
        self,
        text: str,
        *,
        citations: Sequence[Quotation] = (),
        proposals: Sequence[Proposal] = (),
        memory: Memory | None = None,
        model: str = "",
        rehearsed: bool = False,
    ) -> "Turn":
        """What the manager was thinking about, said. Raises RefusedTransition when it was said, or failed, before."""
        self._still_thinking("said")
        return replace(
            self,
            state="said",
            text=text[:MAX_SAID],
            citations=tuple(citations),
            proposals=tuple(proposals),
            memory=memory or Memory(),
            model=model,
            rehearsed=rehearsed,
        )

    def failed(self, reason: str) -> "Turn":
        """It could not be said, for `reason`, a sentence."""
        self._still_thinking("failed")
        return replace(self, state="failed", text=reason[:MAX_SAID])

    def kept(self, artifact_id: str) -> "Turn":
        return replace(self, kept_as=artifact_id)

    def keepable(self) -> "Turn":
        """Itself. Raises Conflict while there is nothing to keep."""
        if self.state != "said":
            what = "is still being answered" if self.state == "thinking" else "failed; there is nothing to keep"
            raise Conflict(f"The message {self.id} {what}.")
        return self

    def proposal(self, id: str) -> Proposal:
        """Raises NotFound."""
        found = next((proposal for proposal in self.proposals if proposal.id == id), None)
        if found is None:
            raise NotFound("proposal", id)
        return found

    def settled(self, proposal_id: str, state: Literal["accepted", "dismissed"], made: str | None = None) -> "Turn":
        settled = self.proposal(proposal_id).settled(state, made)
        return replace(self, proposals=tuple(settled if p.id == proposal_id else p for p in self.proposals))

    def _still_thinking(self, to: TurnState) -> None:
        if self.state != "thinking":
            raise RefusedTransition("message", self.id, self.state, to)
