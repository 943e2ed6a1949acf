"""What calls cost and people worked, and what is left of budgets."""

from typing import Literal

from pydantic import Field

from infrastructure.rest.schemas.projects import BudgetBody
from infrastructure.rest.schemas.runs import UsageOut
from infrastructure.rest.schemas.wire import Time, Wire, example

USED = {"input_tokens": 5200, "output_tokens": 900, "money": 4100, "calls": 7, "seconds": 31.5}


class ShareOut(Wire):
    key: str = Field(description="An id or a name; empty for what belongs to no task, or was not answered.")
    name: str = Field(description="The title where `key` is an id, else the same.")
    usage: UsageOut


class CapOut(Wire):
    level: Literal["workspace", "project", "task"]
    id: str = Field(description="Of the workspace, the project or the task.")
    name: str
    measure: Literal["calls", "money", "tokens", "seconds"]
    cap: int
    used: int


class WorkspaceBudgetOut(Wire):
    model_config = example(
        budget={"money": 20_000_000, "calls": None, "tokens": None, "seconds": None},
        caps=[
            {"level": "workspace", "id": "wsp_06b2x", "name": "the workspace", "measure": "money",
             "cap": 20_000_000, "used": 4100}
        ],
    )  # fmt: skip
    budget: BudgetBody
    caps: list[CapOut] = Field(description="What was used of each.")


class WorkedOut(Wire):
    """The minutes that a person said they worked."""

    project_id: str
    task_id: str | None
    task: str | None = Field(description="Its title.")
    user_id: str
    name: str
    minutes: int


class DearestOut(Wire):
    key: str
    run_id: str
    agent: str
    purpose: str
    model: str
    started_at: Time
    usage: UsageOut


class CostsOut(Wire):
    """Each list begins with the dearest, and has at most 100."""

    model_config = example(
        currency="EUR",
        total=USED,
        by_project=[],
        by_agent=[{"key": "agt_synthesizer", "name": "Synthesizer", "usage": USED}],
        by_task=[{"key": "tsk_06b2x", "name": "Executive brief", "usage": USED}],
        by_model=[{"key": "qwen3:4b", "name": "qwen3:4b", "usage": USED}],
        by_purpose=[{"key": "draft", "name": "draft", "usage": USED}],
        by_rung=[{"key": "strict", "name": "strict", "usage": USED}],
        by_artifact=[{"key": "art_06b2x", "name": "Executive brief", "usage": USED}],
        dearest=None, caps=[], minutes=0, worked=[],
    )  # fmt: skip
    currency: str
    total: UsageOut
    by_project: list[ShareOut] = Field(description="Of the workspace only.")
    by_agent: list[ShareOut]
    by_task: list[ShareOut] = Field(description="Of a project only.")
    by_model: list[ShareOut]
    by_purpose: list[ShareOut]
    by_rung: list[ShareOut] = Field(
        description="How replies did that had to have a form, see `rung` of a call; empty for all other calls."
    )
    by_artifact: list[ShareOut] = Field(
        description="Of a project only: what its task used, or the runs that made its versions."
    )
    caps: list[CapOut] = Field(description="Budgets of the workspace, the project and its tasks.")
    minutes: int = Field(description="That people said they worked, in all.")
    worked: list[WorkedOut] = Field(description="By task and person.")
    dearest: DearestOut | None = Field(description="The one call that cost most.")
