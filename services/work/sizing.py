"""How hard a planned task is, in a small model's judgement: asked once for each task that the rules leave at medium,
where `refine` in routing.yaml says so."""

from typing import Any

from loguru import logger
from pydantic import JsonValue

from domain.ports.llm import LLMError, Request
from domain.project import Project
from domain.task import Complexity
from domain.template import PlannedStep
from services.running.effects import EffectContext
from services.work import structured
from services.work.choosing import Choosing

SIZED_TOKENS = 200
SIZED: dict[str, JsonValue] = {
    "type": "object",
    "properties": {
        "because": {"type": "string", "maxLength": 200},
        "complexity": {"type": "string", "enum": ["simple", "medium", "complex"]},
    },
    "required": ["because", "complexity"],
    "additionalProperties": False,
}
SYSTEM = "You judge how hard small pieces of work are, soberly and only from what you are given."


def sizing_task(title: str, brief: str) -> str:
    return (
        f"How hard is this task for a language model?\n{title}\n{brief[:2_000]}\n\nsimple: one thing is looked up or "
        "reworded. medium: several things are put together. complex: many conditions, conflicting sources, or code or "
        "sums that must be right. Say why in one sentence, then decide."
    )


async def sized(context: EffectContext, choosing: Choosing, project: Project, step: PlannedStep) -> PlannedStep:
    """The step as it is where it is not asked, and where no usable answer comes."""
    if not choosing.refines or step.complexity != "medium":
        return step
    choice = choosing.small("complexity", project.id)
    if context.calls.describe(choice.alias).rehearsal:
        return step
    request = Request(
        alias=choice.alias,
        reason=f"{choice.reason}; routing.yaml has the complexity refined",
        system=SYSTEM,
        task=sizing_task(step.title, step.brief.replace("{goal}", project.goal)),
        idempotency_key="-",
        schema=SIZED,
        max_output_tokens=SIZED_TOKENS,
        temperature=0.0,
    )
    try:
        complexity, _ = await structured.ask(
            context.calls, request, _complexity, agent=project.manager_id, purpose="plan: complexity"
        )
    except (structured.StructuredFailure, LLMError) as failure:
        logger.info("the complexity of a task stays medium: {}", failure)
        return step
    return step.model_copy(update={"complexity": complexity})


def _complexity(value: Any) -> Complexity:
    found: Complexity = value["complexity"]
    return found
