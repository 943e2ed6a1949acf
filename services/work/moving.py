"""Whether a task gets anywhere: its drafts and reviews so far, of all attempts, before the domain's rules."""

from domain.qa import QARecord
from domain.standstill import Standstill, Step, findings_stay, refused_before
from domain.task import Task, TaskSpec
from services.running.effects import EffectContext
from services.work.legend import without_legend

MOST_DRAFTS = 12
STOOD = 4
"""One review more than an attempt has: what stands in all of them was not met by other words either."""


async def drafted_before(context: EffectContext, artifact_id: str, text: str, spec: TaskSpec) -> Standstill | None:
    """Whether a draft that says the same was refused for what the task still asks for."""
    drafts = []
    for record in (await _records(context, artifact_id))[-MOST_DRAFTS:]:
        if not record.passed:
            content = await context.content.get(record.workspace_id, record.digest)
            drafts.append(Step(without_legend(content.decode("utf-8", "replace")), _not_met(record)))
    return refused_before(drafts, without_legend(text), {criterion.text for criterion in spec.criteria})


async def found_again(context: EffectContext, task: Task, record: QARecord) -> Standstill | None:
    """Whether what `record` found has stood since before the task was planned anew; a person who asks for it once more
    gets all revisions again."""
    if record.passed or not task.replanned:
        return None
    reviews = [_not_met(each) for each in await _records(context, record.artifact_id)]
    return findings_stay([*reviews, _not_met(record)], STOOD)


async def _records(context: EffectContext, artifact_id: str) -> list[QARecord]:
    where = {"artifact_id": artifact_id}
    return await context.store.find(QARecord, context.run.workspace_id, where=where)


def _not_met(record: QARecord) -> tuple[str, ...]:
    return tuple(item.text for item in record.criteria if item.verdict == "not_met")
