"""Artifacts: what the work leaves behind. Versions are immutable and content-addressed.

A kind has a stage: cognitive (thinking tools, and what users hand over) or intellectual (products
derived from artifacts). A list by which things are found (tags, graph edges) is a thinking tool; what is
planned, written, built or reported is a product. A version of an intellectual artifact that passed QA by
a model or a person with no criterion unverified is an information product; that is derived, never stored.
"""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from domain.errors import ArtifactLocked, Invalid, RefusedTransition
from domain.qa import QARecord

Stage = Literal["cognitive", "intellectual", "information_product"]
Checked = Literal["given", "nobody", "rules", "unverified", "judged"]
"""How an artifact was judged: it was handed over, nobody did, rules alone, with something left unverified, in full."""
VersionState = Literal["staged", "published", "discarded"]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]

SECTIONS = (
    "sources", "plans", "drafts", "code", "schedule", "critique",
    "notes", "synthesis", "archive", "build", "alerts",
)  # fmt: skip
HANDED_OVER = frozenset({"goal", "instructions", "source", "handed_in"})
COGNITIVE = HANDED_OVER | {
    "note", "list", "checklist", "form", "worksheet", "questionnaire", "decision_matrix", "pre_mortem",
    "risk_matrix", "timeline", "glossary", "tags", "graph_edges",
}  # fmt: skip
INTELLECTUAL = frozenset({
    "report", "blueprint", "plan", "software", "script", "creative_work",
    "objectives", "roadmap", "drift_report", "scope_warning", "summary", "framework", "executive_brief",
    "review", "risk_register", "assumption_audit", "source_change", "unit_tests", "configuration", "patch",
    "task_breakdown", "time_allocation", "rescheduling_proposal", "catalogue_entry", "snapshot",
    "deliverable", "manifest", "build_log", "health_report", "alert", "anomaly",
})  # fmt: skip
MADE = (COGNITIVE | INTELLECTUAL) - HANDED_OVER
"""The kinds that agents make. People file others too, which count as intellectual."""
VERSION_MOVES: dict[VersionState, frozenset[VersionState]] = {
    "staged": frozenset({"published", "discarded"}),
    "published": frozenset(),
    "discarded": frozenset(),
}


@dataclass(frozen=True, kw_only=True)
class VersionRef:
    """A pinned version of an artifact."""

    artifact_id: str
    digest: Digest


@dataclass(frozen=True, kw_only=True)
class Citation:
    """`label` as it stands in the text, and the passage of the version that it points at."""

    label: str
    artifact_id: str
    digest: Digest
    ordinal: int = 0


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version. Staged ones have no number and are seen by their run, its reviewer and its inbox item.

    `text_digest` is its passages (a JSON list of strings), which search and prompts work from.
    `model` names what wrote it; `rehearsed` is true when no language model was used.
    """

    artifact_id: str
    workspace_id: str
    project_id: str
    kind: str
    digest: Digest
    text_digest: Digest | None = None
    media_type: str
    size: Annotated[int, Field(ge=0)]
    made_by: str
    created_at: datetime
    state: VersionState = "staged"
    number: Annotated[int, Field(ge=1)] | None = None
    derived_from: tuple[VersionRef, ...] = ()
    citations: tuple[Citation, ...] = ()
    task_id: str | None = None
    run_id: str | None = None
    model: str | None = None
    rehearsed: bool = False
    version: int = 0

    def __post_init__(self) -> None:
        if self.kind not in COGNITIVE and not self.derived_from:
            raise Invalid(
                f"A {self.kind} must derive from something: name the artifacts that {self.artifact_id} was made from."
            )
        if any(ref.digest == self.digest and ref.artifact_id == self.artifact_id for ref in self.derived_from):
            raise Invalid(f"A version of {self.artifact_id} cannot derive from itself.")
        if (self.state == "published") != (self.number is not None):
            raise Invalid(f"A published version of {self.artifact_id} has a number, another has none.")

    @property
    def id(self) -> str:
        return f"{self.artifact_id}@{self.run_id or ''}@{self.digest}"

    @property
    def ref(self) -> VersionRef:
        return VersionRef(artifact_id=self.artifact_id, digest=self.digest)

    def published(self, number: int) -> "Version":
        return replace(self._moved("published"), state="published", number=number)

    def discarded(self) -> "Version":
        return replace(self._moved("discarded"), state="discarded")

    def _moved(self, state: VersionState) -> "Version":
        if state not in VERSION_MOVES[self.state]:
            raise RefusedTransition("version", self.id, self.state, state)
        return self


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """`head` is the number of the latest published version; 0 while everything is staged."""

    id: str
    workspace_id: str
    project_id: str
    kind: Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}$")]
    section: str
    title: Annotated[str, Field(min_length=1, max_length=300)]
    owner_id: str
    created_at: datetime
    head: Annotated[int, Field(ge=0)] = 0
    digest: Digest | None = None
    task_id: str | None = None
    locked: bool = False
    qa: QARecord | None = None
    version: int = 0

    def __post_init__(self) -> None:
        if self.section not in SECTIONS:
            raise Invalid(f"A case file has no section {self.section!r}: use one of {', '.join(SECTIONS)}.")
        if self.qa is not None and (self.qa.artifact_id, self.qa.digest) != (self.id, self.digest):
            raise Invalid(f"The QA record {self.qa.id} is about another version than the head of {self.id}.")

    @property
    def stage(self) -> Stage:
        return stage_of(self.kind, self.qa)

    @property
    def checked(self) -> Checked | None:
        """How its head was judged; None while everything is staged."""
        if self.head == 0 or self.kind in HANDED_OVER:
            return None if self.head == 0 else "given"
        if self.qa is None:
            return "nobody"
        if self.qa.method == "rules":
            return "rules"
        return "unverified" if any(item.verdict == "unverified" for item in self.qa.criteria) else "judged"

    def writable(self) -> "Artifact":
        """Itself. Raises ArtifactLocked."""
        if self.locked:
            raise ArtifactLocked(self.id)
        return self

    def with_head(self, version: Version, qa: QARecord | None = None) -> "Artifact":
        """The artifact once `version` is published."""
        if version.artifact_id != self.id or version.number != self.head + 1:
            raise Invalid(f"The next version of {self.id} is number {self.head + 1}.")
        return replace(self.writable(), head=self.head + 1, digest=version.digest, qa=qa)

    def judged(self, qa: QARecord) -> "Artifact":
        """The artifact with `qa` on its head; a person's acceptance outranks what stood there."""
        return replace(self, qa=qa)


def stage_of(kind: str, qa: QARecord | None) -> Stage:
    if kind in COGNITIVE:
        return "cognitive"
    return "information_product" if qa is not None and qa.certifies else "intellectual"
