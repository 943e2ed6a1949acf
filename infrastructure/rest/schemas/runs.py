"""Runs, their calls and what they used."""

from typing import Annotated, Any

from pydantic import Field

from infrastructure.rest.schemas.wire import LARGEST, Time, Wire, example


class UsageOut(Wire):
    input_tokens: int
    output_tokens: int
    money: int
    calls: int
    seconds: float


class RunBody(Wire):
    model_config = example(replan=True)
    replan: bool = Field(False, description="Keep what is done, plan the rest anew, after a change of the goal say.")


class ForkBody(Wire):
    model_config = example(seq=3)
    seq: Annotated[int, Field(ge=1, le=LARGEST)] | None = Field(None, description="The last of its ticks by default.")


class RunOut(Wire):
    model_config = example(
        id="run_06b2z", project_id="prj_06b2x", parent_id=None, root_id="run_06b2z", task_id=None,
        workflow="project@1", state="running", result=None, reason="", attempt=1, created_at="2026-11-21T09:00:00Z",
        output=None, started_at="2026-11-21T09:00:00Z", ended_at=None,
        usage={"input_tokens": 0, "output_tokens": 0, "money": 0, "calls": 0, "seconds": 0.0},
    )  # fmt: skip
    id: str
    project_id: str | None = Field(description="Null for a run of the workspace's conversation.")
    parent_id: str | None
    root_id: str
    task_id: str | None
    workflow: str
    state: str
    result: str | None
    reason: str
    output: dict[str, Any] | None = Field(
        description="What its exit gave, texts as texts, 200 KB at most; null while it runs, and in lists."
    )
    attempt: int
    created_at: Time
    started_at: Time | None
    ended_at: Time | None
    usage: UsageOut


class CallOut(Wire):
    key: str
    state: str
    purpose: str
    agent: str
    alias: str
    reason: str = Field(description="Why this alias: the rules of routing.yaml that fitted, and models.yaml.")
    left_out: tuple[str, ...] = Field(description="The passages that did not fit the model's context.")
    rung: str = Field(
        description="How a reply did that had to have a form: `strict` as it stood; read all the same (`mended`, "
        "`coerced`, `repaired`); `cut` by its length; `refused` and asked for once more; `failed` for good. Else empty."
    )
    repairs: tuple[str, ...] = Field(description="What was changed to read it, each kind of change once.")
    asked: str = Field(
        description="`first`; `again` with the fault; with room for a `longer` reply; of a `stronger` model."
    )
    cached: bool = Field(description="The same was asked before: no model was asked, and it cost nothing.")
    model: str
    started_at: Time
    ended_at: Time | None
    usage: UsageOut
    error: str
