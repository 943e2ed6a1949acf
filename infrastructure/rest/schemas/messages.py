"""The conversation with the manager."""

from typing import Annotated, Any

from pydantic import Field

from infrastructure.rest.schemas.runs import RunOut
from infrastructure.rest.schemas.wire import Time, Wire, example


class MessageBody(Wire):
    model_config = example(text="What is left to do, and why?")
    text: Annotated[str, Field(min_length=1, max_length=200_000)]


class KeepBody(Wire):
    model_config = example(project_id="prj_06b2x")
    project_id: str | None = Field(None, description="Where, for what was said in the workspace's conversation.")


class CitationOut(Wire):
    label: str
    artifact_id: str
    digest: str
    ordinal: int
    title: str
    quote: str


class ProposalOut(Wire):
    id: str
    kind: str
    title: str
    reason: str
    data: dict[str, Any]
    state: str
    made: str | None


class TurnOut(Wire):
    id: str
    project_id: str | None
    role: str
    said_by: str
    state: str
    text: str
    answers: str | None
    run_id: str | None
    citations: list[CitationOut]
    proposals: list[ProposalOut]
    model: str
    rehearsed: bool
    kept_as: str | None
    at: Time


class AnsweringOut(TurnOut):
    run: RunOut
