"""What goes over the wire. Unknown fields are refused; times are RFC 3339 UTC."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

Time = Annotated[
    datetime,
    PlainSerializer(lambda at: at.astimezone(UTC).isoformat().replace("+00:00", "Z"), return_type=str),
]
Text = Annotated[str, Field(max_length=256_000)]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid")


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [fields]})


class BudgetBody(_Wire):
    money: Annotated[int, Field(ge=0)] | None = Field(None, description="Millionths of the currency, in all.")
    calls: Annotated[int, Field(ge=0)] | None = Field(None, description="Calls to models, in all.")


class ProjectBody(_Wire):
    model_config = _example(goal="Brief me on the obligations in these licences", name="Licences")
    goal: str = Field(description="What should exist at the end, in a sentence or a few.")
    name: str = ""
    instructions: str = Field("", description="How it should be done.")
    budget: BudgetBody = Field(default_factory=BudgetBody)
    approve_plan: bool = Field(False, description="Wait for a person to approve the plan.")


class ProjectPatch(_Wire):
    model_config = _example(instructions="Keep it to one page.")
    name: str | None = None
    instructions: str | None = None
    budget: BudgetBody | None = None
    approve_plan: bool | None = None


class ProjectOut(_Wire):
    model_config = _example(
        id="prj_06b2x", name="Licences", goal="Brief me on the obligations in these licences", instructions="",
        state="active", manager_id="agt_06b2y", owner_id="usr_06b2a", budget={"money": None, "calls": None},
        approve_plan=False, created_at="2026-11-21T09:00:00Z", usage=None,
    )  # fmt: skip
    id: str
    name: str
    goal: str
    instructions: str
    state: str
    manager_id: str
    owner_id: str
    budget: BudgetBody
    approve_plan: bool
    created_at: Time


class AssigneeBody(_Wire):
    kind: Literal["core", "custom", "person"]
    id: str


class CheckOut(_Wire):
    rule: str
    params: dict[str, Any]


class CriterionOut(_Wire):
    text: str
    check: CheckOut | None


class ExpectedOut(_Wire):
    kind: str
    section: str


class TaskOut(_Wire):
    model_config = _example(
        id="tsk_06b2x", project_id="prj_06b2x", title="Summary of the sources", brief="Summarise …", state="done",
        complexity="simple", assignee={"kind": "core", "id": "agt_synthesizer"}, depends_on=[],
        expected=[{"kind": "summary", "section": "synthesis"}],
        criteria=[{"text": "It has at most 600 words", "check": {"rule": "length@1", "params": {"max_words": 600}}}],
        attempts=1, run_id="run_06b2z", findings=[], hint="", created_at="2026-11-21T09:00:00Z",
    )  # fmt: skip
    id: str
    project_id: str
    title: str
    brief: str
    state: str
    complexity: str
    assignee: AssigneeBody
    depends_on: list[str]
    expected: list[ExpectedOut]
    criteria: list[CriterionOut]
    attempts: int
    run_id: str | None
    findings: list[str]
    hint: str
    created_at: Time


class TaskPatch(_Wire):
    model_config = _example(assignee={"kind": "person", "id": "usr_06b2a"})
    assignee: AssigneeBody | None = None
    state: Literal["skipped", "cancelled"] | None = None


class RetryBody(_Wire):
    model_config = _example(hint="Use the tables in annex B.")
    hint: str = Field("", max_length=5_000)


class PlanOut(_Wire):
    project_id: str
    number: int
    origin: str
    template: str | None
    made_by: str
    created_at: Time
    tasks: list[TaskOut]


class UsageOut(_Wire):
    input_tokens: int
    output_tokens: int
    money: int
    calls: int
    seconds: float


class RunOut(_Wire):
    model_config = _example(
        id="run_06b2z", project_id="prj_06b2x", parent_id=None, root_id="run_06b2z", task_id=None,
        workflow="project@1", state="running", result=None, reason="", attempt=1, created_at="2026-11-21T09:00:00Z",
        started_at="2026-11-21T09:00:00Z", ended_at=None,
        usage={"input_tokens": 0, "output_tokens": 0, "money": 0, "calls": 0, "seconds": 0.0},
    )  # fmt: skip
    id: str
    project_id: str
    parent_id: str | None
    root_id: str
    task_id: str | None
    workflow: str
    state: str
    result: str | None
    reason: str
    attempt: int
    created_at: Time
    started_at: Time | None
    ended_at: Time | None
    usage: UsageOut


class CallOut(_Wire):
    key: str
    state: str
    purpose: str
    agent: str
    alias: str
    model: str
    started_at: Time
    ended_at: Time | None
    usage: UsageOut
    error: str


class VerdictOut(_Wire):
    text: str
    verdict: str
    evidence: str


class QAOut(_Wire):
    checked_by: str
    method: str
    verdict: str
    criteria: list[VerdictOut]
    at: Time
    note: str


class RefOut(_Wire):
    artifact_id: str
    digest: str


class ArtifactOut(_Wire):
    model_config = _example(
        id="art_06b2x", project_id="prj_06b2x", title="Summary of the sources", kind="summary", section="synthesis",
        stage="intellectual", owner_id="usr_06b2a", version=1, digest="sha256:" + "0" * 64, locked=False,
        derived_from=[{"artifact_id": "art_06b2w", "digest": "sha256:" + "1" * 64}], made_by="agt_synthesizer",
        task_id="tsk_06b2x", run_id="run_06b2z", media_type="text/markdown", size=2345, model="rehearsal",
        rehearsed=True, qa=None, created_at="2026-11-21T09:00:00Z",
    )  # fmt: skip
    id: str
    project_id: str
    title: str
    kind: str
    section: str
    stage: str
    owner_id: str
    version: int
    digest: str
    locked: bool
    derived_from: list[RefOut]
    made_by: str
    task_id: str | None
    run_id: str | None
    media_type: str
    size: int
    model: str | None
    rehearsed: bool
    qa: QAOut | None
    created_at: Time


class ArtifactBody(_Wire):
    model_config = _example(
        title="Notes of the meeting", text="# Notes\n\nWe agreed to …", kind="note", section="notes"
    )
    title: Annotated[str, Field(min_length=1, max_length=300)]
    text: Text
    kind: Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}$")] = "source"
    section: str = "sources"
    derived_from: list[str] = Field(default_factory=list, max_length=100, description="Ids of artifacts.")


class VersionBody(_Wire):
    model_config = _example(text="# Notes\n\nCorrected.")
    text: Text


class VersionOut(_Wire):
    artifact_id: str
    number: int
    digest: str
    media_type: str
    size: int
    made_by: str
    model: str | None
    rehearsed: bool
    run_id: str | None
    task_id: str | None
    derived_from: list[RefOut]
    created_at: Time


class QABody(_Wire):
    model_config = _example(verdict="accept", note="Read and compared with the sources.")
    verdict: Literal["accept", "refuse"] = "accept"
    note: str = Field("", max_length=5_000)
    digest: str | None = Field(None, description="The version that was looked at; refused when it is not the head.")


class MemberBody(_Wire):
    model_config = _example(subject_id="usr_06b2a", role="editor")
    subject_id: str
    role: Annotated[str, Field(min_length=1, max_length=60)] = "contributor"


class MemberPatch(_Wire):
    model_config = _example(role="owner", behaviour="reactive")
    role: Annotated[str, Field(min_length=1, max_length=60)] | None = None
    behaviour: Literal["autonomous", "semi_autonomous", "reactive", "scheduled"] | None = None


class MemberOut(_Wire):
    id: str
    project_id: str
    kind: str
    subject_id: str
    name: str
    role: str
    behaviour: str
    autonomy: str
    triggers: list[str]


class InboxOut(_Wire):
    id: str
    project_id: str
    kind: str
    title: str
    detail: str
    state: str
    task_id: str | None
    run_id: str | None
    artifact_id: str | None
    has_draft: bool
    findings: list[str]
    answers: list[str]
    created_at: Time


class AnswerBody(_Wire):
    model_config = _example(action="retry", hint="Use only the second source.")
    action: Literal["approve", "reject", "hand_in", "accept", "retry", "discard"]
    hint: str = Field("", max_length=5_000)
    title: str = Field("", max_length=300)
    text: Text = Field("", description="What is handed in.")


class OutputTypeOut(_Wire):
    kind: str
    label: str
    section: str


class AgentOut(_Wire):
    id: str
    name: str
    title: str
    role: str
    kind: str
    reads: list[str]
    writes: list[str]
    outputs: list[OutputTypeOut]
    tier: str
    reviewer: str | None


class TemplateOut(_Wire):
    kind: str
    name: str
    title: str
    description: str
    steps: list[dict[str, Any]]


class FindingOut(_Wire):
    name: str
    level: str
    detail: str


class CaseFileOut(_Wire):
    project_id: str
    sections: dict[str, list[ArtifactOut]]
