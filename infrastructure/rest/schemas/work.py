"""Plans, tasks, the inbox."""

from typing import Any, Literal

from pydantic import Field

from infrastructure.rest.schemas.wire import Text, Time, Wire, example


class AssigneeBody(Wire):
    kind: Literal["core", "custom", "person"]
    id: str


class CheckOut(Wire):
    rule: str
    params: dict[str, Any]


class CriterionOut(Wire):
    text: str
    check: CheckOut | None


class ExpectedOut(Wire):
    kind: str
    section: str


class TaskOut(Wire):
    model_config = example(
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


class TaskPatch(Wire):
    model_config = example(assignee={"kind": "person", "id": "usr_06b2a"})
    assignee: AssigneeBody | None = None
    state: Literal["skipped", "cancelled"] | None = None


class RetryBody(Wire):
    model_config = example(hint="Use the tables in annex B.")
    hint: str = Field("", max_length=5_000)


class PlanOut(Wire):
    project_id: str
    number: int
    origin: str
    template: str | None
    made_by: str
    created_at: Time
    tasks: list[TaskOut]


class InboxOut(Wire):
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


class AnswerBody(Wire):
    model_config = example(action="retry", hint="Use only the second source.")
    action: Literal["approve", "reject", "hand_in", "accept", "retry", "discard"]
    hint: str = Field("", max_length=5_000)
    title: str = Field("", max_length=300)
    text: Text = Field("", description="What is handed in.")
