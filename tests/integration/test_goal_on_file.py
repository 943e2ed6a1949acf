"""The goal of a project is found however much else was filed under ids of the project's first moment."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.errors import Invalid
from services import filing
from tests.stores import Opened, W, a_project, opened, published


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Opened]:
    with opened(tmp_path) as everything:
        yield everything


async def test_alerts_and_watched_files_that_sort_before_it_do_not_hide_the_goal(at: Opened) -> None:
    uow = at.unit()
    uow.put(a_project())
    for number in range(12):
        await published(at, uow, (f"Alert {number}",), section="alerts")
        await published(at, uow, (f"File {number}",))
    goal = await published(at, uow, ("Keep bees",), kind="goal", section="plans")
    await uow.commit()
    found = await filing.goal_of(at.store, W, "prj_1")
    assert (found.artifact_id, found.digest) == (goal.id, goal.digest)


async def test_the_goal_of_another_project_is_not_taken(at: Opened) -> None:
    uow = at.unit()
    uow.put(a_project())
    await published(at, uow, ("Keep bees",), kind="goal", section="plans")
    await uow.commit()
    with pytest.raises(Invalid, match="prj_2"):
        await filing.goal_of(at.store, W, "prj_2")
