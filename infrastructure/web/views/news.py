"""What an open page is told when something happened: names for what it concerns, by which its parts listen.

A part of a page names in `data-live` what may change it: a kind of event (`task` for `task.moved`), the id of a task,
or `shape`: which tasks a plan has, and what each depends on. Without names, a part listens to everything.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from pydantic import JsonValue

from domain.events import Event

ALL = "all"
PAGE_WIDE = frozenset({"project", "member"})


def of(events: Iterable[Event]) -> list[str]:
    """Each name once, in the order of the alphabet."""
    return sorted({name for event in events for name in _names(event)})


def shape(tasks: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Of a plan, each task with those it depends on: the same for plans that are drawn alike."""
    return hashlib.sha256(repr([(id, list(after)) for id, after in tasks]).encode()).hexdigest()[:16]


def _names(event: Event) -> list[str]:
    kind = event.type.partition(".")[0]
    if kind in PAGE_WIDE:
        return [ALL]
    if kind == "task":
        return [kind, event.subject]
    if event.type == "plan.adopted" and isinstance(tasks := event.data.get("tasks"), list):
        return [kind, f"shape-{shape(_drawn(task) for task in tasks if isinstance(task, dict))}"]
    return [kind]


def _drawn(task: Mapping[str, JsonValue]) -> tuple[str, list[str]]:
    after = task["depends_on"]
    return str(task["id"]), [str(id) for id in after] if isinstance(after, list) else []
