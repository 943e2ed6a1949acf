"""What an open page is told: names for what the events concern."""

from datetime import UTC, datetime
from typing import Any

from domain.events import Event
from infrastructure.web.views import news


def event(type: Any, subject: str = "x", **data: Any) -> Event:
    at = datetime(2026, 11, 21, tzinfo=UTC)
    return Event(type=type, workspace_id="wsp_1", subject=subject, actor="usr_1", at=at, data=data)


def test_events_are_told_by_their_kind_and_those_of_tasks_by_the_task_too() -> None:
    told = news.of([event("task.moved", "tsk_2"), event("task.moved", "tsk_1"), event("run.ended"), event("run.moved")])
    assert told == ["run", "task", "tsk_1", "tsk_2"]


def test_a_change_of_the_project_concerns_everything() -> None:
    assert news.ALL in news.of([event("project.changed")])


def test_a_plan_is_told_with_its_shape_which_titles_do_not_change_and_edges_do() -> None:
    def told(title: str, *after: str) -> list[str]:
        tasks = [{"id": "tsk_1", "title": title, "depends_on": []}, {"id": "tsk_2", "depends_on": list(after)}]
        return news.of([event("plan.adopted", tasks=tasks)])

    assert told("One", "tsk_1") == told("Other", "tsk_1") == ["plan", f"shape-{news.shape(SHAPE)}"]
    assert told("One", "tsk_1") != told("One")


SHAPE = (("tsk_1", ()), ("tsk_2", ("tsk_1",)))
