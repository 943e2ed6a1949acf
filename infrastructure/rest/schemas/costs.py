"""What calls cost."""

from pydantic import Field

from infrastructure.rest.schemas.runs import UsageOut
from infrastructure.rest.schemas.wire import Time, Wire, example

USED = {"input_tokens": 5200, "output_tokens": 900, "money": 4100, "calls": 7, "seconds": 31.5}


class ShareOut(Wire):
    key: str = Field(description="An id or a name; empty for what belongs to no task, or was not answered.")
    name: str = Field(description="The title where `key` is an id, else the same.")
    usage: UsageOut


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
        dearest=None,
    )
    currency: str
    total: UsageOut
    by_project: list[ShareOut] = Field(description="Of the workspace only.")
    by_agent: list[ShareOut]
    by_task: list[ShareOut] = Field(description="Of a project only. A task's artifact cost what its task did.")
    by_model: list[ShareOut]
    by_purpose: list[ShareOut]
    by_rung: list[ShareOut] = Field(
        description="How replies did that had to have a form, see `rung` of a call; empty for all other calls."
    )
    dearest: DearestOut | None = Field(description="The one call that cost most.")
