"""Forms, and what the manager recommends."""

from typing import Any, Literal

from pydantic import Field

from domain.form import MAX_FIELDS, FormField
from infrastructure.rest.schemas.wire import Text, Time, Wire, example


class FormBody(Wire):
    model_config = example(
        template="questionnaire",
        title="Questions to the caretaker",
        fields=[{"name": "keys", "label": "Who has the keys?", "type": "long_text", "required": True}],
    )
    template: str = Field(min_length=1, max_length=40)
    title: str = Field("", max_length=120, description="The template's title without it.")
    answers: dict[str, Any] = Field(default_factory=dict, description="What is known already, by field.")
    fields: list[FormField] = Field(
        default_factory=list, max_length=MAX_FIELDS, description="Questions of your own, where the template takes some."
    )


class FormOut(Wire):
    template: str
    kind: str
    title: str
    description: str
    fields: list[FormField]
    answers: dict[str, Any]
    answers_schema: dict[str, Any] = Field(description="JSON Schema of the answers.")
    markdown: str = Field(description="To read, or to fill in and send back.")


class FillBody(Wire):
    model_config = example(answers={"text": "The lift is too small."})
    answers: dict[str, Any] | None = Field(None, description="By field; null empties one, what is left out stays. Or:")
    markdown: Text | None = Field(None, description="The whole form, filled in as Markdown.")
    filled_as: Literal["version", "derived"] = Field(
        "version", alias="as", description="A new version of the form, or an artifact derived from it."
    )


class RecommendationOut(Wire):
    model_config = example(
        id="rec_06b2x", project_id="prj_06b2x", rule="pre_mortem", makes="pre_mortem", form="pre_mortem",
        title="Pre-mortem: Order the heat pump", reason="“Order the heat pump” is hard to undo (order).",
        about=["tsk_06b2x"], state="open", withdrawn_because=None, artifact_id=None, task_id=None,
        created_at="2026-11-21T09:00:00Z",
    )  # fmt: skip
    id: str
    project_id: str
    rule: str
    makes: str
    form: str
    title: str
    reason: str
    about: list[str]
    state: str
    withdrawn_because: str | None
    artifact_id: str | None
    task_id: str | None
    created_at: Time
