"""Counts for those who watch over an installation: right, of one workspace, and from indexes alone."""

from dataclasses import replace

from adapters.store.figures import DUE, OPEN, RUNS, TASKS, SqlFigures
from services.ports.figures import Counts
from services.ports.store import Changeset
from tests.stores import OTHER, Opened, W, a_project, a_run, a_task, asked, started


async def test_an_empty_workspace_has_nothing(at: Opened) -> None:
    assert await SqlFigures(at.database).counts(W) == Counts(tasks={}, runs={}, inbox_open=0, runs_due=0)


async def test_tasks_and_runs_are_counted_by_state_in_their_workspace(at: Opened) -> None:
    tasks = [a_task("tsk_1"), a_task("tsk_2"), replace(a_task("tsk_3"), state="done")]
    await at.store.commit(Changeset(workspace_id=W, puts=[a_project(), *tasks]))
    await at.store.commit(started(a_run("run_1")))
    await at.store.commit(Changeset(workspace_id=OTHER, puts=[a_project("prj_o", OTHER)]))
    counts = await SqlFigures(at.database).counts(W)
    assert counts.tasks == {a_task("x").state: 2, "done": 1}
    assert counts.runs == {"queued": 1}
    assert counts.runs_due == 1
    assert (await SqlFigures(at.database).counts(OTHER)).tasks == {}


async def test_every_count_names_the_workspace(at: Opened) -> None:
    async with asked(at) as statements:
        await SqlFigures(at.database).counts(W)
    selects = [statement for _, statement in statements if "SELECT" in statement]
    assert len(selects) == 4
    assert all("workspace_id = " in statement for statement in selects)


async def test_no_row_is_read_to_count_tasks_and_runs(at: Opened) -> None:
    for statement in (TASKS, RUNS, OPEN, DUE):
        sql = str(statement.compile()).replace(":workspace", "'w'").replace(":now", "0").replace(":state_1", "'open'")
        plan = await at.rows(f"EXPLAIN QUERY PLAN {sql}")
        assert "USING COVERING INDEX" in str(plan) or "USING INDEX ix_ready_at" in str(plan), plan
