"""Conversations: what was said, what it cites, what is proposed."""

from typing import Annotated, Any

from pydantic import Field

from infrastructure.rest.schemas.runs import RunOut
from infrastructure.rest.schemas.wire import Text, Time, Wire, example


class SayBody(Wire):
    model_config = example(text="What does the manual say about the brake?")
    text: Text


class KeepBody(Wire):
    model_config = example(project_id="prj_06b2x")
    project_id: Annotated[str, Field(min_length=1, max_length=80)] | None = Field(
        None, description="Where to file it; needed for what was said in the workspace's conversation."
    )


class CitationOut(Wire):
    label: str = Field(description="As it stands in the text.")
    artifact_id: str
    digest: str = Field(description="Of the version that is cited.")
    ordinal: int = Field(description="The passage in it, from 0.")
    title: str
    quote: str = Field(description="How the passage begins.")


class ProposalOut(Wire):
    id: str
    kind: str = Field(description="plan_change, task, artifact, agent or project.")
    title: str
    reason: str
    data: dict[str, Any] = Field(description="What is done when it is accepted.")
    state: str = Field(description="open, accepted or dismissed.")
    made: str | None = Field(description="The id of what came of it.")


class TurnOut(Wire):
    model_config = example(
        id="trn_06b2x", project_id="prj_06b2x", role="manager", said_by="agt_06b2y", state="said",
        text="It must not be released by hand. [S1]", answers="trn_06b2w", run_id="run_06b2z",
        citations=[{"label": "S1", "artifact_id": "art_06b2x", "digest": "sha256:" + "0" * 64, "ordinal": 1,
                    "title": "Lift manual", "quote": "The brake must not be released by hand."}],
        proposals=[], model="qwen3-8b", rehearsed=False, kept_as=None, at="2026-11-21T09:00:00Z",
    )  # fmt: skip
    id: str
    project_id: str | None = Field(description="null in the workspace's conversation.")
    role: str = Field(description="person or manager.")
    said_by: str
    state: str = Field(description="thinking, said or failed; `text` says why it failed.")
    text: str
    answers: str | None = Field(description="The message that it answers.")
    run_id: str | None = Field(description="The run that makes it.")
    citations: list[CitationOut]
    proposals: list[ProposalOut]
    model: str
    rehearsed: bool
    kept_as: str | None = Field(description="The artifact that it was kept as.")
    at: Time


class AnsweringOut(TurnOut):
    """The manager's turn, and the run that makes it."""

    model_config = example(
        id="trn_06b2x", project_id="prj_06b2x", role="manager", said_by="agt_06b2y", state="thinking", text="",
        answers="trn_06b2w", run_id="run_06b2z", citations=[], proposals=[], model="", rehearsed=False, kept_as=None,
        at="2026-11-21T09:00:00Z", run={
            "id": "run_06b2z", "project_id": "prj_06b2x", "parent_id": None, "root_id": "run_06b2z", "task_id": None,
            "workflow": "turn@1", "state": "queued", "result": None, "reason": "", "output": None, "attempt": 1,
            "created_at": "2026-11-21T09:00:00Z", "started_at": None, "ended_at": None,
            "usage": {"input_tokens": 0, "output_tokens": 0, "money": 0, "calls": 0, "seconds": 0.0},
        },
    )  # fmt: skip
    run: RunOut
