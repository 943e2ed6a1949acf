"""Tasks and artifacts as boxes of a picture."""

from adapters.report import words
from adapters.report.drawing import Box
from domain.artifact import Stage
from domain.task import Task

ICONS: dict[Stage, str] = {"cognitive": "·", "intellectual": "◇", "information_product": "✓"}
LONGEST = 300


def of_task(task: Task, href: str, who: str = "") -> Box:
    """`who` does it, by name; the id of the assignee without one."""
    word, icon = words.STATES[task.state]
    id, person = task.spec.assignee.id, task.spec.assignee.kind == "person"
    note = who or (f"{id} (person)" if person else id)
    title = words.short(task.spec.title, LONGEST)
    return Box(id=task.id, title=title, note=note, word=word, icon=icon, tone=task.state, href=href)


def of_artifact(id: str, title: str, kind: str, stage: Stage, href: str) -> Box:
    return Box(
        id=id,
        title=words.short(title, LONGEST),
        note=words.plain(kind),
        word=words.STAGES[stage],
        icon=ICONS[stage],
        tone=stage,
        href=href,
    )
