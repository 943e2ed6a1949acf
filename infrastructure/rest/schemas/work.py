"""Plans, tasks, the inbox."""

from typing import Annotated, Any, Literal

from pydantic import Field

from infrastructure.rest.schemas.artifacts import ArtifactBody
from infrastructure.rest.schemas.forms import FormOut
from infrastructure.rest.schemas.projects import BudgetBody
from infrastructure.rest.schemas.wire import Amount, Text, Time, Wire, example


class AssigneeBody(Wire):
    kind: Literal["core", "custom", "person"]
    id: str


class CheckOut(Wire):
    rule: str
    params: dict[str, Any]


class CriterionOut(Wire):
    text: str
    check: CheckOut | None


class CheckBody(Wire):
    rule: str = Field(pattern=r"^[a-z_]+@\d+$", max_length=60)
    params: dict[str, Any] = Field(default_factory=dict)


class CriterionBody(Wire):
    text: str = Field(min_length=3, max_length=500)
    check: CheckBody | None = None


class ExpectedBody(Wire):
    kind: str = Field(min_length=1, max_length=40, pattern=r"^[a-z][a-z_]{0,39}$")
    section: str | None = None


class ExpectedOut(Wire):
    kind: str
    section: str


class TaskOut(Wire):
    model_config = example(
        id="tsk_06b2x", project_id="prj_06b2x", title="Summary of the sources", brief="Summarise …", state="done",
        complexity="simple", assignee={"kind": "core", "id": "agt_synthesizer"}, depends_on=[],
        expected=[{"kind": "summary", "section": "synthesis"}],
        criteria=[{"text": "It has at most 600 words", "check": {"rule": "length@1", "params": {"max_words": 600}}}],
        attempts=1, run_id="run_06b2z", findings=[], hint="", stale=None, due=None,
        way="parallel_drafts", form=None,
        budget={"money": None, "calls": 40, "tokens": None, "seconds": None}, created_at="2026-11-21T09:00:00Z",
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
    stale: str | None = Field(description="Why what was done may no longer do; retry it to have it done again.")
    due: Time | None
    way: str | None = Field(description="The workflow that it is done by; null: in one attempt.")
    form: str | None = Field(description="The form that a person fills in to do it.")
    budget: BudgetBody = Field(description="What all its attempts may use.")
    created_at: Time


Complexity = Literal["simple", "medium", "complex"]
Title = Annotated[str, Field(min_length=1, max_length=200)]
Brief = Annotated[str, Field(max_length=20_000)]
Way = Annotated[str, Field(max_length=70, description="A workflow; empty: in one attempt.")]
Minutes = Annotated[int, Field(ge=0, le=100_000, description="That you worked on it, if you want to say.")]
Key = Annotated[str, Field(min_length=1, max_length=80)]


class TaskPatch(Wire):
    model_config = example(assignee={"kind": "person", "id": "usr_06b2a"})
    assignee: AssigneeBody | None = None
    state: Literal["skipped", "cancelled"] | None = None
    title: Title | None = None
    brief: Brief | None = None
    complexity: Complexity | None = None
    depends_on: list[Key] | None = Field(None, max_length=100)
    criteria: list[CriterionBody] | None = Field(None, min_length=1, max_length=20)
    due: Time | None = Field(None, description="null takes it away.")
    way: Way | None = None
    budget: BudgetBody | None = Field(None, description="At any time, by itself; takes the place of the one before.")


class TaskBody(Wire):
    model_config = example(
        title="Compare the licences", brief="Which of them allow to sell the result?", expected=[{"kind": "framework"}]
    )
    title: Title
    brief: Brief = ""
    assignee: AssigneeBody | None = Field(None, description="The manager's usual choice when left out.")
    expected: list[ExpectedBody] = Field(default_factory=list, max_length=1)
    criteria: list[CriterionBody] = Field(default_factory=list, max_length=20)
    depends_on: list[Key] = Field(default_factory=list, max_length=100)
    complexity: Complexity = "medium"
    due: Time | None = None
    way: Way | None = Field(None, description="By the workflows' own rules when left out.")
    form: str | None = Field(None, max_length=80, description="A form that a person fills in; that does the task.")


class PlannedBody(Wire):
    """A task that exists (`id`; what is left out stays), or a new one with a `key` that others may depend on."""

    id: Key | None = None
    key: Key | None = None
    title: Title | None = None
    brief: Brief | None = None
    assignee: AssigneeBody | None = None
    expected: list[ExpectedBody] | None = Field(None, min_length=1, max_length=1)
    criteria: list[CriterionBody] | None = Field(None, min_length=1, max_length=20)
    depends_on: list[Key] | None = Field(None, max_length=100)
    complexity: Complexity | None = None
    due: Time | None = None
    way: Way | None = None


class PlanBody(Wire):
    model_config = example(
        tasks=[
            {"id": "tsk_06b2x"},
            {"key": "legal", "title": "Ask the lawyer", "assignee": {"kind": "person", "id": "usr_06b2a"}},
        ]
    )
    tasks: list[PlannedBody] = Field(min_length=1, max_length=1_000)


class HandInBody(ArtifactBody):
    model_config = example(title="What the lawyer said", text="# Answer\n\n…", minutes=45)
    minutes: Minutes | None = None


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


class ShortageOut(Wire):
    """A cap that a call would have passed. Money in millionths."""

    level: Literal["workspace", "project", "task"]
    id: str
    measure: Literal["calls", "money", "tokens", "seconds"]
    cap: int
    used: int
    held: int = Field(description="By calls under way.")
    wanted: int = Field(description="By the next call, at most.")
    least: int = Field(description="The smallest cap that lets it through.")


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
    form: FormOut | None = Field(description="What is to be filled in.")
    shortage: ShortageOut | None = Field(description="The budget that is used up.")
    created_at: Time


class AnswerBody(Wire):
    model_config = example(action="retry", hint="Use only the second source.")
    action: Literal["approve", "reject", "hand_in", "accept", "retry", "discard", "fill_in", "raise", "stop"]
    hint: str = Field("", max_length=5_000)
    title: str = Field("", max_length=300)
    text: Text = Field("", description="What is handed in.")
    answers: dict[str, Any] | None = Field(None, description="A form's answers, by field; or:")
    markdown: Text | None = Field(None, description="The form, filled in as Markdown.")
    cap: Amount | None = Field(None, description="What a budget is raised to.")
    minutes: Minutes | None = None
